/**
 * What each DMU replay record of a ZFS send stream says.
 *
 *     byte 0         4                   8                                280                     312
 *     | drr_type u32 | drr_payloadlen u32 | fields, depending on the type | drr_checksum, 4 × u64 | payload … |
 *
 * drr_checksum is fletcher4 over everything from BEGIN up to itself; BEGIN has no such field, its name reaches to the end. Numbers are in the
 * byte order of the sender. Object numbers and sizes are numbers here: what does not fit 53 bits is refused in decoding. Offsets and lengths
 * within objects go up to 2^64 - 1 and are bigint.
 *
 * @see OpenZFS 2.3 `include/sys/zfs_ioctl.h` (`dmu_replay_record`)
 */

/** Any record. */
export type StreamRecord =
  | BeginRecord
  | ObjectRecord
  | FreeObjectsRecord
  | WriteRecord
  | FreeRecord
  | EndRecord
  | WriteByrefRecord
  | SpillRecord
  | WriteEmbeddedRecord
  | ObjectRangeRecord
  | RedactRecord;

/** What {@link StreamRecord} tells records apart by. */
export type RecordKind = StreamRecord["kind"];

/** What every record has. */
export interface RecordBase {
  /** Where the record begins in the stream, in bytes. */
  offset: number;
  payloadOffset: number;
  /** Bytes behind the record that belong to it, padding included. */
  payloadBytes: number;
  /** drr_payloadlen; senders leave it 0 except in BEGIN. */
  declaredPayloadBytes: number;
  /** The payload as it came, not to be changed; undefined where there is none or nobody asked for it. */
  payload: Uint8Array | undefined;
  /** drr_checksum, where asked for; all 0 in streams that have none. */
  checksum: Checksum | undefined;
}

/** zio_cksum_t. */
export type Checksum = readonly [bigint, bigint, bigint, bigint];

/** How a block of a raw stream was encrypted. */
export interface CryptParams {
  salt: Uint8Array;
  iv: Uint8Array;
  mac: Uint8Array;
}

/** ddt_key_t. */
export interface DedupKey {
  checksum: Checksum; // ddk_cksum
  properties: bigint; // ddk_prop
}

/** Opens a stream, or a package of streams. The payload is an nvlist, if any. */
export interface BeginRecord extends RecordBase {
  kind: "begin";
  /** True for a package (`zfs send -I`, `-R`, `-p`): an nvlist about the streams that follow. */
  compound: boolean;
  /** Byte order of all numbers in this stream, bonus buffers and spill blocks included. */
  littleEndian: boolean;
  versionInfo: bigint; // drr_versioninfo
  creationTime: bigint; // drr_creation_time, seconds since 1970
  objsetType: number; // drr_type: dmu_objset_type, 2 file system, 3 volume
  flags: number; // drr_flags: DRR_FLAG_*
  toGuid: bigint; // drr_toguid
  /** 0 for a full stream. */
  fromGuid: bigint; // drr_fromguid
  /** `dataset@snapshot` as the sender called it. */
  toName: string; // drr_toname
  /** Bytes of the name without its NUL; 256 where the NUL is missing. */
  toNameBytes: number;
}

/** An object and its bonus buffer, which is the payload. */
export interface ObjectRecord extends RecordBase {
  kind: "object";
  object: number; // drr_object
  objectType: number; // drr_type
  bonusType: number; // drr_bonustype
  blockSize: number; // drr_blksz
  bonusBytes: number; // drr_bonuslen
  checksumType: number; // drr_checksumtype
  compression: number; // drr_compress
  /** 512 byte units that the dnode takes; 0 means 1. */
  dnodeSlots: number; // drr_dn_slots
  flags: number; // drr_flags: DRR_OBJECT_SPILL, DRR_RAW_BYTESWAP
  rawBonusBytes: number; // drr_raw_bonuslen, raw streams
  toGuid: bigint; // drr_toguid
  indirectShift: number; // drr_indblkshift, raw streams
  levels: number; // drr_nlevels, raw streams
  blockPointers: number; // drr_nblkptr, raw streams
  maxBlockId: bigint; // drr_maxblkid
}

