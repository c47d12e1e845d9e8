/** Damage that ends a conversion. */
import { damaged, type ToolError } from "../../errors.ts";
import { inOrder, offsetIn, problemOf, type Finding } from "../../stream/findings.ts";

/** The error for what is wrong with an archive, the first thing of it. */
export function refusalOf(findings: readonly Finding[], count: number): ToolError {
  const [first] = inOrder(findings);
  if (first === undefined) throw new TypeError("nothing was found");
  const { member, offset, problem } = first;
  const hints = count > 1 ? [`ctar verify names all ${count} things that are wrong with it`] : [];
  const what = member === undefined ? "the archive" : `"${member}"`;
  return damaged(`Cannot convert ${what}: ${problem}`, { ...(offset === undefined ? {} : { offset }), hints });
}

/** The error for what is wrong in a stream. @throws the error, if it is not about that */
export function streamRefusal(member: string, error: unknown): ToolError {
  const streamOffset = offsetIn(error);
  const where = streamOffset === undefined ? "" : ` (at byte ${streamOffset} of the stream)`;
  return damaged(`Cannot convert "${member}": ${problemOf(error)}${where}`, { facts: { member, streamOffset } });
}
