/**
 * Changes the extents of one object after the other, as the records of a stream come: mostly from the object's beginning to its end, so a
 * place in the list is kept, and going on from it takes no search.
 */
import { NO_EXTENT, type Extent, type ExtentTable } from "./extent-table.ts";
import type { ObjectTable } from "./object-table.ts";

/** Steps through lists that a stream may need beyond a few for each extent and record; only records in wild disorder need more. */
const FREE_STEPS = 10_000_000;
/** What a step of a search counts: blocks by reference may be anywhere. */
const FOUND_STEP = 1 / 256;

/** Data that a record brings. */
export interface NewData {
  start: number;
  end: number;
  /** Where its record begins in its stream, or the number of the kept block. */
  record: number;
  stream: number;
  /** Where its record ends in its stream, if an extent may go on over it. */
  recordEnd?: number;
}

/** Edits lists of extents. */
export class ExtentEditor {
  readonly #extents: ExtentTable;
  readonly #objects: ObjectTable;
  readonly #onDrop: (extent: Extent) => void;
  #row = -1;
  /** Last extent that begins before the place in the list. */
  #previous: number = NO_EXTENT;
  #last: { data: NewData; extent: number } | undefined;
  #found: { row: number; extent: number } | undefined;
  #stepsLeft = 0;

  /** @param onDrop called with each extent that goes away as a whole */
  constructor(options: { extents: ExtentTable; objects: ObjectTable; onDrop: (extent: Extent) => void }) {
    this.#extents = options.extents;
    this.#objects = options.objects;
    this.#onDrop = options.onDrop;
  }

  /** Whether the stream's records made more work than any in order can. */
  get isOverworked(): boolean {
    return this.#stepsLeft < 0;
  }

  /** Begins a stream: no record goes on from one of the last stream. */
  beginStream(): void {
    this.#row = -1;
    this.#stepsLeft = FREE_STEPS + 8 * this.#extents.rows;
  }

  /** Turns to an object; does nothing if it is the one already. @param row its row in the table */
  open(row: number): void {
    if (row === this.#row) return;
    this.#row = row;
    this.#previous = NO_EXTENT;
    this.#last = undefined;
  }

  /** Puts data in place of what was there. */
  write(data: NewData): void {
    this.#stepsLeft += 8;
    this.free(data.start, data.end);
    const previous = this.#previous;
    if (this.#goesOn(data, previous)) {
      this.#extents.setEnd(previous, data.end);
      this.#last = { data, extent: previous };
      return;
    }
    const { start, end, record, stream } = data;
    this.#insert({ start, end, origin: start, record, stream });
    this.#last = { data, extent: this.#previous };
  }

  /** The extent that holds an offset of any object; quick for offsets in order. @param row the object's row in the table */
  find(row: number, offset: number): Extent | undefined {
    const known = this.#found;
    const isBefore = known?.row === row && this.#extents.start(known.extent) <= offset;
    for (let extent = isBefore ? known.extent : this.#objects.head.get(row); extent !== NO_EXTENT; extent = this.#extents.next(extent)) {
      if (this.#extents.start(extent) > offset) return undefined;
      this.#stepsLeft -= FOUND_STEP;
      this.#found = { row, extent };
      if (offset < this.#extents.end(extent)) return this.#extents.get(extent);
    }
    return undefined;
  }

  /** Puts a part of another extent at a place, so that two extents stand for the same records. @param moved how far its data lies behind the other's */
  refer(source: Extent, range: { start: number; end: number; moved: number }): void {
    const { start, end, moved } = range;
    this.free(start, end);
    this.#insert({ ...source, start, end, origin: source.origin + moved });
  }

  /** Takes away the data from `start` up to `end`. */
  free(start: number, end: number): void {
    this.#seek(start);
    this.#cutPrevious(start, end);
    for (let row = this.#next(); row !== NO_EXTENT && this.#extents.start(row) < end; row = this.#next()) {
      if (this.#extents.end(row) > end) {
        this.#extents.setStart(row, end);
        return;
      }
      this.#setNext(this.#extents.next(row));
      this.#drop(row);
    }
  }

  /** Takes away all data of an object. @param row its row in the table */
  clear(row: number): void {
    for (let extent = this.#objects.head.get(row); extent !== NO_EXTENT;) {
      const next = this.#extents.next(extent);
      this.#drop(extent);
      extent = next;
    }
    this.#objects.head.set(row, NO_EXTENT);
    if (row === this.#row) this.#row = -1;
  }

  /** Whether data lies behind the last written in the stream as it does in the object. */
  #goesOn(data: NewData, previous: number): boolean {
    const last = this.#last;
    if (last === undefined || last.extent !== previous || last.data.recordEnd === undefined) return false;
    return last.data.recordEnd === data.record && last.data.end === data.start && last.data.stream === data.stream;
  }

  /** Goes to where extents begin at or behind an offset. */
  #seek(start: number): void {
    if (this.#previous !== NO_EXTENT && this.#extents.start(this.#previous) >= start) this.#previous = NO_EXTENT;
    for (let row = this.#next(); row !== NO_EXTENT && this.#extents.start(row) < start; row = this.#next()) {
      this.#previous = row;
      this.#stepsLeft -= 1;
    }
  }

  /** Cuts what reaches into a range from before it, which may leave something behind it too. */
  #cutPrevious(start: number, end: number): void {
    const previous = this.#previous;
    if (previous === NO_EXTENT || this.#extents.end(previous) <= start) return;
    const extent = this.#extents.get(previous);
    this.#extents.setEnd(previous, start);
    if (extent.end > end) this.#extents.setNext(previous, this.#extents.add({ ...extent, start: end }, this.#next()));
  }

  #next(): number {
    return this.#previous === NO_EXTENT ? this.#objects.head.get(this.#row) : this.#extents.next(this.#previous);
  }

  #setNext(extent: number): void {
    if (this.#previous === NO_EXTENT) this.#objects.head.set(this.#row, extent);
    else this.#extents.setNext(this.#previous, extent);
  }

  /** Puts an extent at the place in the list, which then is behind it. */
  #insert(extent: Extent): void {
    const row = this.#extents.add(extent, this.#next());
    this.#setNext(row);
    this.#previous = row;
  }

  #drop(extent: number): void {
    this.#onDrop(this.#extents.get(extent));
    this.#extents.release(extent);
    if (this.#last?.extent === extent) this.#last = undefined;
    if (this.#found?.extent === extent) this.#found = undefined;
  }
}
