/**
 * manifest.json: the list by which Docker finds images in an archive. An entry has no platform, so of an index the manifest stands there that
 * suits this machine best, or else the first.
 *
 * @see moby `image/spec/spec.md`; containerd v2.0 `core/images/archive/exporter.go` (`manifestsRecord`)
 */
import { parseImageConfig } from "../config.ts";
import type { Digest } from "../digest.ts";
import type { BlobSource } from "../image.ts";
import type { Manifest } from "../manifest.ts";
import { isConfigType } from "../media-type.ts";
import { hostPlatform, platformDistance, type Platform } from "../platform.ts";
import { readJsonBlob } from "../reading/blobs.ts";
import { dockerImage, type DockerImage } from "../writing/docker-image.ts";
import type { ExportedImage } from "./export.ts";

/** The entries for images, one for each manifest; none for what is no image that runs. */
export async function dockerArchiveManifest(images: readonly ExportedImage[], blobs: BlobSource): Promise<DockerImage[]> {
  const entries = new Map<Digest, DockerImage>();
  for (const { names, tree } of images) {
    const manifest = await mostSuitable(tree.manifests, blobs);
    if (manifest === undefined) continue;
    const { digest } = manifest.descriptor;
    const known = entries.get(digest);
    entries.set(digest, dockerImage(manifest, [...(known?.RepoTags ?? []), ...names]));
  }
  return [...entries.values()];
}

async function mostSuitable(manifests: readonly Manifest[], blobs: BlobSource): Promise<Manifest | undefined> {
  const wanted = hostPlatform();
  const rated: { manifest: Manifest; distance: number }[] = [];
  for (const manifest of manifests.filter(({ config }) => isConfigType(config.mediaType))) {
    const platform = await platformOf(manifest, blobs);
    if (platform.os !== "unknown") rated.push({ manifest, distance: platformDistance(platform, wanted) ?? Infinity });
  }
  const best = Math.min(...rated.map(({ distance }) => distance));
  return rated.find(({ distance }) => distance === best)?.manifest;
}

/** What an image is for: what the index says, or else its configuration. */
export async function platformOf({ descriptor, config }: Manifest, blobs: BlobSource): Promise<Platform> {
  if (descriptor.platform !== undefined) return descriptor.platform;
  return parseImageConfig(await readJsonBlob(blobs, config, "configuration"), `configuration "${config.digest}"`).platform;
}
