/** A place in a packed nvlist, which never leaves it, and the bounds on what may be decoded. */
import { damaged } from "../../errors.ts";
import type { NvList, NvScalar, NvValue } from "./nvlist.ts";

/** What an nvlist is, for messages. */
export interface NvInput {
  /** What messages call it, e.g. `ZFS stream "tank/p@s1"`. */
  what: string;
  /** Where it begins in that, in bytes. */
  offset?: number;
}

/** How one element is stored. */
export type NvElement = "bool" | "i8" | "u8" | "i16" | "u16" | "i32" | "u32" | "i64" | "u64" | "f64";

/** Bytes of an element in the native encoding. */
export const ELEMENT_BYTES: Readonly<Record<NvElement, number>> = {
  bool: 4,
  i8: 1,
  u8: 1,
  i16: 2,
  u16: 2,
  i32: 4,
  u32: 4,
  i64: 8,
  u64: 8,
  f64: 8,
};

const MAX_PAIRS = 1_000_000;
const MAX_DEPTH = 100; // nvpair_max_recursion in user space

/** Reads elements one behind the other. */
export class NvCursor {
  /** Next byte to read. */
  at = 0;
  /** Byte order of all numbers. */
  littleEndian = false;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #input: NvInput;
  #pairs = 0;
  #depth = 0;

  constructor(bytes: Uint8Array, input: NvInput) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#input = input;
  }

  /** Reads an element in its own size. */
  scalar(element: "i32" | "u8" | "i16"): number;
  scalar(element: NvElement): NvScalar;
  scalar(element: NvElement): NvScalar {
    const at = this.skip(ELEMENT_BYTES[element]);
    switch (element) {
      case "bool":
        return this.#view.getInt32(at, this.littleEndian) !== 0;
      case "i8":
        return this.#view.getInt8(at);
      case "u8":
        return this.#view.getUint8(at);
      case "i16":
        return this.#view.getInt16(at, this.littleEndian);
      case "u16":
        return this.#view.getUint16(at, this.littleEndian);
      case "i32":
        return this.#view.getInt32(at, this.littleEndian);
      case "u32":
        return this.#view.getUint32(at, this.littleEndian);
      case "i64":
        return this.#view.getBigInt64(at, this.littleEndian);
      case "u64":
        return this.#view.getBigUint64(at, this.littleEndian);
      case "f64":
        return this.#view.getFloat64(at, this.littleEndian);
    }
  }

  /** A copy of the next bytes. */
  take(count: number): Uint8Array {
    const at = this.skip(count);
    return this.#bytes.slice(at, at + count);
  }

  /** The next bytes as text. */
  text(count: number): string {
    const at = this.skip(count);
    return new TextDecoder().decode(this.#bytes.subarray(at, at + count));
  }

  /** Text up to a NUL, which is stepped over; it must come before `end`. */
  terminatedText(end: number): string {
    const nul = this.#bytes.indexOf(0, this.at);
    if (nul < 0 || nul >= end) throw this.damage("has a string without its NUL");
    const text = this.text(nul - this.at);
    this.skip(1);
    return text;
  }

  /** Steps over bytes; returns where they began. @throws ToolError damaged if there are fewer */
  skip(count: number): number {
    const { at } = this;
    if (count < 0 || count > this.#bytes.length - at) throw this.damage("is cut off");
    this.at = at + count;
    return at;
  }

  /** Adds a pair to a list. @throws ToolError damaged if the name is there already, or there are too many pairs */
  add(list: Map<string, NvValue>, name: string, value: NvValue): void {
    if (list.has(name)) throw this.damage(`has ${JSON.stringify(name)} twice`);
    list.set(name, value);
    this.#pairs += 1;
    if (this.#pairs > MAX_PAIRS) throw this.damage(`has more than ${MAX_PAIRS} pairs`);
  }

  /** Decodes a list inside a list. */
  nested(decode: () => NvList): NvList {
    this.#depth += 1;
    if (this.#depth > MAX_DEPTH) throw this.damage(`is more than ${MAX_DEPTH} levels deep`);
    const list = decode();
    this.#depth -= 1;
    return list;
  }

  /** What is wrong with the nvlist, here. */
  damage(reason: string): Error {
    const { what, offset = 0 } = this.#input;
    return damaged(`Cannot read ${what}: an nvlist ${reason}`, { offset: offset + this.at });
  }
}
