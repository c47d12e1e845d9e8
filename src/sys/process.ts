/**
 * Child processes: argv arrays, never a shell, always in the C locale. The only file that starts programs.
 *
 * Children run in a session of their own, so that a Ctrl-C on the terminal reaches us alone and the clean-up decides what ends when. What has to ask
 * its user something is the exception.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import * as fs from "node:fs";
import { ToolError } from "../errors.ts";
import { findProgram, searchedDirectories } from "./find-program.ts";
import { openPipe, readPipe, writePipe, type Pipe } from "./pipe.ts";

/** How a child ended, with the end of what it said. */
export interface Exit {
  /** Exit status; null when a signal ended it. */
  readonly status: number | null;
  readonly signal: string | null;
  /** The last 32 KiB of stderr. */
  readonly stderr: string;
}

/** Options of {@link startChild} and {@link runCommand}. */
export interface ChildOptions {
  /** Ends the child when aborted. */
  signal?: AbortSignal | undefined;
  /** Variables added to the environment. */
  env?: Readonly<Record<string, string>>;
  /** Leaves it in our session, where it can ask for a password; a Ctrl-C reaches it, too. */
  onTerminal?: boolean;
  /** Told what it writes to stderr, as it comes. */
  onStderr?: (chunk: Uint8Array) => void;
}

const STDERR_TAIL_BYTES = 32 * 1024;
const CAPTURE_LIMIT_BYTES = 64 * 1024 * 1024;
const KILL_DELAY_MS = 5000;
const OUTPUT_GRACE_MS = 200;

/** Where much data goes: out of the child or into it, or from it straight into an open file, which stays its owner's to close. */
export type DataPath = "from" | "to" | { readonly file: number };

/** Starts a program whose output and input are read and fed by the caller, who disposes of it. @throws ToolError not-found if it cannot be started, from {@link Child.wait} */
export async function startChild(argv: readonly string[], data: DataPath, options: ChildOptions = {}): Promise<Child> {
  if (typeof data === "object") return new Child(argv, { ...options, outputFile: data.file });
  const pipe = await openPipe();
  if (pipe === undefined) return new Child(argv, options);
  return new Child(argv, data === "from" ? { ...options, outputPipe: pipe } : { ...options, inputPipe: pipe });
}

/** Options of a child, and what takes the place of its usual pipes; it closes all of these but the file. */
interface ChildPlumbing extends ChildOptions {
  inputPipe?: Pipe;
  outputPipe?: Pipe;
  outputFile?: number;
}

/** Runs a program to its end and captures its stdout as text; a non-zero status is returned, not thrown. @throws ToolError if it cannot be started */
export async function runCommand(argv: readonly string[], options: ChildOptions = {}): Promise<Exit & { stdout: string }> {
  options.signal?.throwIfAborted();
  await using child = new Child(argv, options);
  child.closeInput();
  const chunks: Uint8Array[] = [];
  let total = 0;
  for await (const chunk of child.stdout()) {
    total += chunk.length;
    if (total > CAPTURE_LIMIT_BYTES) throw new ToolError("failed", `Cannot run "${argv.join(" ")}": it printed more than 64 MiB`);
    chunks.push(chunk);
  }
  const exit = await child.wait();
  options.signal?.throwIfAborted();
  return { ...exit, stdout: Buffer.concat(chunks).toString("utf8") };
}

/**
 * Runs a program to its end, whatever it printed; what it started in the background may live on and keep its pipes.
 *
 * @throws ToolError if it cannot be started
 */
export async function runProgram(argv: readonly string[], options: ChildOptions = {}): Promise<Exit> {
  options.signal?.throwIfAborted();
  await using child = new Child(argv, options);
  child.closeInput();
  const exit = await child.waitForProgram();
  options.signal?.throwIfAborted();
  return exit;
}

/** A running program. Disposing kills it, closes our ends of its pipes, then waits. */
export class Child implements AsyncDisposable {
  readonly argv: readonly string[];
  readonly #process: ChildProcess;
  /** When the program has ended. */
  readonly #ending: Promise<void>;
  /** When its pipes are closed besides, which may be later: a process that it started may hold them. */
  readonly #exit: Promise<Exit>;
  /** Our ends of wide pipes, as long as they are ours to close. */
  #inputFd: number | undefined;
  #outputFd: number | undefined;
  #writing: Promise<boolean> = Promise.resolve(true);
  #stderr: Buffer = Buffer.alloc(0);
  #startFailure: Error | undefined;
  #ended = false;

