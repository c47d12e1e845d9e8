/** Whether the images of a store are whole: everything that they need is there, and is what its digest says, decompressed too. */
import { ToolError } from "../../errors.ts";
import { drain } from "../../stream/bytes.ts";
import type { Progress } from "../../stream/progress.ts";
import { parseImageConfig } from "../config.ts";
import type { Descriptor } from "../descriptor.ts";
import type { Digest } from "../digest.ts";
import type { BlobSource } from "../image.ts";
import type { Manifest } from "../manifest.ts";
import { isConfigType } from "../media-type.ts";
import { readJsonBlob, requireBlob } from "../reading/blobs.ts";
import { Expansion } from "../reading/expansion.ts";
import { StoredLayer } from "../reading/stored-layer.ts";
import { withHeldImages } from "./held-images.ts";
import { isOptional, sizeOfBlobs, type ImageTree } from "./image-tree.ts";
import type { ImageStore } from "./store.ts";
import type { StoredImage } from "./stored-image.ts";

/** An image that was looked at. */
export interface CheckedImage {
  readonly image: StoredImage;
  /** What is wrong with it. */
  readonly problems: readonly string[];
}

/** Reads everything that images need. @param choose which images */
export async function checkImages(
  store: ImageStore,
  choose: (images: readonly StoredImage[]) => readonly StoredImage[],
  progress?: Progress,
): Promise<CheckedImage[]> {
  return await withHeldImages(store, { choose, platforms: "there" }, async (held, blobs) => {
    progress?.begin({ phase: "check", total: sizeOfBlobs(...held.flatMap((item) => ("tree" in item ? [item.tree] : []))) });
    const checker = new Checker(blobs);
    const checked: CheckedImage[] = [];
    for (const item of held) {
      const problems = "tree" in item ? await checker.check(item.tree) : [item.problem.message];
      checked.push({ image: item.image, problems });
    }
    return checked;
  });
}

/** Checks each blob but once, whatever number of images need it. */
class Checker {
  readonly #blobs: BlobSource;
  readonly #results = new Map<string, string | undefined>();

  constructor(blobs: BlobSource) {
    this.#blobs = blobs;
  }

  async check(tree: ImageTree): Promise<string[]> {
    const problems = new Set<string>();
    const add = (problem: string | undefined): void => void (problem === undefined || problems.add(problem));
    for (const index of tree.indexes) add(await this.#checkBlob(index, "index"));
    for (const manifest of tree.manifests) for (const problem of await this.#checkManifest(manifest)) add(problem);
    return [...problems];
  }

  async #checkManifest(manifest: Manifest): Promise<(string | undefined)[]> {
    const { descriptor, config, layers } = manifest;
    const documents = [await this.#checkBlob(descriptor, "manifest"), await this.#checkBlob(config, "configuration")];
    const diffIds = documents[1] === undefined && isConfigType(config.mediaType) ? await this.#diffIds(config) : [];
    const results: (string | undefined)[] = [];
    for (const [index, layer] of layers.entries()) results.push(await this.#checkLayer(layer, diffIds[index]));
    return [...documents, ...results];
  }

  async #diffIds(config: Descriptor): Promise<readonly Digest[]> {
    const what = "configuration";
    return parseImageConfig(await readJsonBlob(this.#blobs, config, what), `${what} "${config.digest}"`).diffIds;
  }

  /** A layer of an image, which has a diffID, or another part of something else. */
  async #checkLayer(descriptor: Descriptor, diffId: Digest | undefined): Promise<string | undefined> {
    if (isOptional(descriptor) && this.#blobs.find(descriptor.digest) === undefined) return undefined;
    if (diffId === undefined) return await this.#checkBlob(descriptor, "layer");
    return await this.#once(`${descriptor.digest} ${diffId}`, async () => {
      const blob = requireBlob(this.#blobs, descriptor, "layer");
      await drain(new StoredLayer({ descriptor, diffId, blob, expansion: new Expansion() }).open());
    });
  }

  async #checkBlob(descriptor: Descriptor, what: string): Promise<string | undefined> {
    return await this.#once(descriptor.digest, async () => await drain(requireBlob(this.#blobs, descriptor, what).open()));
  }

  /** What is wrong, if anything is. */
  async #once(key: string, read: () => Promise<void>): Promise<string | undefined> {
    if (!this.#results.has(key)) this.#results.set(key, await problemOf(read));
    return this.#results.get(key);
  }
}

async function problemOf(read: () => Promise<void>): Promise<string | undefined> {
  try {
    await read();
    return undefined;
  } catch (error) {
    if (error instanceof ToolError && error.code !== "interrupted") return error.message;
    throw error;
  }
}
