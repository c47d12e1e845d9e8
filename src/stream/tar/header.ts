/**
 * The 512-byte header block of a tar entry.
 *
 *     0    100  name          NUL padded         156    1  typeflag
 *     100    8  mode          octal              157  100  linkname
 *     108    8  uid           octal              257    6  magic       "ustar\0", GNU "ustar ", older: nothing
 *     116    8  gid           octal              263    2  version     "00", GNU " \0"
 *     124   12  size          octal              265   32  uname
 *     136   12  mtime         octal              297   32  gname
 *     148    8  checksum      6 octal, NUL, " "  329    8  devmajor, 337 8 devminor
 *                                                345  155  prefix      of the name, joined with "/"; POSIX only
 *
 * The checksum is the sum of all bytes, with spaces in place of the checksum itself; some old writers summed signed bytes.
 *
 * Written is what RubyGems' TarWriter writes, byte for byte, because that is what osctl's archives are made with; a name of up to 100 bytes
 * stands in `name`, a longer one is cut at a slash so that `name` holds the last part only, and more while the rest is over 155 bytes. Read
 * is every dialect: POSIX ustar, GNU (whose prefix area has another use), V7.
 *
 * @see POSIX pax, "ustar Interchange Format"; rubygems lib/rubygems/package/tar_writer.rb, tar_header.rb
 */
import { damaged, ToolError } from "../../errors.ts";
import { displayName } from "./display-name.ts";
import { decodeNumber, encodeOctal, type NumberField } from "./number-field.ts";

/** What a header says. */
export interface TarHeader {
  /** The whole path, prefix joined. */
  name: Uint8Array;
  /** As stored; may include the bits of the file type. */
  mode: number;
  uid: number;
  gid: number;
  size: number;
  /** Seconds since 1970, negative before. */
  mtime: number;
  /** One character; "0" stands for NUL too. */
  typeflag: string;
  linkname: Uint8Array;
  uname: string;
  gname: string;
  devmajor: number;
  devminor: number;
}

/** Size of a block: of a header, and of what data is padded to. */
export const BLOCK_BYTES = 512;

const NUMBERS = {
  mode: { label: "mode", at: 100, length: 8 },
  uid: { label: "uid", at: 108, length: 8 },
  gid: { label: "gid", at: 116, length: 8 },
  size: { label: "size", at: 124, length: 12 },
  mtime: { label: "mtime", at: 136, length: 12 },
  devmajor: { label: "devmajor", at: 329, length: 8 },
  devminor: { label: "devminor", at: 337, length: 8 },
} as const satisfies Record<string, NumberField>;

const NAME = { at: 0, length: 100 };
const LINKNAME = { at: 157, length: 100 };
const MAGIC = { at: 257, length: 8 };
const UNAME = { at: 265, length: 32 };
const GNAME = { at: 297, length: 32 };
const PREFIX = { at: 345, length: 155 };
const CHECKSUM = { label: "checksum", at: 148, length: 8 };
const TYPEFLAG_AT = 156;
/** Longest name that is split, in bytes; RubyGems' limit, one more than the two fields and the slash hold. */
const SPLIT_LIMIT = 256;
const SLASH = 0x2f;
const POSIX_MAGIC = "ustar\0";
/** What the checksum's field counts for, as spaces. */
const BLANK_SUM = CHECKSUM.length * 0x20;

/** Encodes a header. @throws ToolError failed if a name does not fit, RangeError if a number does not */
export function encodeHeader(header: TarHeader): Uint8Array {
  const block = new Uint8Array(BLOCK_BYTES);
  const split = splitName(header.name);
  if (split === undefined || !fitsLinkname(header.linkname)) {
    throw new ToolError("failed", `Cannot store "${displayName(header.name)}": the name does not fit a tar header`);
  }
  block.set(split.name, NAME.at);
  block.set(split.prefix, PREFIX.at);
  for (const name of Object.keys(NUMBERS) as (keyof typeof NUMBERS)[]) encodeOctal(block, NUMBERS[name], header[name]);
  block[TYPEFLAG_AT] = header.typeflag.charCodeAt(0);
  block.set(header.linkname, LINKNAME.at);
  block.set(Buffer.from(`${POSIX_MAGIC}00`, "latin1"), MAGIC.at);
  block.set(Buffer.from(header.uname).subarray(0, UNAME.length), UNAME.at);
  block.set(Buffer.from(header.gname).subarray(0, GNAME.length), GNAME.at);
  encodeOctal(block, { ...CHECKSUM, length: CHECKSUM.length - 1 }, sumOf(block).unsigned);
  block[CHECKSUM.at + CHECKSUM.length - 1] = 0x20;
  return block;
}

