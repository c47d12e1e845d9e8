/**
 * Are images whole? Lists and manifests are read as whoever opens images reads them, and lead to all that an image needs. Every blob that is there is
 * what its digest says, also one that no image needs; every layer is what its diffID says once decompressed, and has entries that can be put upon
 * the layers below: no name twice, no mark that names nothing, nothing that leaves the tree.
 */
import { ToolError } from "../errors.ts";
import { drain, type ByteSource } from "../stream/bytes.ts";
import { Findings, offsetIn, problemOf, type Finding } from "../stream/findings.ts";
import type { Digest } from "./digest.ts";
import type { Image, ImageArchive, Layer } from "./image.ts";
import { applyLayer } from "./layers/apply-layer.ts";
import { layerSource } from "./layers/image-files.ts";
import { RootTree } from "./layers/root-tree.ts";
import { layerType } from "./media-type.ts";
import { formatPlatform } from "./platform.ts";
import { openImages, type ImageDirectory, type OpenImagesOptions } from "./reading/open-images.ts";

/** An image that was looked at. */
export interface VerifiedImage {
  /** In full, or tags alone. */
  names: readonly string[];
  /** The manifest's. */
  digest: Digest;
  platform: string;
  layers: number;
  /** How many files it has; undefined if its layers make up no tree. */
  files: number | undefined;
}

/** Images, and what is wrong with them. */
export interface ImagesVerification {
  findings: readonly Finding[];
  /** How many there were beyond those. */
  moreFindings: number;
  images: readonly VerifiedImage[];
  /** How many were read. */
  blobs: number;
  /** Size of the blobs. */
  bytes: number;
  /** What is no damage but worth knowing. */
  notes: readonly string[];
}

/** Reads all images. @param what what messages call the input @throws ToolError if it cannot be read; what is wrong with it is returned */
export async function verifyImages(
  input: ByteSource | ImageDirectory,
  what: string,
  options: OpenImagesOptions,
): Promise<ImagesVerification> {
  const verifier = new Verifier();
  let archive: ImageArchive | undefined;
  try {
    archive = await openImages(input, what, options);
    await verifier.take(archive);
  } catch (error) {
    verifier.refuse(error);
  } finally {
    await archive?.close();
  }
  return verifier.result(archive?.notes ?? []);
}

class Verifier {
  readonly #findings = new Findings();
  readonly #images: VerifiedImage[] = [];
  /** Layers that have been read to their end, by digest and diffID. */
  readonly #layers = new Set<string>();
  /** Sizes of the blobs that have been read. */
  readonly #blobs = new Map<Digest, number>();

  async take(archive: ImageArchive): Promise<void> {
    for (const image of archive.images) {
      const { references, tags, manifest, platform, layers } = image;
      const files = await this.#takeImage(image, archive);
      const names = [...references, ...tags];
      this.#images.push({ names, digest: manifest.descriptor.digest, platform: formatPlatform(platform), layers: layers.length, files });
    }
    for (const digest of archive.digests) await this.#takeBlob(digest, archive);
  }

  /** Takes what keeps images from being opened. @throws the error, if it is not about them */
  refuse(error: unknown): void {
    const offset = offsetIn(error);
    this.#findings.add({ ...(offset === undefined ? {} : { offset }), problem: refusalOf(error) });
  }

  result(notes: readonly string[]): ImagesVerification {
    const { list: findings, more: moreFindings } = this.#findings;
    const bytes = [...this.#blobs.values()].reduce((sum, size) => sum + size, 0);
    return { findings, moreFindings, images: this.#images, blobs: this.#blobs.size, bytes, notes };
  }

  /** @returns how many files there are, if the layers make up a tree */
  async #takeImage({ layers }: Image, archive: ImageArchive): Promise<number | undefined> {
    let tree: RootTree | undefined = new RootTree();
    for (const [index, layer] of layers.entries()) {
      const { digest } = layer.descriptor;
      const blob = archive.blobs.find(digest);
      const isElsewhere = blob === undefined && layerType(layer.descriptor.mediaType)?.distributable === false;
      if (isElsewhere || (tree !== undefined && !(await this.#applies(tree, { layer, index })))) tree = undefined;
      if (isElsewhere) continue;
      await this.#takeLayer(layer);
      this.#blobs.set(digest, blob?.size ?? 0);
    }
    return tree?.names;
  }

  async #applies(tree: RootTree, { layer, index }: { layer: Layer; index: number }): Promise<boolean> {
    try {
      await applyLayer(tree, { layer: layerSource(layer), index });
      this.#layers.add(keyOf(layer));
      return true;
    } catch (error) {
      this.#refuseLayer(layer, error);
      return false;
    }
  }

  /** Reads a layer to its end that has not been read so far; of one whose entries cannot be taken nobody has seen the rest. */
  async #takeLayer(layer: Layer): Promise<void> {
    if (this.#layers.has(keyOf(layer))) return;
    this.#layers.add(keyOf(layer));
    try {
      await drain(layer.open());
    } catch (error) {
      this.#refuseLayer(layer, error);
    }
  }

  #refuseLayer({ descriptor }: Layer, error: unknown): void {
    const streamOffset = offsetIn(error);
    const problem = layerProblem(error);
    this.#findings.add({ member: descriptor.digest, ...(streamOffset === undefined ? {} : { streamOffset }), problem });
  }

  async #takeBlob(digest: Digest, { blobs }: ImageArchive): Promise<void> {
    if (this.#blobs.has(digest)) return;
    try {
      const blob = blobs.find(digest);
      this.#blobs.set(digest, blob?.size ?? 0);
      if (blob !== undefined) await drain(blob.open());
    } catch (error) {
      this.#findings.add({ member: digest, problem: problemOf(error) });
    }
  }
}

function keyOf({ descriptor, diffId }: Layer): string {
  return `${descriptor.digest} ${diffId}`;
}

/** What is wrong with images, named. @throws the error, if it is not about them */
function refusalOf(error: unknown): string {
  problemOf(error);
  const { message } = error as ToolError;
  return message.replace(/^Cannot (?:decompress |read (?:archive: |images(?: from "[^"]*")?: )?)/, "").replace(/ \(at byte \d+\)$/, "");
}

/** What is wrong with a layer that is named elsewhere. @throws the error, if it is not about the layer */
function layerProblem(error: unknown): string {
  const problem = problemOf(error);
  const { cause, facts } = error as ToolError;
  if (cause instanceof ToolError) return problemOf(cause);
  const path = facts["path"];
  return typeof path === "string" ? `"${path}": ${problem.replace(/^.*?" of layer "[^"]*": /, "")}` : problem;
}
