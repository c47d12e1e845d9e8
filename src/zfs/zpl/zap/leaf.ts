/**
 * A leaf of a fat ZAP: entries, names and values in chunks of 24 bytes. Names and values are chains of array chunks.
 *
 *     byte 0               16         24        28       30           32              48
 *     | lh_block_type, 0 | lh_prefix | lh_magic | nfree | lh_nentries | prefix_len … | hash table, u16 | chunks |
 *
 *     entry chunk: | 252 | integer bytes u8 | next u16 | name chunk u16 | name bytes u16 | value chunk u16 | integers u16 | … | hash u64 |
 *     array chunk: | 251 | 21 bytes, integers big-endian | next chunk u16 |          free chunk: | 253 | …
 *
 * The hash table leads to the entries by name. Who wants them all finds them by their type, and cannot be led in circles.
 *
 * @see OpenZFS 2.3 `include/sys/zap_leaf.h`
 */
import type { ZapEntry } from "./entry.ts";

const MAGIC = 0x2ab1eaf;
const HEADER_BYTES = 48;
const CHUNK_BYTES = 24;
const ARRAY_BYTES = 21;
const ENTRY = 252;
const ARRAY = 251;
/** ZAP_MAXNAMELEN_NEW, ZAP_MAXVALUELEN. */
const MAX_NAME_BYTES = 1024;
const MAX_VALUE_BYTES = 8192;
const HASH_BLOCK_BYTES = 32;

/** The entries of a leaf; a reason if it is damaged. */
export function leafEntries(block: Uint8Array, littleEndian: boolean): ZapEntry[] | string {
  const leaf = new Leaf(block, littleEndian);
  if (leaf.magic !== MAGIC) return "a leaf of its ZAP has no magic";
  const entries: ZapEntry[] = [];
  let bytesLeft = block.length;
  for (let chunk = 0; chunk < leaf.chunks; chunk += 1) {
    if (!leaf.isEntry(chunk)) continue;
    const entry = leaf.entry(chunk);
    if (typeof entry === "string") return entry;
    bytesLeft -= entry.name.length + entry.integers * entry.integerBytes;
    if (bytesLeft < 0) return "entries of its ZAP share their names";
    entries.push(entry);
  }
  return entries.length === leaf.entries ? entries : `a leaf of its ZAP has ${entries.length} entries, not ${leaf.entries}`;
}

class Leaf {
  readonly chunks: number;
  readonly #block: Uint8Array;
  readonly #view: DataView;
  readonly #littleEndian: boolean;
  readonly #chunksAt: number;

  constructor(block: Uint8Array, littleEndian: boolean) {
    const hashBytes = 2 * Math.floor(block.length / HASH_BLOCK_BYTES);
    this.#block = block;
    this.#view = new DataView(block.buffer, block.byteOffset, block.length);
    this.#littleEndian = littleEndian;
    this.#chunksAt = HEADER_BYTES + hashBytes;
    this.chunks = Math.floor((block.length - hashBytes) / CHUNK_BYTES) - HEADER_BYTES / CHUNK_BYTES;
  }

  get magic(): number {
    return this.#view.getUint32(24, this.#littleEndian);
  }

  get entries(): number {
    return this.#u16(30);
  }

  isEntry(chunk: number): boolean {
    return this.#block[this.#at(chunk)] === ENTRY;
  }

  entry(chunk: number): ZapEntry | string {
    const at = this.#at(chunk);
    const integerBytes = this.#view.getUint8(at + 1);
    const nameBytes = this.#u16(at + 6);
    const integers = this.#u16(at + 10);
    const valueBytes = integers * integerBytes;
    if (nameBytes < 1 || nameBytes > MAX_NAME_BYTES) return `an entry of its ZAP has a name of ${nameBytes} bytes`;
    if (![1, 2, 4, 8].includes(integerBytes)) return `an entry of its ZAP has integers of ${integerBytes} bytes`;
    if (valueBytes > MAX_VALUE_BYTES) return `an entry of its ZAP has a value of ${valueBytes} bytes`;
    const name = this.#array(this.#u16(at + 4), nameBytes);
    const value = this.#array(this.#u16(at + 8), valueBytes);
    if (name === undefined || value === undefined) return "an entry of its ZAP leads to a chunk that is none of an array";
    if (name[nameBytes - 1] !== 0) return "a name in its ZAP does not end in NUL";
    const view = new DataView(value.buffer, value.byteOffset, valueBytes);
    return { name: name.toString("latin1", 0, nameBytes - 1), integerBytes, integers, view, at: 0, littleEndian: false };
  }

  /** The bytes of a chain of array chunks. */
  #array(first: number, bytes: number): Buffer | undefined {
    const array = Buffer.alloc(bytes);
    let chunk = first;
    for (let filled = 0; filled < bytes; filled += ARRAY_BYTES) {
      const at = this.#at(chunk);
      if (chunk >= this.chunks || this.#block[at] !== ARRAY) return undefined;
      array.set(this.#block.subarray(at + 1, at + 1 + Math.min(ARRAY_BYTES, bytes - filled)), filled);
      chunk = this.#u16(at + 1 + ARRAY_BYTES);
    }
    return array;
  }

  #at(chunk: number): number {
    return this.#chunksAt + chunk * CHUNK_BYTES;
  }

  #u16(at: number): number {
    return this.#view.getUint16(at, this.#littleEndian);
  }
}
