/**
 * Writing an archive, member by member, to a file or a pipe.
 *
 * A tar header holds its member's size, and a stream's size is known only at its end. On a file the header is written blank and replaced
 * afterwards. On a pipe the stream is collected into pieces, and each piece becomes a member of the same name once it is full, so that no
 * more than one piece is ever in memory.
 */
import type { ByteSink, ByteStream, SharedFile } from "../stream/bytes.ts";
import { digestOf, type Digest } from "../stream/digest.ts";
import { BLOCK_BYTES, encodeHeader } from "../stream/tar/header.ts";
import { DIRECTORY_MODE, FILE_MODE, MEMBER_LIMIT_BYTES } from "./layout.ts";

/** Options of an {@link ArchiveWriter}. */
export interface WriteOptions {
  /** Modification time of every member, unix seconds. */
  mtime: number;
  /** Size of the pieces of a stream on a pipe, in bytes. */
  chunkBytes: number;
  /** Size at which a new member of the same name begins in a file, in bytes; less than the format's limit only in tests. */
  memberLimitBytes?: number;
}

/** An estimate of zfs is not exact. */
const ESTIMATE_MARGIN = 0.9;
const NO_BYTES = new Uint8Array(0);

/** Writes members in the order of its calls. */
export class ArchiveWriter {
  readonly #sink: ByteSink;
  readonly #options: WriteOptions;
  readonly #memberLimitBytes: number;

  constructor(sink: ByteSink, options: WriteOptions) {
    this.#sink = sink;
    this.#options = options;
    this.#memberLimitBytes = options.memberLimitBytes ?? MEMBER_LIMIT_BYTES;
  }

  /** Writes a directory entry; no trailing slash is added, as upstream adds none. */
  async directory(name: string): Promise<void> {
    await this.#sink.write([this.#header({ name, mode: DIRECTORY_MODE, typeflag: "5", size: 0 })]);
  }

  /** Writes a small member from memory. */
  async file(name: string, content: Uint8Array, mode: number = FILE_MODE): Promise<Digest> {
    await this.#sink.write([this.#header({ name, mode, typeflag: "0", size: content.length }), content, padding(content.length)]);
    return digestOf(content);
  }

  /** Writes a stream of unknown length as one or more members of the same name. @returns how many */
  async stream(name: string, source: ByteStream): Promise<number> {
    return this.#sink.patchable ? await this.#patched(name, source) : await this.#cut(name, source);
  }

  /** The file, where somebody else can write on. */
  get shared(): SharedFile | undefined {
    return this.#sink.shared;
  }

  /** Whether a stream that is estimated at so many bytes is going to fit into one member. */
  hasRoomFor(estimatedBytes: number): boolean {
    return estimatedBytes < this.#memberLimitBytes * ESTIMATE_MARGIN;
  }

  /** Writes one member that somebody else fills. @returns its size, or undefined if it is too large; then nothing is left of it */
  async filled(name: string, file: SharedFile, fill: () => Promise<void>): Promise<number | undefined> {
    const headerAt = await this.#blankHeader(name);
    await this.#sink.flush();
    try {
      await fill();
    } catch (error) {
      await file.assertRoom(); // who was told of a full disk by zfs was told nothing
      throw error;
    }
    const size = file.takeOver();
    if (size > this.#memberLimitBytes) {
      await file.truncate(headerAt);
      return undefined;
    }
    await this.#finishMember(name, headerAt, size);
    return size;
  }

  /** Writes the two zero blocks that end a tar archive. */
  async end(): Promise<void> {
    await this.#sink.write([new Uint8Array(2 * BLOCK_BYTES)]);
    await this.#sink.flush();
  }

  async #patched(name: string, source: ByteStream): Promise<number> {
    let pieces = 1;
    let headerAt = await this.#blankHeader(name);
    let size = 0;
    for await (let chunk of source) {
      while (size + chunk.length > this.#memberLimitBytes) {
        const fits = this.#memberLimitBytes - size;
        await this.#sink.write([chunk.subarray(0, fits)]);
        await this.#finishMember(name, headerAt, size + fits);
        chunk = chunk.subarray(fits);
        headerAt = await this.#blankHeader(name);
        size = 0;
        pieces += 1;
      }
      await this.#sink.write([chunk]);
      size += chunk.length;
    }
    await this.#finishMember(name, headerAt, size);
    return pieces;
  }

  async #blankHeader(name: string): Promise<number> {
    const at = this.#sink.offset;
    await this.#sink.write([this.#header({ name, mode: FILE_MODE, typeflag: "0", size: 0 })]);
    return at;
  }

  async #finishMember(name: string, headerAt: number, size: number): Promise<void> {
    await this.#sink.write([padding(size)]);
    await this.#sink.patch(headerAt, this.#header({ name, mode: FILE_MODE, typeflag: "0", size }));
  }

  async #cut(name: string, source: ByteStream): Promise<number> {
    const { chunkBytes } = this.#options;
    let pieces = 0;
    let held: Uint8Array[] = [];
    let size = 0;
    for await (let chunk of source) {
      while (size + chunk.length >= chunkBytes) {
        const fits = chunkBytes - size;
        await this.#piece(name, [...held, chunk.subarray(0, fits)], chunkBytes);
        chunk = chunk.subarray(fits);
        held = [];
        size = 0;
        pieces += 1;
      }
      if (chunk.length > 0) held.push(chunk);
      size += chunk.length;
    }
    if (size > 0 || pieces === 0) {
      await this.#piece(name, held, size);
      pieces += 1;
    }
    return pieces;
  }

  async #piece(name: string, chunks: Uint8Array[], size: number): Promise<void> {
    await this.#sink.write([this.#header({ name, mode: FILE_MODE, typeflag: "0", size }), ...chunks, padding(size)]);
  }

  #header(entry: { name: string; mode: number; typeflag: string; size: number }): Uint8Array {
    return encodeHeader({
      ...entry,
      name: new TextEncoder().encode(entry.name),
      uid: 0,
      gid: 0,
      mtime: this.#options.mtime,
      linkname: NO_BYTES,
      uname: "wheel",
      gname: "wheel",
      devmajor: 0,
      devminor: 0,
    });
  }
}

function padding(size: number): Uint8Array {
  const over = size % BLOCK_BYTES;
  return over === 0 ? NO_BYTES : new Uint8Array(BLOCK_BYTES - over);
}
