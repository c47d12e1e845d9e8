/**
 * Gzip (RFC 1952) on every core: the input is cut into blocks, each block becomes a gzip member of its own (gzip-member.ts), compressed while
 * its neighbours are, and the members are written in order. RFC 1952 §2.2 allows any number of members, and `gunzip` joins them. The output
 * depends on the input and the level alone, not on how it came in chunks or on how many threads there were.
 */
import { compressesHere, gzipBlock } from "../sys/gzip-block.ts";
import { Thread } from "../sys/thread.ts";
import type { ByteStream } from "./bytes.ts";
import { BLOCK_BYTES, withLength } from "./gzip-member.ts";
import type { Request } from "./threads/worker.ts";

/** Levels: to 9 those of gzip(1), beyond for who has time. */
export const GZIP_LEVELS = { min: 1, max: 12, default: 6 } as const;

/** Options of {@link gzip}. */
export interface GzipOptions {
  /** {@link GZIP_LEVELS}. */
  level: number;
  /** How many blocks are compressed at the same time; 1 does it here. */
  threads: number;
}

/** Compresses a stream. Holds at most two blocks per thread, before and after compression. */
export async function* gzip(source: ByteStream, { level, threads }: GzipOptions): ByteStream {
  const slots = threads === 1 ? 1 : 2 * threads;
  const compressor = threads > 1 && compressesHere ? new Threads(slots, threads) : new Here(slots);
  const queue: Promise<Uint8Array>[] = [];
  try {
    for await (const { slot, length } of fillSlots(source, compressor.memory)) {
      queue.push(compressor.compress(slot, length, level));
      if (queue.length === slots) yield* withLength(await (queue.shift() as Promise<Uint8Array>));
    }
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) yield* withLength(await next);
  } finally {
    compressor.close();
    await Promise.allSettled(queue);
  }
}

/** Fills the blocks of the memory one after the other, and each anew when it is its turn again; an empty stream is one empty block, since no bytes are no gzip file. */
async function* fillSlots(source: ByteStream, memory: ArrayBufferLike): AsyncGenerator<{ slot: number; length: number }> {
  const all = new Uint8Array(memory);
  let at = 0;
  let length = 0;
  let any = false;
  for await (const chunk of source) {
    for (let done = 0; done < chunk.length;) {
      const step = Math.min(chunk.length - done, BLOCK_BYTES - length);
      all.set(chunk.subarray(done, done + step), at + length);
      done += step;
      length += step;
      if (length < BLOCK_BYTES) continue;
      yield { slot: at, length };
      any = true;
      at = (at + BLOCK_BYTES) % all.length;
      length = 0;
    }
  }
  if (length > 0 || !any) yield { slot: at, length };
}

/** Compresses blocks that lie in its memory, at their offsets. */
interface Compressor {
  readonly memory: ArrayBufferLike;
  compress(at: number, length: number, level: number): Promise<Uint8Array>;
  close(): void;
}

class Here implements Compressor {
  readonly memory: ArrayBuffer;

  constructor(slots: number) {
    this.memory = new ArrayBuffer(slots * BLOCK_BYTES);
  }

  async compress(at: number, length: number, level: number): Promise<Uint8Array> {
    return await gzipBlock(new Uint8Array(this.memory, at, length), level);
  }

  close(): void {}
}

class Threads implements Compressor {
  readonly memory: SharedArrayBuffer;
  readonly #count: number;
  #threads: readonly Thread[] = [];

  constructor(slots: number, threads: number) {
    this.memory = new SharedArrayBuffer(slots * BLOCK_BYTES);
    this.#count = threads;
  }

  async compress(at: number, length: number, level: number): Promise<Uint8Array> {
    if (this.#threads.length === 0) {
      // a stream of less than one block is not worth a thread
      if (length < BLOCK_BYTES) return await gzipBlock(new Uint8Array(this.memory as unknown as ArrayBuffer, at, length), level);
      this.#threads = Array.from({ length: this.#count }, () => new Thread("stream/threads/worker", this.memory));
    }
    const idlest = this.#threads.reduce((best, thread) => (thread.pending < best.pending ? thread : best));
    return await idlest.ask<Uint8Array>({ do: "gzip", at, length, level } satisfies Request);
  }

  close(): void {
    for (const thread of this.#threads) thread.close();
  }
}
