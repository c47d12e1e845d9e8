/** Rules of what a record may say, and the limits that they share. */
import type { SanityState } from "./sanity.ts";
import { damagedStream } from "./stream-damage.ts";
import type { RecordKind, StreamRecord } from "./stream-record.ts";

/** A rule: the field as upstream calls it, its value, what is expected of it, and whether that is so. */
export type Rule<Of extends StreamRecord> = readonly [
  field: string,
  value: (record: Of) => number | bigint | string,
  expected: string,
  holds: (record: Of, state: SanityState) => boolean,
];

/** SPA_MAXBLOCKSIZE. */
export const MAX_BLOCK_BYTES: number = 16 * 1024 * 1024;
/** DN_MAX_OBJECT. */
export const MAX_OBJECTS: number = 2 ** 48;
/** DRR_FLAG_SPILL_BLOCK of BEGIN. */
export const FLAG_SPILL_BLOCK: number = 1 << 3;
/** DRR_CHECKSUM_DEDUP of WRITE. */
export const CHECKSUM_DEDUP: number = 1 << 0;
/** DRR_RAW_BYTESWAP. */
export const RAW_BYTESWAP: number = 1 << 1;
/** DRR_OBJECT_SPILL of OBJECT, DRR_SPILL_UNMODIFIED of SPILL. */
export const SPILL_FLAG: number = 1 << 2;

const MIN_BLOCK_BYTES = 512; // SPA_MINBLOCKSIZE
const OLD_MAX_BLOCK_BYTES = 128 * 1024; // SPA_OLD_MAXBLOCKSIZE: more needs the feature large_blocks
const MAX_OFFSET = 2n ** 64n;
/** A length that says "to the end". */
const TO_THE_END = MAX_OFFSET - 1n;

const CHECKSUMS = 15; // ZIO_CHECKSUM_FUNCTIONS
const COMPRESSIONS = 17; // ZIO_COMPRESS_FUNCTIONS
const OBJECT_TYPES = 54; // DMU_OT_NUMTYPES
const BYTESWAPS = 10; // DMU_BSWAP_NUMFUNCS
const NEW_TYPE = 0x80; // DMU_OT_NEWTYPE
const BYTESWAP_MASK = 0x1f; // DMU_OT_BYTESWAP_MASK

const NAMES: Readonly<Record<RecordKind, string>> = {
  begin: "BEGIN",
  object: "OBJECT",
  freeObjects: "FREEOBJECTS",
  write: "WRITE",
  free: "FREE",
  end: "END",
  writeByref: "WRITE_BYREF",
  spill: "SPILL",
  writeEmbedded: "WRITE_EMBEDDED",
  objectRange: "OBJECT_RANGE",
  redact: "REDACT",
};

/** What holds for every record but BEGIN. */
export const COMMON_RULES: readonly Rule<Exclude<StreamRecord, { kind: "begin" }>>[] = [
  [
    "drr_payloadlen",
    (record) => record.declaredPayloadBytes,
    "0 or the length of the payload",
    (record) => record.declaredPayloadBytes === 0 || record.declaredPayloadBytes === record.payloadBytes,
  ],
  [
    "drr_toguid",
    (record) => record.toGuid,
    "that of BEGIN",
    (record, { begin }) => record.toGuid === (record.kind === "end" && record.closes === "package" ? 0n : begin?.toGuid),
  ],
];

/** Checks a record. @throws ToolError damaged for the first rule that it breaks */
export function applyRules<Of extends StreamRecord>(rules: readonly Rule<Of>[], record: Of, state: SanityState): void {
  for (const [field, value, expected, holds] of rules) {
    if (!holds(record, state)) throw refuse(record, state, { field, actual: value(record), expected });
  }
}

/** What is wrong with a record's field. */
export function refuse(record: StreamRecord, state: SanityState, facts: { field: string; actual: unknown; expected: string }): Error {
  const { field, actual, expected } = facts;
  const about = "object" in record ? ` of object ${record.object}` : "";
  const shown = typeof actual === "string" ? JSON.stringify(actual) : String(actual);
  const reason = `${NAMES[record.kind]} record${about}: ${field} is ${shown}, expected ${expected}`;
  return damagedStream(state.what, reason, record.offset, { record: NAMES[record.kind], ...facts });
}

/** Whether a number can be an object's; 0 is the dnode that holds the others. */
export function isObject(object: number): boolean {
  return object > 0 && object < MAX_OBJECTS;
}

/** DMU_OT_IS_VALID. */
export function isObjectType(type: number): boolean {
  return (type & NEW_TYPE) === 0 ? type < OBJECT_TYPES : type <= 0xff && (type & BYTESWAP_MASK) < BYTESWAPS;
}

/** Whether a checksum has this id. */
export function isChecksum(id: number): boolean {
  return id < CHECKSUMS;
}

/** Whether a compression has this id. */
export function isCompression(id: number): boolean {
  return id < COMPRESSIONS;
}

/** Whether a block can be of this size: whole sectors, and large only where the stream says that it may be. */
export function isBlockSize(bytes: number, { features }: SanityState): boolean {
  const limit = features.has("large_blocks") ? MAX_BLOCK_BYTES : OLD_MAX_BLOCK_BYTES;
  return bytes >= MIN_BLOCK_BYTES && bytes <= limit && bytes % MIN_BLOCK_BYTES === 0;
}

/** Whether a range within an object ends before 2^64. */
export function fits(offset: bigint, length: bigint | number): boolean {
  return offset + BigInt(length) < MAX_OFFSET;
}

/** As {@link fits}, for ranges that may reach to the end. */
export function fitsOrToTheEnd(offset: bigint, length: bigint): boolean {
  return length === TO_THE_END || fits(offset, length);
}

/** Whether flags other than those allowed are unset. */
export function onlyFlags(flags: number, allowed: number): boolean {
  return (flags & ~allowed) === 0;
}

/** Whether BEGIN says that OBJECT and SPILL records have flags about spill blocks. */
export function hasSpillFlags({ begin }: SanityState): boolean {
  return ((begin?.flags ?? 0) & FLAG_SPILL_BLOCK) !== 0;
}
