/**
 * Encodes ZAP objects, micro and fat, in either byte order. The hashes are right, so that ZFS finds the names too.
 *
 * @see OpenZFS 2.3 `include/sys/zap_impl.h`, `include/sys/zap_leaf.h`, `module/zfs/zap_micro.c` (`zap_hash`)
 */

/** A name and its integers; one of 8 bytes unless it says otherwise. */
export interface ZapSketch {
  name: string | Uint8Array;
  value: bigint | readonly number[];
  /** Of an array's integers. */
  integerBytes?: 1 | 2 | 4 | 8;
}

const MICRO = 0x8000000000000003n;
const HEADER = 0x8000000000000001n;
const LEAF = 0x8000000000000000n;
const SALT = 0x123456789abcdef1n;
const ENTRY_BYTES = 64;
const CHUNK_BYTES = 24;
const ARRAY_BYTES = 21;
const CHAIN_END = 0xffff;
const HASH_BITS = 28n;
const POLYNOMIAL = 0xc96c5795d7870f42n;
const CRC_TABLE: readonly bigint[] = Array.from({ length: 256 }, (_, byte) => {
  let crc = BigInt(byte);
  for (let bit = 0; bit < 8; bit += 1) crc = (crc >> 1n) ^ ((crc & 1n) * POLYNOMIAL);
  return crc;
});

/** A micro ZAP in a block that is as large as it needs to be, in steps of 512 bytes. */
export function microZap(entries: readonly ZapSketch[], littleEndian = true): Uint8Array {
  const block = new Uint8Array(Math.ceil((entries.length + 1) / 8) * 512);
  const view = new DataView(block.buffer);
  view.setBigUint64(0, MICRO, littleEndian);
  view.setBigUint64(8, SALT, littleEndian);
  entries.forEach(({ name, value }, index) => {
    const at = (index + 1) * ENTRY_BYTES;
    view.setBigUint64(at, value as bigint, littleEndian);
    block.set(Buffer.from(name), at + 14);
  });
  return block;
}

/**
 * The blocks of a fat ZAP: header, the pointer table if it has blocks of its own, 2^prefixBits leaves.
 *
 * @param blockShift 12 for blocks of 4096 bytes
 */
export function fatZap(
  entries: readonly ZapSketch[],
  options: { littleEndian?: boolean; blockShift?: number; prefixBits?: number; tableBlocks?: number } = {},
): Uint8Array[] {
  const { littleEndian = true, blockShift = 12, prefixBits = 0, tableBlocks = 0 } = options;
  const blockBytes = 2 ** blockShift;
  const leaves = Array.from({ length: 2 ** prefixBits }, (_, prefix) => new LeafWriter({ littleEndian, blockShift, prefix, prefixBits }));
  for (const entry of entries) leaves[Number(zapHash(Buffer.from(entry.name)) >> BigInt(64 - prefixBits))]?.add(entry);
  const pointers = (tableBlocks === 0 ? blockBytes / 2 : tableBlocks * blockBytes) / 8;
  const table = new DataView(new ArrayBuffer(pointers * 8));
  for (let index = 0; index < pointers; index += 1) {
    table.setBigUint64(index * 8, BigInt(1 + tableBlocks + Math.floor((index * leaves.length) / pointers)), littleEndian);
  }
  const header = new DataView(new ArrayBuffer(blockBytes));
  const shift = Math.log2(pointers);
  const fields = [
    HEADER,
    0x2f52ab2abn,
    tableBlocks === 0 ? 0 : 1,
    tableBlocks,
    shift,
    0,
    0,
    1 + tableBlocks + leaves.length,
    leaves.length,
  ];
  [...fields, entries.length, SALT].forEach((value, index) => header.setBigUint64(index * 8, BigInt(value), littleEndian));
  const tableBytes = new Uint8Array(table.buffer);
  if (tableBlocks === 0) new Uint8Array(header.buffer).set(tableBytes, blockBytes / 2);
  const outside = Array.from({ length: tableBlocks }, (_, index) => tableBytes.slice(index * blockBytes, (index + 1) * blockBytes));
  return [new Uint8Array(header.buffer), ...outside, ...leaves.map((leaf) => leaf.finish())];
}

