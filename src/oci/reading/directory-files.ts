/** The files of an image layout that is a directory. Symbolic links in it are refused, as they may lead anywhere. */
import * as path from "node:path";
import type { ByteStream } from "../../stream/bytes.ts";
import { readRange } from "../../stream/read-range.ts";
import { listNames } from "../../sys/files.ts";
import type { InputOptions } from "../../sys/input.ts";
import { openPlainFile, sizeOfPlainFile } from "../../sys/plain-file.ts";
import type { StoredFile, StoredFiles } from "./files.ts";

const BLOBS = "blobs";

/** Files below a directory. */
export class DirectoryFiles implements StoredFiles {
  readonly #directory: string;
  readonly #options: InputOptions;

  constructor(directory: string, options: InputOptions) {
    this.#directory = directory;
    this.#options = options;
  }

  get paths(): Iterable<string> {
    const directories = listNames(path.join(this.#directory, BLOBS)).map((algorithm) => `${BLOBS}/${algorithm}`);
    return directories.flatMap((directory) => listNames(path.join(this.#directory, directory)).map((name) => `${directory}/${name}`));
  }

  find(name: string): StoredFile | undefined {
    const size = sizeOfPlainFile(this.#directory, name);
    return size === undefined ? undefined : { path: name, size, open: (maxBytes = size) => this.#read(name, Math.min(size, maxBytes)) };
  }

  follow(name: string): StoredFile | undefined {
    return this.find(name);
  }

  async *#read(name: string, size: number): ByteStream {
    await using input = openPlainFile(this.#directory, name, this.#options);
    yield* readRange(input, { offset: 0, size }, input.name);
  }
}
