/** The data of an object as it can be asked for: piece by piece, block by block, or whole. */
import { damagedObject } from "./damage.ts";
import { BlockReader, type DataPiece, type TakenStream } from "./block-reader.ts";
import { NO_EXTENT, type Extent } from "./extent-table.ts";
import type { ObjectSet } from "./object-set.ts";

const NO_BYTES = new Uint8Array(0);

/** Reads an object's data; what is not there is a hole. */
export class ObjectData {
  readonly blockBytes: number;
  readonly #set: ObjectSet;
  readonly #streams: readonly TakenStream[];
  readonly #object: number;
  readonly #head: number;
  #extents: { all: Extent[]; reader: BlockReader } | undefined;

  /** @throws ToolError damaged if there is no such object */
  constructor(set: ObjectSet, streams: readonly TakenStream[], object: number) {
    const row = set.objects.find(object);
    if (row === undefined) throw damagedObject(set.place(object), "it does not exist");
    this.#set = set;
    this.#streams = streams;
    this.#object = object;
    this.#head = set.objects.head.get(row);
    this.blockBytes = set.objects.blockSize.get(row);
  }

  /** The data of an object's spill block, if it has one. */
  static async spill(set: ObjectSet, streams: readonly TakenStream[], object: number): Promise<Uint8Array | undefined> {
    const row = set.objects.find(object);
    const extent = row === undefined ? NO_EXTENT : set.objects.spill.get(row);
    if (extent === NO_EXTENT) return undefined;
    const reader = new BlockReader({ store: set.store, streams, object: () => set.place(object) });
    for await (const { bytes } of reader.read(set.extents.get(extent))) return bytes;
    return undefined;
  }

  /** All extents, in order. */
  extents(): Generator<Extent> {
    return this.#set.extents.list(this.#head);
  }

  /** All data before `end` in order, without the holes. */
  async *pieces(end: number): AsyncGenerator<DataPiece> {
    const reader = this.#reader();
    for (const extent of this.extents()) {
      if (extent.start >= end) return;
      for await (const { offset, bytes } of reader.read({ ...extent, end: Math.min(end, extent.end) })) {
        yield { offset, bytes: bytes.subarray(0, end - offset) };
      }
    }
  }

  /** All data before `end`, if there are no holes and it is a single block at hand. @throws ToolError damaged */
  atHand(end: number): Uint8Array | undefined {
    if (end === 0) return NO_BYTES;
    if (this.#head === NO_EXTENT) return undefined;
    const extent = this.#set.extents.get(this.#head);
    return extent.start === 0 && extent.end >= end ? this.#reader().atHand({ ...extent, end }) : undefined;
  }

  /** A block by its number, whole. @throws ToolError damaged if a part of it is missing */
  async block(id: number): Promise<Uint8Array> {
    const end = (id + 1) * this.blockBytes;
    if (!Number.isSafeInteger(end)) throw damagedObject(this.#set.place(this.#object), `it has no block ${id}`);
    return this.#read(end - this.blockBytes, end);
  }

  /** The first `count` bytes. @throws ToolError damaged if a part of them is missing */
  async first(count: number): Promise<Uint8Array> {
    return this.#read(0, count);
  }

  #reader(): BlockReader {
    return new BlockReader({ store: this.#set.store, streams: this.#streams, object: () => this.#set.place(this.#object) });
  }

  async #read(start: number, end: number): Promise<Uint8Array> {
    this.#extents ??= { all: [...this.extents()], reader: this.#reader() };
    const { all, reader } = this.#extents;
    let joined: Uint8Array | undefined;
    let filled = start;
    for (let index = firstBehind(all, start); filled < end; index += 1) {
      const extent = all[index];
      if (extent === undefined || extent.start > filled)
        throw damagedObject(this.#set.place(this.#object), `it has no data at byte ${filled}`);
      const part = { ...extent, start: filled, end: Math.min(end, extent.end) };
      for await (const { offset, bytes } of reader.read(part)) {
        if (bytes.length === end - start) return bytes;
        joined ??= new Uint8Array(end - start);
        joined.set(bytes, offset - start);
      }
      filled = part.end;
    }
    return joined ?? new Uint8Array(0);
  }
}

/** Index of the first extent that ends behind an offset. */
function firstBehind(extents: readonly Extent[], offset: number): number {
  let low = 0;
  let high = extents.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((extents[middle]?.end ?? Infinity) > offset) high = middle;
    else low = middle + 1;
  }
  return low;
}
