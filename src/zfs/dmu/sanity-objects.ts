/** What records about objects may say. @see OpenZFS 2.3 `module/zfs/dmu_recv.c` (`receive_object`, `receive_freeobjects`, `receive_object_range`) */
import * as rule from "./sanity-rule.ts";
import type { Rule } from "./sanity-rule.ts";
import type { FreeObjectsRecord, ObjectRangeRecord, ObjectRecord } from "./stream-record.ts";

const SLOT_BYTES = 512; // 1 << DNODE_SHIFT
const BLOCK_SLOTS = 32; // DNODES_PER_BLOCK
/** What of a dnode is not bonus buffer: its fields and one block pointer. */
const CORE_BYTES = 192;
const MAX_INDIRECT_SHIFT = 24; // SPA_MAXBLOCKSHIFT
const MAX_LEVELS = 12; // DN_MAX_LEVELS
const MAX_BLOCK_POINTERS = 3; // DN_MAX_NBLKPTR

export const OBJECT_RULES: readonly Rule<ObjectRecord>[] = [
  ["drr_object", (drr) => drr.object, "1 to 2^48 - 1", (drr) => rule.isObject(drr.object)],
  ["drr_type", (drr) => drr.objectType, "an object type", (drr) => drr.objectType !== 0 && rule.isObjectType(drr.objectType)],
  ["drr_bonustype", (drr) => drr.bonusType, "an object type", (drr) => rule.isObjectType(drr.bonusType)],
  ["drr_checksumtype", (drr) => drr.checksumType, "a checksum", (drr) => rule.isChecksum(drr.checksumType)],
  ["drr_compress", (drr) => drr.compression, "a compression", (drr) => rule.isCompression(drr.compression)],
  [
    "drr_blksz",
    (drr) => drr.blockSize,
    "a multiple of 512, up to 128 KiB, or 16 MiB with large_blocks",
    (drr, state) => rule.isBlockSize(drr.blockSize, state),
  ],
  [
    "drr_dn_slots",
    (drr) => drr.dnodeSlots,
    "0 or 1, or more with large_dnode, within one block of 32",
    (drr, { features }) =>
      drr.dnodeSlots <= 1 || (features.has("large_dnode") && (drr.object % BLOCK_SLOTS) + drr.dnodeSlots <= BLOCK_SLOTS),
  ],
  ["drr_bonuslen", (drr) => drr.bonusBytes, "at most what its slots hold", (drr) => drr.bonusBytes <= maxBonusBytes(drr)],
  [
    "drr_flags",
    (drr) => drr.flags,
    "none but DRR_OBJECT_SPILL, and DRR_RAW_BYTESWAP in a raw stream",
    (drr, { features }) => rule.onlyFlags(drr.flags, rule.SPILL_FLAG | (features.has("raw") ? rule.RAW_BYTESWAP : 0)),
  ],
  [
    "drr_flags",
    (drr) => drr.flags,
    "DRR_OBJECT_SPILL only if BEGIN has DRR_FLAG_SPILL_BLOCK",
    (drr, state) => (drr.flags & rule.SPILL_FLAG) === 0 || rule.hasSpillFlags(state),
  ],
  [
    "drr_raw_bonuslen",
    (drr) => drr.rawBonusBytes,
    "0, or in a raw stream at least drr_bonuslen and at most what its slots hold",
    (drr, { features }) =>
      features.has("raw") ? drr.rawBonusBytes >= drr.bonusBytes && drr.rawBonusBytes <= maxBonusBytes(drr) : drr.rawBonusBytes === 0,
  ],
  [
    "drr_indblkshift",
    (drr) => drr.indirectShift,
    "0, or up to 24 in a raw stream",
    (drr, { features }) => drr.indirectShift <= (features.has("raw") ? MAX_INDIRECT_SHIFT : 0),
  ],
  [
    "drr_nlevels",
    (drr) => drr.levels,
    "0, or up to 12 in a raw stream",
    (drr, { features }) => drr.levels <= (features.has("raw") ? MAX_LEVELS : 0),
  ],
  [
    "drr_nblkptr",
    (drr) => drr.blockPointers,
    "0, or up to 3 in a raw stream",
    (drr, { features }) => drr.blockPointers <= (features.has("raw") ? MAX_BLOCK_POINTERS : 0),
  ],
  [
    "drr_object",
    (drr) => drr.object,
    "one of the last OBJECT_RANGE",
    (drr, { features, range }) => !features.has("raw") || isIn(drr.object, range),
  ],
];

export const FREE_OBJECTS_RULES: readonly Rule<FreeObjectsRecord>[] = [
  ["drr_numobjs", (drr) => drr.objects, "no more than there are up to 2^64", (drr) => rule.fits(BigInt(drr.firstObject), drr.objects)],
];

export const OBJECT_RANGE_RULES: readonly Rule<ObjectRangeRecord>[] = [
  ["drr_versioninfo", (_drr) => "not raw", "a raw stream", (_drr, { features }) => features.has("raw")],
  ["drr_numslots", (drr) => drr.slots, "32", (drr) => drr.slots === BLOCK_SLOTS],
  [
    "drr_firstobj",
    (drr) => drr.firstObject,
    "a multiple of 32 below 2^48",
    (drr) => drr.firstObject % BLOCK_SLOTS === 0 && drr.firstObject < rule.MAX_OBJECTS,
  ],
  ["drr_flags", (drr) => drr.flags, "none but DRR_RAW_BYTESWAP", (drr) => rule.onlyFlags(drr.flags, rule.RAW_BYTESWAP)],
];

function maxBonusBytes({ dnodeSlots }: ObjectRecord): number {
  return Math.max(1, dnodeSlots) * SLOT_BYTES - CORE_BYTES;
}

function isIn(object: number, range: ObjectRangeRecord | undefined): boolean {
  return range !== undefined && object >= range.firstObject && object < range.firstObject + range.slots;
}
