/**
 * Images of an OCI layout: `index.json` names manifests, and indexes that list more of them, for other platforms mostly.
 *
 * Of an index, the manifests may be missing: containerd and Docker save one platform of an image together with the index of all. What is there must
 * be whole. Manifests of other things (attestations, charts, signatures) are none of images.
 *
 * @see OCI image-spec v1.1 image-layout.md, image-index.md; containerd `core/images/annotations.go` (`AnnotationImageName`)
 */
import { damaged } from "../../errors.ts";
import { parseImageConfig, type ImageConfig } from "../config.ts";
import type { Descriptor } from "../descriptor.ts";
import type { Digest } from "../digest.ts";
import { Fields } from "../fields.ts";
import type { BlobSource, Image, Target } from "../image.ts";
import { parseJson } from "../json.ts";
import { LAYERS_LIMIT, parseIndex, parseManifest, type Manifest } from "../manifest.ts";
import { documentKind, isConfigType, layerType } from "../media-type.ts";
import { formatPlatform, type Platform } from "../platform.ts";
import { quoted } from "../quoted.ts";
import { isTag, normalizeReference } from "../reference.ts";
import { requireBlob } from "./blobs.ts";
import { joinNames, type Contents, type Names } from "./contents.ts";
import { Expansion } from "./expansion.ts";
import { requireFile, type StoredFiles } from "./files.ts";
import type { JsonReader } from "./json-reader.ts";
import { StoredLayer } from "./stored-layer.ts";

/** The annotation of a name in full, which containerd and Docker write, and of one that may be a tag only. */
const NAME_ANNOTATION = "io.containerd.image.name";
const REF_NAME_ANNOTATION = "org.opencontainers.image.ref.name";
/** What makes files a layout. */
export const LAYOUT_MARKER = "oci-layout";
const LAYOUT_VERSION = "1.0.0";
const INDEX = "index.json";
const LISTED = 10;
const DEPTH_LIMIT = 8;
const DESCRIPTORS_LIMIT = 20_000;

/** What reading takes besides the files. */
export interface Reading {
  readonly blobs: BlobSource;
  readonly texts: JsonReader;
  readonly expansion: Expansion;
}

/** Reads the images. @throws ToolError damaged, naming what is missing or wrong */
export async function readLayout(files: StoredFiles, reading: Reading): Promise<Contents> {
  checkVersion(await reading.texts.file(requireFile(files, LAYOUT_MARKER, "a layout")));
  const { manifests } = parseIndex(await reading.texts.file(requireFile(files, INDEX, "a layout")), `"${INDEX}"`);
  const walk = new Walk(reading);
  for (const descriptor of manifests) await walk.target(descriptor);
  return walk.contents();
}

/** Goes from the targets to the images, each but once. */
class Walk {
  readonly #reading: Reading;
  readonly #images = new Map<Digest, Image | undefined>();
  readonly #targets = new Map<Digest, Target>();
  readonly #notes = new Set<string>();
  #descriptors = 0;

  constructor(reading: Reading) {
    this.#reading = reading;
  }

