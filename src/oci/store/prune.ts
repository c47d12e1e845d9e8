/** What no image of a store needs goes away, and what killed runs left. */
import * as fs from "node:fs";
import { ToolError } from "../../errors.ts";
import { removePath } from "../../sys/files.ts";
import type { Digest } from "../digest.ts";
import { readStoredTree } from "./held-images.ts";
import { blobsOf } from "./image-tree.ts";
import type { ImageStore } from "./store.ts";
import type { StoredImage } from "./stored-image.ts";

/** What was removed, or would be. */
export interface Pruned {
  /** Images without a name, where they were not to stay. */
  readonly images: readonly StoredImage[];
  readonly blobs: readonly Digest[];
  /** Size of these blobs in bytes. */
  readonly bytes: number;
  /** Leases of killed runs. */
  readonly leases: number;
}

/** Removes blobs that no image needs. @throws ToolError damaged if it cannot be told what an image needs; then every blob stays */
export async function pruneStore(store: ImageStore, { untagged, dryRun }: { untagged: boolean; dryRun: boolean }): Promise<Pruned> {
  return await store.change(async (before) => {
    const kept = untagged ? before.filter(({ name }) => name !== undefined) : before;
    const needed = await neededBlobs(kept, store);
    const files = [...store.blobFiles()].filter(({ digest }) => !needed.has(digest));
    const bytes = files.reduce((sum, { file }) => sum + fs.lstatSync(file).size, 0);
    const images = before.filter((image) => !kept.includes(image));
    const result = { images, blobs: files.map(({ digest }) => digest), bytes, leases: store.deadLeases().length };
    if (dryRun) return { images: before, result };
    const removeFiles = (): void => {
      for (const { file } of files) removePath(file);
      store.removeLeftovers();
    };
    return { images: images.length === 0 ? before : kept, result, afterwards: removeFiles };
  });
}

async function neededBlobs(images: readonly StoredImage[], store: ImageStore): Promise<Set<Digest>> {
  const needed = new Set<Digest>();
  for (const image of images) {
    try {
      for (const { digest } of blobsOf(await readStoredTree(image, store, "there"))) needed.add(digest);
    } catch (error) {
      if (!(error instanceof ToolError) || error.code === "interrupted") throw error;
      const name = image.name ?? image.target.digest;
      throw new ToolError("damaged", `Cannot prune images: what "${name}" needs cannot be told`, {
        cause: error,
        hints: ["ctar image check", `ctar image rm ${name}`],
      });
    }
  }
  return needed;
}