  constructor(argv: readonly string[], options: ChildPlumbing) {
    const [file, ...args] = argv;
    if (file === undefined) throw new RangeError("empty argv");
    const { inputPipe, outputPipe, outputFile } = options;
    this.argv = argv;
    this.#inputFd = inputPipe?.write;
    this.#outputFd = outputPipe?.read;
    this.#process = spawn(findProgram(file), args, {
      stdio: [inputPipe?.read ?? "pipe", outputPipe?.write ?? outputFile ?? "pipe", "pipe"],
      detached: options.onTerminal !== true,
      env: { ...process.env, LC_ALL: "C", ...options.env },
    });
    for (const theirs of [inputPipe?.read, outputPipe?.write]) if (theirs !== undefined) fs.closeSync(theirs);
    this.#process.stdin?.on("error", ignore);
    this.#process.stdout?.on("error", ignore);
    this.#process.stderr?.on("data", (chunk: Buffer) => {
      options.onStderr?.(chunk);
      this.#stderr = Buffer.concat([this.#stderr, chunk]).subarray(-STDERR_TAIL_BYTES);
    });
    this.#ending = new Promise((resolve) => {
      this.#process.once("error", () => resolve());
      this.#process.once("exit", () => resolve());
    });
    this.#exit = this.#watch();
    const kill = (): void => this.kill();
    options.signal?.addEventListener("abort", kill, { once: true });
    void this.#exit.then(() => options.signal?.removeEventListener("abort", kill));
    if (options.signal?.aborted === true) this.kill();
  }

  async #watch(): Promise<Exit> {
    const [status, signal] = await new Promise<[number | null, string | null]>((resolve) => {
      this.#process.once("error", (error) => {
        if (this.#process.pid !== undefined) return;
        this.#startFailure = error;
        resolve([null, null]);
      });
      this.#process.once("close", (...end: [number | null, string | null]) => resolve(end));
    });
    this.#ended = true;
    return { status, signal, stderr: this.#stderr.toString("utf8").trimEnd() };
  }

  /** What the program prints, until it closes its stdout; whether it succeeded is for {@link wait} to say. */
  async *stdout(): AsyncIterable<Uint8Array> {
    const fd = this.#outputFd;
    this.#outputFd = undefined;
    if (fd !== undefined) return yield* readPipe(fd);
    const stdout = this.#process.stdout;
    if (stdout === null || this.#process.pid === undefined) return; // it could not be started, as wait() will say
    for await (const chunk of stdout as AsyncIterable<Buffer>) yield chunk;
  }

  /** Feeds the program, waiting until it took the chunk before this one. @returns false once it reads no more */
  async write(chunk: Uint8Array): Promise<boolean> {
    if (this.#inputFd !== undefined) return await this.#writeBehind(this.#inputFd, chunk);
    const stdin = this.#process.stdin;
    if (stdin === null || this.#ended || stdin.destroyed || stdin.errored !== null) return false;
    if (stdin.write(chunk)) return true;
    const settled = new AbortController();
    const event = async (name: string): Promise<unknown> => await once(stdin, name, { signal: settled.signal }).catch(ignore);
    await Promise.race([event("drain"), event("close"), this.#exit]);
    settled.abort(); // takes the listeners away again
    return !stdin.destroyed && stdin.errored === null;
  }

  async #writeBehind(fd: number, chunk: Uint8Array): Promise<boolean> {
    const open = await this.#writing;
    if (open) this.#writing = writePipe(fd, chunk);
    return open;
  }

  /** Tells the program that there is no more input. */
  closeInput(): void {
    this.#process.stdin?.end();
    const fd = this.#inputFd;
    this.#inputFd = undefined;
    if (fd !== undefined) void this.#writing.then(() => fs.closeSync(fd));
  }

  /** Waits for the end of the program alone, its output discarded. @throws ToolError not-found if the program could not be started */
  async waitForProgram(): Promise<Exit> {
    this.#process.stdout?.resume();
    await this.#ending;
    const grace = new Promise((resolve) => setTimeout(resolve, OUTPUT_GRACE_MS));
    await Promise.race([this.#exit, grace]); // for what it said last
    this.#process.stdout?.destroy();
    this.#process.stderr?.destroy();
    return await this.wait();
  }

  /** Waits for the end. @throws ToolError not-found if the program could not be started */
  async wait(): Promise<Exit> {
    const exit = await this.#exit;
    if (this.#startFailure === undefined) return exit;
    const program = this.argv[0] ?? "";
    const missing = (this.#startFailure as NodeJS.ErrnoException).code === "ENOENT";
    const reason = missing ? "no such program" : this.#startFailure.message;
    throw new ToolError(missing ? "not-found" : "failed", `Cannot run "${program}": ${reason}`, {
      hints: missing && !program.includes("/") ? [`It was looked for in ${searchedDirectories().join(", ")}`] : [],
      facts: { argv: this.argv },
    });
  }

  /** Asks the program to end, and makes it end 5 seconds later. */
  kill(): void {
    if (this.#ended) return;
    this.#process.kill("SIGTERM");
    const harder = setTimeout(() => this.#process.kill("SIGKILL"), KILL_DELAY_MS);
    void this.#exit.then(() => clearTimeout(harder));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#ended) this.kill();
    this.closeInput();
    if (this.#outputFd !== undefined) fs.closeSync(this.#outputFd);
    this.#outputFd = undefined;
    this.#process.stdin?.destroy();
    this.#process.stdout?.destroy();
    await this.#exit;
  }
}

/** Says how a child ended: "exit status 1" or "signal SIGKILL". */
export function describeExit(exit: Exit): string {
  return exit.signal === null ? `exit status ${exit.status}` : `signal ${exit.signal}`;
}

function ignore(): void {}
