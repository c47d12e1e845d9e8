/** Errors about the content of a ZFS stream. */
import { damaged, type ToolError } from "../../errors.ts";

/**
 * What is wrong with a stream.
 *
 * @param what what messages call the stream
 * @param offset byte offset in the stream
 */
export function damagedStream(what: string, reason: string, offset: number, facts: Readonly<Record<string, unknown>> = {}): ToolError {
  return damaged(`Cannot read ZFS stream "${what}": ${reason}`, { offset, facts });
}
