/**
 * Names that are taken in a directory with files in it, which an extraction must leave alone: a name that is there, unless it is a directory and
 * is to be one; and all below a name that is there and is no directory.
 */
import { LibcError, type Libc } from "../sys/libc.ts";
import { AT_FDCWD, O_DIRECTORY, O_PATH, O_RDONLY, S_IFDIR, S_IFMT } from "../sys/linux.ts";

/** Looks names up below a directory, following no links. */
export class TakenNames {
  readonly #libc: Libc;
  readonly #rootFd: number;
  /** The directory that was looked into last, held open. */
  #last: { path: readonly Uint8Array[]; fd: number } | undefined;

  private constructor(libc: Libc, rootFd: number) {
    this.#libc = libc;
    this.#rootFd = rootFd;
  }

  /** Opens a directory; undefined if it is empty. To be closed by whoever opened it. @throws LibcError */
  static open(libc: Libc, root: string): TakenNames | undefined {
    const fd = libc.open(AT_FDCWD, Buffer.from(`${root}/.`), O_RDONLY | O_DIRECTORY);
    const names = new TakenNames(libc, fd);
    if (libc.names(fd).next().done !== true) return names;
    names.close();
    return undefined;
  }

  /** Whether something is in the way of a file, or a directory, of that path. @throws LibcError */
  has(path: readonly Uint8Array[], isDirectory: boolean): boolean {
    const name = path.at(-1);
    if (name === undefined) return false;
    const directory = this.#directory(path.slice(0, -1));
    if (typeof directory === "string") return directory === "taken";
    const there = this.#typeOf(directory, name);
    return there !== undefined && !(isDirectory && there === S_IFDIR);
  }

  close(): void {
    this.#forget();
    this.#libc.close(this.#rootFd);
  }

  #forget(): void {
    if (this.#last !== undefined) this.#libc.close(this.#last.fd);
    this.#last = undefined;
  }

  /** A directory's descriptor; otherwise whether the way to it is free or taken by something else. */
  #directory(path: readonly Uint8Array[]): number | "free" | "taken" {
    if (path.length === 0) return this.#rootFd;
    if (this.#last !== undefined && isSame(this.#last.path, path)) return this.#last.fd;
    this.#forget();
    let fd = this.#rootFd;
    for (const name of path) {
      const next = this.#enter(fd, name);
      if (fd !== this.#rootFd) this.#libc.close(fd);
      if (typeof next === "string") return next;
      fd = next;
    }
    this.#last = { path, fd };
    return fd;
  }

  #enter(fd: number, name: Uint8Array): number | "free" | "taken" {
    const type = this.#typeOf(fd, name);
    if (type === undefined) return "free";
    return type === S_IFDIR ? this.#libc.open(fd, name, O_PATH | O_DIRECTORY) : "taken";
  }

  #typeOf(fd: number, name: Uint8Array): number | undefined {
    try {
      return this.#libc.status(fd, name).mode & S_IFMT;
    } catch (error) {
      if (error instanceof LibcError && (error.code === "ENOENT" || error.code === "ENAMETOOLONG")) return undefined;
      throw error;
    }
  }
}

function isSame(one: readonly Uint8Array[], other: readonly Uint8Array[]): boolean {
  return one.length === other.length && one.every((name, index) => Buffer.compare(name, other[index] as Uint8Array) === 0);
}
