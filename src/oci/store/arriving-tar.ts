/**
 * An archive of images that comes through a pipe, taken into a lease as it passes, in one pass: whoever reads the tar's headers steps over the
 * data of its members, and what is stepped over is written there, as a blob under the digest that it turns out to have. After that the archive can
 * be read like a file: headers and small members from memory, the rest from the lease. So nothing is written twice, whatever the order of members.
 */
import { damaged } from "../../errors.ts";
import { readUpTo, type ByteSource, type ByteStream, type SeekableSource } from "../../stream/bytes.ts";
import { openInput } from "../../sys/input.ts";
import type { Digest } from "../digest.ts";
import type { Lease } from "./lease.ts";

/** A part of what has come: bytes, or a blob in the lease. */
interface Part {
  readonly offset: number;
  size: number;
  content: Uint8Array | Digest;
}

/** What is stepped over stays in memory up to this size, in bytes, and half of the memory. */
const SMALL_BYTES = 64 * 1024;
const MEMORY_LIMIT_BYTES = 64 * 1024 * 1024;
/** Headers are kept side by side in blocks of this size, as each on its own takes twice the memory. */
const BLOCK_BYTES = 256 * 1024;
/** What a part costs besides its bytes. */
const PART_BYTES = 256;
const CHUNK_BYTES = 1024 * 1024;

/** The archive. */
export class ArrivingTar implements SeekableSource {
  /** Not known: more than ever comes. */
  readonly size: number = Number.MAX_SAFE_INTEGER;
  readonly #pipe: ByteSource;
  readonly #lease: Lease;
  readonly #parts: Part[] = [];
  /** What is left of the last block. */
  #free: Uint8Array = new Uint8Array(0);
  #arrived = 0;
  #memoryBytes = 0;
  #offset = 0;

  constructor(pipe: ByteSource, lease: Lease) {
    this.#pipe = pipe;
    this.#lease = lease;
  }

  get offset(): number {
    return this.#offset;
  }

  seek(offset: number): void {
    this.#offset = offset;
  }

  async read(maxBytes: number): Promise<Uint8Array | undefined> {
    const at = this.#offset;
    if (at === this.#arrived) this.#keep(await readUpTo(this.#pipe, Math.min(maxBytes, CHUNK_BYTES)));
    if (at > this.#arrived) throw tooFar(at);
    const part = this.#partAt(at);
    if (part === undefined) return undefined;
    const from = at - part.offset;
    const bytes = await this.#readPart(part, from, Math.min(maxBytes, part.size - from));
    this.#offset = at + bytes.length;
    return bytes;
  }

  async skip(count: number): Promise<number> {
    const known = Math.min(count, this.#arrived - this.#offset);
    const come = count > known ? await this.#takeIn(count - known) : 0;
    this.#offset += known + come;
    return known + come;
  }

  /** Takes in the next bytes. @returns how many there were */
  async #takeIn(count: number): Promise<number> {
    if (count <= SMALL_BYTES && this.#memoryBytes < MEMORY_LIMIT_BYTES / 2) return this.#keep(await readUpTo(this.#pipe, count));
    const { digest, size } = await this.#lease.addUnknown(this.#next(count));
    return this.#add({ offset: this.#arrived, size, content: digest });
  }

  #keep(bytes: Uint8Array): number {
    this.#memoryBytes += bytes.length + PART_BYTES;
    if (this.#memoryBytes > MEMORY_LIMIT_BYTES) throw damaged("Cannot read images: their archive has more than 64 MiB of headers");
    for (let done = 0; done < bytes.length;) {
      if (this.#free.length === 0) this.#free = Buffer.allocUnsafeSlow(BLOCK_BYTES);
      const piece = bytes.subarray(done, done + this.#free.length);
      this.#free.set(piece);
      this.#append(this.#free.subarray(0, piece.length));
      this.#free = this.#free.subarray(piece.length);
      done += piece.length;
    }
    return bytes.length;
  }

  /** Adds bytes in memory, to the last part if they stand behind it. */
  #append(bytes: Uint8Array): void {
    const last = this.#parts.at(-1);
    const before = last?.content;
    const isNext = typeof before === "object" && before.buffer === bytes.buffer && before.byteOffset + before.length === bytes.byteOffset;
    if (last === undefined || !isNext) return void this.#add({ offset: this.#arrived, size: bytes.length, content: bytes });
    last.size += bytes.length;
    last.content = new Uint8Array(before.buffer, before.byteOffset, last.size);
    this.#arrived += bytes.length;
  }

  #add(part: Part): number {
    this.#parts.push(part);
    this.#arrived += part.size;
    return part.size;
  }

  async *#next(count: number): ByteStream {
    for (let left = count; left > 0;) {
      const chunk = await this.#pipe.read(Math.min(left, CHUNK_BYTES));
      if (chunk === undefined) return;
      left -= chunk.length;
      yield chunk;
    }
  }

  /** The part that a byte is in; undefined behind the last one. */
  #partAt(offset: number): Part | undefined {
    let [low, high] = [0, this.#parts.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      const part = this.#parts[middle];
      if (part !== undefined && part.offset + part.size <= offset) low = middle + 1;
      else high = middle;
    }
    return this.#parts[low];
  }

  async #readPart({ content }: Part, from: number, count: number): Promise<Uint8Array> {
    if (typeof content !== "string") return content.subarray(from, from + count);
    await using input = await openInput(this.#lease.file(content));
    input.seek(from);
    return await readUpTo(input, Math.min(count, CHUNK_BYTES));
  }
}

/** Only a size that does not fit its field, of 8 GiB and more, is looked for ahead. */
function tooFar(offset: number): Error {
  return damaged("Cannot read images: the size of a member is not known before what comes behind it", {
    offset,
    hints: ["Write the archive to a file, and import that"],
  });
}
