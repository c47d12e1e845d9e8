/**
 * Packs nvlists for tests, as libnvpair does: natively in either byte order, and in XDR.
 *
 * @see OpenZFS 2.3 `module/nvpair/nvpair.c`, `include/sys/nvpair.h`
 */

/** A pair: name, data_type_t, value. */
export type NvPairSketch = readonly [name: string, type: number, value: unknown];

/** How to pack. */
export type NvEncoding = "native little" | "native big" | "xdr";

/** Packs a list. */
export function packNvlist(pairs: readonly NvPairSketch[], encoding: NvEncoding): Uint8Array {
  const little = encoding === "native little";
  if (encoding === "xdr") return bytes([1, 1, 0, 0], xdrList(pairs));
  return bytes([0, little ? 1 : 0, 0, 0], int(0, 4, little), int(1, 4, little), nativePairs(pairs, little));
}

const WIDTHS: Readonly<Record<number, number>> = { 2: 1, 3: 2, 4: 2, 5: 4, 6: 4, 7: 8, 8: 8, 18: 8, 21: 4, 22: 1, 23: 1, 27: 8 };
const ARRAY_WIDTHS: Readonly<Record<number, number>> = { 10: 1, 11: 2, 12: 2, 13: 4, 14: 4, 15: 8, 16: 8, 24: 4, 25: 1, 26: 1 };
const BOOLEAN = 1;
const STRING = 9;
const BYTE_ARRAY = 10;
const STRING_ARRAY = 17;
const NVLIST = 19;
const NVLIST_ARRAY = 20;

function nativePairs(pairs: readonly NvPairSketch[], little: boolean): Uint8Array {
  return bytes(...pairs.map((pair) => nativePair(pair, little)), int(0, 4, little));
}

function nativePair([name, type, value]: NvPairSketch, little: boolean): Uint8Array {
  const nameBytes = text(name);
  const own = pad(nativeValue(type, value, little), 8);
  const head = 16 + nameBytes.length;
  const size = roundUp(head, 8) + own.length;
  const fields = [int(size, 4, little), int(nameBytes.length, 2, little), int(0, 2, little), int(elementsOf(type, value), 4, little)];
  const lists = type === NVLIST ? [value] : type === NVLIST_ARRAY ? (value as unknown[]) : [];
  const nested = lists.map((list) => nativePairs(list as NvPairSketch[], little));
  return bytes(...fields, int(type, 4, little), nameBytes, new Uint8Array(roundUp(head, 8) - head), own, ...nested);
}

function nativeValue(type: number, value: unknown, little: boolean): Uint8Array {
  if (type === BOOLEAN) return new Uint8Array(0);
  if (type === STRING) return text(value as string);
  if (type === STRING_ARRAY) return bytes(new Uint8Array((value as string[]).length * 8), ...(value as string[]).map(text));
  if (type === NVLIST) return new Uint8Array(24);
  if (type === NVLIST_ARRAY) return new Uint8Array((value as unknown[]).length * 32);
  const width = WIDTHS[type];
  if (width !== undefined) return scalar(value, type, width, little);
  return bytes(...[...(value as number[])].map((element) => scalar(element, type, ARRAY_WIDTHS[type] ?? 0, little)));
}

function xdrList(pairs: readonly NvPairSketch[]): Uint8Array {
  return bytes(int(0, 4, false), int(1, 4, false), ...pairs.map(xdrPair), new Uint8Array(8));
}

function xdrPair([name, type, value]: NvPairSketch): Uint8Array {
  const rest = bytes(xdrString(name), int(type, 4, false), int(elementsOf(type, value), 4, false), xdrValue(type, value));
  return bytes(int(rest.length + 8, 4, false), int(1, 4, false), rest);
}

function xdrValue(type: number, value: unknown): Uint8Array {
  if (type === BOOLEAN) return new Uint8Array(0);
  if (type === STRING) return xdrString(value as string);
  if (type === STRING_ARRAY) return bytes(...(value as string[]).map(xdrString));
  if (type === NVLIST) return xdrList(value as NvPairSketch[]);
  if (type === NVLIST_ARRAY) return bytes(...(value as NvPairSketch[][]).map(xdrList));
  if (type === BYTE_ARRAY) return pad(value as Uint8Array, 4);
  const width = WIDTHS[type];
  if (width !== undefined) return scalar(value, type, Math.max(4, width), false);
  const elements = [...(value as number[])];
  if (elements.length === 0) return new Uint8Array(0);
  return bytes(
    int(elements.length, 4, false),
    ...elements.map((element) => scalar(element, type, Math.max(4, ARRAY_WIDTHS[type] ?? 0), false)),
  );
}

function elementsOf(type: number, value: unknown): number {
  if (type === BOOLEAN) return 0;
  const isArray = type === STRING_ARRAY || type === NVLIST_ARRAY || ARRAY_WIDTHS[type] !== undefined;
  return isArray ? (value as unknown[]).length : 1;
}

function scalar(value: unknown, type: number, width: number, little: boolean): Uint8Array {
  if (type !== 27) return int(value === true ? 1 : value === false ? 0 : (value as number | bigint), width, little);
  const double = new Uint8Array(8);
  new DataView(double.buffer).setFloat64(0, value as number, little);
  return double;
}

function int(value: number | bigint, width: number, little: boolean): Uint8Array {
  const digits = Array.from({ length: width }, (_, index) => Number((BigInt(value) >> BigInt(8 * index)) & 0xffn));
  return Uint8Array.from(little ? digits : digits.toReversed());
}

function text(value: string): Uint8Array {
  return bytes(new TextEncoder().encode(value), [0]);
}

function xdrString(value: string): Uint8Array {
  const encoded = new TextEncoder().encode(value);
  return bytes(int(encoded.length, 4, false), pad(encoded, 4));
}

function pad(data: Uint8Array, unit: number): Uint8Array {
  return bytes(data, new Uint8Array(roundUp(data.length, unit) - data.length));
}

function roundUp(count: number, unit: number): number {
  return Math.ceil(count / unit) * unit;
}

function bytes(...parts: readonly (Uint8Array | readonly number[])[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}
