/**
 * The attributes of a file, where they stand in its bonus buffer and spill block. They are looked at in place: a listing of a million files
 * decodes of each what it shows.
 */

/** Attributes of the ZPL that are read, as upstream names them, without ZPL_. */
export const ATTRIBUTES = [
  "ATIME",
  "MTIME",
  "CTIME",
  "CRTIME",
  "GEN",
  "MODE",
  "SIZE",
  "PARENT",
  "LINKS",
  "XATTR",
  "RDEV",
  "FLAGS",
  "UID",
  "GID",
  "SYMLINK",
  "DACL_COUNT",
  "DACL_ACES",
  "DXATTR",
  "PROJID",
] as const;

/** One of them. */
export type AttributeName = (typeof ATTRIBUTES)[number];

/** Bytes that attributes stand in: a bonus buffer, or a spill block. */
export interface AttributeBuffer {
  view: DataView;
  /** First byte and bytes of the buffer in the view. */
  at: number;
  bytes: number;
  littleEndian: boolean;
}

const NANOSECONDS = 1_000_000_000n;
const INDEXES = Object.fromEntries(ATTRIBUTES.map((name, index) => [name, index])) as Readonly<Record<AttributeName, number>>;
const NOWHERE = -1;
const WORD_BYTES = 8;
const NO_BUFFER: AttributeBuffer = { view: new DataView(new ArrayBuffer(0)), at: 0, bytes: 0, littleEndian: true };

/** Index of an attribute by its name without ZPL_; undefined for one that nobody reads. */
export function attributeIndex(name: string): number | undefined {
  return Object.hasOwn(INDEXES, name) ? INDEXES[name as AttributeName] : undefined;
}

/** A file's attributes. */
export class Attributes {
  /** Whether they are in a structure of before system attributes. */
  areOld = false;
  /** Whether there may be more of them, in a spill block that was not read. */
  mayBeMore = false;
  #found: AttributeBuffer = NO_BUFFER;
  readonly #buffers: AttributeBuffer[] = [];
  readonly #buffer: Uint8Array = new Uint8Array(ATTRIBUTES.length);
  readonly #at: Int32Array = new Int32Array(ATTRIBUTES.length).fill(NOWHERE);
  readonly #bytes: Int32Array = new Int32Array(ATTRIBUTES.length);

  /** Forgets all, for another file. */
  reset(): void {
    this.areOld = false;
    this.mayBeMore = false;
    this.#buffers.length = 0;
    this.#at.fill(NOWHERE);
  }

  /** Adds a buffer, whose attributes {@link put} can then name; returns its index. */
  addBuffer(buffer: AttributeBuffer): number {
    return this.#buffers.push(buffer) - 1;
  }

  /** Says where an attribute stands; the first word counts. @param at offset in the buffer's view */
  put(index: number, buffer: number, at: number, bytes: number): void {
    if (this.#at[index] !== NOWHERE) return;
    this.#buffer[index] = buffer;
    this.#at[index] = at;
    this.#bytes[index] = bytes;
  }

  has(name: AttributeName): boolean {
    return this.#at[INDEXES[name]] !== NOWHERE;
  }

  /** A 64-bit number; undefined if the file does not have it. What does not fit 53 bits is rounded. */
  number(name: AttributeName): number | undefined {
    const at = this.#find(name, WORD_BYTES);
    if (at === NOWHERE) return undefined;
    const { view, littleEndian } = this.#found;
    const [low, high] = littleEndian ? [at, at + 4] : [at + 4, at];
    return view.getUint32(high, littleEndian) * 2 ** 32 + view.getUint32(low, littleEndian);
  }

  /** The low 32 bits of a number. */
  low(name: AttributeName): number | undefined {
    const at = this.#find(name, WORD_BYTES);
    if (at === NOWHERE) return undefined;
    const { view, littleEndian } = this.#found;
    return view.getUint32(littleEndian ? at : at + 4, littleEndian);
  }

  bigint(name: AttributeName): bigint | undefined {
    const at = this.#find(name, WORD_BYTES);
    return at === NOWHERE ? undefined : this.#found.view.getBigUint64(at, this.#found.littleEndian);
  }

  /** A time in nanoseconds since 1970. */
  time(name: AttributeName): bigint | undefined {
    const at = this.#find(name, 2 * WORD_BYTES);
    if (at === NOWHERE) return undefined;
    const { view, littleEndian } = this.#found;
    return view.getBigInt64(at, littleEndian) * NANOSECONDS + view.getBigInt64(at + WORD_BYTES, littleEndian);
  }

  /** The bytes of an attribute, copied. */
  bytes(name: AttributeName): Uint8Array | undefined {
    const at = this.#find(name, 0);
    if (at === NOWHERE) return undefined;
    const { view } = this.#found;
    return new Uint8Array(view.buffer, view.byteOffset + at, this.#bytes[INDEXES[name]]).slice();
  }

  /** Where an attribute stands in the view of {@link #found}, if it has at least so many bytes. */
  #find(name: AttributeName, bytes: number): number {
    const index = INDEXES[name];
    const buffer = this.#buffers[this.#buffer[index] ?? 0];
    if (buffer === undefined || (this.#bytes[index] ?? 0) < bytes) return NOWHERE;
    this.#found = buffer;
    return this.#at[index] ?? NOWHERE;
  }
}
