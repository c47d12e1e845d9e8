/**
 * A place in a directory tree that is moved one name at a time and held by a descriptor.
 *
 * Going down opens a name in the open directory and never follows a symbolic link; going up opens `..` and checks that it is the directory
 * that was left. So no path is ever resolved as a whole: a tree may be deeper than PATH_MAX, one descriptor is enough, and whoever
 * replaces directories by links meanwhile leads nobody out of the tree.
 */
import { ToolError } from "../errors.ts";
import type { Libc } from "../sys/libc.ts";
import { AT_FDCWD, O_DIRECTORY, O_PATH, O_RDONLY } from "../sys/linux.ts";

/** The open directory itself, where a name in it is asked for. */
export const HERE: Uint8Array = new Uint8Array(0);

const UP = Buffer.from("..");

/** A cursor; to be closed by whoever made it. */
export class DirectoryCursor {
  readonly #libc: Libc;
  /** Which directories lie above, as device and inode. */
  readonly #above: string[] = [];
  #fd: number;

  /** Starts in the directory at `path`. @throws LibcError */
  constructor(libc: Libc, path: string) {
    this.#libc = libc;
    this.#fd = libc.open(AT_FDCWD, Buffer.from(`${path}/.`), O_RDONLY | O_DIRECTORY);
  }

  /** The directory that the cursor is in. */
  get fd(): number {
    return this.#fd;
  }

  /** Goes into a directory. @param flags O_PATH where its names need not be read @throws LibcError, the cursor being where it was */
  enter(name: Uint8Array, flags: typeof O_RDONLY | typeof O_PATH): void {
    const above = this.#identity(this.#fd);
    const fd = this.#libc.open(this.#fd, name, flags | O_DIRECTORY);
    this.#libc.close(this.#fd);
    this.#fd = fd;
    this.#above.push(above);
  }

  /** Goes up, doing something with the directory that is left once the one above is held. */
  leave(atLast: (fd: number) => void = () => undefined): void {
    const left = this.#fd;
    const fd = this.#libc.open(left, UP, O_PATH | O_DIRECTORY);
    this.#fd = fd;
    try {
      if (this.#above.pop() !== this.#identity(fd))
        throw new ToolError("failed", "Cannot go on: a directory was moved elsewhere meanwhile");
      atLast(left);
    } finally {
      this.#libc.close(left);
    }
  }

  close(): void {
    this.#libc.close(this.#fd);
  }

  #identity(fd: number): string {
    const { dev, ino } = this.#libc.status(fd, HERE);
    return `${dev}:${ino}`;
  }
}

/** Does something with the directory that lies `path` below `rootFd`, where no step may be a symbolic link. @throws LibcError */
export function withDirectory(
  libc: Libc,
  { rootFd, path }: { rootFd: number; path: readonly Uint8Array[] },
  use: (fd: number) => void,
): void {
  let fd = rootFd;
  try {
    for (const name of path) {
      const next = libc.open(fd, name, O_PATH | O_DIRECTORY);
      if (fd !== rootFd) libc.close(fd);
      fd = next;
    }
    use(fd);
  } finally {
    if (fd !== rootFd) libc.close(fd);
  }
}
