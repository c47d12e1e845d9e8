/**
 * Outputs that an archive is written to: a new file that gets its name only when it is complete, or a descriptor that is already open
 * (stdout, a FIFO, a tape).
 */
import * as fs from "node:fs";
import * as path from "node:path";
import { randomBytes } from "node:crypto";
import { promisify } from "node:util";
import { ToolError } from "../errors.ts";
import { raceAbort, systemCode, systemReason } from "./failure.ts";
import { readFdInfo } from "./fd-info.ts";

const close = promisify(fs.close);
const fsync = promisify(fs.fsync);

/** An open output; satisfies the stream room's `ByteSink`. */
export class Output {
  /** What messages call it: the path, or "standard output". */
  readonly name: string;
  /** True where bytes already written can be replaced: a regular file not opened for appending. */
  readonly patchable: boolean;
  readonly #fd: number;
  readonly #start: number;
  readonly #signal: AbortSignal | undefined;
  #offset = 0;

  constructor(options: { name: string; fd: number; patchable: boolean; start?: number; signal: AbortSignal | undefined }) {
    this.name = options.name;
    this.patchable = options.patchable;
    this.#fd = options.fd;
    this.#start = options.start ?? 0;
    this.#signal = options.signal;
  }

  /** Bytes written so far. */
  get offset(): number {
    return this.#offset;
  }

  /** Writes chunks one behind the other. @throws ToolError failed (ENOSPC, reader gone); the abort reason */
  async write(chunks: readonly Uint8Array[]): Promise<void> {
    for (const chunk of chunks) {
      let done = 0;
      while (done < chunk.length) done += await this.#attempt(chunk, done, null);
      this.#offset += chunk.length;
    }
  }

  /** Replaces bytes written before, `at` counted from the first byte written here. */
  async patch(at: number, bytes: Uint8Array): Promise<void> {
    if (!this.patchable) throw new TypeError("this output cannot be patched");
    let done = 0;
    while (done < bytes.length) done += await this.#attempt(bytes, done, this.#start + at + done);
  }

  /** Makes what was written survive a power cut. */
  async sync(): Promise<void> {
    await fsync(this.#fd).catch((error: unknown) => {
      throw this.#failure(error);
    });
  }

  async #attempt(chunk: Uint8Array, from: number, position: number | null): Promise<number> {
    const written = new Promise<number>((resolve, reject) => {
      fs.write(this.#fd, chunk, from, chunk.length - from, position, (error, count) => (error === null ? resolve(count) : reject(error)));
    });
    try {
      return await raceAbort(written, this.#signal);
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

/** Opens stdout for an archive. @throws ToolError usage when it is a terminal */
export function openStdout(signal?: AbortSignal): Output {
  const name = "standard output";
  const stat = fs.fstatSync(1);
  if (stat.isCharacterDevice() && process.stdout.isTTY) {
    throw new ToolError("usage", "Cannot write an archive to the terminal", {
      hints: ["Name a file, or redirect: ctar export web01 - > web01.tar"],
    });
  }
  const info = stat.isFile() ? readFdInfo(1) : undefined;
  return new Output({ name, fd: 1, patchable: info?.append === false, start: info?.position ?? 0, signal });
}

/** A file under construction. Unless published, disposing removes it. */
export class NewFile implements AsyncDisposable {
  readonly output: Output;
  readonly #path: string;
  readonly #temporaryPath: string;
  readonly #fd: number;
  readonly #force: boolean;
  #open = true;

  constructor(options: { path: string; temporaryPath: string; fd: number; force: boolean; signal: AbortSignal | undefined }) {
    this.#path = options.path;
    this.#temporaryPath = options.temporaryPath;
    this.#fd = options.fd;
    this.#force = options.force;
    this.output = new Output({ name: options.path, fd: options.fd, patchable: true, signal: options.signal });
  }

  /** Gives the file its name, after fsync. @throws ToolError exists if somebody else took the name meanwhile */
  async publish(): Promise<void> {
    await this.output.sync();
    await close(this.#fd);
    this.#open = false;
    if (this.#force) fs.renameSync(this.#temporaryPath, this.#path);
    else publishNew(this.#temporaryPath, this.#path);
    syncDirectory(path.dirname(this.#path));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#open) return;
    await close(this.#fd);
    fs.rmSync(this.#temporaryPath, { force: true });
  }
}

/** The name under which a file at `target` is built; beside it, hidden, and matched by no `*.yml`. */
export function temporaryName(target: string): string {
  return path.join(path.dirname(target), `.${path.basename(target)}.ctar-${randomBytes(3).toString("hex")}`);
}

/** Whether a file's name is one that {@link temporaryName} makes. */
export function isTemporaryName(name: string): boolean {
  return /^\..+\.ctar-[0-9a-f]{6}$/.test(name);
}

/**
 * Begins a new file at `target` under the temporary name.
 *
 * @throws ToolError exists (and not `force`), not-found (no such directory), failed
 */
export function createFile(
  target: string,
  options: { temporaryPath: string; force?: boolean; mode?: number; signal?: AbortSignal | undefined },
): NewFile {
  const force = options.force ?? false;
  if (!force && fs.lstatSync(target, { throwIfNoEntry: false }) !== undefined) throw fileExists(target);
  try {
    const fd = fs.openSync(options.temporaryPath, "wx", options.mode ?? 0o666);
    return new NewFile({ path: target, temporaryPath: options.temporaryPath, fd, force, signal: options.signal });
  } catch (error) {
    throw new ToolError(systemCode(error) === "ENOENT" ? "not-found" : "failed", `Cannot create "${target}": ${systemReason(error)}`);
  }
}

/** Opens a FIFO, tape or other thing that exists and is no regular file, to be written as a pipe is; undefined for what {@link createFile} makes. */
export function openSpecialFile(target: string, signal?: AbortSignal): Output | undefined {
  const stat = fs.statSync(target, { throwIfNoEntry: false });
  if (stat === undefined || stat.isFile()) return undefined;
  if (stat.isDirectory()) throw new ToolError("failed", `Cannot write "${target}": it is a directory`);
  return new Output({ name: target, fd: fs.openSync(target, "w"), patchable: false, signal });
}

/** Gives a finished temporary file its name, which nobody may have: link(2) refuses an existing one where rename(2) would replace it. */
export function publishNew(temporaryPath: string, target: string): void {
  try {
    fs.linkSync(temporaryPath, target);
  } catch (error) {
    const code = systemCode(error);
    if (code === "EEXIST") throw fileExists(target);
    if (code !== "EPERM" && code !== "ENOTSUP" && code !== "EOPNOTSUPP" && code !== "EMLINK") throw error;
    if (fs.lstatSync(target, { throwIfNoEntry: false }) !== undefined) throw fileExists(target);
    fs.renameSync(temporaryPath, target); // a file system without hard links
    return;
  }
  fs.rmSync(temporaryPath);
}

/** Makes new and removed names in a directory survive a power cut. */
export function syncDirectory(directory: string): void {
  const fd = fs.openSync(directory, "r");
  try {
    fs.fsyncSync(fd);
  } catch {
    // some file systems cannot sync a directory; the file itself is synced
  } finally {
    fs.closeSync(fd);
  }
}

function fileExists(target: string): ToolError {
  return new ToolError("exists", `Cannot create "${target}": file exists`, {
    hints: ["Use --force to replace it"],
    facts: { path: target },
  });
}
