/**
 * Media types of indexes, manifests, configurations and layers: those of the OCI, and those of Docker that they were made after.
 *
 * @see OCI image-spec v1.1 media-types.md; distribution `docs/content/spec/manifest-v2-2.md`
 */
import type { Compression } from "../stream/compression.ts";

/** The media types that are written, and Docker's names for the same. */
export const MEDIA_TYPES = {
  index: "application/vnd.oci.image.index.v1+json",
  manifest: "application/vnd.oci.image.manifest.v1+json",
  config: "application/vnd.oci.image.config.v1+json",
  layer: "application/vnd.oci.image.layer.v1.tar",
  dockerIndex: "application/vnd.docker.distribution.manifest.list.v2+json",
  dockerManifest: "application/vnd.docker.distribution.manifest.v2+json",
  dockerConfig: "application/vnd.docker.container.image.v1+json",
} as const;

/** What the media type of a layer says. */
export interface LayerType {
  /** Undefined where only the content tells: Docker wrote its uncompressed type for anything. */
  readonly compression: Compression | undefined;
  /** Whether the layer is stored with the image; if not, it may be missing. */
  readonly distributable: boolean;
}

const OCI_LAYER = /^application\/vnd\.oci\.image\.layer\.(nondistributable\.)?v1\.tar(?:\+(gzip|zstd))?$/;
const DOCKER_LAYER = /^application\/vnd\.docker\.image\.rootfs\.(foreign\.)?diff\.tar(?:\.(gzip|zstd))?$/;

/** What a media type says of a document; undefined if it is neither. */
export function documentKind(mediaType: string): "index" | "manifest" | undefined {
  if (mediaType === MEDIA_TYPES.index || mediaType === MEDIA_TYPES.dockerIndex) return "index";
  return mediaType === MEDIA_TYPES.manifest || mediaType === MEDIA_TYPES.dockerManifest ? "manifest" : undefined;
}

/** Whether a configuration of this type is that of an image. */
export function isConfigType(mediaType: string): boolean {
  return mediaType === MEDIA_TYPES.config || mediaType === MEDIA_TYPES.dockerConfig;
}

/** What the media type of a layer says; undefined if it is no layer's. */
export function layerType(mediaType: string): LayerType | undefined {
  const oci = OCI_LAYER.exec(mediaType);
  const match = oci ?? DOCKER_LAYER.exec(mediaType);
  if (match === null) return undefined;
  const [, foreign, compression] = match;
  const unsaid = oci === null ? undefined : "none";
  return { compression: (compression as Compression | undefined) ?? unsaid, distributable: foreign === undefined };
}

/** The media type of a layer that is stored so. */
export function layerMediaType(compression: Compression): string {
  return compression === "none" ? MEDIA_TYPES.layer : `${MEDIA_TYPES.layer}+${compression}`;
}
