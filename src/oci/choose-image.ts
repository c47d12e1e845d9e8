/** Choosing one image of several: by what it is called, and by what it was made for. */
import { ToolError } from "../errors.ts";
import { splitDigest, type Digest } from "./digest.ts";
import type { Image } from "./image.ts";
import { formatPlatform, hostPlatform, platformDistance, type Platform } from "./platform.ts";
import { quoted } from "./quoted.ts";
import { normalizeReference } from "./reference.ts";

/** What is asked for. */
export interface ImageChoice {
  /** A name, a tag, a digest (of the manifest or of the configuration), or the first 12 or more digits of one. */
  readonly reference?: string | undefined;
  /** This machine's if not said, where there is a choice. */
  readonly platform?: Platform | undefined;
}

/** What something can be called by. */
interface Called extends Pick<Image, "references" | "tags"> {
  readonly digests: readonly Digest[];
}

const LISTED = 20;
const SHORT_ID = /^[0-9a-f]{12,64}$/;

/**
 * Chooses an image; one that is alone is taken whatever it was made for, unless a platform is asked for.
 *
 * @throws ToolError not-found if there is none; usage if there are several. Both list what there is
 */
export function chooseImage(images: readonly Image[], { reference, platform }: ImageChoice): Image {
  const called = reference === undefined ? images : images.filter((image) => isCalled(calledOf(image), reference));
  if (called.length === 0) throw notFound(reference === undefined ? "an image" : `image ${quoted(reference)}`, images);
  const [first] = called;
  if (called.length === 1 && first !== undefined && platform === undefined) return first;
  if (reference === undefined && platform === undefined && !areCalledTheSame(called)) throw ambiguous(called);
  const fitting = nearest(called, platform ?? hostPlatform());
  const [best, other] = fitting;
  if (best !== undefined && other === undefined) return best;
  if (best === undefined && platform !== undefined) throw notFound(`an image for ${formatPlatform(platform)}`, called);
  throw ambiguous(best === undefined ? called : fitting);
}

/** Whether images are those of one name for several platforms. */
function areCalledTheSame(images: readonly Image[]): boolean {
  return new Set(images.map(({ references, tags }) => JSON.stringify([references, tags]))).size === 1;
}

/** The images that run best where they are wanted; several only if they are equal in that. */
function nearest(images: readonly Image[], wanted: Platform): Image[] {
  const rated = images.map((image) => ({ image, distance: platformDistance(image.platform, wanted) ?? Infinity }));
  const least = Math.min(...rated.map(({ distance }) => distance));
  return least === Infinity ? [] : rated.filter(({ distance }) => distance === least).map(({ image }) => image);
}

/** Whether a reference means what has these names and digests. */
export function isCalled({ references, tags, digests }: Called, reference: string): boolean {
  if (SHORT_ID.test(reference) && digests.some((digest) => splitDigest(digest).hex.startsWith(reference))) return true;
  const name = normalizeReference(reference);
  const digest = name?.split("@")[1] ?? reference;
  return digests.some((one) => one === digest) || tags.includes(reference) || (name !== undefined && references.includes(name));
}

function calledOf({ references, tags, manifest, config }: Image): Called {
  return { references, tags, digests: [manifest.descriptor.digest, config.digest] };
}

function notFound(what: string, images: readonly Image[]): ToolError {
  return new ToolError("not-found", `Cannot find ${what}`, { hints: listing(images) });
}

function ambiguous(images: readonly Image[]): ToolError {
  return new ToolError("usage", `Cannot choose: there are ${images.length} images`, {
    hints: ["Name one with --image, or a platform with --platform", ...listing(images)],
  });
}

function listing(images: readonly Image[]): string[] {
  if (images.length === 0) return ["There are none"];
  const lines = images.slice(0, LISTED).map((image) => `There is ${nameOf(image)} for ${formatPlatform(image.platform)}`);
  return images.length > LISTED ? [...lines, `There are ${images.length - LISTED} more`] : lines;
}

function nameOf({ references, tags, manifest }: Image): string {
  return [...references, ...tags][0] ?? manifest.descriptor.digest;
}
