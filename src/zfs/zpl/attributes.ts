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
const INDEXES: ReadonlyMap<string, number> = new Map(ATTRIBUTES.map((name, index) => [name, index]));
const NOWHERE = -1;

/** Index of an attribute by its name without ZPL_; undefined for one that nobody reads. */
export function attributeIndex(name: string): number | undefined {
  return INDEXES.get(name);
}

/** A file's attributes. */
export class Attributes {
  /** Whether they are in a structure of before system attributes. */
  areOld = false;
  #buffers: AttributeBuffer[] = [];
  readonly #buffer: Uint8Array = new Uint8Array(ATTRIBUTES.length);
  readonly #at: Int32Array = new Int32Array(ATTRIBUTES.length).fill(NOWHERE);
  readonly #bytes: Int32Array = new Int32Array(ATTRIBUTES.length);

  /** Forgets all, for another file. */
  reset(): void {
    this.areOld = false;
    this.#buffers = [];
    this.#at.fill(NOWHERE);
  }

  /** Adds a buffer, whose attributes {@link put} can then name; returns its index. */
  addBuffer(buffer: AttributeBuffer): number {
    return this.#buffers.push(buffer) - 1;
  }

  /** Says where an attribute stands; the first word counts. @param at offset in the buffer's view */
  put(index: number, place: { buffer: number; at: number; bytes: number }): void {
    if (this.#at[index] !== NOWHERE) return;
    this.#buffer[index] = place.buffer;
    this.#at[index] = place.at;
    this.#bytes[index] = place.bytes;
  }

  has(name: AttributeName): boolean {
    return this.#at[this.#index(name)] !== NOWHERE;
  }

  /** A 64-bit number; undefined if the file does not have it. What does not fit 53 bits is rounded. */
  number(name: AttributeName): number | undefined {
    const place = this.#word(name, 0);
    if (place === undefined) return undefined;
    const { view, at, littleEndian } = place;
    return view.getUint32(littleEndian ? at + 4 : at, littleEndian) * 2 ** 32 + this.#low(place);
  }

  /** The low 32 bits of a number. */
  low(name: AttributeName): number | undefined {
    const place = this.#word(name, 0);
    return place === undefined ? undefined : this.#low(place);
  }

  bigint(name: AttributeName): bigint | undefined {
    const place = this.#word(name, 0);
    return place?.view.getBigUint64(place.at, place.littleEndian);
  }

  /** A time in nanoseconds since 1970. */
  time(name: AttributeName): bigint | undefined {
    const seconds = this.#word(name, 0);
    const rest = this.#word(name, 8);
    if (seconds === undefined || rest === undefined) return undefined;
    const { view, at, littleEndian } = seconds;
    return view.getBigInt64(at, littleEndian) * NANOSECONDS + rest.view.getBigInt64(rest.at, littleEndian);
  }

  /** The bytes of an attribute, copied. */
  bytes(name: AttributeName): Uint8Array | undefined {
    const index = this.#index(name);
    const at = this.#at[index] ?? NOWHERE;
    const buffer = this.#buffers[this.#buffer[index] ?? 0];
    if (at === NOWHERE || buffer === undefined) return undefined;
    const { view } = buffer;
    return new Uint8Array(view.buffer, view.byteOffset + at, this.#bytes[index]).slice();
  }

  /** Where the 64 bits at an offset in an attribute stand, if it is that long. */
  #word(name: AttributeName, offset: number): AttributeBuffer | undefined {
    const index = this.#index(name);
    const at = this.#at[index] ?? NOWHERE;
    const buffer = this.#buffers[this.#buffer[index] ?? 0];
    if (at === NOWHERE || buffer === undefined || (this.#bytes[index] ?? 0) < offset + 8) return undefined;
    return { ...buffer, at: at + offset };
  }

  #low({ view, at, littleEndian }: AttributeBuffer): number {
    return view.getUint32(littleEndian ? at : at + 4, littleEndian);
  }

  #index(name: AttributeName): number {
    return INDEXES.get(name) ?? 0;
  }
}
