/**
 * Reading a tar archive entry by entry, in one pass, in every dialect in use: V7, ustar, pax, GNU.
 *
 * An entry is a header block, then its data padded to whole blocks. Entries of type `x`, `g` (pax), `L`, `K` (GNU: long name, long link
 * target) describe the entry behind them and are applied to it. The archive ends in two zero blocks, but an input that ends where a header
 * would begin is whole too: some writers leave them out. An input that ends anywhere else was cut.
 *
 * @see POSIX pax, "ustar Interchange Format"; GNU tar manual, "Basic Tar Format"
 */
import { damaged } from "../../errors.ts";
import { readUpTo, type ByteSource, type ByteStream } from "../bytes.ts";
import { displayName } from "./display-name.ts";
import { BLOCK_BYTES, decodeHeader, type TarHeader } from "./header.ts";
import { mergePax, parsePax, paxNumber, paxTime, type PaxRecords } from "./pax.ts";
import { readOldGnuMap, readPaxMap, type SparseMap } from "./sparse.ts";

/** An entry, with what extended headers say about it applied. */
export interface TarEntry extends Omit<TarHeader, "mtime"> {
  /** Bytes of data in the archive; of a file with holes, the data without them. */
  readonly size: number;
  /** Nanoseconds since 1970. */
  readonly mtimeNs: bigint;
  /** Where the entry's own header begins. */
  readonly headerOffset: number;
  readonly dataOffset: number;
  readonly rawHeader: TarHeader;
  readonly pax: PaxRecords;
  /** Where the data belongs, if the file has holes. */
  readonly sparse: SparseMap | undefined;
  /** The data, in chunks of at most 1 MiB; to be read at most once and before the next entry is asked for. */
  body(): ByteStream;
}

/** Options of a {@link TarReader}. */
export interface TarReaderOptions {
  /** Largest extended header, in bytes; default 1 MiB. */
  extendedLimitBytes?: number;
}

/** What the extended headers in front of an entry say. */
interface Extended {
  pax: PaxRecords;
  longName: Uint8Array | undefined;
  longLink: Uint8Array | undefined;
  /** Whether any of it is meant for that entry alone, so that there must be one. */
  isForNext: boolean;
}

const CHUNK_BYTES = 1024 * 1024;
/** Links, devices, directories and FIFOs have no data, whatever their size field says. */
const WITHOUT_DATA = "123456";

/** Reads entries from a source; closing that is its owner's job. */
export class TarReader {
  readonly #source: ByteSource;
  readonly #extendedLimitBytes: number;
  #global: PaxRecords = new Map();
  #current: TarEntry | undefined;
  #end: "blocks" | "eof" | undefined;

  constructor(source: ByteSource, options: TarReaderOptions = {}) {
    this.#source = source;
    this.#extendedLimitBytes = options.extendedLimitBytes ?? 1024 * 1024;
  }

  /** How the archive ended, once it has: with its two zero blocks, or without. */
  get end(): "blocks" | "eof" | undefined {
    return this.#end;
  }

