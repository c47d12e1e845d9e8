/** A stream as something to read from in steps of one's own choosing. */
import type { ByteSource, ByteStream } from "./bytes.ts";

/** Reads a stream; {@link close} it if it is left before its end. */
export class StreamSource implements ByteSource {
  readonly size: undefined;
  readonly #chunks: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array(0);
  #offset = 0;

  constructor(stream: ByteStream) {
    this.#chunks = stream[Symbol.asyncIterator]();
  }

  get offset(): number {
    return this.#offset;
  }

  async read(maxBytes: number): Promise<Uint8Array | undefined> {
    while (this.#rest.length === 0) {
      const next = await this.#chunks.next();
      if (next.done === true) return undefined;
      this.#rest = next.value;
    }
    const bytes = this.#rest.subarray(0, maxBytes);
    this.#rest = this.#rest.subarray(bytes.length);
    this.#offset += bytes.length;
    return bytes;
  }

  async skip(count: number): Promise<number> {
    let left = count;
    while (left > 0) {
      const chunk = await this.read(left);
      if (chunk === undefined) break;
      left -= chunk.length;
    }
    return count - left;
  }

  /** Lets the stream's steps clean up. */
  async close(): Promise<void> {
    await this.#chunks.return?.();
  }
}
