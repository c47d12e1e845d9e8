/**
 * The tar header block, 512 bytes (POSIX ustar).
 *
 *     0 name 100 | 100 mode 8 | 108 uid 8 | 116 gid 8 | 124 size 12 | 136 mtime 12 | 148 checksum 8 | 156 typeflag 1 | 157 linkname 100
 *     257 magic 6 "ustar\0" | 263 version 2 "00" | 265 uname 32 | 297 gname 32 | 329 devmajor 8 | 337 devminor 8 | 345 prefix 155 | 500 12
 *
 * Writing follows RubyGems' TarWriter to the byte, which is what upstream's archives are made with. Reading takes in what GNU tar and old
 * tars write as well: base-256 numbers, sizes of twelve digits without terminator, signed checksums.
 *
 * @see POSIX.1-2017 pax "ustar Interchange Format"; GNU tar manual "Basic Tar Format"; rubygems `lib/rubygems/package/tar_header.rb`, 3.4
 */
import { damaged, ToolError } from "../../errors.ts";

/** A header, decoded. */
export interface TarHeader {
  /** Path, the prefix joined in front. */
  name: Uint8Array;
  /** Mode as stored, which may include file type bits. */
  mode: number;
  uid: number;
  gid: number;
  /** Bytes of data that follow. */
  size: number;
  /** Seconds since 1970, negative before. */
  mtime: number;
  /** One character; "0" for a regular file, also where old tars wrote NUL. */
  typeflag: string;
  linkname: Uint8Array;
  uname: string;
  gname: string;
  devmajor: number;
  devminor: number;
}

/** Size of a block: of a header, and of what data is padded to. */
export const BLOCK_BYTES = 512;

const NAME_BYTES = 100;
const PREFIX_BYTES = 155;
const CHECKSUM = { at: 148, bytes: 8 } as const;
const SLASH = 0x2f;

/**
 * Encodes a header.
 *
 * @throws ToolError failed for a name that ustar cannot hold (100 bytes in its last component, 155 before it)
 * @throws RangeError for a number that does not fit its field; callers check or use pax
 */
export function encodeHeader(header: TarHeader): Uint8Array {
  const block = new Uint8Array(BLOCK_BYTES);
  const { name, prefix } = splitName(header.name);
  block.set(name, 0);
  writeOctal(block, 100, 8, header.mode);
  writeOctal(block, 108, 8, header.uid);
  writeOctal(block, 116, 8, header.gid);
  writeOctal(block, 124, 12, header.size);
  writeOctal(block, 136, 12, header.mtime);
  writeText(block, 156, header.typeflag);
  if (header.linkname.length > NAME_BYTES) throw nameTooLong(header.linkname);
  block.set(header.linkname, 157);
  writeText(block, 257, "ustar\0" + "00");
  writeText(block, 265, header.uname);
  writeText(block, 297, header.gname);
  writeOctal(block, 329, 8, header.devmajor);
  writeOctal(block, 337, 8, header.devminor);
  block.set(prefix, 345);
  writeText(block, CHECKSUM.at, `${checksums(block).unsigned.toString(8).padStart(6, "0")}\0 `);
  return block;
}

/** Decodes a block; "zero" for one of NULs only. @throws ToolError damaged if it is no header */
export function decodeHeader(block: Uint8Array, offset: number): TarHeader | "zero" {
  if (block.every((byte) => byte === 0)) return "zero";
  const sums = checksums(block);
  const stored = readOctal(block, CHECKSUM.at, CHECKSUM.bytes);
  if (stored !== sums.unsigned && stored !== sums.signed) {
    throw damaged("Cannot read tar archive: this is no header, its checksum is wrong", {
      offset,
      facts: { expected: sums.unsigned, actual: stored },
    });
  }
  const number = (at: number, bytes: number, what: string): number => readNumber({ block, at, bytes, what, offset });
  const magic = readText(block, 257, 6);
  const isUstar = magic === "ustar";
  const prefix = isUstar ? readBytes(block, 345, PREFIX_BYTES) : new Uint8Array(0);
  const typeflag = block[156] === 0 ? "0" : String.fromCharCode(block[156] as number);
  return {
    name: joinName(prefix, readBytes(block, 0, NAME_BYTES)),
    mode: number(100, 8, "mode"),
    uid: number(108, 8, "uid"),
    gid: number(116, 8, "gid"),
    size: number(124, 12, "size"),
    mtime: number(136, 12, "mtime"),
    typeflag,
    linkname: readBytes(block, 157, NAME_BYTES),
    uname: readText(block, 265, 32),
    gname: readText(block, 297, 32),
    devmajor: number(329, 8, "devmajor"),
    devminor: number(337, 8, "devminor"),
  };
}

