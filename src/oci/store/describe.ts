/** What the images of a store are, for people and scripts. */
import type { Digest } from "../digest.ts";
import { parseImageConfig, type ImageConfig } from "../config.ts";
import type { Descriptor } from "../descriptor.ts";
import type { BlobSource } from "../image.ts";
import type { Manifest } from "../manifest.ts";
import { isConfigType } from "../media-type.ts";
import { formatPlatform } from "../platform.ts";
import { readJsonBlob } from "../reading/blobs.ts";
import { platformOf } from "./docker-manifest.ts";
import { withHeldImages, type HeldImage } from "./held-images.ts";
import { blobsOf } from "./image-tree.ts";
import type { ImageStore } from "./store.ts";
import type { StoredImage } from "./stored-image.ts";

/** An image in a list. */
export interface ListedImage {
  readonly name: string | null;
  readonly digest: Digest;
  readonly mediaType: string;
  /** Of everything that belongs to it, in bytes; other images may need the same. */
  readonly size: number;
  readonly platforms: readonly string[];
  /** Manifests for other platforms that its index lists. */
  readonly absent: readonly Digest[];
  /** Why it cannot be read. */
  readonly problem?: string;
}

/** An image, looked into. */
export interface DescribedImage extends ListedImage {
  readonly manifests: readonly DescribedManifest[];
}

/** What is for one platform. */
export interface DescribedManifest {
  readonly digest: Digest;
  readonly platform: string;
  /** The configuration's, which Docker calls the image's id. */
  readonly configDigest: Digest;
  /** All of the configuration; null if it is not that of an image. */
  readonly config: ImageConfig["json"] | null;
  readonly layers: readonly Pick<Descriptor, "digest" | "mediaType" | "size">[];
}

/** Lists images. */
export async function listImages(store: ImageStore): Promise<ListedImage[]> {
  return await read(store, (all) => all, listImage);
}

/** Looks into images. @param choose which */
export async function describeImages(
  store: ImageStore,
  choose: (images: readonly StoredImage[]) => readonly StoredImage[],
): Promise<DescribedImage[]> {
  return await read(store, choose, async (held, blobs) => {
    const manifests = "tree" in held ? held.tree.manifests : [];
    return {
      ...(await listImage(held, blobs)),
      manifests: await Promise.all(manifests.map(async (manifest) => await describeManifest(manifest, blobs))),
    };
  });
}

async function read<T>(
  store: ImageStore,
  choose: (images: readonly StoredImage[]) => readonly StoredImage[],
  describe: (held: HeldImage, blobs: BlobSource) => Promise<T>,
): Promise<T[]> {
  return await withHeldImages(
    store,
    { choose, platforms: "there" },
    async (held, blobs) => await Promise.all(held.map(async (item) => await describe(item, blobs))),
  );
}

async function listImage(held: HeldImage, blobs: BlobSource): Promise<ListedImage> {
  const { name, target, absent } = held.image;
  const fields = { name: name ?? null, digest: target.digest, mediaType: target.mediaType, absent };
  if ("problem" in held) return { ...fields, size: 0, platforms: [], problem: held.problem.message };
  const size = blobsOf(held.tree).reduce((sum, { digest }) => sum + (blobs.find(digest)?.size ?? 0), 0);
  const platforms = await Promise.all(held.tree.manifests.map(async (manifest) => formatPlatform(await platformOf(manifest, blobs))));
  return { ...fields, size, platforms: [...new Set(platforms)] };
}

async function describeManifest(manifest: Manifest, blobs: BlobSource): Promise<DescribedManifest> {
  const { descriptor, config, layers } = manifest;
  const what = "configuration";
  const isImage = isConfigType(config.mediaType);
  return {
    digest: descriptor.digest,
    platform: formatPlatform(await platformOf(manifest, blobs)),
    configDigest: config.digest,
    config: isImage ? parseImageConfig(await readJsonBlob(blobs, config, what), `${what} "${config.digest}"`).json : null,
    layers: layers.map(({ digest, mediaType, size }) => ({ digest, mediaType, size })),
  };
}
