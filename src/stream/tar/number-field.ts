/**
 * Numbers in a tar header: octal digits closed by a NUL, or where those do not suffice GNU's base 256 - the first byte 0x80 (0xff for a
 * negative number), the rest the number in two's complement, most significant byte first. We read both and write octal only.
 *
 * @see GNU tar manual, "Extensions: base-256"; POSIX pax, "ustar Interchange Format"
 */
import { damaged } from "../../errors.ts";
import { displayName } from "./display-name.ts";

/** Where a number stands in the header, and what messages call it. */
export interface NumberField {
  label: string;
  at: number;
  length: number;
}

const SPACE = 0x20;

/** Largest number that fits `length` bytes in octal with its NUL. */
export function octalLimit(length: number): number {
  return 8 ** (length - 1) - 1;
}

/** Writes octal digits and a NUL. @throws RangeError if the number does not fit */
export function encodeOctal(block: Uint8Array, field: NumberField, value: number): void {
  if (!Number.isSafeInteger(value) || value < 0 || value > octalLimit(field.length)) {
    throw new RangeError(`${field.label} ${value} does not fit ${field.length - 1} octal digits`);
  }
  const digits = value.toString(8).padStart(field.length - 1, "0");
  for (let index = 0; index < digits.length; index++) block[field.at + index] = digits.charCodeAt(index);
}

/** Reads a number; a blank field is 0. @param offset where the header begins, for messages @throws ToolError damaged */
export function decodeNumber(block: Uint8Array, field: NumberField, offset: number): number {
  const bytes = block.subarray(field.at, field.at + field.length);
  const value = ((bytes[0] ?? 0) & 0x80) === 0 ? decodeOctal(bytes) : decodeBase256(bytes);
  if (value !== undefined && Number.isSafeInteger(value)) return value;
  const reason = value === undefined ? "is not an octal number" : "is too large";
  throw damaged(`Cannot read archive: ${field.label} "${displayName(bytes)}" of a header ${reason}`, { offset });
}

/** The digits without the spaces and NULs around them; undefined if there is anything else. */
function decodeOctal(bytes: Uint8Array): number | undefined {
  let start = 0;
  let end = bytes.length;
  while (start < end && isBlank(bytes[start])) start++;
  while (end > start && isBlank(bytes[end - 1])) end--;
  let value = 0;
  for (const byte of bytes.subarray(start, end)) {
    if (byte < 0x30 || byte > 0x37) return undefined;
    value = value * 8 + byte - 0x30;
  }
  return value;
}

function isBlank(byte: number | undefined): boolean {
  return byte === SPACE || byte === 0;
}

function decodeBase256(bytes: Uint8Array): number {
  const bits = BigInt(bytes.length * 8 - 1);
  return Number(BigInt.asIntN(Number(bits), BigInt(`0x${Buffer.from(bytes).toString("hex")}`)));
}
