/**
 * Decodes packed nvlists: the payload of BEGIN records, and extended attributes in a file's system attributes.
 *
 *     byte 0                     1                          2, 3
 *     | encoding: 0 native, 1 XDR | endian: 0 big, 1 little | 0, 0 | nvl_version i32, 0 | nvl_nvflag u32 | pairs … |
 *
 * The native encoding is the memory of the machine that packed it (nvlist-native.ts); XDR is big-endian in units of 4 bytes (nvlist-xdr.ts).
 *
 * @see OpenZFS 2.3 `module/nvpair/nvpair.c`, `include/sys/nvpair.h`
 */
import { NvCursor, type NvInput } from "./nvlist-cursor.ts";
import { nativeList } from "./nvlist-native.ts";
import { xdrList } from "./nvlist-xdr.ts";

/** A decoded nvlist. */
export type NvList = ReadonlyMap<string, NvValue>;

/**
 * A value. 64-bit integers and hrtime are bigint, smaller ones and doubles number, bytes and arrays of unsigned bytes Uint8Array;
 * DATA_TYPE_BOOLEAN, which has no value, is true.
 */
export type NvValue =
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | readonly NvScalar[]
  | readonly string[]
  | NvList
  | readonly NvList[];

/** An element of an array of numbers. */
export type NvScalar = boolean | number | bigint;

const HEADER_BYTES = 4;
const MAX_BYTES = 64 * 1024 * 1024;

/**
 * Decodes a packed nvlist. What follows its end is ignored, as upstream does.
 *
 * @throws ToolError damaged: cut off, inconsistent, a name twice in one list, more than 64 MiB, 1,000,000 pairs or 100 levels
 */
export function decodeNvlist(bytes: Uint8Array, input: NvInput): NvList {
  const cursor = new NvCursor(bytes, input);
  if (bytes.length > MAX_BYTES) throw cursor.damage(`has ${bytes.length} bytes, more than ${MAX_BYTES}`);
  const encoding = cursor.scalar("u8");
  const endian = cursor.scalar("u8");
  cursor.skip(HEADER_BYTES - 2);
  if (encoding === 1) return xdrList(cursor);
  if (encoding !== 0) throw cursor.damage(`is in encoding ${encoding}, which is neither native nor XDR`);
  if (endian !== 0 && endian !== 1) throw cursor.damage(`is in byte order ${endian}, which is neither big nor little`);
  cursor.littleEndian = endian === 1;
  return nativeList(cursor);
}
