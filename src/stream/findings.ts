/** What a check of an input found wrong. A finding does not end the check; everything else is checked as far as it can be read. */
import { ToolError } from "../errors.ts";

/** One thing that is wrong. */
export interface Finding {
  /** Where in the input, in bytes; behind compression, how far had been read when it was found. Unknown of parts that are read by their names. */
  offset?: number;
  /** The part that it is about: a member, a blob. */
  member?: string;
  /** Where in the member's decompressed stream. */
  streamOffset?: number;
  problem: string;
}

/** Findings kept; of a hostile archive there can be any number. */
const FINDINGS_LIMIT = 1000;

/** Collects findings, each once. */
export class Findings {
  readonly #list: Finding[] = [];
  readonly #seen = new Set<string>();
  #more = 0;

  get list(): readonly Finding[] {
    return this.#list;
  }

  /** How many there were beyond the first thousand. */
  get more(): number {
    return this.#more;
  }

  get isEmpty(): boolean {
    return this.#list.length === 0;
  }

  add(finding: Finding): void {
    const key = `${finding.offset ?? finding.member} ${finding.problem}`;
    if (this.#seen.has(key)) return;
    if (this.#list.length === FINDINGS_LIMIT) {
      this.#more += 1;
      return;
    }
    this.#seen.add(key);
    this.#list.push(finding);
  }

  /** Takes an error for a finding if it is about the archive. @throws the error, if it is not */
  addError(error: unknown, place: Pick<Finding, "offset" | "member">): void {
    this.add({ ...place, problem: problemOf(error) });
  }
}

/** Findings in the order of their places. */
export function inOrder(findings: readonly Finding[]): Finding[] {
  return findings.toSorted((a, b) => (a.offset ?? 0) - (b.offset ?? 0));
}

/** The reason that an error gives, without what failed and where. @throws the error, if it is not about the archive */
export function problemOf(error: unknown): string {
  if (!(error instanceof ToolError) || error.code !== "damaged") throw error;
  return error.message.replace(/^Cannot [^":]*(?:"[^"]*")?: /, "").replace(/ \(at byte \d+\)$/, "");
}

/** The offset that an error carries. */
export function offsetIn(error: unknown): number | undefined {
  const offset = error instanceof ToolError ? error.facts["offset"] : undefined;
  return typeof offset === "number" ? offset : undefined;
}
