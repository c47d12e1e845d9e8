/**
 * Undoes the compression of a block: of WRITE records of `zfs send -c`, of WRITE_EMBEDDED records, of nothing else in a send stream.
 *
 * ids of `enum zio_compress`:
 *
 *     0 inherit   1 on (lzjb)   2 off   3 lzjb   4 empty   5 … 13 gzip-1 … gzip-9   14 zle   15 lz4   16 zstd
 *
 * 0 is how a WRITE record says that its block is as it was written. What stands behind the compressed data in a block is padding.
 *
 * @see OpenZFS 2.3 `include/sys/zio_compress.h`, `module/zfs/zio_compress.c`
 */
import { damaged } from "../../../errors.ts";
import { decompressGzip } from "./gzip.ts";
import { decompressLz4 } from "./lz4.ts";
import { decompressLzjb } from "./lzjb.ts";
import { decompressZle } from "./zle.ts";
import { decompressZstd } from "./zstd.ts";

/** Undoes one kind of compression; undefined unless the data comes to exactly `logicalBytes`. */
export type Decompressor = (data: Uint8Array, logicalBytes: number) => Uint8Array | undefined;

const INHERIT = 0;
const OFF = 2;
const EMPTY = 4;
const GZIP_LEVELS = [1, 2, 3, 4, 5, 6, 7, 8, 9];

const COMPRESSIONS: ReadonlyMap<number, { name: string; decompress: Decompressor }> = new Map([
  [INHERIT, { name: "inherit", decompress: decompressNothing }],
  [1, { name: "on", decompress: decompressLzjb }],
  [OFF, { name: "off", decompress: decompressNothing }],
  [3, { name: "lzjb", decompress: decompressLzjb }],
  [EMPTY, { name: "empty", decompress: (_data, logicalBytes) => new Uint8Array(logicalBytes) }],
  ...GZIP_LEVELS.map((level) => [level + 4, { name: `gzip-${level}`, decompress: decompressGzip }] as const),
  [14, { name: "zle", decompress: decompressZle }],
  [15, { name: "lz4", decompress: decompressLz4 }],
  [16, { name: "zstd", decompress: decompressZstd }],
]);

/**
 * Undoes the compression of a block. What is not compressed is returned as it is, not copied.
 *
 * @param compression id of `enum zio_compress`
 * @param logicalBytes size of the block, at most 16 MiB
 * @throws ToolError damaged for an unknown id, and unless the data comes to exactly `logicalBytes`
 */
export function decompressBlock(compression: number, data: Uint8Array, logicalBytes: number): Uint8Array {
  const found = COMPRESSIONS.get(compression);
  const block = found?.decompress(data, logicalBytes);
  if (block !== undefined) return block;
  const reason = found === undefined ? `${compression} is no compression` : `its ${found.name} data is damaged`;
  throw damaged(`Cannot decompress a block of ${logicalBytes} bytes: ${reason}`, { facts: { compression } });
}

/** The name of a compression, as the property `compression` has it; undefined for an unknown id. */
export function compressionName(compression: number): string | undefined {
  return COMPRESSIONS.get(compression)?.name;
}

function decompressNothing(data: Uint8Array, logicalBytes: number): Uint8Array | undefined {
  return data.length === logicalBytes ? data : undefined;
}
