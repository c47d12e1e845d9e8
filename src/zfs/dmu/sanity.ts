/**
 * Whether each record of a stream says something that makes sense, as newer OpenZFS asks before it acts on one. An older kernel believes
 * what it reads, so a stream from a stranger is checked here before it gets there.
 *
 * What is checked are values, of one record and of a record against its stream's BEGIN; that records stand where they may is the reader's
 * business, checksums are the business of check.ts.
 *
 * @see OpenZFS 2.3 `module/zfs/dmu_recv.c` (`dmu_recv_begin_check`, `receive_object` …), 2.4 and later `recv_check_drr_*`
 */
import { decodeVersionInfo, type FeatureName } from "./features.ts";
import { BEGIN_RULES, checkBeginPayload, STREAM_BEGIN_RULES } from "./sanity-begin.ts";
import { FREE_OBJECTS_RULES, OBJECT_RANGE_RULES, OBJECT_RULES } from "./sanity-objects.ts";
import { applyRules, COMMON_RULES } from "./sanity-rule.ts";
import { FREE_RULES, REDACT_RULES, SPILL_RULES, WRITE_BYREF_RULES, WRITE_EMBEDDED_RULES, WRITE_RULES } from "./sanity-writes.ts";
import type { BeginRecord, ObjectRangeRecord, StreamRecord } from "./stream-record.ts";

/** What records are checked against: what came before them. */
export interface SanityState {
  /** What messages call the stream. */
  readonly what: string;
  /** The last BEGIN. */
  begin: BeginRecord | undefined;
  features: ReadonlySet<FeatureName>;
  /** Where the last WRITE went. */
  lastWrite: { object: number; dataOffset: bigint };
  /** The block of dnodes that a raw stream is in. */
  range: ObjectRangeRecord | undefined;
}

/** The state before the first record. @param what what messages call the stream */
export function newSanityState(what: string): SanityState {
  return { what, begin: undefined, features: new Set(), lastWrite: { object: 0, dataOffset: 0n }, range: undefined };
}

/**
 * Checks a record and takes it into the state. A BEGIN's nvlist is checked only if its payload was read.
 *
 * @throws ToolError damaged, naming the record, the field, its value and what was expected; facts `record`, `field`, `actual`, `expected`
 */
export function checkRecord(record: StreamRecord, state: SanityState): void {
  if (record.kind === "begin") {
    begin(record, state);
    return;
  }
  applyRules(COMMON_RULES, record, state);
  checkFields(record, state);
  if (record.kind === "objectRange") state.range = record;
  if (record.kind === "write") state.lastWrite = record;
}

function begin(record: BeginRecord, state: SanityState): void {
  Object.assign(state, newSanityState(state.what));
  state.begin = record;
  state.features = decodeVersionInfo(record.versionInfo).features;
  applyRules(BEGIN_RULES, record, state);
  if (!record.compound) applyRules(STREAM_BEGIN_RULES, record, state);
  checkBeginPayload(record, state);
}

function checkFields(record: Exclude<StreamRecord, BeginRecord>, state: SanityState): void {
  switch (record.kind) {
    case "object":
      applyRules(OBJECT_RULES, record, state);
      break;
    case "freeObjects":
      applyRules(FREE_OBJECTS_RULES, record, state);
      break;
    case "objectRange":
      applyRules(OBJECT_RANGE_RULES, record, state);
      break;
    case "write":
      applyRules(WRITE_RULES, record, state);
      break;
    case "writeByref":
      applyRules(WRITE_BYREF_RULES, record, state);
      break;
    case "writeEmbedded":
      applyRules(WRITE_EMBEDDED_RULES, record, state);
      break;
    case "spill":
      applyRules(SPILL_RULES, record, state);
      break;
    case "free":
      applyRules(FREE_RULES, record, state);
      break;
    case "redact":
      applyRules(REDACT_RULES, record, state);
      break;
    case "end":
      break;
  }
}
