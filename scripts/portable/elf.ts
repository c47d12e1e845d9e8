/**
 * Reads what the portable file needs to know of an ELF file, and writes program headers and dynamic entries: 64 bits, little endian.
 *
 * A file begins with its header; that names the program header table, whose entries ("segments") say which bytes of the file stand at which
 * address. The segment PT_DYNAMIC is an array of tag and value, among them the libraries that are needed, as offsets into a string table.
 *
 * @see System V Application Binary Interface ("gABI"), chapters 4 and 5
 */
import { ToolError } from "../../src/errors.ts";

/** Types of segments. */
export const PT_LOAD = 1;
export const PT_DYNAMIC = 2;
export const PT_INTERP = 3;
export const PT_PHDR = 6;
/** What a segment allows. */
export const PF_X = 1;
export const PF_W = 2;
export const PF_R = 4;
/** Tags of dynamic entries. */
export const DT_NEEDED = 1n;
export const DT_STRTAB = 5n;

const HEADER_BYTES = 64;
export const SEGMENT_BYTES = 56;
export const DYNAMIC_BYTES = 16;
/** Where in the header: e_entry, e_phoff, e_phnum. */
const ENTRY_AT = 24;
const TABLE_AT = 32;
const COUNT_AT = 56;
const MAGIC = "\x7fELF\x02\x01";

/** An entry of the program header table. */
export interface Segment {
  readonly type: number;
  readonly flags: number;
  readonly offset: number;
  readonly address: number;
  readonly fileBytes: number;
  readonly memoryBytes: number;
  readonly align: number;
}

/** An entry of the dynamic section. */
export interface DynamicEntry {
  readonly tag: bigint;
  readonly value: bigint;
}

/** A file to be linked dynamically, as its header tables tell it. */
export interface Program {
  readonly bytes: Buffer;
  readonly entry: number;
  readonly segments: readonly Segment[];
  readonly dynamic: readonly DynamicEntry[];
}

/** Reads a program. @throws ToolError failed if it is no ELF file of the expected kind */
export function readProgram(bytes: Buffer): Program {
  if (bytes.length < HEADER_BYTES || bytes.toString("latin1", 0, MAGIC.length) !== MAGIC) {
    throw new ToolError("failed", "Cannot read ELF file: it is none of 64 bits, little endian");
  }
  const at = Number(bytes.readBigUInt64LE(TABLE_AT));
  const count = bytes.readUInt16LE(COUNT_AT);
  const segments = Array.from({ length: count }, (_, index) => readSegment(bytes, at + index * SEGMENT_BYTES));
  return { bytes, entry: Number(bytes.readBigUInt64LE(ENTRY_AT)), segments, dynamic: readDynamic(bytes, segments) };
}

/** The one segment of a type. @throws ToolError failed if there is none */
export function segmentOf(segments: readonly Segment[], type: number): Segment {
  const found = segments.find((one) => one.type === type);
  if (found === undefined) throw new ToolError("failed", `Cannot use ELF file: it has no segment of type ${type}`);
  return found;
}

/** The text that stands at an address. */
export function stringAt({ bytes, segments }: Program, address: number): string {
  const segment = segments.find((one) => one.type === PT_LOAD && address >= one.address && address < one.address + one.fileBytes);
  if (segment === undefined) throw new ToolError("failed", `Cannot use ELF file: nothing stands at address ${address}`);
  const start = segment.offset + address - segment.address;
  return bytes.toString("latin1", start, bytes.indexOf(0, start));
}

/** The value of the first dynamic entry of a tag, such as DT_STRTAB. */
export function dynamicValue({ dynamic }: Program, tag: bigint): bigint {
  const found = dynamic.find((one) => one.tag === tag);
  if (found === undefined) throw new ToolError("failed", `Cannot use ELF file: it has no dynamic entry ${tag}`);
  return found.value;
}

/** The names of the libraries that a program needs, in order. */
export function neededNames(program: Program): string[] {
  const strings = Number(dynamicValue(program, DT_STRTAB));
  return program.dynamic.filter(({ tag }) => tag === DT_NEEDED).map(({ value }) => stringAt(program, strings + Number(value)));
}

/** A program header table in bytes. */
export function encodeSegments(segments: readonly Segment[]): Buffer {
  const table = Buffer.alloc(segments.length * SEGMENT_BYTES);
  for (const [index, one] of segments.entries()) {
    const at = index * SEGMENT_BYTES;
    table.writeUInt32LE(one.type, at);
    table.writeUInt32LE(one.flags, at + 4);
    // virtual and physical address
    const words = [one.offset, one.address, one.address, one.fileBytes, one.memoryBytes, one.align];
    for (const [word, value] of words.entries()) table.writeBigUInt64LE(BigInt(value), at + 8 + word * 8);
  }
  return table;
}

/** Dynamic entries in bytes. */
export function encodeDynamic(entries: readonly DynamicEntry[]): Buffer {
  return encodeWords(entries.flatMap(({ tag, value }) => [tag, value]));
}

/** Numbers of 64 bits. */
export function encodeWords(words: readonly (number | bigint)[]): Buffer {
  const bytes = Buffer.alloc(words.length * 8);
  for (const [index, word] of words.entries()) bytes.writeBigUInt64LE(BigInt(word), index * 8);
  return bytes;
}

/** A file's first bytes, its header, with another entry point and another program header table. */
export function changeHeader(bytes: Buffer, entry: number, table: { offset: number; count: number }): Buffer {
  const header = Buffer.from(bytes.subarray(0, HEADER_BYTES));
  header.writeBigUInt64LE(BigInt(entry), ENTRY_AT);
  header.writeBigUInt64LE(BigInt(table.offset), TABLE_AT);
  header.writeUInt16LE(table.count, COUNT_AT);
  return header;
}

function readSegment(bytes: Buffer, at: number): Segment {
  const word = (index: number): number => Number(bytes.readBigUInt64LE(at + 8 + index * 8));
  return {
    type: bytes.readUInt32LE(at),
    flags: bytes.readUInt32LE(at + 4),
    offset: word(0),
    address: word(1),
    fileBytes: word(3),
    memoryBytes: word(4),
    align: word(5),
  };
}

function readDynamic(bytes: Buffer, segments: readonly Segment[]): DynamicEntry[] {
  const { offset, fileBytes } = segmentOf(segments, PT_DYNAMIC);
  return Array.from({ length: fileBytes / DYNAMIC_BYTES }, (_, index) => {
    const at = offset + index * DYNAMIC_BYTES;
    return { tag: bytes.readBigUInt64LE(at), value: bytes.readBigUInt64LE(at + 8) };
  });
}
