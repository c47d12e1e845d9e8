/** Why an export to another host failed there, told from the exit code of ssh and from what was said. */
import { EXIT_CODES, ToolError, type ErrorCode } from "../../errors.ts";
import type { Exit } from "../../sys/process.ts";

/** What ssh exits with when it could not connect, or lost the connection. */
const SSH_FAILED = 255;
const NOT_EXECUTABLE = 126;
const NO_PROGRAM = 127;
/** How the parser of a ctar complains that does not know our options. */
const TOO_OLD = /Unknown option/;

/** Causes and hints that are taken over. */
const LIST_LIMIT = 10;

/** The end of a session. */
export interface SessionEnd {
  readonly exit: Exit;
  /** What the far end said, or ssh, as far as it was not shown. */
  readonly lines: readonly string[];
  /** What the far end printed: how an import with `--json` went. */
  readonly stdout: string;
  /** Whether an import had begun. */
  readonly wasReady: boolean;
}

/** Where it was. */
export interface SessionPlace {
  /** The action that failed: `export "web01" to "host2"`. */
  readonly action: string;
  /** `[user@]host` */
  readonly login: string;
  readonly bootstrap: boolean;
}

/** A failure whose exit code is that of the far end. */
class FarFailure extends ToolError {
  readonly #exitCode: number;

  constructor(exitCode: number, message: string, options: ConstructorParameters<typeof ToolError>[2]) {
    super(codeOf(exitCode), message, options);
    this.#exitCode = exitCode;
  }

  override get exitCode(): number {
    return this.#exitCode;
  }
}

/** Says what has happened. */
export function remoteFailure({ exit, lines, stdout, wasReady }: SessionEnd, { action, login, bootstrap }: SessionPlace): ToolError {
  const { status } = exit;
  const text = lines.join("\n").trim();
  const told = status === EXIT_CODES.bug ? undefined : readFailure(stdout); // of a bug the lines say more
  const fail = (exitCode: number, reason: string, hints: readonly string[] = []): ToolError => {
    const cause = told?.cause ?? (text === "" ? undefined : new Error(text));
    const all = [...(told?.hints ?? []).map((hint) => `${login}: ${hint}`), ...hints];
    return new FarFailure(exitCode, `Cannot ${action}: ${reason}`, { ...(cause && { cause }), hints: all, facts: { login, status } });
  };
  const copy = bootstrap ? [] : ["--bootstrap copies this ctar there for as long as it takes"];
  if (status === null || status === SSH_FAILED) {
    if (wasReady) return fail(EXIT_CODES.failed, "the connection was lost, or the import there killed");
    return fail(EXIT_CODES.failed, "ssh failed", [`This has to work first: ssh ${login} true`]);
  }
  const isSuccess = status === EXIT_CODES.done || status === EXIT_CODES.losses;
  if (isSuccess)
    return fail(EXIT_CODES.failed, wasReady ? "the import there ended before it had everything" : "what runs there is no import of ctar");
  if (wasReady) return fail(ownCode(status), `the import there failed, exit code ${status}`);
  if (status === NO_PROGRAM) return fail(EXIT_CODES["not-found"], "there is no ctar in the PATH of its shell", copy);
  if (status === NOT_EXECUTABLE) return fail(EXIT_CODES.failed, "the ctar there cannot run", copy);
  if (status === EXIT_CODES.usage && TOO_OLD.test(text))
    return fail(status, "the ctar there is too old", ["Install this one there", ...copy]);
  return fail(ownCode(status), `the import there does not begin, exit code ${status}`);
}

/** What an import says with `--json` of why it failed: its causes, one in the other, and its hints. */
function readFailure(stdout: string): { cause: Error | undefined; hints: readonly string[] } | undefined {
  const error = parseObject(stdout)?.["error"];
  if (typeof error !== "object" || error === null) return undefined;
  const { message, causes, also, hints } = error as Readonly<Record<string, unknown>>;
  const texts = [message, causes, also].flatMap(stringsOf).slice(0, LIST_LIMIT);
  const cause = texts.reduceRight<Error | undefined>((inner, text) => new Error(text, inner && { cause: inner }), undefined);
  return { cause, hints: stringsOf(hints).slice(0, LIST_LIMIT) };
}

function stringsOf(value: unknown): string[] {
  return (Array.isArray(value) ? value : [value]).filter((one) => typeof one === "string");
}

/** Reads a JSON object, which may follow what a shell says when it starts; undefined if there is none. */
export function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text.slice(text.indexOf("{")));
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** Exit codes that do not exist here mean failed. */
function ownCode(status: number): number {
  const known: readonly number[] = Object.values(EXIT_CODES);
  return known.includes(status) ? status : EXIT_CODES.failed;
}

function codeOf(exitCode: number): ErrorCode {
  const entry = Object.entries(EXIT_CODES).find(([name, code]) => code === exitCode && name !== "bug");
  return (entry?.[0] ?? "failed") as ErrorCode;
}
