/** A stream on its way into an object set. */
import type { ToolError } from "../../errors.ts";
import { damagedStream } from "../dmu/stream-damage.ts";
import type { BeginRecord } from "../dmu/stream-record.ts";

/** What its records need to be understood. */
export interface IncomingStream {
  /** Its index, which extents know it by. */
  index: number;
  /** What messages call it. */
  what: string;
  begin: BeginRecord;
  /** Whether its blocks can be read again later; otherwise those of directories and the like are kept. */
  isRereadable: boolean;
  /** Whether blocks refer to other blocks (`zfs send -D`). */
  isDeduplicated: boolean;
}

/** The error for a record that no receiver takes. */
export function refusedRecord(
  stream: IncomingStream | undefined,
  { offset, object }: { offset: number; object?: number },
  reason: string,
): ToolError {
  return damagedStream(stream?.what ?? "", reason, offset, object === undefined ? {} : { object });
}
