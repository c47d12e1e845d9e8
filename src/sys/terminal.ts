/**
 * Lines to stdout and stderr.
 *
 * Text is gathered while a write is under way and goes out with the next one. The descriptors are written through `node:fs`, never through
 * `process.stdout`, which would switch a pipe to non-blocking mode under the feet of everybody else who writes to it.
 */
import { write } from "node:fs";
import { isatty } from "node:tty";
import { setTimeout as sleep } from "node:timers/promises";
import { ToolError } from "../errors.ts";
import { raceAbort, systemCode, systemReason } from "./failure.ts";

/** Characters that may wait in memory before {@link TextOutput.write} makes its caller wait. */
const PENDING_LIMIT = 64 * 1024;
/** How long to wait for a non-blocking descriptor that is full. */
const RETRY_MS = 10;

/** The standard streams. */
export type StandardStream = "stdin" | "stdout" | "stderr";

const DESCRIPTORS: Readonly<Record<StandardStream, number>> = { stdin: 0, stdout: 1, stderr: 2 };

/** Whether a standard stream is a terminal. */
export function isTerminal(stream: StandardStream): boolean {
  return isatty(DESCRIPTORS[stream]);
}

/** Whoever read our output has gone; not worth a message (`ctar list | head -1`). */
export class ReaderGone extends ToolError {
  constructor(stream: string) {
    super("failed", `Cannot write to ${stream}: nobody reads it any more`);
  }
}

/** A text output over a file descriptor. */
export class TextOutput {
  readonly #stream: StandardStream;
  #pending = "";
  #writing: Promise<void> | undefined;
  #failure: ToolError | undefined;

  constructor(stream: "stdout" | "stderr") {
    this.#stream = stream;
  }

  /** Takes text; returns at once while little is waiting, else when all is written. @throws ToolError if this or an earlier write failed */
  async write(text: string, signal?: AbortSignal): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    this.#pending += text;
    this.#writing ??= this.#drain();
    if (this.#pending.length >= PENDING_LIMIT) await this.flush(signal);
  }

  /** Waits until everything is written. @throws ToolError if it cannot be, or the reason of an abort */
  async flush(signal?: AbortSignal): Promise<void> {
    if (this.#writing !== undefined) await raceAbort(this.#writing, signal);
    if (this.#failure !== undefined) throw this.#failure;
  }

  async #drain(): Promise<void> {
    try {
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

async function writeAll(descriptor: number, bytes: Uint8Array): Promise<void> {
  let rest = bytes;
  while (rest.length > 0) {
    const written = await writeSome(descriptor, rest);
    if (written === 0) await sleep(RETRY_MS);
    rest = rest.subarray(written);
  }
}

function writeSome(descriptor: number, bytes: Uint8Array): Promise<number> {
  return new Promise((resolve, reject) => {
    write(descriptor, bytes, (error, written) => {
      if (error === null) resolve(written);
      else if (error.code === "EAGAIN") resolve(0);
      else reject(error);
    });
  });
}

function describeFailure(stream: string, error: unknown): ToolError {
  if (systemCode(error) === "EPIPE") return new ReaderGone(stream);
  return new ToolError("failed", `Cannot write to ${stream}: ${systemReason(error)}`);
}
