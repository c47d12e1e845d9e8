/** Errors about the objects of a stream's object set. */
import { damaged, type ToolError } from "../../errors.ts";

/** Where an object comes from, for messages. */
export interface ObjectPlace {
  /** What messages call its stream. */
  what: string;
  object: number;
  /** Where its OBJECT record, or another that is at fault, begins in the stream, in bytes. */
  offset: number;
}

/** What is wrong with an object. */
export function damagedObject({ what, object, offset }: ObjectPlace, reason: string, cause?: unknown): ToolError {
  return damaged(`Cannot read ZFS stream "${what}": object ${object}: ${reason}`, { offset, facts: { object }, cause });
}
