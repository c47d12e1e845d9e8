/**
 * Images of a store as one tar, which is an OCI layout and a docker-archive at once:
 *
 *     oci-layout  index.json  manifest.json  blobs/  blobs/sha256/  blobs/sha256/<hex>...
 *
 * The same images give the same bytes: names are sorted, owners and times are 0, and blobs are in the order in which they are best read, the
 * indexes, manifests and configurations before the layers.
 *
 * @see OCI image-spec v1.1 image-layout.md; moby `image/spec/spec.md`, "Combined Image JSON + Filesystem Changeset Format"; containerd v2.0
 * `core/images/archive/exporter.go`
 */
import type { ByteSink } from "../../stream/bytes.ts";
import type { Progress } from "../../stream/progress.ts";
import { splitDigest } from "../digest.ts";
import type { BlobSource } from "../image.ts";
import { requireBlob } from "../reading/blobs.ts";
import { ImageTar } from "../writing/image-tar.ts";
import { encodeIndex, type NamedTarget } from "../writing/index-json.ts";
import { dockerArchiveManifest } from "./docker-manifest.ts";
import { blobsOf, isOptional, type ImageTree } from "./image-tree.ts";
import { LAYOUT_MARKER } from "./layout.ts";

/** An image to be written. */
export interface ExportedImage extends NamedTarget {
  readonly tree: ImageTree;
}

/** What is written of the images. */
export interface ExportOptions {
  readonly blobs: BlobSource;
  /** Whether Docker is to be able to read it. */
  readonly manifestJson: boolean;
  /** Whether layers that may be had elsewhere are left out. */
  readonly skipNonDistributable: boolean;
  readonly progress?: Progress;
}

/** Writes the tar. @throws ToolError damaged if a blob is not what it was */
export async function writeImages(images: readonly ExportedImage[], sink: ByteSink, options: ExportOptions): Promise<void> {
  const { blobs, manifestJson, skipNonDistributable } = options;
  const parts = blobsOf(...images.map(({ tree }) => tree));
  const wanted = parts.filter((part) => !isOptional(part) || (!skipNonDistributable && blobs.find(part.digest) !== undefined));
  const directories = new Set(wanted.map(({ digest }) => `blobs/${splitDigest(digest).algorithm}/`));
  options.progress?.begin({ phase: "blobs", total: wanted.reduce((sum, { size }) => sum + size, 0) });
  const writer = new ImageTar(sink);
  await writer.text("oci-layout", LAYOUT_MARKER);
  await writer.text("index.json", encodeIndex(images));
  if (manifestJson) await writer.text("manifest.json", JSON.stringify(await dockerArchiveManifest(images, blobs)));
  for (const directory of ["blobs/", ...[...directories].toSorted()]) await writer.directory(directory);
  for (const part of wanted) await writer.blob(requireBlob(blobs, part, "blob"));
  await writer.end();
}
