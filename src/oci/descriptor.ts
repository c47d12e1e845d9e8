/**
 * Descriptors: what content is, by media type, digest and size.
 *
 * @see OCI image-spec v1.1 descriptor.md
 */
import { parseDigest, type Digest } from "./digest.ts";
import type { Fields } from "./fields.ts";
import { readPlatform, type Platform } from "./platform.ts";

/** A reference to content. */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  /** Size in bytes. */
  readonly size: number;
  readonly platform?: Platform;
  readonly annotations?: Readonly<Record<string, string>>;
  /** Where else the content is. */
  readonly urls?: readonly string[];
  readonly artifactType?: string;
}

/** Reads a descriptor. @throws ToolError damaged */
export function readDescriptor(fields: Fields): Descriptor {
  const platform = fields.object("platform");
  const annotations = fields.stringMap("annotations");
  const urls = fields.strings("urls");
  const artifactType = fields.string("artifactType");
  return {
    mediaType: fields.requiredString("mediaType"),
    digest: parseDigest(fields.requiredString("digest"), fields.where),
    size: fields.requiredCount("size"),
    ...(platform === undefined ? {} : { platform: readPlatform(platform) }),
    ...(annotations === undefined ? {} : { annotations }),
    ...(urls === undefined ? {} : { urls }),
    ...(artifactType === undefined ? {} : { artifactType }),
  };
}

/** What JSON.stringify makes a descriptor of, fields in the order in which Go's image-spec has them. */
export function encodeDescriptor({ mediaType, digest, size, urls, annotations, platform, artifactType }: Descriptor): object {
  return {
    mediaType,
    digest,
    size,
    urls,
    annotations,
    platform: platform === undefined ? undefined : encodePlatform(platform),
    artifactType,
  };
}

function encodePlatform({ architecture, os, osVersion, osFeatures, variant }: Platform): object {
  return { architecture, os, "os.version": osVersion, "os.features": osFeatures, variant };
}
