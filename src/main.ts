/**
 * The program: arguments, signals, the last words of a failed run, the exit code.
 *
 * The exit code is 70 from the start, and becomes another one only when the command has ended: whatever loses its way on the way there is a
 * bug and not a success. An error that nobody caught aborts the command, so that its clean-up still happens, and ends the program afterwards.
 */
import { dispatch } from "./commands/dispatch.ts";
import type { Context } from "./commands/context.ts";
import type { Command, CommandGroup } from "./commands/define.ts";
import { commands } from "./commands/index.ts";
import { takeVerbose } from "./commands/words.ts";
import { EXIT_CODES } from "./errors.ts";
import { describeProgram, environmentVariable } from "./sys/environment.ts";
import { escapeControl } from "./sys/escape.ts";
import { raceAbort } from "./sys/failure.ts";
import { conclude } from "./sys/report.ts";
import { abortOnSignals } from "./sys/signals.ts";
import { isTerminal, TextOutput } from "./sys/terminal.ts";

/** Time for clean-up after an error that nobody caught; starting a container again may take 120 s. */
const CLEANUP_LIMIT_MS = 180_000;
/** Time for the last words once the run is aborted, as nobody may be reading them. */
const FLUSH_LIMIT_MS = 1000;

/** Runs a command line, then ends the process. */
export async function main(argv: readonly string[], table: readonly Command[]): Promise<void> {
  process.exitCode = EXIT_CODES.bug;
  const { words, verbose } = takeVerbose(argv);
  const run = new Run(argv, verbose);
  run.watch();
  const program: CommandGroup = {
    name: "ctar",
    summary: "ctar moves whole containers: from a pool into one archive, and back",
    commands: table,
  };
  try {
    run.finish(await dispatch(words, program, describeProgram(), run.context()));
  } catch (error) {
    run.fail(error);
  }
  await run.exit();
}

/** One run of the program and how it is going. */
class Run {
  readonly #argv: readonly string[];
  readonly #verbose: boolean;
  readonly #stdout: TextOutput = new TextOutput("stdout");
  readonly #stderr: TextOutput = new TextOutput("stderr");
  readonly #controller: AbortController = new AbortController();
  #exitCode: number = EXIT_CODES.bug;
  #fault: { readonly error: unknown } | undefined;
  #failed = false;
  #exiting = false;

  constructor(argv: readonly string[], verbose: boolean) {
    this.#argv = argv;
    this.#verbose = verbose;
  }

  /** Turns signals, stray errors and an early end of the event loop into a proper end. */
  watch(): void {
    abortOnSignals(this.#controller, () => this.#talk("ctar: still cleaning up ..."));
    process.on("uncaughtException", (error) => this.#giveUp(error));
    process.on("unhandledRejection", (error) => this.#giveUp(error));
    process.on("beforeExit", () => {
      if (this.#exiting) return;
      this.fail(new Error("the command waits for something that will never happen"));
      void this.exit();
    });
  }

  context(): Context {
    return {
      signal: this.#controller.signal,
      commandLine: ["ctar", ...this.#argv].join(" "),
      print: (line) => this.#stdout.write(`${line}\n`, this.#controller.signal),
      talk: (lines) => this.#talk(lines),
      env: environmentVariable,
      isTerminal,
    };
  }

  finish(exitCode: number): void {
    if (this.#fault === undefined) this.#exitCode = exitCode;
    else this.fail(this.#fault.error);
  }

  fail(error: unknown): void {
    const signal = this.#controller.signal;
    const { exitCode, text } = conclude(this.#fault === undefined ? error : this.#fault.error, {
      verbose: this.#verbose,
      colour: isTerminal("stderr") && environmentVariable("NO_COLOR") === undefined,
      program: describeProgram(),
      abortReason: signal.aborted ? signal.reason : undefined,
    });
    this.#exitCode = exitCode;
    this.#failed = true;
    this.#write(text);
  }

  /** Ends the process once the output is written; a write that hangs in a thread must not keep it alive. */
  async exit(): Promise<void> {
    this.#exiting = true;
    const patience = this.#startPatience();
    try {
      await raceAbort(this.#stdout.flush(), patience);
    } catch (error) {
      if (!this.#failed) this.fail(error);
    }
    await raceAbort(this.#stderr.flush(), patience).catch(() => undefined);
    process.exit(this.#exitCode);
  }

  /** Is aborted a while after the run is. */
  #startPatience(): AbortSignal {
    const patience = new AbortController();
    const { signal } = this.#controller;
    const start = (): void => void setTimeout(() => patience.abort(signal.reason), FLUSH_LIMIT_MS);
    if (signal.aborted) start();
    else signal.addEventListener("abort", start);
    return patience.signal;
  }

  #giveUp(error: unknown): void {
    if (this.#fault !== undefined) return;
    this.#fault = { error };
    this.#controller.abort(error);
    const late = setTimeout(() => {
      this.fail(error);
      void this.exit();
    }, CLEANUP_LIMIT_MS);
    late.unref();
  }

  #talk(lines: string): void {
    this.#write(`${lines.split("\n").map(escapeControl).join("\n")}\n`);
  }

  /** Nothing can be told to anybody when stderr fails. */
  #write(text: string): void {
    this.#stderr.write(text).catch(() => undefined);
  }
}

// last, as it uses the class above
if (import.meta.main) void main(process.argv.slice(2), commands);
