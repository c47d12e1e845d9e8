/**
 * Reading a tar archive entry by entry, in one pass, in every dialect in use: V7, ustar, pax, GNU.
 *
 * An entry is a header block, then its data padded to whole blocks. Entries that describe the one behind them are applied to it (see
 * extended.ts). The archive ends in two zero blocks, but an input that ends where a header would begin is whole too: some writers leave them
 * out. An input that ends anywhere else was cut.
 *
 * @see POSIX pax, "ustar Interchange Format"; GNU tar manual, "Basic Tar Format"
 */
import { damaged } from "../../errors.ts";
import { readUpTo, type ByteSource, type ByteStream } from "../bytes.ts";
import { PeekSource } from "../peek-source.ts";
import { guessSizes } from "./cut-size.ts";
import { displayName } from "./display-name.ts";
import { cutOff, EntryData, skipPadding, type TarReaderOptions } from "./entry-data.ts";
import { ExtendedHeaders } from "./extended.ts";
import { BLOCK_BYTES, decodeHeader, type TarHeader } from "./header.ts";
import { paxNumber, paxTime, type PaxRecords } from "./pax.ts";
import { readOldGnuMap, readPaxMap, type SparseMap } from "./sparse.ts";

/** An entry, with what extended headers say about it applied. */
export interface TarEntry extends Omit<TarHeader, "mtime"> {
  /** Bytes of data in the archive; of a file with holes, the data without them. May grow on a pipe until the data has been read. */
  readonly size: number;
  /** How many of these bytes, the last ones, may be padding: fewer than 512 where the size did not fit its field, else none. */
  readonly slack: number;
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

/** What of an entry is settled before its data begins. */
type EntryFields = Omit<TarEntry, "size" | "slack" | "headerOffset" | "dataOffset" | "sparse" | "body">;

/** Bound of what is kept of extended headers in memory. */
const EXTENDED_LIMIT_BYTES = 1024 * 1024;
/** Links, devices, directories and FIFOs have no data, whatever their size field says. */
const WITHOUT_DATA = "123456";

/** Reads entries from a source; closing that is its owner's job. */
export class TarReader {
  readonly #source: PeekSource;
  readonly #options: TarReaderOptions;
  readonly #extended = new ExtendedHeaders(EXTENDED_LIMIT_BYTES);
  /** The last header: pieces of one stream have the same one. */
  #last: { header: TarHeader; block: Uint8Array } | undefined;
  #data: EntryData | undefined;
  #end: "blocks" | "eof" | undefined;

  constructor(source: ByteSource, options: TarReaderOptions = {}) {
    this.#source = new PeekSource(source);
    this.#options = options;
  }

  /** How the archive ended, once it has: with its two zero blocks, or without. */
  get end(): "blocks" | "eof" | undefined {
    return this.#end;
  }

  /** The next entry, past what has not been read of the one before; undefined at the end. @throws ToolError damaged */
  async next(): Promise<TarEntry | undefined> {
    const before = this.#data;
    this.#data = undefined;
    await before?.pass(this.#options);
    if (this.#end !== undefined) return undefined;
    this.#extended.reset();
    let found = await this.#readHeader();
    while (found !== undefined && this.#extended.announces(found.header, this.#source.offset)) {
      await this.#readExtended(found.header);
      found = await this.#readHeader();
    }
    if (found !== undefined) return await this.#makeEntry(found.header, found.block);
    if (!this.#extended.isForNext) return undefined;
    throw damaged("Cannot read archive: it ends behind an extended header", { offset: this.#source.offset });
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
      if (this.#last !== undefined && Buffer.compare(this.#last.block, block) === 0) return this.#last;
      const header = decodeHeader(block, offset);
      if (header !== "zero") return (this.#last = { header, block });
    }
    this.#end = "blocks";
    return undefined;
  }

  async #readExtended(header: TarHeader): Promise<void> {
    const offset = this.#source.offset;
    const data = await readUpTo(this.#source, header.size);
    if (data.length < header.size) throw cutOff("an extended header", { offset: this.#source.offset, there: data.length, of: header.size });
    await skipPadding(this.#source, header.size, header.name);
    this.#extended.take(header, data, offset);
  }

  async #makeEntry(header: TarHeader, block: Uint8Array): Promise<TarEntry> {
    const headerOffset = this.#source.offset - BLOCK_BYTES;
    const fields = this.#fieldsOf(header, headerOffset);
    const { name, pax } = fields;
    const paxSize = paxNumber(pax, "size", headerOffset);
    const stored = WITHOUT_DATA.includes(header.typeflag) ? 0 : (paxSize ?? header.size);
    const { sparse, size } = await this.#readMap(block, { ...fields, stored, headerOffset });
    const guesses = fields.typeflag === "0" && sparse === undefined && paxSize === undefined ? guessSizes(block) : [];
    const data = new EntryData(this.#source, { name, headerOffset, size, guesses });
    this.#data = data;
    await data.findSize();
    return {
      ...fields,
      sparse,
      headerOffset,
      dataOffset: data.offset,
      get size() {
        return data.size;
      },
      get slack() {
        return data.slack;
      },
      body: () => data.bytes(),
    };
  }

  #fieldsOf(header: TarHeader, offset: number): EntryFields {
    const { pax, longName, longLink } = this.#extended;
    const { mtime, ...rest } = header;
    const name = pax.get("GNU.sparse.name") ?? pax.get("path") ?? longName ?? header.name;
    return {
      ...rest,
      name,
      linkname: pax.get("linkpath") ?? longLink ?? header.linkname,
      uid: paxNumber(pax, "uid", offset) ?? header.uid,
      gid: paxNumber(pax, "gid", offset) ?? header.gid,
      mtimeNs: paxTime(pax, "mtime", offset) ?? BigInt(mtime) * 1_000_000_000n,
      typeflag: entryType(header.typeflag, name),
      rawHeader: header,
      pax,
    };
  }

  /** The map of holes, if there is one, and how much of the `stored` bytes is left when it has been read. */
  async #readMap(
    block: Uint8Array,
    entry: { name: Uint8Array; pax: PaxRecords; rawHeader: TarHeader; stored: number; headerOffset: number },
  ): Promise<{ sparse: SparseMap | undefined; size: number }> {
    const { name, pax, stored, headerOffset } = entry;
    const oldGnu = entry.rawHeader.typeflag === "S";
    let inMap = 0;
    const readBlock = async (): Promise<Uint8Array> => {
      if (!oldGnu) inMap += BLOCK_BYTES;
      const next = await readUpTo(this.#source, BLOCK_BYTES);
      if (next.length === BLOCK_BYTES && inMap <= stored) return next;
      throw cutOff(`the map of holes of "${displayName(name)}"`, { offset: this.#source.offset, there: next.length, of: BLOCK_BYTES });
    };
    const sparse = oldGnu ? await readOldGnuMap(block, readBlock, headerOffset) : await readPaxMap(pax, readBlock, headerOffset);
    const size = stored - inMap;
    if (sparse === undefined || sparse.segments.reduce((sum, { length }) => sum + length, 0) <= size) return { sparse, size };
    throw damaged(`Cannot read archive: the map of holes of "${displayName(name)}" tells of more data than there is`, {
      offset: headerOffset,
    });
  }
}

/** The type without its dialects: old and contiguous files, files with holes, and V7's directories, which are known by their slash. */
function entryType(typeflag: string, name: Uint8Array): string {
  if (typeflag === "0" && name.at(-1) === 0x2f) return "5";
  return typeflag === "7" || typeflag === "S" ? "0" : typeflag;
}
