/**
 * Images of a docker-archive: `manifest.json` lists images, each with the paths of its configuration and of its layers.
 *
 *     [{"Config": "<hex>.json", "RepoTags": ["alpine:3.20"], "Layers": ["<id>/layer.tar", …]}, …]
 *
 * Layers are plain tars mostly, of which the configuration has the digest. Docker up to 24 makes a layer that is there twice a symbolic link,
 * podman all those in directories.
 *
 * @see moby `image/tarexport/save.go`, `load.go`; containers/image `docker/internal/tarfile`
 */
import { damaged } from "../../errors.ts";
import { parseImageConfig, type ImageConfig } from "../config.ts";
import { isDigest, type Digest } from "../digest.ts";
import { Fields } from "../fields.ts";
import { parseJson, type JsonValue } from "../json.ts";
import { LAYERS_LIMIT } from "../manifest.ts";
import { quoted } from "../quoted.ts";
import { normalizeReference } from "../reference.ts";
import type { Assembly, FileLayer } from "./assembly.ts";
import { requireFile, storedPath, type StoredFiles } from "./files.ts";
import type { JsonReader } from "./json-reader.ts";

/** An image as manifest.json lists it. */
export interface ListedImage {
  /** What messages call it. */
  where: string;
  config: string;
  references: readonly string[];
  layers: readonly string[];
}

/** What makes an archive one. */
export const DOCKER_MANIFEST = "manifest.json";
const IMAGES_LIMIT = 10_000;

/** Reads the images. @throws ToolError damaged, naming what is missing or wrong */
export async function readDocker(files: StoredFiles, assembly: Assembly, texts: JsonReader): Promise<void> {
  for (const listed of await readDockerManifest(files, texts)) {
    const raw = await texts.file(requireFile(files, listed.config, listed.where));
    const config = checkedConfig(raw, listed.config);
    assembly.add(config, await describeLayers(files, { listed, config, assembly }), listed.references);
  }
}

/** The list of images. @throws ToolError damaged */
export async function readDockerManifest(files: StoredFiles, texts: JsonReader): Promise<ListedImage[]> {
  const where = `"${DOCKER_MANIFEST}"`;
  const list = parseJson(await texts.file(requireFile(files, DOCKER_MANIFEST, "a docker-archive")), where);
  if (!Array.isArray(list)) throw damaged(`Cannot read ${where}: it is no list of images`);
  if (list.length > IMAGES_LIMIT) throw damaged(`Cannot read ${where}: it lists more than ${IMAGES_LIMIT} images`);
  return list.map((value: JsonValue, index) => readListedImage(new Fields(value, `${where}, image ${index + 1}`)));
}

function readListedImage(fields: Fields): ListedImage {
  const layers = fields.strings("Layers") ?? [];
  if (layers.length > LAYERS_LIMIT) throw damaged(`Cannot read ${fields.where}: it has more than ${LAYERS_LIMIT} layers`);
  return {
    where: fields.where,
    config: fields.requiredString("Config"),
    references: (fields.strings("RepoTags") ?? []).map((tag) => readRepoTag(tag, fields.where)),
    layers,
  };
}

function readRepoTag(tag: string, where: string): string {
  const reference = normalizeReference(tag);
  if (reference !== undefined) return reference;
  throw damaged(`Cannot read ${where}: ${quoted(tag)} is no image name`);
}

/** @throws ToolError damaged if it is not what its path says */
function checkedConfig(raw: Uint8Array, path: string): ImageConfig {
  const config = parseImageConfig(raw, `configuration ${quoted(path)}`);
  const said = digestInPath(path);
  if (said === undefined || said === config.digest) return config;
  throw damaged(`Cannot read configuration ${quoted(path)}: its digest is "${config.digest}"`, {
    facts: { expected: said, actual: config.digest },
  });
}

async function describeLayers(
  files: StoredFiles,
  { listed, config, assembly }: { listed: ListedImage; config: ImageConfig; assembly: Assembly },
): Promise<FileLayer[]> {
  const { layers, where } = listed;
  if (layers.length !== config.diffIds.length) {
    throw damaged(`Cannot read ${where}: it has ${layers.length} layers, its configuration ${config.diffIds.length}`);
  }
  const described: FileLayer[] = [];
  for (const [index, diffId] of config.diffIds.entries()) {
    const file = requireFile(files, layers[index] ?? "", where);
    described.push(await assembly.describe(file, { diffId, digest: digestInPath(file.path) }));
  }
  return described;
}

/** The digest that a path is named by: `<hex>.json` of a configuration, `blobs/sha256/<hex>` of anything. */
export function digestInPath(path: string): Digest | undefined {
  const hex = /^(?:.*\/)?([0-9a-f]{64})\.json$|^blobs\/sha256\/([0-9a-f]{64})$/.exec(storedPath(path) ?? "");
  const digest = `sha256:${hex?.[1] ?? hex?.[2] ?? ""}`;
  return isDigest(digest) ? digest : undefined;
}
