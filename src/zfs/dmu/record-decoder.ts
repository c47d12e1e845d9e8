/**
 * Decodes DMU replay records, in the byte order that the last BEGIN announced. Positions are those of `dmu_replay_record`.
 *
 * @see OpenZFS 2.3 `include/sys/zfs_ioctl.h` (`dmu_replay_record`, `DRR_*_PAYLOAD_SIZE`)
 */
import { decodeVersionInfo } from "./features.ts";
import { DRR, RECORD_BYTES } from "./record.ts";
import { damagedStream } from "./stream-damage.ts";
import type * as sr from "./stream-record.ts";

const BEGIN_MAGIC = 0x2f5bacbacn;
const NAME_BYTES = 256;
const CHECKSUM_AT = 280;

/** Decodes the records of one stream or package, in order. */
export class StreamRecordDecoder {
  readonly #what: string;
  readonly #wantsChecksum: boolean;
  #view: DataView = new DataView(new ArrayBuffer(0));
  #at = 0;
  #offset = 0;
  #littleEndian = true;
  #raw = false;
  #lastGuid = { high: 0, low: 0, value: 0n };

  constructor(options: { what: string; wantsChecksum: boolean }) {
    this.#what = options.what;
    this.#wantsChecksum = options.wantsChecksum;
  }

  /**
   * Decodes a record, its payload not included.
   *
   * @param at where the record begins in the view
   * @param offset where it begins in the stream
   * @throws ToolError damaged for an unknown type, a BEGIN without magic, numbers that no ZFS writes
   */
  decode(view: DataView, at: number, offset: number): sr.StreamRecord {
    this.#view = view;
    this.#at = at;
    this.#offset = offset;
    const type = this.#u32(0);
    switch (type) {
      case DRR.object:
        return this.#object();
      case DRR.freeObjects:
        return {
          ...this.#base(0),
          kind: "freeObjects",
          firstObject: this.#number(8, "drr_firstobj"),
          objects: this.#u64(16),
          toGuid: this.#guid(24),
        };
      case DRR.write:
        return this.#write();
      case DRR.free:
        return this.#range("free");
      case DRR.end:
        return { ...this.#base(0), kind: "end", closes: "stream", endChecksum: this.#checksum(8), toGuid: this.#guid(40) };
      case DRR.writeByref:
        return this.#writeByref();
      case DRR.spill:
        return this.#spill();
      case DRR.writeEmbedded:
        return this.#writeEmbedded();
      case DRR.objectRange:
        return this.#objectRange();
      case DRR.redact:
        return this.#range("redact");
      default:
        throw damagedStream(this.#what, `${type} is no record type`, offset);
    }
  }

  /** Decodes a BEGIN record and takes over its byte order. @throws ToolError damaged if it is none */
  begin(view: DataView, at: number, offset: number): sr.BeginRecord {
    this.#view = view;
    this.#at = at;
    this.#offset = offset;
    this.#takeByteOrder();
    const versionInfo = this.#u64(16);
    const { compound, features } = decodeVersionInfo(versionInfo);
    this.#raw = features.has("raw");
    const name = new Uint8Array(view.buffer, view.byteOffset + at + 56, NAME_BYTES);
    const nul = name.indexOf(0);
    const toNameBytes = nul < 0 ? NAME_BYTES : nul;
    return {
      ...this.#base(this.#u32(4)),
      kind: "begin",
      checksum: undefined,
      compound,
      littleEndian: this.#littleEndian,
      versionInfo,
      creationTime: this.#u64(24),
      objsetType: this.#u32(32),
      flags: this.#u32(36),
      toGuid: this.#guid(40),
      fromGuid: this.#u64(48),
      toName: new TextDecoder().decode(name.subarray(0, toNameBytes)),
      toNameBytes,
    };
  }

  #object(): sr.ObjectRecord {
    const bonusBytes = this.#u32(28);
    const rawBonusBytes = this.#u32(36);
    return {
      ...this.#base(rawBonusBytes === 0 ? roundUp8(bonusBytes) : rawBonusBytes),
      kind: "object",
      object: this.#number(8, "drr_object"),
      objectType: this.#u32(16),
      bonusType: this.#u32(20),
      blockSize: this.#u32(24),
      bonusBytes,
      checksumType: this.#u8(32),
      compression: this.#u8(33),
      dnodeSlots: this.#u8(34),
      flags: this.#u8(35),
      rawBonusBytes,
      toGuid: this.#guid(40),
      indirectShift: this.#u8(48),
      levels: this.#u8(49),
      blockPointers: this.#u8(50),
      maxBlockId: this.#u64(56),
    };
  }

  #write(): sr.WriteRecord {
    const compression = this.#u8(50);
    const logicalBytes = this.#number(32, "drr_logical_size");
    const compressedBytes = this.#number(96, "drr_compressed_size");
    return {
      ...this.#base(compression === 0 ? logicalBytes : compressedBytes),
      kind: "write",
      object: this.#number(8, "drr_object"),
      objectType: this.#u32(16),
      dataOffset: this.#u64(24),
      logicalBytes,
      toGuid: this.#guid(40),
      checksumType: this.#u8(48),
      flags: this.#u8(49),
      compression,
      key: this.#wantsChecksum ? { checksum: this.#checksum(56), properties: this.#u64(88) } : undefined,
      compressedBytes,
      crypt: this.#raw ? this.#crypt(104) : undefined,
    };
  }

