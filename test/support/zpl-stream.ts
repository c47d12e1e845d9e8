/**
 * Builds ZFS send streams of file systems by hand, in either byte order, checksums included: each call gives the bytes of a record and its
 * payload, to be put one behind the other.
 *
 * @see OpenZFS 2.3 `include/sys/zfs_ioctl.h` (`dmu_replay_record`)
 */
import { Fletcher4 } from "../../src/zfs/dmu/fletcher4.ts";

const RECORD_BYTES = 312;
const CHECKSUM_AT = 280;
const PLAIN_STREAM = 1n;
/** DMU_BACKUP_FEATURE_SA_SPILL, and that OBJECT records tell of spill blocks. */
const SA_SPILL = 1n << 2n;
const FLAG_SPILL_BLOCK = 8;
const OBJECT_SPILL = 4;
const U64_MAX = 2n ** 64n - 1n;

/** Types of objects. */
export const OT = {
  znode: 17,
  file: 19,
  directory: 20,
  master: 21,
  unlinked: 22,
  sa: 44,
  saMaster: 45,
  saRegistry: 46,
  saLayouts: 47,
} as const;

/** What BEGIN says. */
export interface BeginSketch {
  toName?: string;
  toGuid?: bigint;
  fromGuid?: bigint;
  /** Bits of DMU_BACKUP_FEATURE_* besides SA_SPILL. */
  features?: bigint;
  flags?: number;
  objsetType?: number;
}

/** A dnode. */
export interface ObjectSketch {
  object: number;
  type: number;
  blockSize?: number;
  bonus?: Uint8Array;
  bonusType?: number;
  slots?: number;
  hasSpill?: boolean;
}

/** Encodes the records of one stream. */
export class ZplStream {
  readonly littleEndian: boolean;
  readonly #sum = new Fletcher4();
  #guid = 1n;

  constructor(littleEndian = true) {
    this.littleEndian = littleEndian;
  }

  begin({
    toName = "tank/s@s",
    toGuid = 1n,
    fromGuid = 0n,
    features = 0n,
    flags = FLAG_SPILL_BLOCK,
    objsetType = 2,
  }: BeginSketch = {}): Buffer {
    this.#guid = toGuid;
    this.#sum.reset(this.littleEndian);
    const view = new DataView(new ArrayBuffer(RECORD_BYTES));
    this.#u64(view, 8, 0x2f5bacbacn);
    this.#u64(view, 16, ((features | SA_SPILL) << 2n) | PLAIN_STREAM);
    view.setUint32(32, objsetType, this.littleEndian);
    view.setUint32(36, flags, this.littleEndian);
    this.#u64(view, 40, toGuid);
    this.#u64(view, 48, fromGuid);
    const record = Buffer.from(view.buffer);
    record.write(toName, 56);
    this.#sum.update(record);
    return record;
  }

  object({
    object,
    type,
    blockSize = 512,
    bonus = new Uint8Array(0),
    bonusType = OT.sa,
    slots = 1,
    hasSpill = false,
  }: ObjectSketch): Buffer {
    const payload = padded(bonus);
    return this.#record(1, payload, (view) => {
      this.#u64(view, 8, object);
      view.setUint32(16, type, this.littleEndian);
      view.setUint32(20, bonus.length === 0 ? 0 : bonusType, this.littleEndian);
      view.setUint32(24, blockSize, this.littleEndian);
      view.setUint32(28, bonus.length, this.littleEndian);
      view.setUint8(34, slots);
      view.setUint8(35, hasSpill ? OBJECT_SPILL : 0);
      this.#u64(view, 40, this.#guid);
    });
  }

  freeObjects(first: number, count: number | bigint): Buffer {
    return this.#record(2, EMPTY, (view) => {
      this.#u64(view, 8, first);
      this.#u64(view, 16, count);
      this.#u64(view, 24, this.#guid);
    });
  }

  write(
    object: number,
    offset: number | bigint,
    data: Uint8Array,
    options: { type?: number; logicalBytes?: number; compression?: number } = {},
  ): Buffer {
    const { type = OT.file, logicalBytes = data.length, compression = 0 } = options;
    return this.#record(3, data, (view) => {
      this.#u64(view, 8, object);
      view.setUint32(16, type, this.littleEndian);
      this.#u64(view, 24, offset);
      this.#u64(view, 32, logicalBytes);
      this.#u64(view, 40, this.#guid);
      view.setUint8(48, 7);
      view.setUint8(50, compression);
      if (compression !== 0) this.#u64(view, 96, data.length);
    });
  }

  /** @param length bytes from `offset`; to the object's end if left out */
  free(object: number, offset: number | bigint, length: number | bigint = U64_MAX): Buffer {
    return this.#record(4, EMPTY, (view) => this.#range(view, [object, offset, length, this.#guid]));
  }

  redact(object: number, offset: number, length: number): Buffer {
    return this.#record(10, EMPTY, (view) => this.#range(view, [object, offset, length, this.#guid]));
  }

  writeByref(object: number, range: { offset: number; length: number; refObject: number; refOffset: number; refGuid?: bigint }): Buffer {
    const { offset, length, refObject, refOffset, refGuid = this.#guid } = range;
    return this.#record(6, EMPTY, (view) => this.#range(view, [object, offset, length, this.#guid, refGuid, refObject, refOffset]));
  }

  spill(object: number, data: Uint8Array): Buffer {
    return this.#record(7, data, (view) => {
      this.#range(view, [object, data.length, this.#guid]);
      view.setUint32(84, OT.sa, this.littleEndian);
    });
  }

  embedded(object: number, offset: number | bigint, data: Uint8Array, options: { logicalBytes: number; compression: number }): Buffer {
    return this.#record(8, padded(data), (view) => {
      this.#range(view, [object, offset, options.logicalBytes, this.#guid]);
      view.setUint8(40, options.compression);
      view.setUint32(48, options.logicalBytes, this.littleEndian);
      view.setUint32(52, data.length, this.littleEndian);
    });
  }

  end(): Buffer {
    const sums = this.#sum.sums();
    return this.#record(5, EMPTY, (view) => {
      sums.forEach((sum, index) => this.#u64(view, 8 + index * 8, sum));
      this.#u64(view, 40, this.#guid);
    });
  }

  #record(type: number, payload: Uint8Array, fill: (view: DataView) => void): Buffer {
    const bytes = Buffer.alloc(RECORD_BYTES + payload.length);
    const view = new DataView(bytes.buffer, bytes.byteOffset, RECORD_BYTES);
    view.setUint32(0, type, this.littleEndian);
    fill(view);
    this.#sum.update(bytes.subarray(0, CHECKSUM_AT));
    this.#sum.sums().forEach((sum, index) => this.#u64(view, CHECKSUM_AT + index * 8, sum));
    this.#sum.update(bytes.subarray(CHECKSUM_AT, RECORD_BYTES));
    bytes.set(payload, RECORD_BYTES);
    this.#sum.update(payload);
    return bytes;
  }

  #range(view: DataView, values: readonly (number | bigint)[]): void {
    values.forEach((value, index) => this.#u64(view, 8 + index * 8, value));
  }

  #u64(view: DataView, at: number, value: number | bigint): void {
    view.setBigUint64(at, BigInt(value), this.littleEndian);
  }
}

const EMPTY = new Uint8Array(0);

function padded(bytes: Uint8Array): Uint8Array {
  const whole = new Uint8Array(Math.ceil(bytes.length / 8) * 8);
  whole.set(bytes);
  return whole;
}
