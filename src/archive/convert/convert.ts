/**
 * From one format into another, without ZFS.
 *
 *     same format      source → tar → pieces joined → checked → (gunzip, gzip) → members → sink      one pass, also from pipe to pipe
 *     tar → rootfs     source → tar → gunzip → checked → entries under other names → tar → sink       likewise
 *     zfs → tar        source → tar → gunzip → checked → kept; then files → tar → gzip → members → sink
 *     zfs → rootfs     likewise, the tar alone
 *     any → image      as rootfs; the tar is a layer, and whoever asked makes an image of it
 *
 * Files in ZFS streams are read here and there, so streams that are compressed or come through a pipe are kept somewhere first. What is found to
 * be wrong ends the conversion, and its output has to be discarded: before all of an archive has been read it has no end.
 */
import { dropSubdatasetMounts } from "../../config/mount.ts";
import { damaged, ToolError } from "../../errors.ts";
import type { ByteSink, ByteSource, ByteStream } from "../../stream/bytes.ts";
import { gzip } from "../../stream/gzip.ts";
import type { EntrySource } from "../../tree/selected-entries.ts";
import { beginsStream, STREAM_START_BYTES } from "../../zfs/dmu/verify.ts";
import { noFiles } from "../files.ts";
import { startOf, unpack, type Unpacked } from "../../stream/input-start.ts";
import type { Manifest } from "../manifest.ts";
import type { StreamPlace } from "../layout.ts";
import type { Metadata } from "../metadata.ts";
import type { WriteOptions } from "../write.ts";
import { CheckedArchive, type StoredHead } from "./checked-archive.ts";
import { useFilesOfArchive, useFilesOfStream, type FilesOptions } from "./files.ts";
import { reframe, type ReframeOptions } from "./reframe.ts";
import { openWriter, writeTarArchive } from "./tar-archive.ts";
import { flatTarIn, flatTarOf, type FlatTarOptions } from "./tar-streams.ts";
import { headOfToday } from "./today.ts";

/** What an archive becomes: one of osctl's, the root filesystem alone as a flat tar, or an image of it. */
export type Format = Metadata["format"] | "rootfs" | "image";

/** Whose files an image is made of. */
export interface ImageOrigin {
  /** `container.yml`; undefined for a ZFS stream that is in no archive. */
  containerConfig: Uint8Array | undefined;
  /** Unix seconds, where it is known. */
  exportedAt: number | undefined;
}

/** Options of {@link convertArchive}. */
export interface ConvertOptions extends ReframeOptions, FilesOptions, Omit<WriteOptions, "mtime"> {
  /** The archive's own if undefined. */
  format: Format | undefined;
  /** Told of each stream that is read. */
  onStream?: (place: StreamPlace) => void;
  /** For format image: writes one of which this is the layer. */
  writeImage: (layer: ByteStream, origin: ImageOrigin) => Promise<void>;
}

/** What was converted. */
export interface Converted {
  format: Format;
  /** Whether there was a manifest to compare with. */
  hasManifest: boolean;
  /** Of one of osctl's archives, the manifest that was written. */
  manifest?: Manifest;
}

/**
 * Converts an archive.
 *
 * @param what what messages call the input
 * @throws ToolError damaged; failed for what is no archive, needs ZFS, or a file; usage; the output is then incomplete
 */
export async function convertArchive(source: ByteSource, what: string, sink: ByteSink, options: ConvertOptions): Promise<Converted> {
  const conversion = new Conversion(source, what, sink, options);
  try {
    return await conversion.run();
  } finally {
    await conversion.close();
  }
}

class Conversion {
  readonly #source: ByteSource;
  readonly #what: string;
  readonly #sink: ByteSink;
  readonly #options: ConvertOptions;
  /** The input without a compression around all of it. */
  #unpacked: Unpacked | undefined;
  #archive: CheckedArchive | undefined;

  constructor(source: ByteSource, what: string, sink: ByteSink, options: ConvertOptions) {
    this.#source = source;
    this.#what = what;
    this.#sink = sink;
    this.#options = options;
  }

