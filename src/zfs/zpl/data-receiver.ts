/**
 * What WRITE, WRITE_EMBEDDED, WRITE_BYREF, SPILL, FREE and REDACT records do to the data of an object set.
 *
 * @see OpenZFS 2.3 `module/zfs/dmu_recv.c` (`receive_write`, `receive_free`, `receive_spill`), 2.0 for `receive_write_byref`
 */
import { ToolError } from "../../errors.ts";
import type * as sr from "../dmu/stream-record.ts";
import { blockHeader, type BlockHeader } from "./block-header.ts";
import type { BlockKeeper } from "./block-keeper.ts";
import type { ExtentEditor, NewData } from "./extent-editor.ts";
import { IN_STORE, NO_EXTENT, type ExtentTable } from "./extent-table.ts";
import { refusedRecord, type IncomingStream } from "./incoming-stream.ts";
import { DMU_OT, OBJECT_FLAG, type ObjectTable } from "./object-table.ts";

const DRR_OBJECT_END = 2n ** 64n - 1n;
const SPILL_BLOCK_ID = -2n; // DMU_SPILL_BLKID

/** A record that brings a block. */
type BlockRecord = sr.WriteRecord | sr.WriteEmbeddedRecord | sr.SpillRecord;

/** Where data is entered. */
export interface DataReceiverOptions {
  objects: ObjectTable;
  extents: ExtentTable;
  keeper: BlockKeeper;
  editor: ExtentEditor;
}

/** Changes objects' data. */
export class DataReceiver {
  readonly #objects: ObjectTable;
  readonly #extents: ExtentTable;
  readonly #keeper: BlockKeeper;
  readonly #editor: ExtentEditor;
  #stream: IncomingStream | undefined;
  #lastWrite = { object: 0, offset: 0 };

  constructor({ objects, extents, keeper, editor }: DataReceiverOptions) {
    this.#objects = objects;
    this.#extents = extents;
    this.#keeper = keeper;
    this.#editor = editor;
  }

  beginStream(stream: IncomingStream): void {
    this.#stream = stream;
    this.#keeper.areShared ||= stream.isDeduplicated;
    this.#editor.beginStream();
    this.#lastWrite = { object: 0, offset: 0 };
  }

