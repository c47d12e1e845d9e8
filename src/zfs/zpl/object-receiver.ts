/**
 * What OBJECT and FREEOBJECTS records do to an object set.
 *
 * An object that was freed and made anew between two snapshots has lost its old data. The stream does not say so; the receiver tells by what
 * only changes in a new object: the number of its block pointers (fewer) or dnode slots, the block size unless the generation in the bonus
 * buffer is the same.
 *
 * @see OpenZFS 2.3 `module/zfs/dmu_recv.c` (`receive_object`, `receive_handle_existing_object`, `receive_freeobjects`)
 */
import type { ToolError } from "../../errors.ts";
import type { FreeObjectsRecord, ObjectRecord } from "../dmu/stream-record.ts";
import type { ByteStore } from "./byte-store.ts";
import { refusedRecord, type IncomingStream } from "./incoming-stream.ts";
import { DMU_OT, OBJECT_FLAG, type ObjectTable } from "./object-table.ts";
import { generationIn } from "./znode.ts";

const MAX_BLOCK_BYTES = 16 * 1024 * 1024;
const SECTOR_BYTES = 512;
const DNODE_BYTES = 512;
const MAX_SLOTS = 32;
/** Of a dnode of one slot: what is left for block pointers and bonus buffer, and a block pointer. */
const DNODE_CORE_BYTES = 64;
const BLOCK_POINTER_BYTES = 128;
const OLD_MAX_BONUS_BYTES = DNODE_BYTES - DNODE_CORE_BYTES - BLOCK_POINTER_BYTES;
const FLAG_SPILL_BLOCK = 8; // DRR_FLAG_SPILL_BLOCK of BEGIN
const OBJECT_SPILL = 4; // DRR_OBJECT_SPILL of OBJECT

/** Options of an {@link ObjectReceiver}. */
export interface ObjectReceiverOptions {
  objects: ObjectTable;
  store: ByteStore;
  /** Takes away all data of the object in a row. */
  clear: (row: number) => void;
  clearSpill: (row: number) => void;
}

/** Makes, changes and frees objects. */
export class ObjectReceiver {
  readonly #objects: ObjectTable;
  readonly #store: ByteStore;
  readonly #clear: (row: number) => void;
  readonly #clearSpill: (row: number) => void;
  #stream: IncomingStream | undefined;
  /** Objects that were there when the stream began, sorted, and the next that may be freed. */
  #existing: { numbers: Float64Array; next: number } | undefined;
  #nextObject = 0;

  constructor({ objects, store, clear, clearSpill }: ObjectReceiverOptions) {
    this.#objects = objects;
    this.#store = store;
    this.#clear = clear;
    this.#clearSpill = clearSpill;
  }

  beginStream(stream: IncomingStream): void {
    this.#stream = stream;
    this.#existing = undefined;
    this.#nextObject = 0;
  }

  object(record: ObjectRecord): void {
    this.#check(record);
    this.#nextObject = record.object + 1;
    const found = this.#objects.find(record.object);
    if (found !== undefined) this.#prepare(found, record);
    for (let slot = 1; slot < slotsOf(record); slot += 1) this.#remove(record.object + slot);
    const row = found ?? this.#add(record.object);
    this.#setBonus(row, record);
    this.#set(row, record);
  }

