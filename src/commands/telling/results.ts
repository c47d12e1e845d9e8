/**
 * What a run tells scripts with `--json`: one document, on stdout when the run has ended. It is the verb's result, with an `error` in it if the run failed
 * after that; the error alone if there is no result. Where stdout is taken by an archive, it is one line of JSON, the last one on stderr, marked
 * `"event":"result"` as progress is marked by its own event. docs/json.md describes all of them.
 */
import type { Tell } from "../../host/tell.ts";
import { describeProgram } from "../../sys/environment.ts";
import type { Failure } from "../../sys/report.ts";
import type { LossKind, LossReport } from "../../tree/loss.ts";

/** The option, the same for every verb. */
export const JSON_ARG = { json: { type: "boolean", description: "Print JSON" } } as const;

/** Text and where it goes. */
export interface ResultText {
  readonly stream: "stdout" | "stderr";
  readonly text: string;
}

/** What the results of all verbs have that make something. */
export interface CommonResult {
  readonly tool: string;
  readonly seconds: number;
  readonly losses: readonly LossKind[];
  readonly leftOut: readonly string[];
  readonly warnings: readonly string[];
  readonly notes: readonly string[];
}

const LISTS = { warning: "warnings", note: "notes", "left out": "leftOut" } as const;
/** What JSON leaves as it is and a terminal acts on. */
const UNSAFE = /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** Collects what a run has to say; made by main, one for each run. */
export class Results {
  readonly #talk: (line: string, isWarning: boolean) => void;
  readonly #since = performance.now();
  readonly #told: Record<"leftOut" | "warnings" | "notes", string[]> = { leftOut: [], warnings: [], notes: [] };
  #document: object | undefined;
  #stream: ResultText["stream"] = "stdout";

  /** @param talk writes a line to stderr */
  constructor(talk: (line: string, isWarning: boolean) => void) {
    this.#talk = talk;
  }

  /** Says something that is not the result. */
  readonly tell: Tell = (kind, text) => {
    this.#told[LISTS[kind]].push(text);
    this.#talk(`${kind}: ${text}`, kind === "warning");
  };

  /** To be called as soon as it is known that stdout is for data. */
  takeStdout(): void {
    this.#stream = "stderr";
  }

  /** Sets the document. */
  set(document: object): void {
    this.#document = document;
  }

  /** What the results of verbs end with that make something. */
  common(losses?: LossReport): CommonResult {
    const seconds = Math.round(performance.now() - this.#since) / 1000;
    return { tool: describeProgram(), seconds, losses: losses?.kinds ?? [], ...this.#told };
  }

  /** What is to be printed at the end. @param failure why the run failed, if it did */
  render(failure: Failure | undefined): ResultText | undefined {
    const document = joinError(this.#document, failure);
    if (document === undefined) return undefined;
    const isLine = this.#stream === "stderr" || this.#document === undefined;
    const marked = this.#stream === "stderr" ? { event: "result", ...document } : document;
    return { stream: this.#stream, text: `${encodeJson(marked, isLine ? undefined : 2)}\n` };
  }
}

/** A path that was given; null for stdin and stdout. */
export function pathOrNull(path: string): string | null {
  return path === "-" ? null : path;
}

/** A list has no place for an error, but says by itself what is wrong with what. */
function joinError(document: object | undefined, error: Failure | undefined): object | undefined {
  if (error === undefined || Array.isArray(document)) return document;
  return { ...document, error };
}

/** JSON that a terminal shows as it is. */
export function encodeJson(document: object, indent?: number): string {
  const text = JSON.stringify(document, (_, value: unknown) => (typeof value === "bigint" ? String(value) : value), indent);
  return text.replace(UNSAFE, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
