/**
 * What reading images gives, whatever they are stored in: a docker-archive, an OCI layout, a tar or a directory (see open-images.ts).
 *
 * @see OCI image-spec v1.1
 */
import type { ByteStream } from "../stream/bytes.ts";
import type { ImageConfig } from "./config.ts";
import type { Descriptor } from "./descriptor.ts";
import type { Digest } from "./digest.ts";
import type { Manifest } from "./manifest.ts";
import type { Platform } from "./platform.ts";

/** A layer of an image. */
export interface Layer {
  /** Media type, digest and size of the layer as it is stored. */
  readonly descriptor: Descriptor;
  /** The digest of the uncompressed tar. */
  readonly diffId: Digest;
  /**
   * The uncompressed tar; may be opened again, also while another layer is read. To be read to its end, behind that of the tar: where the end
   * would be, it fails if size, digest or diffID differ.
   *
   * @throws ToolError damaged
   */
  open(): ByteStream;
}

/** One image: one root filesystem for one platform. */
export interface Image {
  /** Its names as they are written out in full, `docker.io/library/alpine:3.20`; maybe none. */
  readonly references: readonly string[];
  /** Names of its target that are no more than a tag. */
  readonly tags: readonly string[];
  /** Normalised. */
  readonly platform: Platform;
  /** Of an archive without manifests, one that was made for it; its blob is among the archive's. */
  readonly manifest: Manifest;
  readonly config: ImageConfig;
  /** The lowest first. */
  readonly layers: readonly Layer[];
}

/** What the archive itself names: an image, or an index of images for several platforms. */
export interface Target {
  readonly descriptor: Descriptor;
  readonly references: readonly string[];
  /** Names that are no more than a tag, `3.20`, as layouts of skopeo and umoci have them; whoever reads them says of what. */
  readonly tags: readonly string[];
}

/** The images in an archive or a directory. */
export interface ImageArchive {
  /** In the order of the archive; of an index, those that are there. */
  readonly images: readonly Image[];
  readonly targets: readonly Target[];
  /** What a person should know, such as platforms that an index lists and the archive has not. */
  readonly notes: readonly string[];
  /** Blobs as they are stored, for copying them whole. */
  readonly blobs: BlobSource;
  /** Digests of all blobs that are there, also of those that no image needs. */
  readonly digests: Iterable<Digest>;
  /** Gives back what opening took; the input itself is for whoever opened it to close. */
  close(): Promise<void>;
}

/** Content by its digest. */
export interface BlobSource {
  /** Undefined if it is not there. */
  find(digest: Digest): Blob | undefined;
}

/** A blob as it is stored. */
export interface Blob {
  readonly digest: Digest;
  /** Size in bytes. */
  readonly size: number;
  /** The bytes; may be opened again. Where the end would be, it fails if the digest differs. @throws ToolError damaged */
  open(): ByteStream;
}
