/** Outputs that an archive is written to: a file (see new-file.ts), or a descriptor that is already open (stdout, a FIFO, a tape). */
import * as fs from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { ToolError } from "../errors.ts";
import { raceAbort, systemCode, systemReason } from "./failure.ts";
import { openCLibrary } from "./ffi.ts";
import { isStdoutClosed, readFdInfo } from "./fd-info.ts";
import { widenPipe } from "./pipe.ts";
import { writeSome } from "./write.ts";

const fsync = promisify(fs.fsync);
const SEEK_SET = 0;
const FOLLOW_BYTES = 1024 * 1024;
/** How long to wait for the next bytes of another process: some MiB of a fast one. */
const FOLLOW_MS = 2;

/** An open output; satisfies the stream room's `ByteSink`. */
export class Output {
  /** What messages call it: the path, or "standard output". */
  readonly name: string;
  /** True where bytes already written can be replaced: a regular file not opened for appending. */
  readonly patchable: boolean;
  /** Its descriptor. */
  readonly fd: number;
  readonly #start: number;
  readonly #signal: AbortSignal | undefined;
  #offset = 0;
  #writing: Promise<void> = Promise.resolve();

  constructor(options: { name: string; fd: number; patchable: boolean; start?: number; signal: AbortSignal | undefined }) {
    this.name = options.name;
    this.patchable = options.patchable;
    this.fd = options.fd;
    this.#start = options.start ?? 0;
    this.#signal = options.signal;
  }

  /** Bytes written so far. */
  get offset(): number {
    return this.#offset;
  }

  /** Writes chunks one behind the other, once those before are out. @throws ToolError failed (ENOSPC, reader gone), maybe of what was written before; the abort reason */
  async write(chunks: readonly Uint8Array[]): Promise<void> {
    await this.#writing;
    this.#writing = this.#writeAll(chunks);
    this.#writing.catch(() => undefined); // whoever comes next is told
    for (const { length } of chunks) this.#offset += length;
  }

  /** Waits until everything is out. @throws ToolError as {@link write} does */
  async flush(): Promise<void> {
    await this.#writing;
  }

  async #writeAll(chunks: readonly Uint8Array[]): Promise<void> {
    for (const chunk of chunks) {
      let done = 0;
      while (done < chunk.length) done += await this.#attempt(chunk, done, null);
    }
  }

  /** Replaces bytes written before, `at` counted from the first byte written here. */
  async patch(at: number, bytes: Uint8Array): Promise<void> {
    if (!this.patchable) throw new TypeError("this output cannot be patched");
    let done = 0;
    while (done < bytes.length) done += await this.#attempt(bytes, done, this.#start + at + done);
  }

  /** Itself, where a child process can be let write on: not under Deno, whose descriptors are its own. */
  get shared(): this | undefined {
    return this.patchable && !("Deno" in globalThis) ? this : undefined;
  }

  /** What another process writes behind our last byte, as it appears, until `written` settles. */
  async *follow(written: Promise<unknown>): AsyncIterable<Uint8Array> {
    let ended = false;
    const end = (): void => void (ended = true);
    written.then(end, end);
    // stdout may be open for writing only
    await using reader = await fs.promises.open(`/proc/self/fd/${this.fd}`, "r");
    for (let at = this.#start + this.#offset; ;) {
      const wasEnded = ended;
      const { bytesRead, buffer } = await reader.read(Buffer.allocUnsafeSlow(FOLLOW_BYTES), 0, FOLLOW_BYTES, at);
      at += bytesRead;
      if (bytesRead > 0) yield buffer.subarray(0, bytesRead);
      else if (wasEnded) return void (await written);
      if (bytesRead < FOLLOW_BYTES && !wasEnded) await sleep(FOLLOW_MS);
    }
  }

  /** Bytes that another process has written behind ours. */
  get ahead(): number {
    const position = readFdInfo(this.fd)?.position;
    if (position === undefined) throw new TypeError("/proc was there before");
    return position - this.#start - this.#offset;
  }

  /** Takes what another process wrote for written here. @returns how many bytes */
  takeOver(): number {
    const bytes = this.ahead;
    this.#offset += bytes;
    return bytes;
  }

  /** Writes something, for the reason why another process could not. @throws ToolError failed if it cannot be done */
  async assertRoom(): Promise<void> {
    await this.write([new Uint8Array(FOLLOW_BYTES)]);
    await this.flush();
  }

  /** Drops everything from an offset on. */
  async truncate(offset: number): Promise<void> {
    const { functions } = await openCLibrary({ lseek: { args: ["i32", "i64", "i32"], result: "i64" } });
    fs.ftruncateSync(this.fd, this.#start + offset);
    functions.lseek(this.fd, this.#start + offset, SEEK_SET);
    this.#offset = offset;
  }

  /** Makes what was written survive a power cut. */
  async sync(): Promise<void> {
    await this.#writing;
    await fsync(this.fd).catch((error: unknown) => {
      throw this.#failure(error);
    });
  }

  async #attempt(chunk: Uint8Array, from: number, position: number | null): Promise<number> {
    try {
      return await raceAbort(writeSome(this.fd, chunk.subarray(from), position), this.#signal);
    } catch (error) {
      if (systemCode(error) !== "EAGAIN") throw this.#signal?.aborted === true ? this.#signal.reason : this.#failure(error);
      await new Promise((resolve) => setTimeout(resolve, 5)); // somebody made the pipe non-blocking; there is no poll(2) to wait with
      return 0;
    }
  }

  #failure(error: unknown): ToolError {
    const code = systemCode(error);
    const reason = code === "EPIPE" ? "the reader closed the pipe" : systemReason(error);
    return new ToolError("failed", `Cannot write to "${this.name}": ${reason}`, { facts: { path: this.name, errno: code } });
  }
}

/** Opens stdout for an archive. @throws ToolError usage when it is a terminal, failed when it is closed */
export async function openStdout(signal?: AbortSignal): Promise<Output> {
  const name = "standard output";
  if (isStdoutClosed()) throw new ToolError("failed", `Cannot write to "${name}": it is closed`);
  const stat = fs.fstatSync(1);
  if (stat.isCharacterDevice() && process.stdout.isTTY) {
    throw new ToolError("usage", "Cannot write an archive to the terminal", {
      hints: ["Name a file, or redirect: ctar export web01 - > web01.tar"],
    });
  }
  if (stat.isFIFO()) await widenPipe(1);
  const info = stat.isFile() ? readFdInfo(1) : undefined;
  return new Output({ name, fd: 1, patchable: info?.append === false, start: info?.position ?? 0, signal });
}

/** Opens a FIFO, tape or other thing that exists and is no regular file, to be written as a pipe is; undefined for what {@link createFile} makes. */
export function openSpecialFile(target: string, signal?: AbortSignal): Output | undefined {
  const stat = fs.statSync(target, { throwIfNoEntry: false });
  if (stat === undefined || stat.isFile()) return undefined;
  if (stat.isDirectory()) throw new ToolError("failed", `Cannot write "${target}": it is a directory`);
  return new Output({ name: target, fd: fs.openSync(target, "w"), patchable: false, signal });
}
