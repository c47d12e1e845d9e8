/**
 * What belongs to an image: a manifest with its configuration and its layers, or an index with the manifests that it lists, for several
 * platforms, of which not all need be there.
 */
import { damaged } from "../../errors.ts";
import type { Descriptor } from "../descriptor.ts";
import type { BlobSource } from "../image.ts";
import { parseIndex, parseManifest, type Manifest } from "../manifest.ts";
import { documentKind, layerType } from "../media-type.ts";
import { quoted } from "../quoted.ts";
import { readJsonBlob } from "../reading/blobs.ts";

/** An image with all that is there of it. */
export interface ImageTree {
  /** The index, if it is one, and those in it. */
  readonly indexes: readonly Descriptor[];
  /** Each with the platform that an index says it is for. */
  readonly manifests: readonly Manifest[];
  /** Manifests that are passed over, and what is neither manifest nor index. */
  readonly absent: readonly Descriptor[];
}

/** Bounds of what a document leads to. */
const DEPTH_LIMIT = 8;
const DOCUMENTS_LIMIT = 10_000;

/**
 * Reads an image's indexes and manifests.
 *
 * @param isAbsent which manifests of an index to pass over
 * @throws ToolError damaged, also for what is missing of the others
 */
export async function readImageTree(
  target: Descriptor,
  blobs: BlobSource,
  isAbsent: (manifest: Descriptor) => boolean | Promise<boolean>,
): Promise<ImageTree> {
  const [indexes, manifests, absent]: [Descriptor[], Manifest[], Descriptor[]] = [[], [], []];
  const pending: [descriptor: Descriptor, depth: number][] = [[target, 0]];
  for (let [next, count] = [pending.shift(), 1]; next !== undefined; next = pending.shift(), count++) {
    const [descriptor, depth] = next;
    if (depth > DEPTH_LIMIT || count > DOCUMENTS_LIMIT)
      throw damaged(`Cannot use image "${target.digest}": its indexes lead to more than is sensible`);
    const kind = documentKind(descriptor.mediaType);
    const isIndex = kind === "index";
    if (depth > 0 && (kind === undefined || (!isIndex && (await isAbsent(descriptor))))) {
      absent.push(descriptor);
      continue;
    }
    if (kind === undefined) throw damaged(`Cannot use "${target.digest}" as an image: it is said to be ${quoted(target.mediaType)}`);
    const raw = await readJsonBlob(blobs, descriptor, kind);
    if (!isIndex) manifests.push(parseManifest(raw, descriptor));
    else {
      indexes.push(descriptor);
      const children = parseIndex(raw, `index "${descriptor.digest}"`, descriptor.mediaType).manifests;
      pending.push(...children.map((child): [Descriptor, number] => [child, depth + 1]));
    }
  }
  return { indexes, manifests, absent };
}

/** The blobs of images, each once, in the order in which they are best read: what leads to others comes first. */
export function blobsOf(...trees: readonly ImageTree[]): Descriptor[] {
  const manifests = trees.flatMap((tree) => tree.manifests);
  const all = [
    ...trees.flatMap(({ indexes }) => indexes),
    ...manifests.map(({ descriptor }) => descriptor),
    ...manifests.map(({ config }) => config),
    ...manifests.flatMap(({ layers }) => layers),
  ];
  return [...new Map(all.map((descriptor) => [descriptor.digest, descriptor])).values()];
}

/** Bytes of all the blobs of images. */
export function sizeOfBlobs(...trees: readonly ImageTree[]): number {
  return blobsOf(...trees).reduce((sum, { size }) => sum + size, 0);
}

/** Whether an image is whole without a blob: a layer that may be had elsewhere only. */
export function isOptional({ mediaType }: Descriptor): boolean {
  return layerType(mediaType)?.distributable === false;
}

/** Whether everything that a manifest needs is there. */
export async function isThere(descriptor: Descriptor, blobs: BlobSource): Promise<boolean> {
  if (blobs.find(descriptor.digest) === undefined) return false;
  const { config, layers } = parseManifest(await readJsonBlob(blobs, descriptor, "manifest"), descriptor);
  return [config, ...layers].every((part) => isOptional(part) || blobs.find(part.digest) !== undefined);
}