/** Objects that do not exist. */
export interface FreeObjectsRecord extends RecordBase {
  kind: "freeObjects";
  firstObject: number; // drr_firstobj
  objects: bigint; // drr_numobjs
  toGuid: bigint; // drr_toguid
}

/** A block of an object, as stored if compressed or raw. */
export interface WriteRecord extends RecordBase {
  kind: "write";
  object: number; // drr_object
  objectType: number; // drr_type
  dataOffset: bigint; // drr_offset
  logicalBytes: number; // drr_logical_size
  toGuid: bigint; // drr_toguid
  checksumType: number; // drr_checksumtype
  flags: number; // drr_flags: DRR_CHECKSUM_DEDUP, DRR_RAW_BYTESWAP
  /** How the payload is compressed, 0 not at all; see `decompressBlock`. */
  compression: number; // drr_compressiontype
  /** Where checksums were asked for. */
  key: DedupKey | undefined; // drr_key
  compressedBytes: number; // drr_compressed_size
  crypt: CryptParams | undefined;
}

/** A hole in an object. A length of 2^64 - 1 reaches to its end. */
export interface FreeRecord extends RecordBase {
  kind: "free";
  object: number; // drr_object
  dataOffset: bigint; // drr_offset
  length: bigint; // drr_length
  toGuid: bigint; // drr_toguid
}

/** Closes a stream, the head of a package, or a package. */
export interface EndRecord extends RecordBase {
  kind: "end";
  closes: "stream" | "packageHead" | "package";
  endChecksum: Checksum; // drr_end.drr_checksum
  toGuid: bigint; // drr_toguid
}

/** A block that an earlier WRITE brought (`zfs send -D`). */
export interface WriteByrefRecord extends RecordBase {
  kind: "writeByref";
  object: number; // drr_object
  dataOffset: bigint; // drr_offset
  length: bigint; // drr_length
  toGuid: bigint; // drr_toguid
  refGuid: bigint; // drr_refguid
  refObject: number; // drr_refobject
  refOffset: bigint; // drr_refoffset
  checksumType: number; // drr_checksumtype
  flags: number; // drr_flags; zfs-fuse puts the checksum type here
  /** Where checksums were asked for. */
  key: DedupKey | undefined; // drr_key
}

/** An object's spill block: system attributes that do not fit the bonus buffer. */
export interface SpillRecord extends RecordBase {
  kind: "spill";
  object: number; // drr_object
  logicalBytes: number; // drr_length
  toGuid: bigint; // drr_toguid
  flags: number; // drr_flags: DRR_SPILL_UNMODIFIED, DRR_RAW_BYTESWAP
  compression: number; // drr_compressiontype, raw streams
  compressedBytes: number; // drr_compressed_size, raw streams
  crypt: CryptParams | undefined;
  blockType: number; // drr_type
}

/** A block so small that its (compressed) bytes lay in the block pointer. */
export interface WriteEmbeddedRecord extends RecordBase {
  kind: "writeEmbedded";
  object: number; // drr_object
  dataOffset: bigint; // drr_offset
  /** Bytes of the object that it stands for. */
  length: number; // drr_length
  toGuid: bigint; // drr_toguid
  compression: number; // drr_compression
  embeddedType: number; // drr_etype: 0 data
  logicalBytes: number; // drr_lsize
  /** Payload bytes that count; what follows them is padding. */
  storedBytes: number; // drr_psize
}

/** A block of dnodes of a raw stream. */
export interface ObjectRangeRecord extends RecordBase {
  kind: "objectRange";
  firstObject: number; // drr_firstobj
  slots: number; // drr_numslots
  toGuid: bigint; // drr_toguid
  crypt: CryptParams;
  flags: number; // drr_flags: DRR_RAW_BYTESWAP
}

/** A part of an object that a redacted stream leaves out. */
export interface RedactRecord extends RecordBase {
  kind: "redact";
  object: number; // drr_object
  dataOffset: bigint; // drr_offset
  length: bigint; // drr_length
  toGuid: bigint; // drr_toguid
}
