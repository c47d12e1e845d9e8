/**
 * A new image as one archive, an OCI layout that Docker can read, too, if it is to:
 *
 *     blobs/  blobs/sha256/  layers…  configuration  manifest  index.json  [manifest.json]  oci-layout
 *
 * A layer goes `tar → digest (diffID) → gzip → digest → member` and is called by its second digest, which is known at its end. Where the
 * output is a file, the first layer is written into it as it is made; through a pipe, and with layers above it, which may turn out to be there
 * already, each is kept until its digest is known, one at a time. The archive is the same either way, and the same image gives the same bytes.
 *
 * @see OCI image-spec v1.1 image-layout.md; moby `image/spec/spec.md`
 */
import { readAll, type ByteSink, type ByteStream, type SeekableSource } from "../../stream/bytes.ts";
import { observed, type Measure } from "../../stream/digest.ts";
import { gzip, type GzipOptions } from "../../stream/gzip.ts";
import type { Compression } from "../../stream/compression.ts";
import { openDigest } from "../../stream/threads/digest.ts";
import type { HistoryEntry } from "../config.ts";
import type { Descriptor } from "../descriptor.ts";
import { digestBytes, type Digest } from "../digest.ts";
import { makeManifest } from "../manifest.ts";
import { layerMediaType, MEDIA_TYPES } from "../media-type.ts";
import { memoryBlob } from "../reading/blobs.ts";
import { LAYOUT_MARKER } from "../store/layout.ts";
import { dockerImage } from "./docker-image.ts";
import { ImageTar, type LayerMember } from "./image-tar.ts";
import { encodeIndex } from "./index-json.ts";
import { encodeConfig, type NewConfig } from "./new-config.ts";

/** A layer to be made. */
export interface NewLayer {
  /** The uncompressed tar, to be read once; undefined for a step that has changed nothing. */
  readonly tar: ByteStream | undefined;
  /** How it came to be; `created` of the last one is the image's, too. */
  readonly history: HistoryEntry & { readonly created: string };
}

/** An image to be made. */
export interface NewImage extends Pick<NewConfig, "platform" | "run" | "base"> {
  /** In full; maybe none. */
  readonly names: readonly string[];
  /** At least one, the lowest first; each is written before the next one is asked for. */
  readonly layers: AsyncIterable<NewLayer>;
}

/** Keeps a layer until its digest is known. */
export interface LayerSpool extends Disposable {
  keep(bytes: ByteStream): Promise<SeekableSource>;
}

/** How an image is written. */
export interface WriteImageOptions {
  /** Whether there is a manifest.json, by which Docker finds it. */
  readonly manifestJson: boolean;
  readonly compression: Extract<Compression, "none" | "gzip">;
  readonly gzip: GzipOptions;
  /** Opens a place for one layer. */
  readonly spool: () => LayerSpool;
}

/** What was written. */
export interface WrittenImage {
  /** The manifest's digest. */
  readonly digest: Digest;
  /** The configuration's digest, which Docker calls the image's id. */
  readonly configDigest: Digest;
  readonly layers: readonly Descriptor[];
}

/** Writes the archive. @throws ToolError whatever reading a layer or writing throws; the archive is then incomplete */
export async function writeImage(image: NewImage, sink: ByteSink, options: WriteImageOptions): Promise<WrittenImage> {
  const tar = new ImageTar(sink);
  for (const directory of ["blobs/", "blobs/sha256/"]) await tar.directory(directory);
  const layers = new LayerWriter(tar, { ...options, isPatchable: sink.patchable });
  const history: NewLayer["history"][] = [];
  for await (const layer of image.layers) {
    history.push(layer.tar === undefined ? { ...layer.history, emptyLayer: true } : layer.history);
    if (layer.tar !== undefined) await layers.write(layer.tar);
  }
  const created = history.at(-1)?.created;
  if (created === undefined) throw new TypeError("an image without layers");
  const { platform, run, base, names } = image;
  const config = encodeConfig({ created, platform, run, base, diffIds: layers.diffIds, history });
  const manifest = makeManifest({
    config: { mediaType: MEDIA_TYPES.config, digest: digestBytes(config), size: config.length },
    layers: layers.descriptors,
  });
  await tar.blob(memoryBlob(config, manifest.config.digest));
  await tar.blob(memoryBlob(manifest.raw, manifest.descriptor.digest));
  await tar.text("index.json", encodeIndex([{ target: { ...manifest.descriptor, platform }, names }]));
  if (options.manifestJson) await tar.text("manifest.json", JSON.stringify([dockerImage(manifest, names)]));
  await tar.text("oci-layout", LAYOUT_MARKER);
  await tar.end();
  return { digest: manifest.descriptor.digest, configDigest: manifest.config.digest, layers: layers.descriptors };
}

/** Writes layers, each content once. */
class LayerWriter {
  readonly diffIds: Digest[] = [];
  readonly descriptors: Descriptor[] = [];
  readonly #tar: ImageTar;
  readonly #options: Omit<WriteImageOptions, "manifestJson"> & { isPatchable: boolean };

  constructor(tar: ImageTar, options: Omit<WriteImageOptions, "manifestJson"> & { isPatchable: boolean }) {
    this.#tar = tar;
    this.#options = options;
  }

  async write(tar: ByteStream): Promise<void> {
    const { isPatchable, compression, gzip: gzipOptions } = this.#options;
    // two threads are busy with gzip; only where there are more of them it would have to wait for digests
    const place = gzipOptions.threads > 2 ? "thread" : "here";
    using raw = openDigest(place);
    using stored = openDigest(place);
    const watched = observed(tar, raw);
    const bytes = observed(compression === "gzip" ? gzip(watched, gzipOptions) : watched, stored);
    const finish = async (): Promise<LayerMember> => memberOf(await stored.finish());
    const isFirst = this.descriptors.length === 0;
    const { digest, size } = isPatchable && isFirst ? await this.#tar.growingLayer(bytes, finish) : await this.#writeKept(bytes, finish);
    this.descriptors.push({ mediaType: layerMediaType(compression), digest, size });
    this.diffIds.push(memberOf(await raw.finish()).digest);
  }

  async #writeKept(bytes: ByteStream, finish: () => Promise<LayerMember>): Promise<LayerMember> {
    using kept = this.#options.spool();
    const source = await kept.keep(bytes);
    const layer = await finish();
    if (this.descriptors.every(({ digest }) => digest !== layer.digest)) await this.#tar.layer(layer, readAll(source));
    return layer;
  }
}

function memberOf({ bytes, sha256 }: Measure): LayerMember {
  return { digest: `sha256:${sha256}` as Digest, size: bytes };
}
