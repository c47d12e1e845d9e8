/**
 * DMU replay records, the units of a ZFS send stream: enough of each to find the next one.
 *
 *     byte 0          4               8
 *     | drr_type u32  | payload u32   | union, 304 bytes, depends on the type |  payload, length depends on the type |
 *
 * A stream is BEGIN … END. A package (`zfs send -I`, `-R`, `-p`) is BEGIN with an nvlist, END, then any number of streams, then END. Numbers
 * are in the byte order of the sender; the magic in BEGIN tells which.
 *
 * @see OpenZFS 2.3 `include/sys/zfs_ioctl.h` (`dmu_replay_record`, `DRR_*_PAYLOAD_SIZE`), `lib/libzfs/libzfs_sendrecv.c`
 */
import { damagedStream } from "./stream-damage.ts";

/** Size of a record without its payload, in bytes. */
export const RECORD_BYTES = 312;

/** Where every record but BEGIN has its checksum (`drr_checksum`). */
export const CHECKSUM_OFFSET = 280;

/** Where END has that of all before it (`drr_end.drr_checksum`). */
export const END_CHECKSUM_OFFSET = 8;

/** `drr_type`. */
export const DRR = {
  begin: 0,
  object: 1,
  freeObjects: 2,
  write: 3,
  free: 4,
  end: 5,
  writeByref: 6,
  spill: 7,
  writeEmbedded: 8,
  objectRange: 9,
  redact: 10,
} as const;

const BEGIN_MAGIC = 0x2f5bacbacn;
const MAX_PAYLOAD_BYTES = 256 * 1024 * 1024;
/** What a checksum is over. */
const WORD_BYTES = 4;

/** A BEGIN record. */
export interface BeginRecord {
  /** True for a package, whose streams follow. */
  compound: boolean;
  toGuid: bigint;
  /** 0 for a full stream. */
  fromGuid: bigint;
  /** `dataset@snapshot` as it was called on the sender. */
  toName: string;
}

/** Reads records of one stream, in the byte order that its first BEGIN announced. */
export class RecordDecoder {
  readonly #what: string;
  #littleEndian = true;

  /** @param what what messages call the stream */
  constructor(what: string) {
    this.#what = what;
  }

  /** Byte order of the numbers. */
  get littleEndian(): boolean {
    return this.#littleEndian;
  }

  /** Type of a record. @throws ToolError damaged for an unknown one */
  type(view: DataView, offset: number): number {
    const type = view.getUint32(0, this.#littleEndian);
    if (type <= DRR.redact) return type;
    throw damagedStream(this.#what, `${type} is no record type`, offset);
  }

  /** Decodes a BEGIN record and takes over its byte order. @throws ToolError damaged on a wrong magic */
  begin(view: DataView, offset: number): BeginRecord {
    if (view.getBigUint64(8, true) === BEGIN_MAGIC) this.#littleEndian = true;
    else if (view.getBigUint64(8, false) === BEGIN_MAGIC) this.#littleEndian = false;
    else throw damagedStream(this.#what, "it does not begin with a BEGIN record", offset);
    const little = this.#littleEndian;
    const name = new Uint8Array(view.buffer, view.byteOffset + 56, 256);
    const end = name.indexOf(0);
    return {
      compound: (view.getBigUint64(16, little) & 3n) === 2n, // DMU_GET_STREAM_HDRTYPE, DMU_COMPOUNDSTREAM
      toGuid: view.getBigUint64(40, little),
      fromGuid: view.getBigUint64(48, little),
      toName: new TextDecoder().decode(name.subarray(0, end < 0 ? 256 : end)),
    };
  }

  /** Payload bytes that follow a record. @throws ToolError damaged if there are more than any ZFS writes, or no whole words */
  payloadBytes(view: DataView, type: number, offset: number): number {
    const bytes = this.#declaredPayload(view, type);
    if (bytes % WORD_BYTES !== 0)
      throw damagedStream(this.#what, `a record announces ${bytes} bytes of payload, which is no multiple of 4`, offset);
    if (bytes > MAX_PAYLOAD_BYTES) throw damagedStream(this.#what, `a record announces ${bytes} bytes of payload`, offset);
    return bytes;
  }

  #declaredPayload(view: DataView, type: number): number {
    const u32 = (at: number): number => view.getUint32(at, this.#littleEndian);
    const u64 = (at: number): number => {
      const [high, low] = this.#littleEndian ? [u32(at + 4), u32(at)] : [u32(at), u32(at + 4)];
      return high * 2 ** 32 + low;
    };
    switch (type) {
      case DRR.begin:
        return u32(4);
      case DRR.object:
        return u32(36) === 0 ? roundUp8(u32(28)) : u32(36); // drr_raw_bonuslen, drr_bonuslen
      case DRR.write:
        return view.getUint8(50) === 0 ? u64(32) : u64(96); // drr_compressiontype, drr_logical_size, drr_compressed_size
      case DRR.spill:
        return u64(40) === 0 ? u64(16) : u64(40); // drr_compressed_size, drr_length
      case DRR.writeEmbedded:
        return roundUp8(u32(52)); // drr_psize
      default:
        return 0;
    }
  }
}

function roundUp8(bytes: number): number {
  return Math.ceil(bytes / 8) * 8;
}
