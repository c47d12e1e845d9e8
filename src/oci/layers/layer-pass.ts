/**
 * One way through the bytes of a layer, from the first to the last: the checks of whoever opened it stand behind the end of the tar. A layer is
 * read twice, so its bytes are summed up to see that they are the same.
 */
import { crc32 } from "node:zlib";
import { damaged, ToolError } from "../../errors.ts";
import type { ByteSource, ByteStream, SeekableSource } from "../../stream/bytes.ts";
import { releaseBuffers } from "../../sys/memory.ts";
import { StreamSource } from "../../stream/stream-source.ts";
import { TarReader, type TarEntry } from "../../stream/tar/read.ts";

/** A layer to read. */
export interface LayerSource {
  /** What messages call it, such as its digest. */
  readonly what: string;
  /** The uncompressed tar; may be opened again. */
  open(): ByteStream;
  /** The same as a file that is known to be what it should: then headers are read there, and nothing is summed up. */
  readonly file?: SeekableSource;
}

/** What the bytes of a layer come to. */
export interface LayerSum {
  bytes: number;
  crc: number;
}

/** With a tree in memory the runtime lets chunks pile up to some 100 MB before it gives them back. */
const BYTES_PER_RELEASE = 128 * 1024 * 1024;

/** Reads a layer's entries; {@link close} it. */
export class LayerPass {
  readonly #layer: LayerSource;
  readonly #stream: StreamSource | undefined;
  readonly #source: ByteSource;
  readonly #tar: TarReader;
  readonly #sum: LayerSum = { bytes: 0, crc: 0 };
  /** What the layer itself failed with, which says what it is. */
  #failure: unknown;

  constructor(layer: LayerSource) {
    this.#layer = layer;
    if (layer.file === undefined) this.#source = this.#stream = new StreamSource(this.#summed(layer.open()));
    else this.#source = layer.file;
    this.#tar = new TarReader(this.#source, { mayEndUnpadded: true });
  }

  /** What has been read; at the end, all. */
  get sum(): Readonly<LayerSum> {
    return this.#sum;
  }

  /** The next entry; undefined at the end of the layer. @throws ToolError damaged */
  async next(): Promise<TarEntry | undefined> {
    try {
      const entry = await this.#tar.next();
      if (entry === undefined) await this.#source.skip(Number.MAX_SAFE_INTEGER);
      return entry;
    } catch (error) {
      throw this.#named(error);
    }
  }

  /** The file whose header stands there, which lies ahead. @throws ToolError damaged */
  async find(headerOffset: number): Promise<TarEntry> {
    for (let entry = await this.next(); entry !== undefined && entry.headerOffset <= headerOffset; entry = await this.next()) {
      if (entry.headerOffset !== headerOffset || entry.typeflag !== "0") continue;
      // what an entry knows of its size may change until its data has been read, so it stays behind this one
      return Object.create(entry, { body: { value: () => this.#data(entry) } }) as TarEntry;
    }
    throw this.#changed();
  }

  /** Reads what is left. @param before what the bytes came to before @throws ToolError damaged if they were others */
  async finish(before: LayerSum): Promise<void> {
    while ((await this.next()) !== undefined);
    if (this.#sum.bytes !== before.bytes || this.#sum.crc !== before.crc) throw this.#changed();
  }

  async close(): Promise<void> {
    await this.#stream?.close();
  }

  async *#summed(stream: ByteStream): ByteStream {
    let held = 0;
    try {
      for await (const chunk of stream) {
        this.#sum.bytes += chunk.length;
        this.#sum.crc = crc32(chunk, this.#sum.crc);
        yield chunk;
        held += chunk.length;
        if (held < BYTES_PER_RELEASE) continue;
        releaseBuffers();
        held = 0;
      }
    } catch (error) {
      this.#failure = error;
      throw error;
    }
  }

  async *#data(entry: TarEntry): ByteStream {
    try {
      yield* entry.body();
    } catch (error) {
      throw this.#named(error);
    }
  }

  #changed(): Error {
    const { what } = this.#layer;
    return damaged(`Cannot read layer "${what}": its bytes changed while it was read`, { facts: { layer: what } });
  }

  #named(error: unknown): unknown {
    if (!(error instanceof ToolError) || error === this.#failure) return error;
    return new ToolError(error.code, `Cannot read layer "${this.#layer.what}"`, {
      cause: error,
      facts: { ...error.facts, layer: this.#layer.what },
    });
  }
}
