/**
 * The name that an entry goes to. What has the name so far is removed, never opened or written through; what was made there is held by a
 * descriptor, so that its owner and mode are not given to something else that was put in its place.
 */
import { damaged, ToolError } from "../errors.ts";
import { displayName } from "../stream/tar/display-name.ts";
import { LibcError, type Libc } from "../sys/libc.ts";
import { AT_REMOVEDIR, O_PATH, S_IFMT } from "../sys/linux.ts";
import { HERE } from "./directory-cursor.ts";
import type { DirectoryStack } from "./directory-stack.ts";
import type { FileEntry } from "./selected-entries.ts";

/** A name in the directory that the stack is in. */
export class Place {
  readonly #libc: Libc;
  readonly #stack: DirectoryStack;
  readonly entry: FileEntry;
  readonly name: Uint8Array;

  constructor(libc: Libc, stack: DirectoryStack, { entry, name }: { entry: FileEntry; name: Uint8Array }) {
    this.#libc = libc;
    this.#stack = stack;
    this.entry = entry;
    this.name = name;
  }

  /** Makes something of that name, which must fail if the name is taken. @throws ToolError damaged if there is a directory with files in it, LibcError */
  make<T>(make: (dirFd: number, name: Uint8Array) => T): T {
    try {
      return make(this.#stack.fd, this.name);
    } catch (error) {
      if (!(error instanceof LibcError) || error.code !== "EEXIST") throw error;
    }
    if (this.#stack.isDirectory(this.name)) this.#removeDirectory();
    else this.#libc.unlink(this.#stack.fd, this.name);
    return make(this.#stack.fd, this.name);
  }

  /** Does something with what was made. @param type that it must have @throws ToolError failed if something else is there, LibcError */
  withMade(type: number, use: (fd: number) => void): void {
    const fd = this.#libc.open(this.#stack.fd, this.name, O_PATH);
    try {
      if ((this.#libc.status(fd, HERE).mode & S_IFMT) !== type)
        throw new ToolError("failed", `Cannot extract "${displayName(this.entry.name)}": something else took its place meanwhile`);
      use(fd);
    } finally {
      this.#libc.close(fd);
    }
  }

  #removeDirectory(): void {
    try {
      this.#libc.unlink(this.#stack.fd, this.name, AT_REMOVEDIR);
    } catch (error) {
      if (!(error instanceof LibcError) || error.code !== "ENOTEMPTY") throw error;
      throw damaged(`Cannot extract "${displayName(this.entry.name)}": it is a directory with files in it`, {
        offset: this.entry.headerOffset,
      });
    }
  }
}
