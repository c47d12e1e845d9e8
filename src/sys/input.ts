/**
 * An input: a regular file, which can be read anywhere, or whatever else a path or stdin is (pipe, FIFO, tape), which is read in one pass.
 *
 * A little of a file, such as a header, is read on the spot: handing it to a thread and waiting for that takes several times as long, and an
 * archive that came through a pipe has thousands of headers. Every few of them one goes to a thread after all, so that signals are heard.
 */
import * as fs from "node:fs";
import { promisify } from "node:util";
import { ToolError } from "../errors.ts";
import { raceAbort, systemReason } from "./failure.ts";
import { readFdInfo } from "./fd-info.ts";
import { widenPipe } from "./pipe.ts";

const readFd = promisify(fs.read) as (
  fd: number,
  buffer: Uint8Array,
  offset: number,
  length: number,
  position: number | null,
) => Promise<{ bytesRead: number }>;
const fstat = promisify(fs.fstat);

/** What counts as a little, in bytes. */
const LITTLE_BYTES = 64 * 1024;
/** How many reads of a little there may be without hearing signals. */
const LITTLE_READS = 64;

/** Options of inputs. */
export interface InputOptions {
  readonly signal?: AbortSignal | undefined;
  /** Counts what is read; not what is stepped over by seeking. */
  readonly counter?: Counter | undefined;
}

/** Counts bytes. */
export interface Counter {
  bytes: number;
}

/** An open input; satisfies the stream room's `ByteSource`, a regular file its `SeekableSource`. Closing is the opener's job (`await using`). */
export class Input implements AsyncDisposable {
  /** What messages call it: the path, or "standard input". */
  readonly name: string;
  readonly size: number | undefined;
  readonly #fd: number;
  readonly #signal: AbortSignal | undefined;
  readonly #start: number;
  readonly #counter: Counter | undefined;
  #offset = 0;
  #littleReads = 0;

  constructor(options: InputOptions & { name: string; fd: number; size: number | undefined; start?: number }) {
    this.name = options.name;
    this.#fd = options.fd;
    this.size = options.size;
    this.#start = options.start ?? 0;
    this.#signal = options.signal;
    this.#counter = options.counter;
  }

  get offset(): number {
    return this.#offset;
  }

  /** Next bytes, 1 to `maxBytes`, or undefined at the end. @throws ToolError failed on a read error; the abort reason */
  async read(maxBytes: number): Promise<Uint8Array | undefined> {
    this.#signal?.throwIfAborted();
    const buffer = Buffer.allocUnsafeSlow(maxBytes);
    const position = this.size === undefined ? null : this.#start + this.#offset;
    try {
      const bytesRead = this.#readsOnTheSpot(maxBytes)
        ? fs.readSync(this.#fd, buffer, 0, maxBytes, position)
        : (await raceAbort(readFd(this.#fd, buffer, 0, maxBytes, position), this.#signal)).bytesRead;
      if (bytesRead === 0) return undefined;
      this.#offset += bytesRead;
      if (this.#counter !== undefined) this.#counter.bytes += bytesRead;
      return bytesRead === maxBytes ? buffer : buffer.subarray(0, bytesRead);
    } catch (error) {
      throw error instanceof ToolError ? error : new ToolError("failed", `Cannot read "${this.name}": ${systemReason(error)}`);
    }
  }

  /** Steps over bytes, by seeking in a regular file. @returns how many there were, at most `count` */
  async skip(count: number): Promise<number> {
    if (this.size !== undefined) {
      const step = Math.max(0, Math.min(count, this.size - this.#offset));
      this.#offset += step;
      return step;
    }
    let skipped = 0;
    while (skipped < count) {
      const chunk = await this.read(Math.min(count - skipped, 1024 * 1024));
      if (chunk === undefined) break;
      skipped += chunk.length;
    }
    return skipped;
  }

  /** Goes to a byte of a regular file, counted from where reading began. */
  seek(offset: number): void {
    if (this.size === undefined) throw new TypeError(`"${this.name}" can only be read in one pass`);
    this.#offset = offset;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#fd !== 0) await promisify(fs.close)(this.#fd);
  }

  #readsOnTheSpot(bytes: number): boolean {
    if (this.size === undefined || bytes > LITTLE_BYTES) return false;
    this.#littleReads = (this.#littleReads + 1) % LITTLE_READS;
    return this.#littleReads > 0;
  }
}

/**
 * Opens a path, or stdin for `-`.
 *
 * @throws ToolError not-found, failed (no permission, a directory), usage (stdin is a terminal)
 */
export async function openInput(path: string, options: InputOptions = {}): Promise<Input> {
  if (path === "-") return stdin(options);
  try {
    const fd = await promisify(fs.open)(path, "r");
    const stat = await fstat(fd);
    if (stat.isDirectory()) {
      await promisify(fs.close)(fd);
      throw new ToolError("failed", `Cannot read "${path}": it is a directory`);
    }
    return new Input({ name: path, fd, size: stat.isFile() ? stat.size : undefined, ...options });
  } catch (error) {
    if (error instanceof ToolError) throw error;
    const missing = (error as NodeJS.ErrnoException).code === "ENOENT";
    throw new ToolError(missing ? "not-found" : "failed", `Cannot read "${path}": ${systemReason(error)}`, { facts: { path } });
  }
}

async function stdin(options: InputOptions): Promise<Input> {
  const name = "standard input";
  const stat = await fstat(0).catch((error: unknown) => {
    throw new ToolError("failed", `Cannot read ${name}: ${systemReason(error)}`);
  });
  if (stat.isCharacterDevice() && process.stdin.isTTY) {
    throw new ToolError("usage", `Cannot read an archive from the terminal`, {
      hints: ["Name an archive, or pipe one in: ctar import - < archive.tar"],
    });
  }
  if (stat.isFIFO()) await widenPipe(0);
  const start = stat.isFile() ? readFdInfo(0)?.position : undefined;
  if (start === undefined) return new Input({ name, fd: 0, size: undefined, ...options });
  return new Input({ name, fd: 0, size: Math.max(0, stat.size - start), start, ...options });
}
