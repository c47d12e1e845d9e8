/**
 * Manifests and indexes: an image as its configuration and its layers, and a list of manifests.
 *
 * Both are JSON, and what one reader takes for a manifest another may take for an index if a text has the fields of both. So the media type
 * by which a text is referred to, the one that it gives itself, and its fields must all say the same.
 *
 * @see OCI image-spec v1.1 manifest.md, image-index.md; GHSA-77vh-xpmg-72qh, GHSA-mc8v-mgrf-8f4m (ambiguous documents)
 */
import { damaged } from "../errors.ts";
import { encodeDescriptor, readDescriptor, type Descriptor } from "./descriptor.ts";
import { digestBytes } from "./digest.ts";
import { Fields } from "./fields.ts";
import { parseJson } from "./json.ts";
import { documentKind, MEDIA_TYPES } from "./media-type.ts";
import { quoted } from "./quoted.ts";

/** A manifest, with the bytes it was read from. */
export interface Manifest {
  readonly raw: Uint8Array;
  /** Media type, digest and size of these bytes. */
  readonly descriptor: Descriptor;
  readonly config: Descriptor;
  /** The lowest first. */
  readonly layers: readonly Descriptor[];
  readonly annotations: Readonly<Record<string, string>>;
}

/** An index, with the bytes it was read from. */
export interface Index {
  readonly raw: Uint8Array;
  readonly manifests: readonly Descriptor[];
  readonly annotations: Readonly<Record<string, string>>;
}

/** Most layers of an image; Docker makes no more than 127. */
export const LAYERS_LIMIT = 1000;

const SCHEMA_VERSION = 2;
/** Fields that only the one has, and only the other. */
const MANIFEST_FIELDS = ["config", "layers", "fsLayers"];
const INDEX_FIELDS = ["manifests", "fsLayers"];

/**
 * Reads a manifest.
 *
 * @param raw the bytes that the descriptor stands for, digest and size checked
 * @throws ToolError damaged
 */
export function parseManifest(raw: Uint8Array, descriptor: Descriptor): Manifest {
  const fields = readDocument(raw, `manifest "${descriptor.digest}"`, { mediaType: descriptor.mediaType, alien: INDEX_FIELDS });
  const { mediaType, digest, size } = descriptor;
  return {
    raw,
    descriptor: { mediaType, digest, size },
    config: readDescriptor(fields.requiredObject("config")),
    layers: fields.objects("layers").map(readDescriptor),
    annotations: fields.stringMap("annotations") ?? {},
  };
}

/** Reads an index. @param where what messages call it, quoted @throws ToolError damaged */
export function parseIndex(raw: Uint8Array, where: string, mediaType: string = MEDIA_TYPES.index): Index {
  const fields = readDocument(raw, where, { mediaType, alien: MANIFEST_FIELDS });
  return { raw, manifests: fields.objects("manifests").map(readDescriptor), annotations: fields.stringMap("annotations") ?? {} };
}

/** Writes a manifest; the same parts give the same bytes. */
export function makeManifest(parts: {
  config: Descriptor;
  layers: readonly Descriptor[];
  annotations?: Readonly<Record<string, string>>;
}): Manifest {
  const { config, layers, annotations = {} } = parts;
  const raw = Buffer.from(
    JSON.stringify({
      schemaVersion: SCHEMA_VERSION,
      mediaType: MEDIA_TYPES.manifest,
      config: encodeDescriptor(config),
      layers: layers.map(encodeDescriptor),
      ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
    }),
  );
  return { raw, descriptor: { mediaType: MEDIA_TYPES.manifest, digest: digestBytes(raw), size: raw.length }, config, layers, annotations };
}

/** Parses a text, and checks that it is what it is said to be. */
function readDocument(raw: Uint8Array, where: string, { mediaType, alien }: { mediaType: string; alien: readonly string[] }): Fields {
  const fields = new Fields(parseJson(raw, where), where);
  if (fields.requiredCount("schemaVersion") !== SCHEMA_VERSION) throw damaged(`Cannot read ${where}: its schema version is not 2`);
  const own = fields.string("mediaType") ?? "";
  if (own !== "" && documentKind(own) !== documentKind(mediaType)) {
    throw damaged(`Cannot read ${where}: it is said to be ${quoted(mediaType)}, it says it is ${quoted(own)}`);
  }
  const field = alien.find((name) => fields.has(name));
  if (field === undefined) return fields;
  throw damaged(`Cannot read ${where}: it is said to be ${quoted(mediaType)}, which has no "${field}"`);
}
