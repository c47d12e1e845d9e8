/**
 * Reading a tar archive in one pass: ustar, GNU long names and pax extended headers. Data that nobody asks for is stepped over, by seeking
 * where the input can.
 *
 * An archive that ends without its two zero blocks is accepted, since some writers never make them; one that ends inside a header or inside
 * data is not.
 */
import { damaged } from "../../errors.ts";
import { collect, readUpTo, type ByteSource, type ByteStream } from "../bytes.ts";
import { BLOCK_BYTES, decodeHeader, type TarHeader } from "./header.ts";
import { decodePax, type PaxRecords } from "./pax.ts";

/** An entry, with pax and GNU long names applied to its fields. */
export interface TarEntry extends TarHeader {
  /** Offset of the entry's header block. */
  readonly headerOffset: number;
  /** Offset of its data. */
  readonly dataOffset: number;
  /** Pax records of this entry and the global ones before it. */
  readonly pax: PaxRecords;
  /** The data, in chunks of at most 1 MiB; to be read before the next entry is asked for. */
  body(): ByteStream;
}

const CHUNK_BYTES = 1024 * 1024;
/** Largest pax header or long name, in bytes. */
const EXTENSION_LIMIT_BYTES = 1024 * 1024;

/** What extension headers say of the entry that follows. */
interface Extensions {
  pax: PaxRecords;
  longName?: Uint8Array;
  longLink?: Uint8Array;
}

/** Reads the entries of an archive. */
export class TarReader {
  readonly #source: ByteSource;
  readonly #globals: PaxRecords = new Map();
  #end: "blocks" | "eof" | undefined;
  /** What is left of the last entry: data, then padding. */
  #dataLeft = 0;
  #padding = 0;
  #lastName = "";

  constructor(source: ByteSource) {
    this.#source = source;
  }

  /** How the archive ended, once it has. */
  get end(): "blocks" | "eof" | undefined {
    return this.#end;
  }

  /** The next entry, or undefined at the end. @throws ToolError damaged, with the offset */
  async next(): Promise<TarEntry | undefined> {
    const extensions: Extensions = { pax: new Map(this.#globals) };
    for (;;) {
      await this.#finishEntry();
      const headerOffset = this.#source.offset;
      const header = await this.#nextHeader();
      if (header === undefined) return undefined;
      this.#lastName = new TextDecoder().decode(header.name);
      this.#expect(header.size);
      if (!(await this.#takeExtension(header, headerOffset, extensions))) return this.#entry(header, headerOffset, extensions);
    }
  }

  /** Reads an extension header into `extensions`; false if the header is an entry's own. */
  async #takeExtension(header: TarHeader, headerOffset: number, extensions: Extensions): Promise<boolean> {
    const data = async (): Promise<Uint8Array> => {
      const tooLong = (): Error => damaged(`Cannot read tar archive: an extension header is larger than ${EXTENSION_LIMIT_BYTES} bytes`, { offset: headerOffset });
      if (header.size > EXTENSION_LIMIT_BYTES) throw tooLong();
      return await collect(this.#body(), EXTENSION_LIMIT_BYTES, tooLong);
    };
    switch (header.typeflag) {
      case "g":
      case "x": {
        const records = decodePax(await data(), headerOffset + BLOCK_BYTES);
        for (const [keyword, value] of records) {
          if (header.typeflag === "g") this.#globals.set(keyword, value);
          extensions.pax.set(keyword, value);
        }
        return true;
      }
      case "L":
        extensions.longName = untilNul(await data());
        return true;
      case "K":
        extensions.longLink = untilNul(await data());
        return true;
      default:
        return false;
    }
  }

  #entry(header: TarHeader, headerOffset: number, { pax, longName, longLink }: Extensions): TarEntry {
    const size = paxNumber(pax, "size", headerOffset) ?? header.size;
    if (size < 0 || !Number.isSafeInteger(size)) throw damaged(`Cannot read tar archive: size ${size} is no size`, { offset: headerOffset });
    if (size !== header.size) this.#expect(size);
    return {
      ...header,
      name: pax.get("path") ?? longName ?? header.name,
      linkname: pax.get("linkpath") ?? longLink ?? header.linkname,
      size,
      uid: paxNumber(pax, "uid", headerOffset) ?? header.uid,
      gid: paxNumber(pax, "gid", headerOffset) ?? header.gid,
      mtime: paxNumber(pax, "mtime", headerOffset) ?? header.mtime,
      headerOffset,
      dataOffset: this.#source.offset,
      pax,
      body: () => this.#body(),
    };
  }

  /** The next header; undefined at the end blocks, at a lone zero block with nothing but the end behind it, or at the end of the input. */
  async #nextHeader(): Promise<TarHeader | undefined> {
    if (this.#end !== undefined) return undefined;
    for (let zeros = 0; ; zeros += 1) {
      const offset = this.#source.offset;
      const block = await readUpTo(this.#source, BLOCK_BYTES);
      if (block.length === 0) {
        this.#end = "eof";
        return undefined;
      }
      if (block.length < BLOCK_BYTES) {
        throw damaged(`Cannot read tar archive: it is cut off in a header, ${block.length} of ${BLOCK_BYTES} bytes are there`, { offset });
      }
      const header = decodeHeader(block, offset);
      if (header !== "zero") return header;
      if (zeros === 0) continue;
      this.#end = "blocks";
      return undefined;
    }
  }

  #expect(size: number): void {
    this.#dataLeft = size;
    this.#padding = (BLOCK_BYTES - (size % BLOCK_BYTES)) % BLOCK_BYTES;
  }

  async *#body(): ByteStream {
    while (this.#dataLeft > 0) {
      const chunk = await this.#source.read(Math.min(this.#dataLeft, CHUNK_BYTES));
      if (chunk === undefined) throw this.#cutOff(this.#dataLeft);
      this.#dataLeft -= chunk.length;
      yield chunk;
    }
  }

  async #finishEntry(): Promise<void> {
    const left = this.#dataLeft + this.#padding;
    if (left === 0) return;
    const skipped = await this.#source.skip(left);
    if (skipped < left) throw this.#cutOff(left - skipped);
    this.#dataLeft = 0;
    this.#padding = 0;
  }

  #cutOff(missing: number): Error {
    return damaged(`Cannot read tar archive: it is cut off in "${this.#lastName}", ${missing} bytes are missing`, { offset: this.#source.offset });
  }
}

function untilNul(bytes: Uint8Array): Uint8Array {
  const end = bytes.indexOf(0);
  return end < 0 ? bytes : bytes.subarray(0, end);
}

function paxNumber(pax: PaxRecords, keyword: string, offset: number): number | undefined {
  const value = pax.get(keyword);
  if (value === undefined) return undefined;
  const text = new TextDecoder("latin1").decode(value);
  if (/^-?\d{1,19}(\.\d*)?$/.test(text)) return Number(text);
  throw damaged(`Cannot read tar archive: pax ${keyword} ${JSON.stringify(text)} is no number`, { offset });
}