/** CRC-64 of a name, of which the high 28 bits count. */
export function zapHash(name: Uint8Array): bigint {
  let hash = SALT;
  for (const byte of name) hash = (hash >> 8n) ^ (CRC_TABLE[Number((hash ^ BigInt(byte)) & 0xffn)] ?? 0n);
  return (hash >> (64n - HASH_BITS)) << (64n - HASH_BITS);
}

class LeafWriter {
  readonly #view: DataView;
  readonly #littleEndian: boolean;
  readonly #blockShift: number;
  readonly #prefixBits: number;
  #chunks = 0;
  #entries = 0;

  constructor(options: { littleEndian: boolean; blockShift: number; prefix: number; prefixBits: number }) {
    this.#littleEndian = options.littleEndian;
    this.#blockShift = options.blockShift;
    this.#prefixBits = options.prefixBits;
    this.#view = new DataView(new ArrayBuffer(2 ** options.blockShift));
    this.#view.setBigUint64(0, LEAF, this.#littleEndian);
    this.#view.setBigUint64(16, BigInt(options.prefix), this.#littleEndian);
    this.#view.setUint32(24, 0x2ab1eaf, this.#littleEndian);
    this.#u16(32, options.prefixBits);
    for (let slot = 0; slot < this.#hashSlots; slot += 1) this.#u16(48 + slot * 2, CHAIN_END);
  }

  add({ name, value, integerBytes = 8 }: ZapSketch): void {
    const bytes = Buffer.concat([Buffer.from(name), Buffer.alloc(1)]);
    const integers = typeof value === "bigint" ? [value] : value.map(BigInt);
    const hash = zapHash(bytes.subarray(0, -1));
    const entry = this.#take(252);
    const nameChunk = this.#array(bytes);
    const valueChunk = this.#array(Buffer.concat(integers.map((integer) => bigEndian(integer, integerBytes))));
    const slot = Number((hash >> BigInt(64 - (this.#blockShift - 5) - this.#prefixBits)) & BigInt(this.#hashSlots - 1));
    this.#view.setUint8(entry + 1, integerBytes);
    const next = this.#view.getUint16(48 + slot * 2, this.#littleEndian);
    [next, nameChunk, bytes.length, valueChunk, integers.length].forEach((field, index) => this.#u16(entry + 2 + index * 2, field));
    this.#view.setBigUint64(entry + 16, hash, this.#littleEndian);
    this.#u16(48 + slot * 2, (entry - this.#chunksAt) / CHUNK_BYTES);
    this.#entries += 1;
  }

  finish(): Uint8Array {
    const all = Math.floor((this.#view.byteLength - this.#hashSlots * 2) / CHUNK_BYTES) - 2;
    if (this.#chunks > all) throw new Error("a leaf is too small for its entries");
    this.#u16(28, all - this.#chunks);
    this.#u16(30, this.#entries);
    this.#u16(34, this.#chunks === all ? CHAIN_END : this.#chunks);
    while (this.#chunks < all) {
      const at = this.#take(253);
      this.#u16(at + 1 + ARRAY_BYTES, this.#chunks === all ? CHAIN_END : this.#chunks);
    }
    return new Uint8Array(this.#view.buffer);
  }

  #array(bytes: Uint8Array): number {
    const first = this.#chunks;
    for (let at = 0; at < bytes.length; at += ARRAY_BYTES) {
      const chunk = this.#take(251);
      new Uint8Array(this.#view.buffer).set(bytes.subarray(at, at + ARRAY_BYTES), chunk + 1);
      this.#u16(chunk + 1 + ARRAY_BYTES, at + ARRAY_BYTES < bytes.length ? this.#chunks : CHAIN_END);
    }
    return first;
  }

  #take(type: number): number {
    const at = this.#chunksAt + this.#chunks * CHUNK_BYTES;
    this.#chunks += 1;
    if (at + CHUNK_BYTES > this.#view.byteLength) throw new Error("a leaf is too small for its entries");
    this.#view.setUint8(at, type);
    return at;
  }

  get #hashSlots(): number {
    return 2 ** (this.#blockShift - 5);
  }

  get #chunksAt(): number {
    return 48 + this.#hashSlots * 2;
  }

  #u16(at: number, value: number): void {
    this.#view.setUint16(at, value, this.#littleEndian);
  }
}

function bigEndian(value: bigint, bytes: number): Uint8Array {
  return Uint8Array.from({ length: bytes }, (_, index) => Number((value >> BigInt(8 * (bytes - 1 - index))) & 0xffn));
}
