/**
 * What a verb may use of the world besides its arguments: the abort signal, two places to write to, the environment.
 */

/** Made by main, given to every verb. */
export interface Context {
  /** Aborted by the first SIGINT, SIGTERM or SIGHUP, with a ToolError `interrupted` as the reason. */
  readonly signal: AbortSignal;
  /** The command as it was typed, for others to see who holds a lock: `ctar export web01 -`. */
  readonly commandLine: string;
  /** Writes a line of data to stdout as it is; slows down to the reader's pace. @throws ToolError if it cannot be written */
  print(line: string): Promise<void>;
  /** Writes lines of talk to stderr, control characters escaped; never fails. */
  readonly talk: (lines: string) => void;
  /** Value of an environment variable; an empty one counts as unset. */
  env(name: string): string | undefined;
  /** Whether a standard stream is a terminal. */
  isTerminal(stream: "stdin" | "stdout" | "stderr"): boolean;
}
