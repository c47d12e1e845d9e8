/**
 * The XDR encoding of nvlists, big-endian in units of 4 bytes; a pair:
 *
 *     | encoded size i32 | decoded size i32 | name: length u32, bytes, padding | type i32 | elements i32 | value |
 *
 * A decoded size of 0 ends the list. Elements smaller than a unit take one each; an array of them has its length in front of it again, except
 * bytes, which are packed. A nested list is a header and pairs, and ends within its pair.
 *
 * @see OpenZFS 2.3 `module/nvpair/nvpair.c` (`nvs_xdr_*`), RFC 4506
 */
import { ELEMENT_BYTES, type NvCursor, type NvElement } from "./nvlist-cursor.ts";
import { ARRAYS, NV_TYPE, SCALARS } from "./nvlist-types.ts";
import type { NvList, NvScalar, NvValue } from "./nvlist.ts";

const UNIT_BYTES = 4;

/** Decodes a list from its header. */
export function xdrList(cursor: NvCursor): NvList {
  const version = cursor.scalar("i32");
  if (version !== 0) throw cursor.damage(`has version ${version}`);
  cursor.skip(UNIT_BYTES); // nvl_nvflag
  const list = new Map<string, NvValue>();
  for (;;) {
    cursor.skip(UNIT_BYTES); // encoded size
    const decodedBytes = cursor.scalar("i32");
    if (decodedBytes === 0) return list;
    const name = xdrString(cursor);
    const type = cursor.scalar("i32");
    const elements = cursor.scalar("i32");
    if (elements < 0) throw cursor.damage(`has a value of ${elements} elements`);
    cursor.add(list, name, xdrValue(cursor, type, elements));
  }
}

function xdrValue(cursor: NvCursor, type: number, elements: number): NvValue {
  const array = ARRAYS.get(type);
  if (array !== undefined) return xdrArray(cursor, { type, element: array, elements });
  switch (type) {
    case NV_TYPE.boolean:
      return true;
    case NV_TYPE.stringArray:
      return repeat(elements, () => xdrString(cursor));
    case NV_TYPE.nvlistArray:
      return repeat(elements, () => cursor.nested(() => xdrList(cursor)));
    default:
      if (elements !== 1) throw cursor.damage(`has a single value of ${elements} elements`);
      return xdrSingle(cursor, type);
  }
}

function xdrSingle(cursor: NvCursor, type: number): NvValue {
  if (type === NV_TYPE.string) return xdrString(cursor);
  if (type === NV_TYPE.nvlist) return cursor.nested(() => xdrList(cursor));
  const element = SCALARS.get(type);
  if (element === undefined) throw cursor.damage(`has a value of type ${type}, which is none`);
  return xdrScalar(cursor, element);
}

function xdrArray(cursor: NvCursor, array: { type: number; element: NvElement; elements: number }): NvValue {
  const { type, element, elements } = array;
  if (type === NV_TYPE.byteArray) return xdrBytes(cursor, elements);
  if (elements === 0) return element === "u8" ? new Uint8Array(0) : [];
  const repeated = cursor.scalar("i32");
  if (repeated !== elements) throw cursor.damage(`has an array of ${elements} elements that says it has ${repeated}`);
  const values = repeat(elements, () => xdrScalar(cursor, element));
  return element === "u8" ? Uint8Array.from(values as number[]) : values;
}

/** An element, which stands at the end of its unit if it is smaller. */
function xdrScalar(cursor: NvCursor, element: NvElement): NvScalar {
  cursor.skip(Math.max(0, UNIT_BYTES - ELEMENT_BYTES[element]));
  return cursor.scalar(element);
}

function xdrString(cursor: NvCursor): string {
  const count = cursor.scalar("i32");
  const text = cursor.text(count);
  cursor.skip(padding(count));
  return text;
}

function xdrBytes(cursor: NvCursor, count: number): Uint8Array {
  const bytes = cursor.take(count);
  cursor.skip(padding(count));
  return bytes;
}

function padding(count: number): number {
  return (UNIT_BYTES - (count % UNIT_BYTES)) % UNIT_BYTES;
}

/** Decodes values one by one, so that a huge count ends with the bytes and not with the memory. */
function repeat<Value>(count: number, decode: () => Value): Value[] {
  const values: Value[] = [];
  while (values.length < count) values.push(decode());
  return values;
}
