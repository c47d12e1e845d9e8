/**
 * The one error class that users meet, and the exit codes it ends in.
 *
 * Everything that can go wrong for a reason outside our own code is a `ToolError`: it states the action that failed with its values quoted,
 * carries the facts as fields, and says what to type next. A `TypeError` or `RangeError` is a bug of ours and exits 70.
 */

/** What went wrong, as a script tells it apart; each has one exit code. */
export type ErrorCode = "failed" | "usage" | "losses" | "not-found" | "exists" | "busy" | "damaged" | "zfs" | "interrupted";

/** Exit codes, part of the interface (README, `--help`). */
export const EXIT_CODES: Readonly<Record<ErrorCode | "done" | "bug", number>> = {
  done: 0,
  failed: 1,
  exists: 1,
  usage: 2,
  losses: 3,
  "not-found": 10,
  busy: 11,
  damaged: 12,
  zfs: 13,
  bug: 70,
  interrupted: 130,
};

/** Options of a {@link ToolError}. */
export interface ToolErrorOptions {
  /** What made it fail; printed as a `Caused by:` line. */
  cause?: unknown;
  /** What to do next, one sentence or command each. */
  hints?: readonly string[];
  /** Facts for programs and tests: path, offset, argv, expected, actual. */
  facts?: Readonly<Record<string, unknown>>;
}

/** A failure that is not a bug: the message states the action and quotes the values, without a final period. */
export class ToolError extends Error {
  override readonly name: string = "ToolError";
  readonly code: ErrorCode;
  readonly hints: readonly string[];
  readonly facts: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, options: ToolErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hints = options.hints ?? [];
    this.facts = options.facts ?? {};
  }

  /** The exit code of a run that ends in this error. */
  get exitCode(): number {
    return EXIT_CODES[this.code];
  }
}

/** The archive (or a stream in it) is not what it must be. @param offset byte offset in the input, where one is known */
export function damaged(message: string, options: ToolErrorOptions & { offset?: number } = {}): ToolError {
  const { offset, ...rest } = options;
  return new ToolError("damaged", offset === undefined ? message : `${message} (at byte ${offset})`, {
    ...rest,
    facts: { ...rest.facts, ...(offset === undefined ? {} : { offset }) },
  });
}
