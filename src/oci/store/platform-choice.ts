/** Which manifests are taken of an image for several platforms. */
import { ToolError } from "../../errors.ts";
import type { Descriptor } from "../descriptor.ts";
import type { BlobSource } from "../image.ts";
import { formatPlatform, platformDistance, type Platform } from "../platform.ts";
import { readImageTree, type ImageTree } from "./image-tree.ts";

/** Those that are there, these alone, or all that are listed. */
export type PlatformChoice = "there" | "all" | readonly Platform[];

/** Where the image is. */
export interface TreeSource {
  readonly blobs: BlobSource;
  /** Whether all of a manifest that an index lists is there. */
  readonly isThere: (manifest: Descriptor) => boolean | Promise<boolean>;
  /** What a manifest is for, if that is known; what is for nothing in particular is taken for any platform. */
  readonly platformOf: (manifest: Descriptor) => Platform | undefined;
}

/** Reads an image with the manifests that are chosen. @throws ToolError damaged; not-found if it is for no platform that was named */
export async function readChosenTree(target: Descriptor, choice: PlatformChoice, source: TreeSource): Promise<ImageTree> {
  const { blobs, isThere, platformOf } = source;
  if (choice === "all") return await readImageTree(target, blobs, () => false);
  if (choice === "there") {
    const tree = await readImageTree(target, blobs, async (manifest) => !(await isThere(manifest)));
    // what is missing of an image that has nothing else is told by name
    return tree.manifests.length > 0 ? tree : await readImageTree(target, blobs, () => false);
  }
  const isChosen = (manifest: Descriptor): boolean => isFor(platformOf(manifest), choice);
  const tree = await readImageTree(target, blobs, (manifest) => !isChosen(manifest));
  if (tree.manifests.some(({ descriptor }) => isChosen(descriptor))) return tree;
  const others = [...tree.absent, ...tree.manifests.map(({ descriptor }) => descriptor)].map(platformOf);
  const names = others.flatMap((platform) => (platform === undefined ? [] : [formatPlatform(platform)]));
  throw new ToolError("not-found", `Cannot find platform ${choice.map(formatPlatform).join(", ")} in image "${target.digest}"`, {
    hints: names.length === 0 ? [] : [`It is for ${[...new Set(names)].join(", ")}`],
  });
}

function isFor(platform: Platform | undefined, wanted: readonly Platform[]): boolean {
  return platform === undefined || wanted.some((one) => platformDistance(platform, one) === 0);
}