/** TarWriter's rule: the last component is the name; components before it move to the name only while the prefix is too long. */
function splitName(full: Uint8Array): { name: Uint8Array; prefix: Uint8Array } {
  if (full.length <= NAME_BYTES) return { name: full, prefix: full.subarray(0, 0) };
  let slash = full.lastIndexOf(SLASH);
  while (slash > PREFIX_BYTES) slash = full.lastIndexOf(SLASH, slash - 1);
  const name = full.subarray(slash + 1);
  if (slash <= 0 || name.length > NAME_BYTES || name.length === 0) throw nameTooLong(full);
  return { name, prefix: full.subarray(0, slash) };
}

function nameTooLong(name: Uint8Array): ToolError {
  return new ToolError("failed", `Cannot write tar entry "${new TextDecoder().decode(name)}": a ustar header cannot hold its name`, {
    facts: { bytes: name.length },
  });
}

function joinName(prefix: Uint8Array, name: Uint8Array): Uint8Array {
  if (prefix.length === 0) return name;
  return Uint8Array.of(...prefix, SLASH, ...name);
}

function writeText(block: Uint8Array, at: number, text: string): void {
  block.set(new TextEncoder().encode(text), at);
}

function writeOctal(block: Uint8Array, at: number, bytes: number, value: number): void {
  const digits = value.toString(8).padStart(bytes - 1, "0");
  if (!Number.isSafeInteger(value) || value < 0 || digits.length >= bytes)
    throw new RangeError(`${value} does not fit ${bytes - 1} octal digits`);
  writeText(block, at, `${digits}\0`);
}

/** Sums of all bytes, the checksum field itself counted as spaces; old tars summed signed bytes. */
function checksums(block: Uint8Array): { unsigned: number; signed: number } {
  let unsigned = 0;
  let high = 0;
  for (let at = 0; at < BLOCK_BYTES; at += 1) {
    const inField = at >= CHECKSUM.at && at < CHECKSUM.at + CHECKSUM.bytes;
    const byte = inField ? 0x20 : (block[at] as number);
    unsigned += byte;
    if (byte >= 0x80) high += 1;
  }
  return { unsigned, signed: unsigned - 256 * high };
}

function readBytes(block: Uint8Array, at: number, bytes: number): Uint8Array {
  const field = block.subarray(at, at + bytes);
  const end = field.indexOf(0);
  return field.slice(0, end < 0 ? bytes : end);
}

function readText(block: Uint8Array, at: number, bytes: number): string {
  return new TextDecoder("latin1").decode(readBytes(block, at, bytes)).trimEnd();
}

/** Octal digits between spaces and NULs; 0 for an empty field, undefined for anything else. */
function readOctal(block: Uint8Array, at: number, bytes: number): number | undefined {
  const text = new TextDecoder("latin1").decode(block.subarray(at, at + bytes));
  const match = /^[ \0]*([0-7]*)[ \0]*/.exec(text);
  return match?.[0].length === bytes ? Number.parseInt(match[1] || "0", 8) : undefined;
}

function readNumber(field: { block: Uint8Array; at: number; bytes: number; what: string; offset: number }): number {
  const { block, at, bytes, what, offset } = field;
  const first = block[at] as number;
  const value = (first & 0x80) === 0 ? readOctal(block, at, bytes) : readBase256(block.subarray(at, at + bytes));
  if (value !== undefined && Number.isSafeInteger(value) && (value >= 0 || what === "mtime")) return value;
  const shown = JSON.stringify(new TextDecoder("latin1").decode(block.subarray(at, at + bytes)));
  throw damaged(`Cannot read tar archive: ${what} ${shown} is no number`, { offset });
}

/** GNU's binary numbers: the first bit says so, the second is the sign of a two's complement number. */
function readBase256(field: Uint8Array): number {
  const negative = ((field[0] as number) & 0x40) !== 0;
  let value = negative ? -1n : 0n;
  for (const [index, byte] of field.entries()) value = (value << 8n) | BigInt(index === 0 ? (negative ? byte : byte & 0x7f) : byte);
  return Number(value);
}
