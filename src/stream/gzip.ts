/**
 * Gzip (RFC 1952) on every core: the input is cut into blocks, each block becomes a gzip member of its own, compressed on the runtime's
 * thread pool while its neighbours are, and the members are written in order. RFC 1952 §2.2 allows any number of members, and `gunzip`
 * joins them. The output depends on the input alone, not on how it came in chunks or on how many threads there were.
 */
import { availableParallelism } from "node:os";
import { promisify } from "node:util";
import * as zlib from "node:zlib";
import { concat, type ByteStream } from "./bytes.ts";

/** Input bytes per gzip member: large enough that a fresh dictionary costs under 1 %, small enough to keep few of them in memory. */
const BLOCK_BYTES = 1024 * 1024;
const LEVEL = 6;

const compress = promisify(zlib.gzip) as (data: Uint8Array, options: zlib.ZlibOptions) => Promise<Uint8Array>;

/** Compresses a stream. Holds at most two blocks per core, before and after compression. */
export async function* gzip(source: ByteStream): ByteStream {
  const ahead = availableParallelism() + 1;
  const queue: Promise<Uint8Array>[] = [];
  try {
    for await (const block of blocks(source)) {
      queue.push(compress(block, { level: LEVEL }));
      if (queue.length >= ahead) yield await (queue.shift() as Promise<Uint8Array>);
    }
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) yield await next;
  } finally {
    await Promise.allSettled(queue);
  }
}

/** Regroups a stream into blocks of exactly {@link BLOCK_BYTES}, the last one shorter; an empty stream is one empty block, since no bytes are no gzip file. */
async function* blocks(source: ByteStream): ByteStream {
  let chunks: Uint8Array[] = [];
  let bytes = 0;
  let any = false;
  for await (let chunk of source) {
    while (bytes + chunk.length >= BLOCK_BYTES) {
      const take = BLOCK_BYTES - bytes;
      chunks.push(chunk.subarray(0, take));
      yield concat(chunks);
      any = true;
      chunk = chunk.subarray(take);
      chunks = [];
      bytes = 0;
    }
    if (chunk.length > 0) {
      chunks.push(chunk);
      bytes += chunk.length;
    }
  }
  if (bytes > 0 || !any) yield concat(chunks);
}