  contents(): Contents {
    const images = [...this.#images.values()].filter((image) => image !== undefined);
    return { images, targets: [...this.#targets.values()], notes: [...this.#notes] };
  }

  /** Something that index.json names; several entries may name the same. */
  async target(descriptor: Descriptor): Promise<void> {
    const names = namesOf(descriptor);
    const known = this.#targets.get(descriptor.digest);
    this.#targets.set(descriptor.digest, { descriptor: known?.descriptor ?? descriptor, ...joinNames(known, names) });
    await this.#visit(descriptor, { names, depth: 0 });
  }

  async #visit(descriptor: Descriptor, place: { names: Names; depth: number }): Promise<void> {
    this.#descriptors += 1;
    if (this.#descriptors > DESCRIPTORS_LIMIT) throw damaged(`Cannot read images: the indexes list more than ${DESCRIPTORS_LIMIT} of them`);
    const kind = documentKind(descriptor.mediaType);
    if (kind === "index") await this.#visitIndex(descriptor, place);
    else if (kind === "manifest") await this.#visitManifest(descriptor, place.names);
    else if (/docker\.distribution\.manifest\.v1/.test(descriptor.mediaType)) throw tooOld(descriptor);
    else this.#notes.add(`"${descriptor.digest}" is no image: its media type is ${quoted(descriptor.mediaType)}`);
  }

  async #visitIndex(descriptor: Descriptor, { names, depth }: { names: Names; depth: number }): Promise<void> {
    if (depth === DEPTH_LIMIT) throw damaged(`Cannot read index "${descriptor.digest}": it is nested deeper than ${DEPTH_LIMIT}`);
    const { blobs, texts } = this.#reading;
    const raw = await texts.blob(blobs, descriptor, "index");
    const { manifests } = parseIndex(raw, `index "${descriptor.digest}"`, descriptor.mediaType);
    const images = manifests.filter((child) => !isAttestation(child));
    const there = images.filter(({ digest }) => blobs.find(digest) !== undefined);
    const [absent] = images;
    if (there.length === 0 && absent !== undefined) requireBlob(blobs, absent, "manifest");
    if (there.length < images.length) this.#notes.add(absenceIn(images, blobs));
    for (const child of there) await this.#visit(child, { names, depth: depth + 1 });
  }

  async #visitManifest(descriptor: Descriptor, names: Names): Promise<void> {
    const { digest } = descriptor;
    if (isAttestation(descriptor)) return;
    if (!this.#images.has(digest)) this.#images.set(digest, await this.#readImage(descriptor));
    else requireBlob(this.#reading.blobs, descriptor, "manifest");
    const image = this.#images.get(digest);
    if (image !== undefined) this.#images.set(digest, { ...image, ...joinNames(image, names) });
  }

  /** The image, or undefined if the manifest is one of something else. */
  async #readImage(descriptor: Descriptor): Promise<Image | undefined> {
    const { blobs, texts } = this.#reading;
    const manifest = parseManifest(await texts.blob(blobs, descriptor, "manifest"), descriptor);
    if (!isConfigType(manifest.config.mediaType)) {
      this.#notes.add(`"${descriptor.digest}" is no image: its configuration is of media type ${quoted(manifest.config.mediaType)}`);
      return undefined;
    }
    const config = parseImageConfig(await texts.blob(blobs, manifest.config, "configuration"), `configuration "${manifest.config.digest}"`);
    const platform = this.#platformOf(descriptor, config);
    return { references: [], tags: [], platform, manifest, config, layers: this.#layersOf(manifest, config) };
  }

  /** That of the index, where it has one, since that is what others choose by. */
  #platformOf({ digest, platform }: Descriptor, config: ImageConfig): Platform {
    if (platform === undefined) return config.platform;
    const [listed, own] = [formatPlatform(platform), formatPlatform(config.platform)];
    if (listed !== own) this.#notes.add(`"${digest}" is listed as ${quoted(listed)}, its configuration says ${quoted(own)}`);
    return platform;
  }

  #layersOf({ descriptor, layers }: Manifest, { diffIds }: ImageConfig): StoredLayer[] {
    if (layers.length !== diffIds.length) {
      throw damaged(`Cannot read manifest "${descriptor.digest}": it has ${layers.length} layers, its configuration ${diffIds.length}`);
    }
    if (layers.length > LAYERS_LIMIT) throw damaged(`Cannot read manifest "${descriptor.digest}": it has more than ${LAYERS_LIMIT} layers`);
    const expansion = new Expansion(this.#reading.expansion);
    return diffIds.map((diffId, index) => this.#layer(layers[index] as Descriptor, { diffId, expansion }));
  }

  #layer(descriptor: Descriptor, { diffId, expansion }: { diffId: Digest; expansion: Expansion }): StoredLayer {
    const { digest, mediaType } = descriptor;
    const type = layerType(mediaType);
    if (type === undefined) throw damaged(`Cannot read layer "${digest}": its media type ${quoted(mediaType)} is none that is known`);
    const { blobs } = this.#reading;
    const isAbsent = !type.distributable && blobs.find(digest) === undefined;
    if (isAbsent) this.#notes.add(`layer "${digest}" is not distributed with its image`);
    const blob = isAbsent ? undefined : requireBlob(blobs, descriptor, "layer");
    return new StoredLayer({ descriptor, diffId, blob, expansion });
  }
}

function checkVersion(raw: Uint8Array): void {
  const where = `"${LAYOUT_MARKER}"`;
  const version = new Fields(parseJson(raw, where), where).requiredString("imageLayoutVersion");
  if (version !== LAYOUT_VERSION) throw damaged(`Cannot read ${where}: it is of version ${quoted(version)}, not "${LAYOUT_VERSION}"`);
}

/** What a target is called. A name that can be neither is left out: the specification lets annotations be anything. */
function namesOf({ annotations = {} }: Descriptor): Names {
  const name = annotations[NAME_ANNOTATION] ?? annotations[REF_NAME_ANNOTATION] ?? "";
  if (annotations[NAME_ANNOTATION] === undefined && !/[/:@]/.test(name)) return { references: [], tags: isTag(name) ? [name] : [] };
  const reference = normalizeReference(name);
  return { references: reference === undefined ? [] : [reference], tags: [] };
}

/** Statements on how an image was built, which BuildKit lists beside it. */
function isAttestation({ annotations = {} }: Descriptor): boolean {
  return annotations["vnd.docker.reference.type"] !== undefined;
}

/** What an index lists and the archive has not. */
function absenceIn(images: readonly Descriptor[], blobs: BlobSource): string {
  const absent = images.filter(({ digest }) => blobs.find(digest) === undefined);
  const names = absent.map(({ digest, platform }) => (platform === undefined ? digest : formatPlatform(platform)));
  const more = names.length > LISTED ? ` and ${names.length - LISTED} more` : "";
  return `not there, though an index lists them: ${names.slice(0, LISTED).join(", ")}${more}`;
}

function tooOld({ digest, mediaType }: Descriptor): Error {
  return damaged(`Cannot read manifest "${digest}": ${quoted(mediaType)} is of schema version 1, which is not read`);
}
