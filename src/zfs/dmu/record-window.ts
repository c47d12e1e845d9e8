/**
 * The bytes of a stream that are at hand. Records are small and many, so they are read ahead in steps that double up to a bound; behind a
 * skip the steps begin small again, so that blocks that nobody wants are not read.
 */
import { readUpTo, type ByteSource } from "../../stream/bytes.ts";

const FIRST_STEP_BYTES = 4096;
const MAX_STEP_BYTES = 256 * 1024;

/** A window on a source, which moves forward. */
export class RecordWindow {
  readonly #source: ByteSource;
  #bytes: Uint8Array = new Uint8Array(0);
  #view: DataView = new DataView(new ArrayBuffer(0));
  #at = 0;
  #offset = 0;
  #stepBytes = FIRST_STEP_BYTES;

  constructor(source: ByteSource) {
    this.#source = source;
  }

  /** Offset of the next byte, counted from where the window was opened. */
  get offset(): number {
    return this.#offset;
  }

  /** What is at hand; the next byte stands at {@link at}. */
  get view(): DataView {
    return this.#view;
  }

  get at(): number {
    return this.#at;
  }

  /** Whether that many bytes are at hand. */
  holds(count: number): boolean {
    return this.#left >= count;
  }

  /** Gets at least `count` bytes at hand; returns how many there are, at most `count`, fewer only at the end. */
  async fill(count: number): Promise<number> {
    const chunks = [this.#bytes.subarray(this.#at)];
    let have = this.#left;
    while (have < count) {
      const chunk = await this.#source.read(Math.max(this.#stepBytes, count - have));
      if (chunk === undefined) break;
      this.#stepBytes = Math.min(this.#stepBytes * 2, MAX_STEP_BYTES);
      chunks.push(chunk);
      have += chunk.length;
    }
    this.#bytes = join(chunks, have);
    this.#view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset, have);
    this.#at = 0;
    return Math.min(have, count);
  }

  /** Steps over bytes at hand. */
  advance(count: number): void {
    this.#at += count;
    this.#offset += count;
  }

  /** The next `count` bytes, which belong to the caller; fewer only at the end. */
  async take(count: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(count);
    const ready = Math.min(count, this.#left);
    bytes.set(this.#bytes.subarray(this.#at, this.#at + ready));
    this.advance(ready);
    if (ready === count) return bytes;
    const rest = await readUpTo(this.#source, count - ready);
    bytes.set(rest, ready);
    this.#offset += rest.length;
    return bytes.subarray(0, ready + rest.length);
  }

  /** Steps over the next `count` bytes, or as many as there are. */
  async skip(count: number): Promise<void> {
    const ready = Math.min(count, this.#left);
    this.advance(ready);
    if (ready === count) return;
    this.#offset += await this.#source.skip(count - ready);
    this.#stepBytes = FIRST_STEP_BYTES;
  }

  get #left(): number {
    return this.#bytes.length - this.#at;
  }
}

function join(chunks: readonly Uint8Array[], bytes: number): Uint8Array {
  const joined = new Uint8Array(bytes);
  let at = 0;
  for (const chunk of chunks) {
    joined.set(chunk, at);
    at += chunk.length;
  }
  return joined;
}
