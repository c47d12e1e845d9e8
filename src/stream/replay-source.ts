/** A source that passes once, but whose beginning can be read twice. */
import type { ByteSource } from "./bytes.ts";

/** Keeps in memory what is read before {@link rewind}, and gives it again after that. */
export class ReplaySource implements ByteSource {
  readonly size: undefined;
  readonly #source: ByteSource;
  readonly #kept: Uint8Array[] = [];
  #isRewound = false;
  #offset: number;

  constructor(source: ByteSource) {
    this.#source = source;
    this.#offset = source.offset;
  }

  get offset(): number {
    return this.#offset;
  }

  /** Begins anew. Of what is read from now on nothing is kept. */
  rewind(): void {
    this.#offset = this.#source.offset - this.#kept.reduce((sum, { length }) => sum + length, 0);
    this.#isRewound = true;
  }

  async read(maxBytes: number): Promise<Uint8Array | undefined> {
    const bytes = this.#isRewound ? (this.#replay(maxBytes) ?? (await this.#source.read(maxBytes))) : await this.#keep(maxBytes);
    this.#offset += bytes?.length ?? 0;
    return bytes;
  }

  async skip(count: number): Promise<number> {
    if (this.#isRewound && this.#kept.length === 0) {
      const skipped = await this.#source.skip(count);
      this.#offset += skipped;
      return skipped;
    }
    let left = count;
    while (left > 0) {
      const bytes = await this.read(Math.min(left, SKIP_BYTES));
      if (bytes === undefined) break;
      left -= bytes.length;
    }
    return count - left;
  }

  async #keep(maxBytes: number): Promise<Uint8Array | undefined> {
    const bytes = await this.#source.read(maxBytes);
    if (bytes !== undefined) this.#kept.push(bytes.slice());
    return bytes;
  }

  #replay(maxBytes: number): Uint8Array | undefined {
    const [first] = this.#kept;
    if (first === undefined) return undefined;
    if (first.length > maxBytes) this.#kept[0] = first.subarray(maxBytes);
    else this.#kept.shift();
    return first.subarray(0, maxBytes);
  }
}

const SKIP_BYTES = 1024 * 1024;
