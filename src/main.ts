/**
 * The program: arguments, signals, the last words of a failed run, the exit code.
 *
 * The exit code is 70 from the start, and becomes another one only when the command has ended: whatever loses its way on the way there is a
 * bug and not a success. An error that nobody caught aborts the command, so that its clean-up still happens, and ends the program afterwards.
 */
import { abortOnSignals, answerInquiries } from "./sys/signals.ts"; // first of all, as it begins to listen
import { dispatch } from "./commands/command-line/dispatch.ts";
import type { Context } from "./commands/context.ts";
import type { Command, CommandGroup } from "./commands/define.ts";
import { commands } from "./commands/index.ts";
import { ENVIRONMENT, PURPOSE } from "./commands/command-line/program.ts";
import { Results } from "./commands/telling/results.ts";
import { asksForJson, takeVerbose } from "./commands/command-line/words.ts";
import { EXIT_CODES } from "./errors.ts";
import { Progress } from "./stream/progress.ts";
import { describeProgram, environmentVariable } from "./sys/environment.ts";
import { escapeControl } from "./sys/escape.ts";
import { raceAbort } from "./sys/failure.ts";
import { conclude, describeFailure, type Failure } from "./sys/report.ts";
import { isTerminal, TextOutput, type KeptLine } from "./sys/terminal.ts";

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
    summary: `ctar ${PURPOSE}`,
    commands: table,
    environment: ENVIRONMENT,
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
  readonly #results: Results = new Results((line, isWarning) => (isWarning ? this.#warn(line) : this.#talk(line)));
  #exitCode: number = EXIT_CODES.bug;
  #fault: { readonly error: unknown } | undefined;
  #failure: Failure | undefined;
  #exiting = false;
  #isQuiet = false;
  #hasPrinted = false;
  #answer = (): string => `${this.#commandLine}: running for ${Math.round(performance.now() / 1000)} s`;

  constructor(argv: readonly string[], verbose: boolean) {
    this.#argv = argv;
    this.#verbose = verbose;
  }

  /** Turns signals, stray errors and an early end of the event loop into a proper end. */
  watch(): void {
    abortOnSignals(this.#controller, () => this.#warn("ctar: still cleaning up ..."));
    answerInquiries(() => this.#warn(this.#answer()));
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
      commandLine: this.#commandLine,
      print: (line) => (this.#hasPrinted ? this.#print(line) : this.#printFirst(line)),
      talk: (lines) => this.#talk(lines),
      warn: (lines) => this.#warn(lines),
      hush: () => void (this.#isQuiet = true),
      progress: new Progress(),
      answerWith: (answer) => void (this.#answer = answer),
      keepLine: (line) => this.#keepLine(line),
      tell: this.#results.tell,
      results: this.#results,
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
    const thrown = this.#fault === undefined ? error : this.#fault.error;
    const options = {
      verbose: this.#verbose,
      colour: isTerminal("stderr") && environmentVariable("NO_COLOR") === undefined,
      program: describeProgram(),
      abortReason: signal.aborted ? signal.reason : undefined,
    };
    const { exitCode, text } = conclude(thrown, options);
    this.#exitCode = exitCode;
    this.#failure = describeFailure(thrown, options);
    this.#write(text);
  }

  /** Ends the process once the output is written; a write that hangs in a thread must not keep it alive. */
  async exit(): Promise<void> {
    this.#exiting = true;
    const patience = this.#startPatience();
    // a line that was kept there goes first
    if (isTerminal("stdout")) await raceAbort(this.#stderr.flush(), patience).catch(() => undefined);
    this.#printResult();
    try {
      await raceAbort(this.#stdout.flush(), patience);
    } catch (error) {
      if (this.#failure === undefined) this.fail(error);
    }
    await raceAbort(this.#stderr.flush(), patience).catch(() => undefined);
    process.exit(this.#exitCode);
  }

  /** What `--json` asks for. */
  #printResult(): void {
    const result = asksForJson(this.#argv) ? this.#results.render(this.#failure) : undefined;
    if (result === undefined) return;
    const output = result.stream === "stdout" ? this.#stdout : this.#stderr;
    output.write(result.text).catch(() => undefined); // flushing says it, too
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

  get #commandLine(): string {
    return ["ctar", ...this.#argv].join(" ");
  }

  #print(line: string): Promise<void> {
    return this.#stdout.write(`${line}\n`, this.#controller.signal);
  }

  /** What is printed on a terminal takes the place of a line that is kept there, for good. */
  async #printFirst(line: string): Promise<void> {
    this.#hasPrinted = true;
    this.#stderr.keepLine(undefined);
    if (isTerminal("stdout")) await this.#stderr.flush(this.#controller.signal).catch(() => undefined);
    await this.#print(line);
  }

  #keepLine(line: KeptLine | undefined): void {
    if (!this.#hasPrinted) this.#stderr.keepLine(line);
  }

  #talk(lines: string): void {
    if (!this.#isQuiet) this.#warn(lines);
  }

  #warn(lines: string): void {
    this.#write(`${lines.split("\n").map(escapeControl).join("\n")}\n`);
  }

  /** Nothing can be told to anybody when stderr fails. */
  #write(text: string): void {
    this.#stderr.write(text).catch(() => undefined);
  }
}

// last, as it uses the class above
if (import.meta.main) void main(process.argv.slice(2), commands);
