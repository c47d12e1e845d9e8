/**
 * Where the data of all objects is: extents in a table, those of one object a list in the order of their offsets.
 *
 * An extent stands for data that one or more records of a stream brought, one record directly behind the other in the stream as well as in the
 * object: a file of any size that was sent in one piece is one extent. What it knows is where the first of its records stands and which
 * offset of the object that record's data is for; a part that was overwritten or freed later is cut off at `start` and `end` only.
 *
 *     origin        start                        end
 *     | record 0    | record 1   |   record 2    | …   in the stream
 *                   |<----- the extent --------->|
 */
import { Column } from "./column.ts";

/** No extent: the end of a list. */
export const NO_EXTENT = 0;
/** In place of a stream: the blocks are kept in memory. */
export const IN_STORE = 0xffffffff;

/** Where some data is. */
export interface Extent {
  /** First byte, as an offset in the object. */
  start: number;
  /** Behind its last byte. */
  end: number;
  /** Offset in the object of the first byte of the first record's data. */
  origin: number;
  /** Where the first record begins in its stream, or the number of the kept block. */
  record: number;
  /** Index of the stream, or {@link IN_STORE}. */
  stream: number;
}

/** All extents of an object set. */
export class ExtentTable {
  readonly #start = new Column("float64");
  readonly #end = new Column("float64");
  readonly #origin = new Column("float64");
  readonly #record = new Column("float64");
  readonly #stream = new Column("uint32");
  readonly #next = new Column("uint32");
  #rows = 1;
  #released: number = NO_EXTENT;

  /** Rows in use or used once. */
  get rows(): number {
    return this.#rows;
  }

  /** Adds an extent; returns its row. */
  add({ start, end, origin, record, stream }: Extent, next: number): number {
    const row = this.#row();
    this.#start.set(row, start);
    this.#end.set(row, end);
    this.#origin.set(row, origin);
    this.#record.set(row, record);
    this.#stream.set(row, stream);
    this.#next.set(row, next);
    return row;
  }

  release(row: number): void {
    this.#next.set(row, this.#released);
    this.#released = row;
  }

  get(row: number): Extent {
    return {
      start: this.#start.get(row),
      end: this.#end.get(row),
      origin: this.#origin.get(row),
      record: this.#record.get(row),
      stream: this.#stream.get(row),
    };
  }

  /** The extents of a list. */
  *list(head: number): Generator<Extent> {
    for (let row = head; row !== NO_EXTENT; row = this.next(row)) yield this.get(row);
  }

  start(row: number): number {
    return this.#start.get(row);
  }

  end(row: number): number {
    return this.#end.get(row);
  }

  next(row: number): number {
    return this.#next.get(row);
  }

  setStart(row: number, start: number): void {
    this.#start.set(row, start);
  }

  setEnd(row: number, end: number): void {
    this.#end.set(row, end);
  }

  setNext(row: number, next: number): void {
    this.#next.set(row, next);
  }

  #row(): number {
    if (this.#released === NO_EXTENT) return this.#rows++;
    const row = this.#released;
    this.#released = this.next(row);
    return row;
  }
}
