/** What the images in an archive are, as far as their lists, manifests and configurations tell: no layer is read. */
import type { HistoryEntry, ImageConfig, RunConfig } from "./config.ts";
import type { Digest } from "./digest.ts";
import type { Image } from "./image.ts";
import { formatPlatform } from "./platform.ts";

/** An image seen from outside. */
export interface InspectedImage {
  /** In full, or tags alone. */
  readonly names: readonly string[];
  /** The manifest's; of an archive without manifests, of one made for it. */
  readonly digest: Digest;
  readonly mediaType: string;
  readonly platform: string;
  /** RFC 3339, as the image has it. */
  readonly created: string | undefined;
  readonly author: string | undefined;
  /** Of configuration and layers as they are stored, in bytes. */
  readonly size: number;
  readonly layers: readonly InspectedLayer[];
  /** Called the image's id by Docker. */
  readonly configDigest: Digest;
  readonly run: RunConfig;
  readonly history: readonly HistoryEntry[];
  /** All of the configuration. */
  readonly config: ImageConfig["json"];
  readonly annotations: Readonly<Record<string, string>>;
}

/** A layer as it is stored, the lowest being the first. */
export interface InspectedLayer {
  readonly digest: Digest;
  readonly mediaType: string;
  readonly size: number;
  readonly diffId: Digest;
}

/** Describes an image. */
export function inspectImage({ references, tags, manifest, config, platform, layers }: Image): InspectedImage {
  const { created, author, run, history, digest: configDigest, raw, json } = config;
  const { digest, mediaType } = manifest.descriptor;
  return {
    names: [...references, ...tags],
    digest,
    mediaType,
    platform: formatPlatform(platform),
    created,
    author,
    size: layers.reduce((sum, { descriptor }) => sum + descriptor.size, raw.length),
    layers: layers.map(({ descriptor, diffId }) => ({
      digest: descriptor.digest,
      mediaType: descriptor.mediaType,
      size: descriptor.size,
      diffId,
    })),
    configDigest,
    run,
    history,
    config: json,
    annotations: manifest.annotations,
  };
}
