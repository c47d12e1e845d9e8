/**
 * What passes once, kept in a file to be read anywhere afterwards. The file has no name as soon as it is open, so that its space is free again when
 * we end, however that happens.
 */
import * as fs from "node:fs";
import * as path from "node:path";
import { randomBytes } from "node:crypto";
import { ToolError } from "../errors.ts";
import { systemReason } from "./failure.ts";
import { Input, type Counter } from "./input.ts";
import { Output } from "./output.ts";

const MODE = 0o600;

/** A file for any number of streams, one behind the other. Disposing closes it. */
export class Spool implements Disposable {
  readonly #directory: () => string;
  readonly #signal: AbortSignal;
  readonly #counter: Counter | undefined;
  #output: Output | undefined;

  /**
   * @param directory gives the directory for the file, asked for when there is something to keep
   * @param counter counts what is read of it
   */
  constructor(directory: () => string, signal: AbortSignal, counter?: Counter) {
    this.#directory = directory;
    this.#signal = signal;
    this.#counter = counter;
  }

  /** Keeps a stream to its end. @throws ToolError failed if there is no room; what the stream threw */
  async keep(bytes: AsyncIterable<Uint8Array>): Promise<SpooledStream> {
    const start = this.#output?.offset ?? 0;
    for await (const chunk of bytes) await (this.#output ??= this.#open()).write([chunk]);
    await this.#output?.flush();
    const { fd = -1, name = "", offset: end = 0 } = this.#output ?? {};
    const options = { signal: this.#signal, counter: this.#counter };
    return new SpooledStream(new Input({ name, fd, start, size: end - start, ...options }), end - start);
  }

  [Symbol.dispose](): void {
    if (this.#output !== undefined) fs.closeSync(this.#output.fd);
    this.#output = undefined;
  }

  #open(): Output {
    const name = this.#directory();
    const file = path.join(name, `.ctar-${randomBytes(3).toString("hex")}`);
    try {
      const fd = fs.openSync(file, "wx+", MODE);
      fs.unlinkSync(file);
      return new Output({ name, fd, patchable: false, signal: this.#signal });
    } catch (error) {
      throw new ToolError("failed", `Cannot create a file in "${name}": ${systemReason(error)}`, { facts: { path: name } });
    }
  }
}

/** One of the streams; satisfies the stream room's `SeekableSource`. */
export class SpooledStream {
  readonly size: number;
  readonly #input: Input;

  constructor(input: Input, size: number) {
    this.#input = input;
    this.size = size;
  }

  get offset(): number {
    return this.#input.offset;
  }

  seek(offset: number): void {
    this.#input.seek(offset);
  }

  /** Next bytes, none of the stream behind this one. */
  async read(maxBytes: number): Promise<Uint8Array | undefined> {
    const left = this.size - this.offset;
    return left <= 0 ? undefined : await this.#input.read(Math.min(maxBytes, left));
  }

  async skip(count: number): Promise<number> {
    return await this.#input.skip(count);
  }
}
