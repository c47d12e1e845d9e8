/**
 * Many small pieces of bytes in a few large arrays: bonus buffers, and blocks of streams that cannot be read again. A piece is known by a
 * number, its segment and its place in that. What is released is used again for pieces of the same size.
 */

const SEGMENT_BYTES = 1024 * 1024;
/** Larger pieces get a segment of their own. */
const LARGE_BYTES = SEGMENT_BYTES / 8;
/** Distance of two segments in the numbers; no piece is larger. */
const SEGMENT_SPAN = 2 ** 25;
const ALIGNMENT = 8;

/** Where a piece stands. */
export interface StoredBytes {
  view: DataView;
  at: number;
}

/** One of the large arrays, looked at in two ways. */
interface Segment {
  bytes: Uint8Array;
  view: DataView;
}

/** Keeps pieces of bytes. */
export class ByteStore {
  readonly #segments: (Segment | undefined)[] = [];
  readonly #released = new Map<number, number[]>();
  #open = -1;
  #used = SEGMENT_BYTES;
  #bytes = 0;

  /** Bytes of all pieces, rounded up as they are kept. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Keeps a copy; returns its number. */
  add(...parts: readonly Uint8Array[]): number {
    let count = 0;
    for (const part of parts) count += part.length;
    const place = this.#reserve(count);
    const { bytes } = this.#segment(place);
    let to = place % SEGMENT_SPAN;
    for (const part of parts) {
      bytes.set(part, to);
      to += part.length;
    }
    return place;
  }

  /** Forgets a piece of that many bytes. */
  release(place: number, bytes: number): void {
    const kept = roundUp(bytes);
    this.#bytes -= kept;
    if (kept > LARGE_BYTES) {
      this.#segments[Math.floor(place / SEGMENT_SPAN)] = undefined;
      return;
    }
    const others = this.#released.get(kept);
    if (others === undefined) this.#released.set(kept, [place]);
    else others.push(place);
  }

  /** Where a piece stands. */
  find(place: number): StoredBytes {
    return { view: this.#segment(place).view, at: place % SEGMENT_SPAN };
  }

  /** The bytes of a piece, not copied. */
  bytesAt(place: number, count: number): Uint8Array {
    const at = place % SEGMENT_SPAN;
    return this.#segment(place).bytes.subarray(at, at + count);
  }

  #reserve(bytes: number): number {
    const kept = roundUp(bytes);
    this.#bytes += kept;
    if (kept > LARGE_BYTES) return this.#addSegment(kept) * SEGMENT_SPAN;
    const released = this.#released.get(kept)?.pop();
    if (released !== undefined) return released;
    if (this.#used + kept > SEGMENT_BYTES) {
      this.#open = this.#addSegment(SEGMENT_BYTES);
      this.#used = 0;
    }
    const place = this.#open * SEGMENT_SPAN + this.#used;
    this.#used += kept;
    return place;
  }

  #addSegment(bytes: number): number {
    const memory = new ArrayBuffer(bytes);
    return this.#segments.push({ bytes: new Uint8Array(memory), view: new DataView(memory) }) - 1;
  }

  #segment(place: number): Segment {
    const segment = this.#segments[Math.floor(place / SEGMENT_SPAN)];
    if (segment === undefined) throw new RangeError(`no piece ${place}`);
    return segment;
  }
}

function roundUp(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
}
