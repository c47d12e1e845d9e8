/** A source that passes once, but whose beginning can be read twice. */
import { damaged } from "../errors.ts";
import type { ByteSource } from "./bytes.ts";

/** What is kept at most. */
const LIMIT_BYTES = 128 * 1024 * 1024;
const SKIP_BYTES = 1024 * 1024;

/** Keeps in memory what is read before {@link rewind}, and gives it again after that, or drops it for {@link goOn}. */
export class ReplaySource implements ByteSource {
  readonly size: undefined;
  readonly #source: ByteSource;
  readonly #kept: Uint8Array[] = [];
  #keptBytes = 0;
  #isKeeping = true;
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
    this.#offset -= this.#keptBytes;
    this.#isKeeping = false;
  }

  /** Goes on from here; there is no way back any more. */
  goOn(): void {
    this.#kept.length = 0;
    this.#isKeeping = false;
  }

  async read(maxBytes: number): Promise<Uint8Array | undefined> {
    const bytes = this.#isKeeping ? await this.#keep(maxBytes) : (this.#replay(maxBytes) ?? (await this.#source.read(maxBytes)));
    this.#offset += bytes?.length ?? 0;
    return bytes;
  }

  async skip(count: number): Promise<number> {
    if (!this.#isKeeping && this.#kept.length === 0) {
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
    if (bytes === undefined) return undefined;
    this.#kept.push(bytes.slice());
    this.#keptBytes += bytes.length;
    if (this.#keptBytes <= LIMIT_BYTES) return bytes;
    throw damaged(`Cannot read the input: its first ${LIMIT_BYTES} bytes do not tell what it is`, { hints: ["Save it to a file first"] });
  }

  #replay(maxBytes: number): Uint8Array | undefined {
    const [first] = this.#kept;
    if (first === undefined) return undefined;
    if (first.length > maxBytes) this.#kept[0] = first.subarray(maxBytes);
    else this.#kept.shift();
    return first.subarray(0, maxBytes);
  }
}
