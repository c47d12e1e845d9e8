/**
 * The native encoding of nvlists, an image of `nvpair_t` in memory:
 *
 *     byte 0          4                6      8                  12            16        aligned to 8
 *     | nvp_size i32 | nvp_name_sz i16 | 0 … | nvp_value_elem i32 | nvp_type i32 | name, NUL | value                |
 *
 * A size of 0 ends the list. Strings of an array stand behind as many empty pointers of 8 bytes. A nested list leaves an empty `nvlist_t` of 24
 * bytes as its value, an array of them pointers too; their pairs follow behind the pair, without a header of their own.
 *
 * @see OpenZFS 2.3 `module/nvpair/nvpair.c` (`nvs_native_*`)
 */
import { ELEMENT_BYTES, type NvCursor, type NvElement } from "./nvlist-cursor.ts";
import { ARRAYS, NV_TYPE, SCALARS } from "./nvlist-types.ts";
import type { NvList, NvScalar, NvValue } from "./nvlist.ts";

const POINTER_BYTES = 8;
const NVLIST_BYTES = 24;

/** Decodes a list from its header. */
export function nativeList(cursor: NvCursor): NvList {
  const version = cursor.scalar("i32");
  if (version !== 0) throw cursor.damage(`has version ${version}`);
  cursor.skip(4); // nvl_nvflag
  return nativePairs(cursor);
}

function nativePairs(cursor: NvCursor): NvList {
  const list = new Map<string, NvValue>();
  for (;;) {
    const start = cursor.at;
    const size = cursor.scalar("i32");
    if (size === 0) return list;
    const nameBytes = cursor.scalar("i16");
    cursor.skip(2); // nvp_reserve
    const elements = cursor.scalar("i32");
    const type = cursor.scalar("i32");
    const valueAt = start + align8(16 + nameBytes);
    if (nameBytes < 1 || elements < 0 || valueAt > start + size) throw cursor.damage("has a pair whose sizes contradict each other");
    const name = cursor.terminatedText(start + 16 + nameBytes);
    cursor.skip(valueAt - cursor.at);
    cursor.add(list, name, nativeValue(cursor, { type, elements, end: start + size }));
  }
}

/** Decodes a value, and steps behind its pair at `end`. */
function nativeValue(cursor: NvCursor, pair: { type: number; elements: number; end: number }): NvValue {
  const { type, elements, end } = pair;
  const bytes = valueBytes(cursor, type, elements);
  if (bytes > end - cursor.at) throw cursor.damage("has a pair that is too short for its value");
  if (type === NV_TYPE.nvlist || type === NV_TYPE.nvlistArray) {
    cursor.skip(end - cursor.at);
    const lists = Array.from({ length: elements }, () => cursor.nested(() => nativePairs(cursor)));
    return type === NV_TYPE.nvlist ? (lists[0] ?? new Map()) : lists;
  }
  const value = plainValue(cursor, pair);
  cursor.skip(end - cursor.at);
  return value;
}

function plainValue(cursor: NvCursor, { type, elements, end }: { type: number; elements: number; end: number }): NvValue {
  if (type === NV_TYPE.boolean) return true;
  if (type === NV_TYPE.string) return cursor.terminatedText(end);
  if (type === NV_TYPE.stringArray) {
    cursor.skip(elements * POINTER_BYTES);
    return Array.from({ length: elements }, () => cursor.terminatedText(end));
  }
  const scalar = SCALARS.get(type);
  return scalar === undefined ? nativeArray(cursor, ARRAYS.get(type) as NvElement, elements) : cursor.scalar(scalar);
}

function nativeArray(cursor: NvCursor, element: NvElement, elements: number): Uint8Array | NvScalar[] {
  if (element === "u8") return cursor.take(elements);
  return Array.from({ length: elements }, () => cursor.scalar(element));
}

/** How many bytes a value has at least, so that nothing is made room for that cannot be there. */
function valueBytes(cursor: NvCursor, type: number, elements: number): number {
  if (type === NV_TYPE.boolean) return 0;
  if (type === NV_TYPE.stringArray) return elements * (POINTER_BYTES + 1);
  if (type === NV_TYPE.nvlistArray) return elements * (POINTER_BYTES + NVLIST_BYTES);
  const array = ARRAYS.get(type);
  if (array !== undefined) return elements * ELEMENT_BYTES[array];
  const single = type === NV_TYPE.string ? 1 : type === NV_TYPE.nvlist ? NVLIST_BYTES : scalarBytes(SCALARS.get(type));
  if (single === undefined) throw cursor.damage(`has a value of type ${type}, which is none`);
  if (elements !== 1) throw cursor.damage(`has a single value of ${elements} elements`);
  return single;
}

function scalarBytes(element: NvElement | undefined): number | undefined {
  return element === undefined ? undefined : ELEMENT_BYTES[element];
}

function align8(bytes: number): number {
  return (bytes + 7) & ~7;
}
