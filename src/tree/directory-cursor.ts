/**
 * A place in a directory tree that is moved one name at a time and held by a descriptor.
 *
 * Going down opens a name in the open directory and never follows a symbolic link; going up opens `..` and checks that it is the directory
 * that was left. So no path is ever resolved as a whole: a tree may be deeper than PATH_MAX, one descriptor is enough, and whoever
 * replaces directories by links meanwhile leads nobody out of the tree. openat2(2) with RESOLVE_BENEATH and RESOLVE_NO_SYMLINKS would say
 * the same of a single name that is neither `..` nor has a slash, and is not there before Linux 5.6.
 */
import { ToolError } from "../errors.ts";
import type { Libc } from "../sys/libc.ts";
import { AT_FDCWD, O_DIRECTORY, O_PATH, O_RDONLY } from "../sys/linux.ts";

/** The open file itself, where a name is asked for. */
export const HERE: Uint8Array = new Uint8Array(0);

const UP = Buffer.from("..");

/** A cursor; to be closed by whoever made it. */
export class DirectoryCursor {
  readonly #libc: Libc;
  /** Which directories lie above, as device and inode. */
  readonly #above: string[] = [];
  #fd: number;
  #identity: string;

  /** Starts in the directory at `path`. @throws LibcError */
  constructor(libc: Libc, path: string) {
    this.#libc = libc;
    this.#fd = libc.open(AT_FDCWD, Buffer.from(`${path}/.`), O_RDONLY | O_DIRECTORY);
    this.#identity = this.#identityOf(this.#fd);
  }

  /** The directory that the cursor is in. */
  get fd(): number {
    return this.#fd;
  }

  /** Goes into a directory of the one it is in. @param fd that directory, which is the cursor's to close from now on */
  enter(fd: number): void {
    this.#libc.close(this.#fd);
    this.#fd = fd;
    this.#above.push(this.#identity);
    this.#identity = this.#identityOf(fd);
  }

  /** Goes up, doing something with the directory that is left once the one above is held. */
  leave(atLast: (fd: number) => void = () => undefined): void {
    const left = this.#fd;
    this.#fd = this.#libc.open(left, UP, O_PATH | O_DIRECTORY);
    try {
      this.#identity = this.#identityOf(this.#fd);
      if (this.#above.pop() !== this.#identity) throw new ToolError("failed", "Cannot go on: a directory was moved elsewhere meanwhile");
      atLast(left);
    } finally {
      this.#libc.close(left);
    }
  }

  close(): void {
    this.#libc.close(this.#fd);
  }

  #identityOf(fd: number): string {
    const { dev, ino } = this.#libc.status(fd, HERE);
    return `${dev}:${ino}`;
  }
}

/** Does something with the directory that lies `path` below `rootFd`, where no step may be a symbolic link. @throws LibcError */
export function withDirectory<T>(libc: Libc, { rootFd, path }: { rootFd: number; path: readonly Uint8Array[] }, use: (fd: number) => T): T {
  let fd = rootFd;
  try {
    for (const name of path) {
      const next = libc.open(fd, name, O_PATH | O_DIRECTORY);
      if (fd !== rootFd) libc.close(fd);
      fd = next;
    }
    return use(fd);
  } finally {
    if (fd !== rootFd) libc.close(fd);
  }
}
