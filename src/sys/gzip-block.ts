/** One block of gzip with the best library at hand: libdeflate, which Bun has, several times as fast as zlib; else zlib on the thread pool. */
import { promisify } from "node:util";
import * as zlib from "node:zlib";

type Level = 1 | 2 | 3 | 4 | 5 | 6 | 10 | 11 | 12;

/**
 * The level of libdeflate for each level from 1: up to 9 the fastest one whose result is not larger than gzip's at that level, then libdeflate's
 * own slowest ones, which take several times as long for a few percent (docs/performance.md).
 */
const LIBDEFLATE_LEVELS: readonly Level[] = [1, 2, 3, 4, 5, 5, 5, 6, 6, 10, 11, 12];
const ZLIB_LEVELS = 9;
const zlibGzip = promisify(zlib.gzip) as (data: Uint8Array, options: zlib.ZlibOptions) => Promise<Uint8Array>;

/** Whether compression keeps a thread busy, so that more threads make more of it; otherwise the runtime sees to that. */
export const compressesHere: boolean = "Bun" in globalThis;

/**
 * Compresses a block into one gzip member.
 *
 * @param level 1 to 12, where 1 to 9 are gzip's; zlib takes everything above 9 for 9
 */
export async function gzipBlock(data: Uint8Array<ArrayBuffer>, level: number): Promise<Uint8Array> {
  if (!compressesHere) return await zlibGzip(data, { level: Math.min(level, ZLIB_LEVELS) });
  return Bun.gzipSync(data, { library: "libdeflate", level: LIBDEFLATE_LEVELS[level - 1] as Level });
}
