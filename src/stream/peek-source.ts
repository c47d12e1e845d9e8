/** A source whose next bytes can be looked at before they are taken. */
import { concat, isSeekable, readUpTo, type ByteSource, type SeekableSource } from "./bytes.ts";

const NO_BYTES = new Uint8Array(0);

/** Reads what another source gives; what was looked at stays in memory until it is read. */
export class PeekSource implements ByteSource {
  /** The source itself, where it can go anywhere. */
  readonly file: SeekableSource | undefined;
  readonly #source: ByteSource;
  #ahead: Uint8Array = NO_BYTES;

  constructor(source: ByteSource) {
    this.#source = source;
    this.file = isSeekable(source) ? source : undefined;
  }

  get size(): number | undefined {
    return this.#source.size;
  }

  get offset(): number {
    return this.#source.offset - this.#ahead.length;
  }

  read(maxBytes: number): Promise<Uint8Array | undefined> {
    return this.#ahead.length === 0 ? this.#source.read(maxBytes) : Promise.resolve(this.#take(maxBytes));
  }

  skip(count: number): Promise<number> {
    return this.#ahead.length === 0 ? this.#source.skip(count) : this.#skipAhead(count);
  }

  /** The next `count` bytes, fewer at the end; reading gives them again. */
  async peek(count: number): Promise<Uint8Array> {
    const missing = count - this.#ahead.length;
    if (missing > 0) this.#ahead = concat([this.#ahead, await readUpTo(this.#source, missing)]);
    return this.#ahead.subarray(0, count);
  }

  async #skipAhead(count: number): Promise<number> {
    const taken = this.#take(count).length;
    return taken === count ? count : taken + (await this.#source.skip(count - taken));
  }

  #take(count: number): Uint8Array {
    const bytes = this.#ahead.subarray(0, count);
    this.#ahead = this.#ahead.subarray(bytes.length);
    return bytes;
  }
}
