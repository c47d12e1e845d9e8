/**
 * Images of archives that have no manifests, with the manifests that containerd makes of them, of Docker's types: so an image has the same digest
 * here and there. (What reading makes are manifests of the OCI's types, with other digests.)
 *
 * Other than containerd, which calls every compressed layer gzip, a layer of zstd is called one.
 *
 * @see containerd v2.0 `core/images/archive/importer.go` (`ImportIndex`)
 */
import { encodeDescriptor, type Descriptor } from "../descriptor.ts";
import { digestBytes, type Digest } from "../digest.ts";
import type { Blob, Image, ImageArchive } from "../image.ts";
import type { Manifest } from "../manifest.ts";
import { layerType, MEDIA_TYPES } from "../media-type.ts";
import { Assembly } from "../reading/assembly.ts";
import { memoryBlob } from "../reading/blobs.ts";

const DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar";

/** The archive, its images under these manifests if it has none of its own. */
export function asContainerd(archive: ImageArchive): ImageArchive {
  if (!(archive.blobs instanceof Assembly)) return archive;
  const made = new Map<Digest, Blob>();
  const images = archive.images.map((image): Image => {
    const manifest = dockerManifest(image);
    made.set(manifest.descriptor.digest, memoryBlob(manifest.raw, manifest.descriptor.digest));
    return { ...image, manifest };
  });
  const targets = images.map(({ manifest, references, tags, platform }) => ({
    descriptor: { ...manifest.descriptor, platform },
    references,
    tags,
  }));
  const blobs = { find: (digest: Digest): Blob | undefined => made.get(digest) ?? archive.blobs.find(digest) };
  return { ...archive, images, targets, blobs };
}

function dockerManifest({ manifest }: Image): Manifest {
  const config: Descriptor = { ...manifest.config, mediaType: MEDIA_TYPES.dockerConfig };
  const layers = manifest.layers.map((layer): Descriptor => ({ ...layer, mediaType: dockerLayerType(layer.mediaType) }));
  const raw = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: MEDIA_TYPES.dockerManifest,
      config: encodeDescriptor(config),
      layers: layers.map(encodeDescriptor),
    }),
  );
  const descriptor = { mediaType: MEDIA_TYPES.dockerManifest, digest: digestBytes(raw), size: raw.length };
  return { ...manifest, raw, descriptor, config, layers };
}

function dockerLayerType(mediaType: string): string {
  const compression = layerType(mediaType)?.compression ?? "none";
  return compression === "none" ? DOCKER_LAYER : `${DOCKER_LAYER}.${compression}`;
}
