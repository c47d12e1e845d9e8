/**
 * Files with holes: the entry holds the data only, one segment behind the other, and a map says where each belongs.
 *
 * Four forms are read: the old GNU one (type `S`: four pairs of offset and length in the header, more in blocks of 21 behind it); GNU.sparse
 * 0.0 and 0.1 (the map in the extended header); GNU.sparse 1.0 (the map at the head of the data, in decimal lines padded to whole blocks:
 * how many segments, then offset and length of each). 1.0 is written. A file that ends in a hole has a last segment of no bytes at its end.
 *
 * @see GNU tar manual, "Storing Sparse Files"
 */
import { damaged } from "../../errors.ts";
import { displayName } from "./display-name.ts";
import { BLOCK_BYTES } from "./header.ts";
import { decodeNumber } from "./number-field.ts";
import { paxNumber, type PaxRecords } from "./pax.ts";

/** Where the data of a file belongs. */
export interface SparseMap {
  /** Size of the whole file, holes included. */
  size: number;
  /** In order, not overlapping. */
  segments: readonly Segment[];
}

/** A piece of data. */
export interface Segment {
  offset: number;
  length: number;
}

/** Gives the next block of the archive. */
type ReadBlock = () => Promise<Uint8Array>;

/** Bound of what is kept of a map in memory. */
const SEGMENTS_LIMIT = 1024 * 1024;
const NEWLINE = 0x0a;

/** Encodes a map for the head of the data (1.0). */
export function encodeSparseMap(map: SparseMap): Uint8Array {
  const lines = [map.segments.length, ...map.segments.flatMap(({ offset, length }) => [offset, length])];
  const text = Buffer.from(lines.map((number) => `${number}\n`).join(""));
  const padded = new Uint8Array(Math.ceil(text.length / BLOCK_BYTES) * BLOCK_BYTES);
  padded.set(text);
  return padded;
}

/** Reads the map of an old GNU entry, and the blocks behind the header that hold the rest of it. @throws ToolError damaged */
export async function readOldGnuMap(header: Uint8Array, readBlock: ReadBlock, offset: number): Promise<SparseMap> {
  const size = decodeNumber(header, { label: "real size", at: 483, length: 12 }, offset);
  const numbers = oldGnuPairs(header, { at: 386, pairs: 4 }, offset);
  let more = header[482] !== 0;
  while (more) {
    const block = await readBlock();
    numbers.push(...oldGnuPairs(block, { at: 0, pairs: 21 }, offset));
    checkCount(numbers.length / 2, offset);
    more = block[504] !== 0;
  }
  return toMap(size, numbers, offset);
}

/** Reads the map that the extended header tells of; undefined if the file is not sparse. @throws ToolError damaged */
export async function readPaxMap(pax: PaxRecords, readBlock: ReadBlock, offset: number): Promise<SparseMap | undefined> {
  const size = paxNumber(pax, "GNU.sparse.realsize", offset) ?? paxNumber(pax, "GNU.sparse.size", offset);
  const text = pax.get("GNU.sparse.map");
  if (size !== undefined && paxNumber(pax, "GNU.sparse.major", offset) === 1)
    return toMap(size, await readNumbers(readBlock, offset), offset);
  if (size === undefined || text === undefined) return undefined;
  const map = Buffer.from(text).toString("latin1");
  const numbers = map.split(",").map(Number);
  if (!/^\d+(,\d+)*$/.test(map) || numbers.length % 2 !== 0) throw damagedMap(displayName(text), offset);
  return toMap(size, numbers, offset);
}

function oldGnuPairs(block: Uint8Array, place: { at: number; pairs: number }, offset: number): number[] {
  const numbers: number[] = [];
  for (let at = place.at; at < place.at + place.pairs * 24 && block[at + 12] !== 0; at += 24) {
    numbers.push(decodeNumber(block, { label: "sparse offset", at, length: 12 }, offset));
    numbers.push(decodeNumber(block, { label: "sparse length", at: at + 12, length: 12 }, offset));
  }
  return numbers;
}

/** The numbers at the head of the data: the first says how many pairs follow. */
async function readNumbers(readBlock: ReadBlock, offset: number): Promise<number[]> {
  const numbers: number[] = [];
  let wanted = 1;
  let digits = "";
  while (numbers.length < wanted) {
    for (const byte of await readBlock()) {
      if (numbers.length === wanted) break;
      if (byte !== NEWLINE) {
        digits += String.fromCharCode(byte);
        if (!/^\d{1,16}$/.test(digits)) throw damagedMap(digits.slice(0, 20), offset);
        continue;
      }
      numbers.push(digits === "" ? Number.NaN : Number(digits));
      digits = "";
      if (numbers.length === 1) wanted += 2 * checkCount(numbers[0] as number, offset);
    }
  }
  return numbers.slice(1);
}

function checkCount(segments: number, offset: number): number {
  if (!(segments <= SEGMENTS_LIMIT)) throw damagedMap(`${segments} segments`, offset);
  return segments;
}

function toMap(size: number, numbers: readonly number[], entryOffset: number): SparseMap {
  checkCount(numbers.length / 2, entryOffset);
  if (size < 0) throw damagedMap(`size ${size}`, entryOffset);
  const segments: Segment[] = [];
  let end = 0;
  for (let index = 0; index + 1 < numbers.length; index += 2) {
    const [offset, length] = [numbers[index] as number, numbers[index + 1] as number];
    const inOrder = Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= end && length >= 0 && offset + length <= size;
    if (!inOrder) throw damagedMap(`segment of ${length} bytes at ${offset}`, entryOffset);
    segments.push({ offset, length });
    end = offset + length;
  }
  return { size, segments };
}

function damagedMap(found: string, offset: number): Error {
  return damaged(`Cannot read archive: a map of holes is malformed: ${found}`, { offset });
}
