/**
 * A stream that can be opened again, as something to seek in: going forward it is read on, going back it begins anew. What was read last is
 * kept, as readers that read ahead come back a little. For reading that goes forward but for that.
 */
import type { ByteStream, SeekableSource } from "./bytes.ts";
import { StreamSource } from "./stream-source.ts";

/** Bytes kept: more than any reader reads ahead. */
const KEPT_BYTES = 2 * 1024 * 1024;

/** Seeks by reading; {@link close} it. */
export class ForwardSource implements SeekableSource {
  readonly size: number;
  readonly #open: () => ByteStream;
  #stream: StreamSource | undefined;
  /** The chunks read last; the stream stands behind them. */
  #kept: Uint8Array[] = [];
  #keptBytes = 0;
  #position = 0;

  /** @param size what all of the stream has */
  constructor(open: () => ByteStream, size: number) {
    this.#open = open;
    this.size = size;
  }

  get offset(): number {
    return this.#position;
  }

  seek(offset: number): void {
    this.#position = offset;
  }

  async read(maxBytes: number): Promise<Uint8Array | undefined> {
    const position = this.#position;
    const stream = await this.#streamBefore(position);
    while (stream.offset <= position) if (!(await this.#readOn(stream))) return undefined;
    const chunk = this.#keptAt(position - (stream.offset - this.#keptBytes)).subarray(0, maxBytes);
    this.#position = position + chunk.length;
    return chunk;
  }

  async skip(count: number): Promise<number> {
    const step = Math.max(0, Math.min(count, this.size - this.#position));
    this.#position += step;
    return await Promise.resolve(step);
  }

  /** Lets the stream's steps clean up. */
  async close(): Promise<void> {
    await this.#stream?.close();
    this.#stream = undefined;
  }

  /** The stream, opened anew if a byte lies before those that are kept. */
  async #streamBefore(position: number): Promise<StreamSource> {
    if (this.#stream !== undefined && position >= this.#stream.offset - this.#keptBytes) return this.#stream;
    await this.close();
    this.#kept = [];
    this.#keptBytes = 0;
    this.#stream = new StreamSource(this.#open());
    return this.#stream;
  }

  async #readOn(stream: StreamSource): Promise<boolean> {
    const chunk = await stream.read(KEPT_BYTES);
    if (chunk === undefined) return false;
    this.#kept.push(chunk);
    this.#keptBytes += chunk.length;
    for (let first = this.#kept[0]; first !== undefined && this.#keptBytes - first.length >= KEPT_BYTES; first = this.#kept[0]) {
      this.#kept.shift();
      this.#keptBytes -= first.length;
    }
    return true;
  }

  /** What is kept from a byte on, up to the end of its chunk. */
  #keptAt(index: number): Uint8Array {
    let left = index;
    for (const chunk of this.#kept) {
      if (left < chunk.length) return chunk.subarray(left);
      left -= chunk.length;
    }
    throw new RangeError(`no byte ${index} is kept`);
  }
}