/** Decodes a block, which is "zero" where all its bytes are. @param offset where it stands in the archive @throws ToolError damaged */
export function decodeHeader(block: Uint8Array, offset: number): TarHeader | "zero" {
  const sum = sumOf(block);
  if (sum.unsigned === BLANK_SUM && block.every((byte) => byte === 0)) return "zero";
  const stored = decodeNumber(block, CHECKSUM, offset);
  if (stored !== sum.unsigned && stored !== sum.signed) {
    throw damaged(`Cannot read archive: a header has the checksum ${stored}, its bytes ${sum.unsigned}`, {
      offset,
      facts: { expected: stored, actual: sum.unsigned },
    });
  }
  const number = (field: keyof typeof NUMBERS): number => decodeNumber(block, NUMBERS[field], offset);
  const size = number("size");
  if (size < 0) throw damaged(`Cannot read archive: a header has the size ${size}`, { offset });
  return {
    name: joinedName(block),
    mode: number("mode"),
    uid: number("uid"),
    gid: number("gid"),
    size,
    mtime: number("mtime"),
    typeflag: String.fromCharCode(block[TYPEFLAG_AT] || 0x30),
    linkname: textField(block, LINKNAME),
    uname: Buffer.from(textField(block, UNAME)).toString(),
    gname: Buffer.from(textField(block, GNAME)).toString(),
    devmajor: number("devmajor"),
    devminor: number("devminor"),
  };
}

/** Bytes between the end of `size` bytes of data and the next block. */
export function paddingOf(size: number): number {
  return (BLOCK_BYTES - (size % BLOCK_BYTES)) % BLOCK_BYTES;
}

/** Parts of a name as they stand in the header; undefined if it cannot be split so that both fit. */
export function splitName(name: Uint8Array): { prefix: Uint8Array; name: Uint8Array } | undefined {
  if (name.length <= NAME.length) return { prefix: name.subarray(0, 0), name };
  if (name.length > SPLIT_LIMIT) return undefined;
  let cut = name.lastIndexOf(SLASH);
  while (cut > 0 && (cut > PREFIX.length || cut === name.length - 1)) cut = name.lastIndexOf(SLASH, cut - 1);
  if (cut <= 0 || name.length - cut - 1 > NAME.length) return undefined;
  return { prefix: name.subarray(0, cut), name: name.subarray(cut + 1) };
}

/** Whether the target of a link fits its field. */
export function fitsLinkname(linkname: Uint8Array): boolean {
  return linkname.length <= LINKNAME.length;
}

function sumOf(block: Uint8Array): { unsigned: number; signed: number } {
  let unsigned = BLANK_SUM;
  let high = 0;
  for (let index = 0; index < block.length; index++) {
    if (index >= CHECKSUM.at && index < CHECKSUM.at + CHECKSUM.length) continue;
    const byte = block[index] as number;
    unsigned += byte;
    high += byte >> 7;
  }
  return { unsigned, signed: unsigned - high * 256 };
}

/** The name, behind the prefix where the magic is that of POSIX. */
function joinedName(block: Uint8Array): Uint8Array {
  const name = textField(block, NAME);
  const magic = Buffer.from(block.subarray(MAGIC.at, MAGIC.at + POSIX_MAGIC.length)).toString("latin1");
  const prefix = magic === POSIX_MAGIC ? textField(block, PREFIX) : undefined;
  if (prefix === undefined || prefix.length === 0) return name;
  return Buffer.concat([prefix, Buffer.from("/"), name]);
}

/** The bytes of a field up to its first NUL. */
function textField(block: Uint8Array, field: { at: number; length: number }): Uint8Array {
  const bytes = block.subarray(field.at, field.at + field.length);
  const end = bytes.indexOf(0);
  return bytes.slice(0, end === -1 ? bytes.length : end);
}