  async run(): Promise<Converted> {
    this.#unpacked = await unpack(this.#source, this.#what);
    const { head, all } = await startOf(this.#unpacked.source, STREAM_START_BYTES);
    if (head.length === 0) throw damaged(`Cannot convert "${this.#what}": it is empty`);
    if (beginsStream(head)) return await this.#convertStream(all);
    this.#archive = await CheckedArchive.open(all, this.#options.verify, this.#options.onStream);
    return await this.#convertArchive(this.#archive);
  }

  async close(): Promise<void> {
    await this.#archive?.close();
    await this.#unpacked?.[Symbol.asyncDispose]();
  }

  async #convertStream(stream: ByteSource): Promise<Converted> {
    const { format } = this.#options;
    if (format !== "rootfs" && format !== "image") {
      throw new ToolError("failed", `Cannot convert "${this.#what}": a ZFS stream alone is no container`, {
        hints: ["--format rootfs makes a tar of the files in it, --format docker and --format oci an image"],
      });
    }
    const write = async (files: EntrySource): Promise<void> => await this.#writeFlat(flatTarOf(files, this.#flatOptions), undefined);
    await useFilesOfStream(stream, this.#what, this.#options, write);
    return { format, hasManifest: false };
  }

  async #convertArchive(archive: CheckedArchive): Promise<Converted> {
    const { head } = archive;
    const { metadata } = head;
    const format = this.#options.format ?? metadata.format;
    this.#checkWay(metadata, format);
    let manifest: Manifest | undefined;
    if (format === metadata.format) manifest = await reframe(archive, openWriter(this.#sink, metadata, this.#options), this.#options);
    else if (format === "tar") {
      await useFilesOfArchive(archive, this.#options, async (files) => void (manifest = await this.#writeTar(head, files)));
    } else if (metadata.format === "tar") await this.#writeFlat(flatTarIn(archive, this.#flatOptions), head);
    else await useFilesOfArchive(archive, this.#options, async (files) => await this.#writeFlat(flatTarOf(files, this.#flatOptions), head));
    return { format, hasManifest: archive.manifest !== undefined, ...(manifest === undefined ? {} : { manifest }) };
  }

  #checkWay(metadata: Metadata, format: Format): void {
    const { compression } = this.#options;
    if (format === "zfs" && metadata.format === "tar") {
      throw new ToolError("failed", 'Cannot convert to format "zfs": ZFS streams are made by ZFS alone, of what is on a pool', {
        hints: ["ctar import --pool <zpool> <archive>, and then: ctar export <ctid> <new archive>"],
      });
    }
    if (format === "tar" && compression === "off") {
      throw new ToolError("usage", 'Cannot use --compression "off" with format "tar", which is gzipped always');
    }
    if (metadata.type === "skel" && format !== metadata.format) throw noFiles(metadata);
  }

  /** One tree, so that the configuration mounts no subdatasets any more. */
  async #writeTar(head: StoredHead, files: EntrySource): Promise<Manifest> {
    const metadata = { ...head.metadata, format: "tar", datasets: [] } as const;
    const config = head.metadata.datasets.length === 0 ? {} : { config: dropSubdatasetMounts };
    return await writeTarArchive({ metadata, texts: headOfToday(head, { metadata, ...config }), files }, this.#sink, this.#options);
  }

  get #flatOptions(): FlatTarOptions {
    return { names: this.#options.format === "image" ? "layer" : "rootfs", onLoss: this.#options.onLoss };
  }

  /** Writes a flat tar, or an image of it. */
  async #writeFlat(tar: ByteStream, head: StoredHead | undefined): Promise<void> {
    const { format, compression, gzip: gzipOptions, writeImage } = this.#options;
    if (format === "image") return await writeImage(tar, { containerConfig: head?.containerConfig, exportedAt: head?.metadata.exportedAt });
    for await (const chunk of compression === "gzip" ? gzip(tar, gzipOptions) : tar) await this.#sink.write([chunk]);
    await this.#sink.flush();
  }
}