  /** FREE and REDACT. */
  #range<Kind extends "free" | "redact">(kind: Kind): Omit<sr.FreeRecord, "kind"> & { kind: Kind } {
    return {
      ...this.#base(0),
      kind,
      object: this.#number(8, "drr_object"),
      dataOffset: this.#u64(16),
      length: this.#u64(24),
      toGuid: this.#guid(32),
    };
  }

  #writeByref(): sr.WriteByrefRecord {
    return {
      ...this.#base(0),
      kind: "writeByref",
      object: this.#number(8, "drr_object"),
      dataOffset: this.#u64(16),
      length: this.#u64(24),
      toGuid: this.#guid(32),
      refGuid: this.#u64(40),
      refObject: this.#number(48, "drr_refobject"),
      refOffset: this.#u64(56),
      checksumType: this.#u8(64),
      flags: this.#u8(65),
      key: this.#wantsChecksum ? { checksum: this.#checksum(72), properties: this.#u64(104) } : undefined,
    };
  }

  #spill(): sr.SpillRecord {
    const logicalBytes = this.#number(16, "drr_length");
    const compressedBytes = this.#number(40, "drr_compressed_size");
    return {
      ...this.#base(compressedBytes === 0 ? logicalBytes : compressedBytes),
      kind: "spill",
      object: this.#number(8, "drr_object"),
      logicalBytes,
      toGuid: this.#guid(24),
      flags: this.#u8(32),
      compression: this.#u8(33),
      compressedBytes,
      crypt: this.#raw ? this.#crypt(48) : undefined,
      blockType: this.#u32(84),
    };
  }

  #writeEmbedded(): sr.WriteEmbeddedRecord {
    const storedBytes = this.#u32(52);
    return {
      ...this.#base(roundUp8(storedBytes)),
      kind: "writeEmbedded",
      object: this.#number(8, "drr_object"),
      dataOffset: this.#u64(16),
      length: this.#number(24, "drr_length"),
      toGuid: this.#guid(32),
      compression: this.#u8(40),
      embeddedType: this.#u8(41),
      logicalBytes: this.#u32(48),
      storedBytes,
    };
  }

  #objectRange(): sr.ObjectRangeRecord {
    return {
      ...this.#base(0),
      kind: "objectRange",
      firstObject: this.#number(8, "drr_firstobj"),
      slots: this.#number(16, "drr_numslots"),
      toGuid: this.#guid(24),
      crypt: this.#crypt(32),
      flags: this.#u8(68),
    };
  }

  #base(payloadBytes: number): sr.RecordBase {
    return {
      offset: this.#offset,
      payloadOffset: this.#offset + RECORD_BYTES,
      payloadBytes,
      declaredPayloadBytes: this.#u32(4),
      payload: undefined,
      checksum: this.#wantsChecksum ? this.#checksum(CHECKSUM_AT) : undefined,
    };
  }

  #takeByteOrder(): void {
    const isBegin = this.#u32(0) === DRR.begin;
    const magicAt = this.#at + 8;
    if (isBegin && this.#view.getBigUint64(magicAt, true) === BEGIN_MAGIC) this.#littleEndian = true;
    else if (isBegin && this.#view.getBigUint64(magicAt, false) === BEGIN_MAGIC) this.#littleEndian = false;
    else throw damagedStream(this.#what, "it does not begin with a BEGIN record", this.#offset);
  }

  #u8(at: number): number {
    return this.#view.getUint8(this.#at + at);
  }

  #u32(at: number): number {
    return this.#view.getUint32(this.#at + at, this.#littleEndian);
  }

  #u64(at: number): bigint {
    return this.#view.getBigUint64(this.#at + at, this.#littleEndian);
  }

  /** drr_toguid: all records of a stream have the same, so that one bigint does for them. */
  #guid(at: number): bigint {
    const high = this.#high(at);
    const low = this.#low(at);
    const last = this.#lastGuid;
    if (last.high !== high || last.low !== low) this.#lastGuid = { high, low, value: this.#u64(at) };
    return this.#lastGuid.value;
  }

  #number(at: number, field: string): number {
    const high = this.#high(at);
    if (high < 2 ** 21) return high * 2 ** 32 + this.#low(at);
    throw damagedStream(this.#what, `${field} is ${this.#u64(at)}`, this.#offset, { field });
  }

  #high(at: number): number {
    return this.#u32(this.#littleEndian ? at + 4 : at);
  }

  #low(at: number): number {
    return this.#u32(this.#littleEndian ? at : at + 4);
  }

  #checksum(at: number): sr.Checksum {
    return [this.#u64(at), this.#u64(at + 8), this.#u64(at + 16), this.#u64(at + 24)];
  }

  /** drr_salt, drr_iv, drr_mac, which always stand together. */
  #crypt(at: number): sr.CryptParams {
    const start = this.#view.byteOffset + this.#at + at;
    const bytes = new Uint8Array(this.#view.buffer.slice(start, start + 36));
    return { salt: bytes.subarray(0, 8), iv: bytes.subarray(8, 20), mac: bytes.subarray(20) };
  }
}

function roundUp8(bytes: number): number {
  return Math.ceil(bytes / 8) * 8;
}
