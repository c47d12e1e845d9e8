/** The objects of an object set: what of their dnodes matters to a reader, in rows of columns. */
import { Column } from "./column.ts";
import { ObjectNumbers } from "./object-numbers.ts";

/** Objects by number, each with its dnode's fields in a row. */
export class ObjectTable {
  /** Type of the contents (DMU_OT_*). */
  readonly type: Column = new Column("uint8");
  readonly bonusType: Column = new Column("uint8");
  readonly bonusBytes: Column = new Column("uint16");
  /** Number of the bonus buffer in the byte store. */
  readonly bonus: Column = new Column("float64");
  readonly blockSize: Column = new Column("uint32");
  /** 512 byte units of the dnode. */
  readonly slots: Column = new Column("uint8");
  readonly flags: Column = new Column("uint8");
  /** Stream that the OBJECT record stands in, and where it begins there. */
  readonly stream: Column = new Column("uint32");
  readonly record: Column = new Column("float64");
  /** First extent of the data. */
  readonly head: Column = new Column("uint32");
  /** Extent of the spill block. */
  readonly spill: Column = new Column("uint32");
  readonly #rows = new ObjectNumbers();
  readonly #released: number[] = [];
  #used = 0;

  /** Numbers of all objects, in order. */
  numbers(): Float64Array {
    return this.#rows.sorted();
  }

  /** The row of an object, if there is one. */
  find(object: number): number | undefined {
    return this.#rows.get(object);
  }

  /** A row for a new object, with whatever was in it before. */
  add(object: number): number {
    const row = this.#released.pop() ?? this.#used++;
    this.#rows.add(object, row);
    return row;
  }

  remove(object: number): void {
    const row = this.#rows.get(object);
    if (row === undefined) return;
    this.#rows.remove(object);
    this.#released.push(row);
  }
}

/** Bits of {@link ObjectTable.flags}. */
export const OBJECT_FLAG = {
  /** Numbers in the bonus buffer are big-endian. */
  bigEndian: 1,
  /** A part of the data was left out by the sender. */
  redacted: 2,
} as const;

/** Types of objects that a file system needs told apart (`dmu_object_type_t`). */
export const DMU_OT = {
  znode: 17,
  plainFileContents: 19,
  directoryContents: 20,
  masterNode: 21,
  zvol: 23,
  sa: 44,
} as const;
