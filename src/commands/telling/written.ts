/** What an export or a conversion has written, as values: for scripts, and in words for people. */
import type { StreamRecord } from "../../archive/manifest.ts";
import { formatPlatform } from "../../oci/platform.ts";
import type { NewImage, WrittenImage } from "../../oci/writing/write-image.ts";
import { formatSize } from "../world.ts";

/** Of one of osctl's archives its streams, of images what they are; of a flat tar nothing. */
export interface Written {
  readonly streams?: readonly StreamRecord[];
  readonly images?: readonly ImageResult[];
}

/** An image, as scripts are told of it. */
export interface ImageResult {
  /** In full, or tags alone. */
  readonly names: readonly string[];
  /** The manifest's. */
  readonly digest: string;
  /** Called the image's id by Docker. */
  readonly configDigest?: string;
  readonly platform?: string;
  readonly layers?: readonly { readonly digest: string; readonly mediaType: string; readonly size: number }[];
}

/** What scripts are told. */
export function writtenResult({ streams, images }: Written): object {
  return { ...(streams === undefined ? {} : { streams: streams.map(streamResult) }), ...(images === undefined ? {} : { images }) };
}

/** A stream, as scripts are told of it: with what its records say beside the rest. */
function streamResult({ member, facts, ...stream }: StreamRecord): object {
  return { member, ...stream, ...facts };
}

/** A new image, as scripts are told of it. */
export function imageResult(
  { names, platform }: Pick<NewImage, "names" | "platform">,
  { digest, configDigest, layers }: WrittenImage,
): ImageResult {
  const stored = layers.map(({ digest: layer, mediaType, size }) => ({ digest: layer, mediaType, size }));
  return { names, digest, configDigest, platform: formatPlatform(platform), layers: stored };
}

/** What people are told of an export. @param bytes size of all that was written */
export function describeWritten({ streams, images }: Written, bytes: number): string {
  if (streams !== undefined) return `${formatSize(streams.reduce((sum, { stored }) => sum + stored.bytes, 0))} of data`;
  const [image] = images ?? [];
  if (image === undefined) return `its root filesystem, ${formatSize(bytes)}`;
  const count = image.layers?.length;
  return `image ${image.configDigest}, ${count === 1 ? "1 layer" : `${count} layers`}, ${formatSize(bytes)}`;
}
