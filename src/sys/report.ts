/**
 * The last words of a run that failed: what, why, and what to type next.
 *
 *     error: Cannot receive "tank/ct/7@a": zfs refused the stream
 *     Caused by: exit status 1
 *       cannot receive new filesystem stream: destination exists
 *
 *     hint: ctar import --as-id 8 …
 *
 * What is quoted from outside is escaped line by line. A stack is shown for our own bugs, and for everything with `--verbose`.
 */
import { EXIT_CODES, ToolError, type ErrorCode } from "../errors.ts";
import { escapeControl } from "./escape.ts";
import { ReaderGone } from "./terminal.ts";

/** How a run ends. */
export interface Conclusion {
  readonly exitCode: number;
  /** What to write to stderr, whole lines; empty if there is nothing to say. */
  readonly text: string;
}

/** Why a run failed, for scripts. */
export interface Failure {
  readonly code: ErrorCode | "bug";
  readonly exitCode: number;
  readonly message: string;
  /** What made it fail, the nearest first. */
  readonly causes: readonly string[];
  /** What went wrong besides, as while cleaning up. */
  readonly also: readonly string[];
  readonly hints: readonly string[];
  readonly facts: Readonly<Record<string, unknown>>;
}

/** Options of {@link conclude}. */
export interface ReportOptions {
  /** Shows stacks and all lines of long causes. */
  readonly verbose?: boolean;
  readonly colour?: boolean;
  /** Name, version and runtime for bug reports. */
  readonly program?: string;
  /** Why the run was aborted, if it was. */
  readonly abortReason?: unknown;
}

/** Lines shown of one cause; the end of a program's stderr says more than its beginning. */
const CAUSE_LINES = 20;
/** A chain longer than this is a loop, or of no use to a reader. */
const CAUSE_LIMIT = 10;

/** Turns whatever a run threw into its exit code and last words. */
export function conclude(thrown: unknown, options: ReportOptions = {}): Conclusion {
  const [error, ...also] = settleErrors(thrown, options);
  if (error instanceof ReaderGone) return { exitCode: error.exitCode, text: "" };
  return { exitCode: exitCodeOf(error), text: renderErrors([error, ...also], options) };
}

/** The same for scripts. */
export function describeFailure(thrown: unknown, options: ReportOptions = {}): Failure {
  const [error, ...also] = settleErrors(thrown, options);
  return {
    code: error instanceof ToolError ? error.code : "bug",
    exitCode: exitCodeOf(error),
    message: messageOf(error),
    causes: causesOf(error).map(messageOf),
    also: also.map(messageOf),
    hints: hintsOf([error, ...also], options),
    facts: error instanceof ToolError ? plainFacts(error.facts) : {},
  };
}

/** Facts that are as they are in JSON, or simple lists and objects of such. */
function plainFacts(facts: ToolError["facts"]): Failure["facts"] {
  return Object.fromEntries(Object.entries(facts).filter(([, value]) => isSimple(value) || (isList(value) && Object.values(value).every(isSimple)))); // prettier-ignore
}

function isSimple(value: unknown): boolean {
  return value === null || ["string", "number", "boolean", "bigint", "undefined"].includes(typeof value);
}

function isList(value: unknown): value is object {
  return typeof value === "object" && value !== null && !ArrayBuffer.isView(value);
}

/** What it comes down to, and what went wrong besides. */
function settleErrors(thrown: unknown, { abortReason }: ReportOptions): readonly [unknown, ...unknown[]] {
  const [first, ...others] = flattenErrors(thrown);
  if (first instanceof ReaderGone) return [first];
  const error = blameInterruption(first, abortReason);
  return [error, ...(error === first ? others : others.filter((other) => !isAbort(other, abortReason)))];
}

function exitCodeOf(error: unknown): number {
  return error instanceof ToolError ? error.exitCode : EXIT_CODES.bug;
}

