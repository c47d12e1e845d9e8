/**
 * Images of an archive come into a store: each blob once, all that is checked before a name points to it.
 */
import { isSeekable } from "../../stream/bytes.ts";
import type { Progress } from "../../stream/progress.ts";
import { openInput } from "../../sys/input.ts";
import type { Descriptor } from "../descriptor.ts";
import type { Digest } from "../digest.ts";
import type { ImageArchive, Layer } from "../image.ts";
import { checkLayer } from "../layers/apply-layer.ts";
import { layerSource } from "../layers/image-files.ts";
import { requireBlob } from "../reading/blobs.ts";
import { layerType } from "../media-type.ts";
import { blobsOf, isOptional, isThere, sizeOfBlobs, type ImageTree } from "./image-tree.ts";
import type { Lease } from "./lease.ts";
import type { NamedTarget } from "./naming.ts";
import { readChosenTree, type PlatformChoice } from "./platform-choice.ts";
import type { ImageStore } from "./store.ts";
import { withoutNames, type StoredImage } from "./stored-image.ts";

/** What became of a name. */
export interface ImportedImage {
  readonly name: string | undefined;
  readonly digest: Digest;
  /** What it pointed to before: nothing, the same, or another image. */
  readonly before: Digest | undefined;
}

/** Where images come from and where to. */
export interface Import {
  readonly archive: ImageArchive;
  readonly store: ImageStore;
  readonly lease: Lease;
  readonly platforms: PlatformChoice;
  readonly progress?: Progress;
}

/** Brings images into a store. @throws ToolError damaged, not-found (a platform); then nothing has changed */
export async function importImages(targets: readonly NamedTarget[], parts: Import): Promise<ImportedImage[]> {
  const { store, lease, progress } = parts;
  const checker = new LayerChecker(parts);
  const incoming: StoredImage[] = [];
  const digests = new Set<Digest>();
  for (const { descriptor, names } of targets) {
    const tree = await chooseManifests(descriptor, parts);
    const total = sizeOfBlobs(tree);
    progress?.begin({ phase: "blobs", total });
    for (const blob of await takeIn(tree, parts)) digests.add(blob);
    progress?.begin({ phase: "layers", total });
    await checker.check(descriptor, tree);
    const absent = tree.absent.map(({ digest }) => digest);
    for (const name of names.length === 0 ? [undefined] : names) incoming.push({ name, target: withoutNames(descriptor), absent });
  }
  return await store.change((before) => ({
    images: incoming.reduce(putImage, before),
    place: { lease, digests },
    result: incoming.map(({ name, target }) => ({ name, digest: target.digest, before: findSame(before, name, target)?.target.digest })),
  }));
}

/** The image with the manifests that are to be kept. */
async function chooseManifests(target: Descriptor, { archive, platforms }: Import): Promise<ImageTree> {
  const { blobs, images } = archive;
  return await readChosenTree(target, platforms, {
    blobs,
    isThere: async (manifest) => await isThere(manifest, blobs),
    platformOf: ({ digest, platform }) => images.find(({ manifest }) => manifest.descriptor.digest === digest)?.platform ?? platform,
  });
}

/** Holds every blob of an image, those that the store has and those of the archive. @returns their digests */
async function takeIn(tree: ImageTree, { archive, lease }: Import): Promise<Digest[]> {
  const digests: Digest[] = [];
  for (const part of blobsOf(tree)) {
    if (!lease.hold(part.digest, part.size)) {
      if (isOptional(part) && archive.blobs.find(part.digest) === undefined) continue;
      await lease.add(requireBlob(archive.blobs, part, "blob"));
    }
    digests.push(part.digest);
  }
  return digests;
}

/**
 * Checks that layers are what their configurations say they are when decompressed, and that a root filesystem can be made of their entries; each
 * once, and none of an image that the store has, as that was done before. (Its manifest alone may have come as a part of something else.)
 */
class LayerChecker {
  readonly #parts: Import;
  readonly #stored: readonly StoredImage[];
  readonly #checked = new Set<string>();

  constructor(parts: Import) {
    this.#parts = parts;
    this.#stored = parts.store.images();
  }

  async check(target: Descriptor, { manifests }: ImageTree): Promise<void> {
    const { archive } = this.#parts;
    const same = this.#stored.filter(({ target: { digest } }) => digest === target.digest);
    const isStored = (manifest: Digest): boolean => same.some(({ absent }) => !absent.includes(manifest));
    const incoming = new Set(manifests.map(({ descriptor }) => descriptor.digest).filter((digest) => !isStored(digest)));
    for (const { manifest, layers } of archive.images) {
      if (!incoming.has(manifest.descriptor.digest)) continue;
      for (const layer of layers) await this.#checkOnce(layer);
    }
  }

  async #checkOnce(layer: Layer): Promise<void> {
    const { descriptor, diffId } = layer;
    const key = [descriptor.digest, descriptor.mediaType, diffId].join(" ");
    const isElsewhere = isOptional(descriptor) && this.#parts.archive.blobs.find(descriptor.digest) === undefined;
    if (isElsewhere || this.#checked.has(key)) return;
    await this.#check(layer);
    this.#checked.add(key);
  }

  /** Of one that is stored plain the digest has been checked, as it is held; so it is enough to look at the headers. */
  async #check(layer: Layer): Promise<void> {
    const { descriptor, diffId } = layer;
    const { compression = "none" } = layerType(descriptor.mediaType) ?? {};
    if (descriptor.digest !== diffId || compression !== "none") return await checkLayer(layerSource(layer));
    await using file = await openInput(this.#parts.lease.file(diffId));
    await checkLayer({ ...layerSource(layer), ...(isSeekable(file) ? { file } : {}) });
  }
}

/** The images with one more; what has no name is there once, and not at all where a name has it. */
function putImage(images: readonly StoredImage[], image: StoredImage): readonly StoredImage[] {
  const same = findSame(images, image.name, image.target);
  const isKnown = same?.target.digest === image.target.digest;
  const absent = isKnown ? same.absent.filter((digest) => image.absent.includes(digest)) : image.absent;
  if (isKnown && absent.length === same.absent.length) return images;
  return [...images.filter((other) => other !== same), { ...(isKnown ? same : image), absent }];
}

function findSame(images: readonly StoredImage[], name: string | undefined, target: Descriptor): StoredImage | undefined {
  return images.find((image) => (name === undefined ? image.target.digest === target.digest : image.name === name));
}