  /** The next entry, past what has not been read of the one before; undefined at the end. @throws ToolError damaged */
  async next(): Promise<TarEntry | undefined> {
    await this.#finishCurrent();
    if (this.#end !== undefined) return undefined;
    const extended: Extended = { pax: this.#global, longName: undefined, longLink: undefined, isForNext: false };
    let found = await this.#readHeader();
    while (found !== undefined && (await this.#readExtended(found.header, extended))) found = await this.#readHeader();
    if (found !== undefined) this.#current = await this.#makeEntry(found.header, found.block, extended);
    else if (extended.isForNext) throw damaged("Cannot read archive: it ends behind an extended header", { offset: this.#source.offset });
    return this.#current;
  }

  /** Reads the next header; undefined at the end. One zero block alone is passed over. */
  async #readHeader(): Promise<{ header: TarHeader; block: Uint8Array } | undefined> {
    for (let zeros = 0; zeros < 2; zeros++) {
      const offset = this.#source.offset;
      const block = await readUpTo(this.#source, BLOCK_BYTES);
      if (block.length === 0) {
        this.#end = "eof";
        return undefined;
      }
      if (block.length < BLOCK_BYTES) throw cutOff("a header", { offset: this.#source.offset, there: block.length, of: BLOCK_BYTES });
      const header = decodeHeader(block, offset);
      if (header !== "zero") return { header, block };
    }
    this.#end = "blocks";
    return undefined;
  }

  /** Takes in an entry that describes the one behind it; false if this is no such entry. */
  async #readExtended(header: TarHeader, extended: Extended): Promise<boolean> {
    if (!"xgLK".includes(header.typeflag)) return false;
    const offset = this.#source.offset;
    if (header.size > this.#extendedLimitBytes) {
      throw damaged(`Cannot read archive: an extended header has ${header.size} bytes, more than ${this.#extendedLimitBytes}`, { offset });
    }
    const data = await readUpTo(this.#source, header.size);
    if (data.length < header.size) throw cutOff("an extended header", { offset: this.#source.offset, there: data.length, of: header.size });
    await this.#skipPadding(header.size, header.name);
    extended.isForNext ||= header.typeflag !== "g";
    if (header.typeflag === "x") extended.pax = mergePax(extended.pax, parsePax(data, offset));
    else if (header.typeflag === "g") extended.pax = this.#global = mergePax(this.#global, parsePax(data, offset));
    else if (header.typeflag === "L") extended.longName = untilNul(data);
    else extended.longLink = untilNul(data);
    return true;
  }

  async #makeEntry(header: TarHeader, block: Uint8Array, extended: Extended): Promise<TarEntry> {
    const { pax, longName, longLink } = extended;
    const headerOffset = this.#source.offset - BLOCK_BYTES;
    const name = pax.get("GNU.sparse.name") ?? pax.get("path") ?? longName ?? header.name;
    const fields = {
      ...header,
      name,
      linkname: pax.get("linkpath") ?? longLink ?? header.linkname,
      uid: paxNumber(pax, "uid", headerOffset) ?? header.uid,
      gid: paxNumber(pax, "gid", headerOffset) ?? header.gid,
      typeflag: entryType(header.typeflag, name),
    };
    const mtimeNs = paxTime(pax, "mtime", headerOffset) ?? BigInt(header.mtime) * 1_000_000_000n;
    const stored = WITHOUT_DATA.includes(header.typeflag) ? 0 : (paxNumber(pax, "size", headerOffset) ?? header.size);
    let inMap = 0;
    const oldGnu = header.typeflag === "S";
    const readBlock = async (): Promise<Uint8Array> => {
      if (!oldGnu) inMap += BLOCK_BYTES;
      return await this.#readMapBlock(name, stored - inMap);
    };
    const sparse = oldGnu ? await readOldGnuMap(block, readBlock, headerOffset) : await readPaxMap(pax, readBlock, headerOffset);
    const size = stored - inMap;
    if (sparse !== undefined && sparse.segments.reduce((sum, { length }) => sum + length, 0) > size) {
      throw damaged(`Cannot read archive: the map of holes of "${displayName(name)}" tells of more data than there is`, {
        offset: headerOffset,
      });
    }
    const rest = { size, mtimeNs, headerOffset, dataOffset: this.#source.offset, rawHeader: header, pax, sparse };
    const entry: TarEntry = { ...fields, ...rest, body: () => this.#body(entry) };
    return entry;
  }

  /** Reads a block of a map of holes, behind which `left` bytes of data must remain. */
  async #readMapBlock(name: Uint8Array, left: number): Promise<Uint8Array> {
    const block = await readUpTo(this.#source, BLOCK_BYTES);
    if (block.length === BLOCK_BYTES && left >= 0) return block;
    throw cutOff(`the map of holes of "${displayName(name)}"`, { offset: this.#source.offset, there: block.length, of: BLOCK_BYTES });
  }

  async *#body(entry: TarEntry): ByteStream {
    const end = entry.dataOffset + entry.size;
    for (;;) {
      if (this.#current !== entry)
        throw new TypeError(`The data of "${displayName(entry.name)}" is read after the next entry was asked for`);
      const left = end - this.#source.offset;
      if (left <= 0) return;
      const chunk = await this.#source.read(Math.min(left, CHUNK_BYTES));
      if (chunk === undefined) throw this.#cutOffData(entry);
      yield chunk;
    }
  }

  /** Steps over the rest of the current entry's data, and its padding. */
  async #finishCurrent(): Promise<void> {
    const entry = this.#current;
    if (entry === undefined) return;
    this.#current = undefined;
    const left = entry.dataOffset + entry.size - this.#source.offset;
    if (left > 0 && (await this.#source.skip(left)) < left) throw this.#cutOffData(entry);
    await this.#skipPadding(entry.size, entry.name);
  }

  async #skipPadding(size: number, name: Uint8Array): Promise<void> {
    const padding = paddingOf(size);
    if (padding === 0) return;
    const there = await this.#source.skip(padding);
    if (there < padding) throw cutOff(`"${displayName(name)}"`, { offset: this.#source.offset, there, of: padding, what: "padding" });
  }

  #cutOffData(entry: TarEntry): Error {
    const { offset } = this.#source;
    return cutOff(`"${displayName(entry.name)}"`, { offset, there: offset - entry.dataOffset, of: entry.size, what: "data" });
  }
}

/** Bytes between the end of `size` bytes of data and the next block. */
export function paddingOf(size: number): number {
  return (BLOCK_BYTES - (size % BLOCK_BYTES)) % BLOCK_BYTES;
}

/** The type without its dialects: old and contiguous files, files with holes, and V7's directories, which are known by their slash. */
function entryType(typeflag: string, name: Uint8Array): string {
  if (typeflag === "0" && name.at(-1) === 0x2f) return "5";
  return typeflag === "7" || typeflag === "S" ? "0" : typeflag;
}

function untilNul(data: Uint8Array): Uint8Array {
  const end = data.indexOf(0);
  return end === -1 ? data : data.subarray(0, end);
}

function cutOff(where: string, facts: { offset: number; there: number; of: number; what?: string }): Error {
  const { offset, there, of, what } = facts;
  const amount = what === undefined ? `${there} of ${of} bytes` : `${there} of ${of} bytes of ${what}`;
  return damaged(`Cannot read archive: cut off in ${where}, ${amount} are there`, { offset, facts: { expected: of, actual: there } });
}