/** An interrupted run fails in many ways; all of them end as "interrupted", with whatever else went wrong as the cause. */
function blameInterruption(error: unknown, reason: unknown): unknown {
  if (!(reason instanceof ToolError) || reason.code !== "interrupted" || error === reason) return error;
  if (isAbort(error, reason)) return reason;
  return new ToolError("interrupted", reason.message, { cause: error });
}

function isAbort(error: unknown, reason: unknown): boolean {
  return error === reason || (error instanceof Error && error.name === "AbortError");
}

/** The first error, then those that came up while cleaning up after it. */
function flattenErrors(thrown: unknown): unknown[] {
  if (thrown instanceof SuppressedError) return [...flattenErrors(thrown.suppressed), ...flattenErrors(thrown.error)];
  if (thrown instanceof AggregateError && thrown.errors.length > 0) return thrown.errors.flatMap(flattenErrors);
  return [blamePermissions(thrown)];
}

/** What Deno was not permitted to do for us is no bug. */
function blamePermissions(error: unknown): unknown {
  if (!(error instanceof Error) || error.name !== "NotCapable") return error;
  return new ToolError("failed", `Cannot go on under Deno: ${error.message}`, { hints: ["deno run -A src/main.ts"] });
}

function renderErrors(errors: readonly unknown[], options: ReportOptions): string {
  const lines = errors.flatMap((error) => renderChain(error, options));
  const hints = hintsOf(errors, options);
  if (hints.length > 0) lines.push("", ...hints.map((hint) => `${paint("hint:", "36", options)} ${escapeControl(hint)}`));
  return `${lines.join("\n")}\n`;
}

function renderChain(error: unknown, options: ReportOptions): string[] {
  const label = paint("error:", "1;31", options);
  const opening = error instanceof ToolError ? label : `${label} This is a bug in ctar:`;
  const lines = renderText(`${opening} `, messageOf(error), options);
  if (options.verbose === true || !(error instanceof ToolError)) lines.push(...renderStack(error));
  for (const cause of causesOf(error)) {
    lines.push(...renderText(`${paint("Caused by:", "1", options)} `, messageOf(cause), options));
    if (options.verbose === true) lines.push(...renderStack(cause));
  }
  return lines;
}

function renderText(prefix: string, text: string, options: ReportOptions): string[] {
  const [first = "", ...rest] = text.trimEnd().split("\n").map(escapeControl);
  const shown = options.verbose === true ? rest : rest.slice(-CAUSE_LINES);
  const left = rest.length - shown.length;
  return [`${prefix}${first}`, ...(left > 0 ? [`  … ${left} lines left out`] : []), ...shown.map((line) => `  ${line}`)];
}

function renderStack(error: unknown): string[] {
  if (!(error instanceof Error) || error.stack === undefined) return [];
  const frames = error.stack.split("\n").filter((line) => /^\s*at /.test(line));
  return frames.map((line) => `    ${escapeControl(line.trim())}`);
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error instanceof ToolError || error.name === "Error" ? error.message : `${error.name}: ${error.message}`;
}

function causesOf(error: unknown): unknown[] {
  const causes: unknown[] = [];
  let current = error;
  while (current instanceof Error && current.cause !== undefined && causes.length < CAUSE_LIMIT) {
    current = current.cause;
    causes.push(current);
  }
  return causes;
}

function hintsOf(errors: readonly unknown[], options: ReportOptions): string[] {
  return [...new Set(errors.flatMap((error) => collectHints(error, options)))];
}

function collectHints(error: unknown, options: ReportOptions): string[] {
  const hints = [error, ...causesOf(error)].flatMap((one) => (one instanceof ToolError ? one.hints : []));
  if (error instanceof ToolError) return hints;
  return [...hints, `Please report this with the lines above, the command, and: ${options.program ?? "ctar --version"}`];
}

function paint(text: string, colour: string, options: ReportOptions): string {
  return options.colour === true ? `\u001b[${colour}m${text}\u001b[0m` : text;
}
