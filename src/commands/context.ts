/**
 * What a verb may use of the world besides its arguments: the abort signal, two places to write to, the environment.
 */
import type { Tell } from "../host/tell.ts";
import type { Progress } from "../stream/progress.ts";
import type { KeptLine } from "../sys/terminal.ts";
import type { Results } from "./telling/results.ts";

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
  /** The same for what is said with `--quiet`, too. */
  readonly warn: (lines: string) => void;
  /** Ends talk that is no warning (`--quiet`). */
  hush(): void;
  /** The same for what a script is told, too. */
  readonly tell: Tell;
  /** What scripts are told in the end. */
  readonly results: Results;
  /** How far the run is; whoever moves bytes counts them there. */
  readonly progress: Progress;
  /** Sets what SIGUSR1 is answered with, one line. */
  answerWith(answer: () => string): void;
  /** Keeps a line below everything else on stderr, which has to be a terminal, in place of the one before. */
  keepLine(line: KeptLine | undefined): void;
  /** Value of an environment variable; an empty one counts as unset. */
  env(name: string): string | undefined;
  /** Whether a standard stream is a terminal. */
  isTerminal(stream: "stdin" | "stdout" | "stderr"): boolean;
}
