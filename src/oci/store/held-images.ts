/** Images that are read while others change the store: held, so that nothing of them goes away. */
import { ToolError } from "../../errors.ts";
import type { BlobSource } from "../image.ts";
import { blobsOf, type ImageTree } from "./image-tree.ts";
import { readChosenTree, type PlatformChoice } from "./platform-choice.ts";
import type { ImageStore } from "./store.ts";
import type { StoredImage } from "./stored-image.ts";

/** An image, and what belongs to it or why that cannot be told. */
export type HeldImage = { readonly image: StoredImage } & ({ readonly tree: ImageTree } | { readonly problem: ToolError });

/** Which images, and what of them. */
export interface Wanted {
  readonly choose: (images: readonly StoredImage[]) => readonly StoredImage[];
  readonly platforms: PlatformChoice;
}

/** Does something with images. @throws ToolError what `choose` and `action` throw */
export async function withHeldImages<T>(
  store: ImageStore,
  { choose, platforms }: Wanted,
  action: (held: readonly HeldImage[], blobs: BlobSource) => Promise<T>,
): Promise<T> {
  const read = async (): Promise<HeldImage[]> =>
    await Promise.all(choose(store.images()).map(async (image) => await readStored(image, store, platforms)));
  if (!store.isWritable) return await action(await read(), store);
  using lease = store.lease();
  const held = await store.exclusively(async () => {
    const images = await read();
    for (const image of images) if ("tree" in image) for (const { digest, size } of blobsOf(image.tree)) lease.hold(digest, size);
    return images;
  });
  return await action(held, { find: (digest) => lease.find(digest) ?? store.find(digest) });
}

/** Reads what belongs to an image of a store. */
async function readStored(image: StoredImage, store: ImageStore, platforms: PlatformChoice): Promise<HeldImage> {
  try {
    return { image, tree: await readStoredTree(image, store, platforms) };
  } catch (error) {
    if (error instanceof ToolError && error.code !== "interrupted") return { image, problem: error };
    throw error;
  }
}

/** What belongs to an image of a store. @throws ToolError damaged if the store has not all that it was given, not-found (a platform) */
export async function readStoredTree(image: StoredImage, blobs: BlobSource, platforms: PlatformChoice): Promise<ImageTree> {
  if (platforms === "all" && image.absent.length > 0) {
    throw new ToolError(
      "not-found",
      `Cannot find all platforms of image "${image.name ?? image.target.digest}": ${image.absent.length} were not imported`,
      {
        hints: ["ctar image import --all-platforms"],
      },
    );
  }
  const isAbsent = new Set(image.absent);
  const tree = await readChosenTree(image.target, platforms, {
    blobs,
    isThere: ({ digest }) => !isAbsent.has(digest),
    platformOf: ({ platform }) => platform,
  });
  return tree;
}