  freeObjects(record: FreeObjectsRecord): void {
    const first = record.firstObject;
    if (BigInt(first) + record.objects >= 2n ** 64n) throw this.#refuse(record, "a FREEOBJECTS reaches beyond 2^64");
    if (first < this.#nextObject) throw this.#refuse(record, "its records are not in the order of objects");
    this.#nextObject = Number(BigInt(first) + record.objects);
    const existing = (this.#existing ??= { numbers: this.#objects.numbers(), next: 0 });
    const { numbers } = existing;
    for (; existing.next < numbers.length; existing.next += 1) {
      const object = numbers[existing.next] ?? 0;
      if (object >= this.#nextObject) break;
      if (object >= first) this.#remove(object);
    }
  }

  /** Takes away what an object cannot keep. */
  #prepare(row: number, record: ObjectRecord): void {
    if (this.#isAnother(row, record)) {
      this.#clear(row);
      this.#objects.flags.set(row, 0);
    }
    if (!this.#keepsSpill(row, record)) this.#clearSpill(row);
  }

  #isAnother(row: number, record: ObjectRecord): boolean {
    const { bonusType, bonusBytes, slots } = this.#objects;
    if (slots.get(row) !== slotsOf(record)) return true;
    if (blockPointers(record.bonusType, record.bonusBytes) < blockPointers(bonusType.get(row), bonusBytes.get(row))) return true;
    return this.#objects.blockSize.get(row) !== record.blockSize && !this.#isSameFile(row, record);
  }

  /** Whether an object of another block size is the file that it was: the sender then sent larger blocks than before (-L), or it grew. */
  #isSameFile(row: number, record: ObjectRecord): boolean {
    const { type, bonusType, bonusBytes, bonus, flags } = this.#objects;
    if (record.objectType !== DMU_OT.plainFileContents || type.get(row) !== DMU_OT.plainFileContents) return false;
    if (this.#stream?.begin.fromGuid === 0n || record.payload === undefined) return false;
    const old = this.#store.bytesAt(bonus.get(row), bonusBytes.get(row));
    const oldGeneration = generationIn(bonusType.get(row), old, (flags.get(row) & OBJECT_FLAG.bigEndian) === 0);
    return oldGeneration !== undefined && oldGeneration === generationIn(record.bonusType, record.payload, this.#isLittleEndian);
  }

  #keepsSpill(row: number, record: ObjectRecord): boolean {
    if (((this.#stream?.begin.flags ?? 0) & FLAG_SPILL_BLOCK) !== 0) return (record.flags & OBJECT_SPILL) !== 0;
    const { type, blockSize, bonusType, bonusBytes, slots } = this.#objects;
    return (
      slots.get(row) === slotsOf(record) &&
      type.get(row) === record.objectType &&
      blockSize.get(row) === record.blockSize &&
      bonusType.get(row) === record.bonusType &&
      bonusBytes.get(row) === record.bonusBytes
    );
  }

  #add(object: number): number {
    const row = this.#objects.add(object);
    this.#objects.head.set(row, 0);
    this.#objects.spill.set(row, 0);
    this.#objects.flags.set(row, 0);
    this.#objects.bonusBytes.set(row, 0);
    return row;
  }

  #remove(object: number): void {
    const row = this.#objects.find(object);
    if (row === undefined) return;
    this.#clear(row);
    this.#clearSpill(row);
    this.#releaseBonus(row);
    this.#objects.remove(object);
  }

  #setBonus(row: number, { payload, bonusBytes }: ObjectRecord): void {
    this.#releaseBonus(row);
    this.#objects.bonusBytes.set(row, bonusBytes);
    if (bonusBytes > 0) this.#objects.bonus.set(row, this.#store.add((payload ?? new Uint8Array(bonusBytes)).subarray(0, bonusBytes)));
  }

  #releaseBonus(row: number): void {
    const bytes = this.#objects.bonusBytes.get(row);
    if (bytes > 0) this.#store.release(this.#objects.bonus.get(row), bytes);
  }

  #set(row: number, record: ObjectRecord): void {
    const { type, bonusType, blockSize, slots, flags, stream, record: place } = this.#objects;
    type.set(row, record.objectType);
    bonusType.set(row, record.bonusType);
    blockSize.set(row, record.blockSize);
    slots.set(row, slotsOf(record));
    flags.set(row, (flags.get(row) & OBJECT_FLAG.redacted) | (this.#isLittleEndian ? 0 : OBJECT_FLAG.bigEndian));
    stream.set(row, this.#stream?.index ?? 0);
    place.set(row, record.offset);
  }

  #check(record: ObjectRecord): void {
    const { object } = record;
    if (!isSane(record)) throw this.#refuse(record, `object ${object} has properties that no object has`);
    if (object < this.#nextObject) throw this.#refuse(record, "its records are not in the order of objects");
  }

  get #isLittleEndian(): boolean {
    return this.#stream?.begin.littleEndian ?? true;
  }

  #refuse(record: { offset: number; object?: number }, reason: string): ToolError {
    return refusedRecord(this.#stream, record, reason);
  }
}

/** Whether a record is one that a receiver takes. */
function isSane(record: ObjectRecord): boolean {
  const { object, objectType, bonusType, blockSize, bonusBytes } = record;
  const slots = slotsOf(record);
  const areTypes = objectType > 0 && objectType < 256 && bonusType < 256;
  const isBlockSize = blockSize >= SECTOR_BYTES && blockSize <= MAX_BLOCK_BYTES && blockSize % SECTOR_BYTES === 0;
  const fits = slots <= MAX_SLOTS && bonusBytes <= slots * DNODE_BYTES - DNODE_CORE_BYTES - BLOCK_POINTER_BYTES;
  return object > 0 && areTypes && isBlockSize && fits;
}

function slotsOf(record: ObjectRecord): number {
  return Math.max(1, record.dnodeSlots);
}

/** Block pointers of a dnode (`deduce_nblkptr`). */
function blockPointers(bonusType: number, bonusBytes: number): number {
  if (bonusType === DMU_OT.sa) return 1;
  return 1 + Math.floor((OLD_MAX_BONUS_BYTES - Math.min(OLD_MAX_BONUS_BYTES, bonusBytes)) / BLOCK_POINTER_BYTES);
}