  /** Whether a record's payload must be read, as it cannot be later. */
  wantsPayload(record: sr.StreamRecord): boolean {
    if (this.#stream?.isRereadable === true) return false;
    if (record.kind !== "write" && record.kind !== "writeEmbedded" && record.kind !== "spill") return false;
    const row = this.#objects.find(record.object);
    return row !== undefined && this.#isKept(row, record.kind === "spill" || isEmbeddedSpill(record));
  }

  write(record: sr.WriteRecord | sr.WriteEmbeddedRecord): void {
    const row = this.#open(record);
    const header = this.#header(record);
    const start = this.#number(record.dataOffset, record);
    const last = this.#lastWrite;
    if (record.object < last.object || (record.object === last.object && start < last.offset))
      throw this.#refuse(record, "its records are not in the order of objects and offsets");
    this.#lastWrite = { object: record.object, offset: start };
    this.#editor.write(this.#data(row, record, { header, start, isSpill: false }));
    this.#checkWork(record);
  }

  writeEmbedded(record: sr.WriteEmbeddedRecord): void {
    if (isEmbeddedSpill(record)) this.spill(record);
    else this.write(record);
  }

  spill(record: sr.SpillRecord | sr.WriteEmbeddedRecord): void {
    const row = this.#open(record);
    const header = this.#header(record);
    this.clearSpill(row);
    const { start, end, record: at, stream } = this.#data(row, record, { header, start: 0, isSpill: true });
    this.#objects.spill.set(row, this.#extents.add({ start, end, origin: start, record: at, stream }, NO_EXTENT));
  }

  /** Takes away the spill block of the object in a row. */
  clearSpill(row: number): void {
    const spill = this.#objects.spill.get(row);
    if (spill === NO_EXTENT) return;
    this.#keeper.release(this.#extents.get(spill));
    this.#extents.release(spill);
    this.#objects.spill.set(row, NO_EXTENT);
  }

  free(record: sr.FreeRecord | sr.RedactRecord): void {
    this.#open(record);
    const isToEnd = record.length === DRR_OBJECT_END;
    const last = record.dataOffset + record.length;
    if (!isToEnd && last >= 2n ** 64n) throw this.#refuse(record, "a FREE reaches beyond 2^64");
    const start = Number(record.dataOffset);
    const end = isToEnd ? Infinity : Number(last);
    if (start < end) this.#editor.free(start, end);
    this.#checkWork(record);
  }

  redact(record: sr.RedactRecord): void {
    this.free(record);
    const row = this.#open(record);
    this.#objects.flags.set(row, this.#objects.flags.get(row) | OBJECT_FLAG.redacted);
  }

  writeByref(record: sr.WriteByrefRecord): void {
    this.#open(record);
    if (record.refGuid !== this.#stream?.begin.toGuid) throw elsewhere(this.#stream?.what ?? "", record);
    const start = this.#number(record.dataOffset, record);
    const end = this.#number(record.dataOffset + record.length, record);
    const from = this.#number(record.refOffset, record);
    const row = this.#objects.find(record.refObject);
    const source = row === undefined ? undefined : this.#editor.find(row, from);
    this.#checkWork(record);
    if (source === undefined || source.end < from + (end - start) || start >= end)
      throw this.#refuse(record, `a block refers to one of object ${record.refObject} that did not come`);
    this.#editor.refer(source, { start, end, moved: start - from });
  }

  #open(record: { object: number; offset: number }): number {
    const row = this.#objects.find(record.object);
    if (row === undefined) throw this.#refuse(record, `a record changes object ${record.object}, which does not exist`);
    this.#editor.open(row);
    return row;
  }

  /** Where a record's block can be read later. */
  #data(row: number, record: BlockRecord, { header, start, isSpill }: { header: BlockHeader; start: number; isSpill: boolean }): NewData {
    const end = start + header.logicalBytes;
    if (this.#isKept(row, isSpill)) {
      const kept = this.#keeper.keep(record, header);
      if (kept === undefined) throw this.#refuse(record, "its directories need more memory than there is for them");
      return { start, end, record: kept, stream: IN_STORE };
    }
    const data = { start, end, record: record.offset, stream: this.#stream?.index ?? 0 };
    const mayGoOn = this.#objects.type.get(row) === DMU_OT.plainFileContents && !this.#keeper.areShared;
    return mayGoOn ? { ...data, recordEnd: record.payloadOffset + record.payloadBytes } : data;
  }

  #isKept(row: number, isSpill: boolean): boolean {
    if (this.#stream?.isRereadable === true) return false;
    return isSpill || this.#objects.type.get(row) !== DMU_OT.plainFileContents;
  }

  #header(record: BlockRecord): BlockHeader {
    const header = blockHeader(record);
    if (header !== undefined && (record.kind !== "writeEmbedded" || record.embeddedType === 0)) return header;
    throw this.#refuse(record, `a block of object ${record.object} has sizes that make no sense`);
  }

  #number(value: bigint, record: { object: number; offset: number }): number {
    if (value <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(value);
    throw this.#refuse(record, `data of object ${record.object} is at offset ${value}`);
  }

  #checkWork(record: { object: number; offset: number }): void {
    if (this.#editor.isOverworked) throw this.#refuse(record, "its records are in disorder");
  }

  #refuse(record: { object: number; offset: number }, reason: string): ToolError {
    return refusedRecord(this.#stream, record, reason);
  }
}

/**
 * Whether a record is a spill block as OpenZFS 2.3.2 sends an embedded one (`zfs send -e`): WRITE_EMBEDDED of block -2, which is 2^64 minus two
 * blocks. Its own receiver loses it; earlier releases send SPILL.
 */
function isEmbeddedSpill(record: BlockRecord): boolean {
  if (record.kind !== "writeEmbedded" || record.logicalBytes === 0) return false;
  return record.dataOffset === BigInt.asUintN(64, SPILL_BLOCK_ID * BigInt(record.logicalBytes));
}

function elsewhere(what: string, { object, offset }: sr.WriteByrefRecord): ToolError {
  return new ToolError("failed", `Cannot read ZFS stream "${what}": a block of object ${object} is in another snapshot's stream`, {
    facts: { offset },
    hints: ["Send it again without -D, or turn it into a plain stream with `zstream redup`"],
  });
}
