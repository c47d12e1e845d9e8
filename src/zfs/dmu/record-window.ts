/**
 * The bytes of a stream that are at hand. Records are small and many, so they are read ahead in steps that double up to a bound; behind a
 * large block that nobody wants, and so is not read, the steps begin small again.
 *
 * What was read is never changed, so bytes that were taken stay as they are when the window moves on.
 */
import { concat, isSeekable, type ByteSource } from "../../stream/bytes.ts";

const FIRST_STEP_BYTES = 4096;
const MAX_STEP_BYTES = 512 * 1024;
/** To read so much on takes no longer than to seek. */
const SHORT_WAY_BYTES = 8 * 1024;
const NO_BYTES = new Uint8Array(0);

/** A window on a source, which moves forward; on a source that can seek it may go anywhere. */
export class RecordWindow {
  readonly #source: ByteSource;
  #bytes: Uint8Array = NO_BYTES;
  #view: DataView = new DataView(new ArrayBuffer(0));
  #at = 0;
  #offset = 0;
  #stepBytes = FIRST_STEP_BYTES;
  /** What was read and follows the bytes at hand. */
  #rest: Uint8Array = NO_BYTES;

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
    if (this.#left === 0 && this.#rest.length > 0) this.#goOn();
    return this.#left >= count;
  }

  /** Gets at least `count` bytes at hand; returns how many there are, at most `count`, fewer only at the end. */
  async fill(count: number): Promise<number> {
    const parts = [this.#bytes.subarray(this.#at)];
    let missing = count - this.#left;
    while (missing > 0) {
      const chunk = this.#rest.length > 0 ? this.#rest : await this.#read(missing);
      if (chunk === undefined) break;
      // only what is missing is copied, as there may be much more
      const isCopied = parts.some(({ length }) => length > 0);
      const taken = isCopied ? chunk.subarray(0, missing) : chunk;
      this.#rest = chunk.subarray(taken.length);
      parts.push(taken);
      missing -= taken.length;
    }
    this.#show(concat(parts.filter(({ length }) => length > 0)));
    return Math.min(count, this.#left);
  }

  /** Steps over bytes at hand. */
  advance(count: number): void {
    this.#at += count;
    this.#offset += count;
  }

  /** The next `count` bytes, which must be at hand; they are shared with the window. */
  take(count: number): Uint8Array {
    const bytes = this.#bytes.subarray(this.#at, this.#at + count);
    this.advance(count);
    return bytes;
  }

  /** Steps over the next `count` bytes, or as many as there are. */
  async skip(count: number): Promise<void> {
    let left = count;
    for (;;) {
      const ready = Math.min(left, this.#left);
      this.advance(ready);
      left -= ready;
      if (left === 0) return;
      if (this.#rest.length > 0) this.#goOn();
      else break;
    }
    if (left <= SHORT_WAY_BYTES) return this.advance(Math.min(left, await this.fill(left)));
    this.#stepBytes = FIRST_STEP_BYTES;
    this.#offset += await this.#source.skip(left);
  }

  /** Goes to a byte of a source that can seek and was at its beginning; what is at hand stays so. @param offset as {@link offset} counts */
  goTo(offset: number): void {
    let way = offset - this.#offset;
    if (way > this.#left && this.#rest.length > 0) {
      way -= this.#left;
      this.advance(this.#left);
      this.#goOn();
    }
    if (way >= -this.#at && way <= this.#left) return this.advance(way);
    if (!isSeekable(this.#source)) throw new TypeError("a window on a pipe moves forward");
    if (way < 0 || way > this.#left + SHORT_WAY_BYTES) this.#stepBytes = FIRST_STEP_BYTES;
    this.#source.seek(offset);
    this.#offset = offset;
    this.#rest = NO_BYTES;
    this.#show(NO_BYTES);
  }

  async #read(count: number): Promise<Uint8Array | undefined> {
    const chunk = await this.#source.read(Math.max(this.#stepBytes, count));
    this.#stepBytes = Math.min(this.#stepBytes * 2, MAX_STEP_BYTES);
    return chunk;
  }

  #goOn(): void {
    this.#show(this.#rest);
    this.#rest = NO_BYTES;
  }

  #show(bytes: Uint8Array): void {
    // a Buffer would make Buffers of its parts, which takes longer
    this.#bytes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#at = 0;
  }

  get #left(): number {
    return this.#bytes.length - this.#at;
  }
}
