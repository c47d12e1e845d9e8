/**
 * Lines to stdout and stderr.
 *
 * Text is gathered while a write is under way and goes out with the next one. The descriptors are written through `node:fs`, never through
 * `process.stdout`, which would switch a pipe to non-blocking mode under the feet of everybody else who writes to it.
 */
import { isatty } from "node:tty";
import { setTimeout as sleep } from "node:timers/promises";
import { ToolError } from "../errors.ts";
import { isStdoutClosed } from "./fd-info.ts";
import { raceAbort, systemCode, systemReason } from "./failure.ts";
import { openCLibrary } from "./ffi.ts";
import { writeSome } from "./write.ts";

/** Characters that may wait in memory before {@link TextOutput.write} makes its caller wait. */
const PENDING_LIMIT = 64 * 1024;
/** How long to wait for a non-blocking descriptor that is full. */
const RETRY_MS = 10;
/** Asks for the size of a terminal (ioctl_tty(2)). */
const TIOCGWINSZ = 0x5413;
const DEFAULT_COLUMNS = 80;

/** The standard streams. */
export type StandardStream = "stdin" | "stdout" | "stderr";

const DESCRIPTORS: Readonly<Record<StandardStream, number>> = { stdin: 0, stdout: 1, stderr: 2 };

/** Whether a standard stream is a terminal. */
export function isTerminal(stream: StandardStream): boolean {
  return isatty(DESCRIPTORS[stream]);
}

/** Tells how wide the terminal on stderr is, in columns, at each call; 80 if it does not say. */
export async function openWidth(): Promise<() => number> {
  const library = await openCLibrary({ ioctl: { args: ["i32", "u64", "bytes"], result: "i32" } }).catch(() => undefined);
  const size = new Uint16Array(4); // struct winsize: rows, columns, and the same in pixels
  return () => {
    const isTold = library?.functions.ioctl(DESCRIPTORS.stderr, TIOCGWINSZ, new Uint8Array(size.buffer)) === 0;
    return (isTold && size[1]) || DEFAULT_COLUMNS;
  };
}

/** Whoever read our output has gone; not worth a message (`ctar list | head -1`). */
export class ReaderGone extends ToolError {
  constructor(stream: string) {
    super("failed", `Cannot write to ${stream}: nobody reads it any more`);
  }
}

/** A line on a terminal, of ASCII characters and dots, shorter than that is wide. */
export interface KeptLine {
  readonly text: string;
  /** How many columns the terminal has now. */
  readonly width: () => number;
}

/** A text output over a file descriptor; on a terminal, one line can be kept below all that is written. */
export class TextOutput {
  readonly #stream: "stdout" | "stderr";
  #pending = "";
  #writing: Promise<void> | undefined;
  #failure: ToolError | undefined;
  #kept: KeptLine | undefined;

  constructor(stream: "stdout" | "stderr") {
    this.#stream = stream;
  }

  /** Takes text; returns at once while little is waiting, else when all is written. @throws ToolError if this or an earlier write failed */
  async write(text: string, signal?: AbortSignal): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    this.#pending += this.#kept === undefined ? text : `${erase(this.#kept)}${text}${unbroken(this.#kept)}`;
    this.#writing ??= this.#drain();
    if (this.#pending.length >= PENDING_LIMIT) await this.flush(signal);
  }

  /** Keeps a line below all that is written from now on, in place of the one before. A terminal that is busy is not given more to draw. */
  keepLine(line: KeptLine | undefined): void {
    const isBusy = line !== undefined && this.#pending !== "";
    if (this.#failure !== undefined || isBusy || line?.text === this.#kept?.text) return;
    this.#pending += `${this.#kept === undefined ? "" : erase(this.#kept)}${line === undefined ? "" : unbroken(line)}`;
    this.#kept = line;
    this.#writing ??= this.#drain();
  }

  /** Waits until everything is written. @throws ToolError if it cannot be, or the reason of an abort */
  async flush(signal?: AbortSignal): Promise<void> {
    if (this.#writing !== undefined) await raceAbort(this.#writing, signal);
    if (this.#failure !== undefined) throw this.#failure;
  }

  async #drain(): Promise<void> {
    try {
      if (this.#stream === "stdout" && isStdoutClosed()) throw new Error("it is closed");
      while (this.#pending !== "") {
        const bytes = Buffer.from(this.#pending);
        this.#pending = "";
        await writeAll(DESCRIPTORS[this.#stream], bytes);
      }
    } catch (error) {
      this.#pending = "";
      this.#failure = describeFailure(this.#stream, error);
    } finally {
      this.#writing = undefined;
    }
  }
}

/** A line that the terminal cuts off if it is narrower than we have been told, as it may be for a moment (DECAWM). */
function unbroken({ text }: KeptLine): string {
  return `\u001b[?7l${text}\u001b[?7h`;
}

/** Erases a line, also where the terminal has become narrower since and has broken it. */
function erase({ text, width }: KeptLine): string {
  const rowsAbove = Math.ceil(text.length / width()) - 1;
  return `\r\u001b[K${"\u001b[A\u001b[K".repeat(rowsAbove)}`;
}

async function writeAll(descriptor: number, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    try {
      done += await writeSome(descriptor, bytes.subarray(done));
    } catch (error) {
      if (systemCode(error) !== "EAGAIN") throw error;
      await sleep(RETRY_MS);
    }
  }
}

function describeFailure(stream: string, error: unknown): ToolError {
  if (systemCode(error) === "EPIPE") return new ReaderGone(stream);
  return new ToolError("failed", `Cannot write to ${stream}: ${systemReason(error)}`);
}
