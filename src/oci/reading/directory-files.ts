/** The files of an image layout that is a directory. Symbolic links in it are refused, as they may lead anywhere. */
import type { ByteStream } from "../../stream/bytes.ts";
import { readRange } from "../../stream/read-range.ts";
import { openPlainFile, sizeOfPlainFile } from "../../sys/plain-file.ts";
import type { StoredFile, StoredFiles } from "./files.ts";

/** Files below a directory. */
export class DirectoryFiles implements StoredFiles {
  readonly paths: Iterable<string> = [];
  readonly #directory: string;
  readonly #signal: AbortSignal | undefined;

  constructor(directory: string, signal: AbortSignal | undefined) {
    this.#directory = directory;
    this.#signal = signal;
  }

  find(path: string): StoredFile | undefined {
    const size = sizeOfPlainFile(this.#directory, path);
    return size === undefined ? undefined : { path, size, open: (maxBytes = size) => this.#read(path, Math.min(size, maxBytes)) };
  }

  follow(path: string): StoredFile | undefined {
    return this.find(path);
  }

  async *#read(path: string, size: number): ByteStream {
    await using input = openPlainFile(this.#directory, path, this.#signal);
    yield* readRange(input, { offset: 0, size }, input.name);
  }
}
