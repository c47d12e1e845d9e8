/** What a BEGIN record may say. @see OpenZFS 2.3 `module/zfs/dmu_recv.c` (`dmu_recv_begin_check`, `dmu_recv_stream`, `resume_check`) */
import { decodeNvlist, type NvList, type NvValue } from "./nvlist.ts";
import { FLAG_SPILL_BLOCK, refuse, type Rule } from "./sanity-rule.ts";
import type { SanityState } from "./sanity.ts";
import type { BeginRecord } from "./stream-record.ts";

const HEADER_TYPES = [1n, 2n]; // DMU_SUBSTREAM, DMU_COMPOUNDSTREAM
const OBJSET_TYPES = [2, 3]; // DMU_OST_ZFS, DMU_OST_ZVOL
const FLAG_CLONE = 1 << 0; // DRR_FLAG_CLONE
const NAME_BYTES = 256; // MAXNAMELEN

/** Of the BEGIN of a stream or a package. */
export const BEGIN_RULES: readonly Rule<BeginRecord>[] = [
  ["drr_versioninfo", (drr) => drr.versionInfo, "a stream or a package", (drr) => HEADER_TYPES.includes(drr.versionInfo & 3n)],
  ["drr_toname", (drr) => drr.toName, "a name that ends with NUL", (drr) => drr.toNameBytes < NAME_BYTES],
  ["drr_toname", (drr) => drr.toName, "dataset@snapshot", (drr) => /^[^@]+@[^@]+$/.test(drr.toName)],
];

/** Of the BEGIN of a stream. */
export const STREAM_BEGIN_RULES: readonly Rule<BeginRecord>[] = [
  ["drr_type", (drr) => drr.objsetType, "2 (file system) or 3 (volume)", (drr) => OBJSET_TYPES.includes(drr.objsetType)],
  ["drr_toguid", (drr) => drr.toGuid, "a guid", (drr) => drr.toGuid !== 0n],
  ["drr_fromguid", (drr) => drr.fromGuid, "another than drr_toguid", (drr) => drr.fromGuid !== drr.toGuid],
  [
    "drr_fromguid",
    (drr) => drr.fromGuid,
    "the guid of its origin in a clone's stream",
    (drr) => (drr.flags & FLAG_CLONE) === 0 || drr.fromGuid !== 0n,
  ],
  [
    "drr_flags",
    (drr) => drr.flags,
    "DRR_FLAG_SPILL_BLOCK in a raw stream",
    (drr, { features }) => !features.has("raw") || (drr.flags & FLAG_SPILL_BLOCK) !== 0,
  ],
  [
    "drr_versioninfo",
    (drr) => drr.versionInfo,
    "no embedded data in a raw stream",
    (_drr, { features }) => !(features.has("raw") && features.has("embed_data")),
  ],
  [
    "drr_payloadlen",
    (drr) => drr.payloadBytes,
    "an nvlist in a raw, resumed or redacted stream",
    (drr, { features }) => drr.payloadBytes > 0 || !(["raw", "resuming", "redacted"] as const).some((name) => features.has(name)),
  ],
];

/** Checks the nvlist, if it was read, for what a receiver is going to look for. */
export function checkBeginPayload(begin: BeginRecord, state: SanityState): void {
  if (begin.payload === undefined) return;
  const list = decodeNvlist(begin.payload, { what: `ZFS stream "${state.what}"`, offset: begin.payloadOffset });
  const must = (name: string, expected: string, holds: (value: NvValue | undefined) => boolean): void => {
    if (!holds(list.get(name))) throw refuse(begin, state, { field: name, actual: kindOf(list, name), expected });
  };
  if (begin.compound) {
    must("fss", "an nvlist", (value) => value instanceof Map);
    return;
  }
  const { features } = state;
  if (features.has("raw")) must("crypt_keydata", "an nvlist", (value) => value instanceof Map);
  if (features.has("redacted")) must("redact_snaps", "an array of guids", Array.isArray);
  if (features.has("resuming")) {
    must("resume_object", "a number", (value) => typeof value === "bigint");
    must("resume_offset", "a number", (value) => typeof value === "bigint");
  }
}

function kindOf(list: NvList, name: string): string {
  const value = list.get(name);
  return value === undefined ? "missing" : typeof value;
}
