/**
 * The directory that an extraction is in, and those above it, with what they are to become once they are left: making a file in a directory
 * changes its time, and a directory may be meant to be read-only, so its own times, mode and ACLs come last.
 *
 * A directory that is come back to after it was left is given its time and mode again when it is left again. So memory holds the way down
 * only, whatever the order of the archive.
 */
import { damaged } from "../errors.ts";
import { displayName } from "../stream/tar/display-name.ts";
import { LibcError, type Libc } from "../sys/libc.ts";
import { O_PATH, S_IFDIR, S_IFMT } from "../sys/linux.ts";
import { DirectoryCursor, HERE } from "./directory-cursor.ts";
import { applyMetadata, type Metadata } from "./metadata.ts";

/** A directory on the way down. */
interface Frame {
  name: Uint8Array;
  atLast: Metadata;
}

/** Told of what a directory could not be given. */
type OnDirectoryLoss = (path: readonly Uint8Array[], what: string, reason: string) => void;

/** Where a directory is first made nobody else gets in. */
const PRIVATE_MODE = 0o700;
/** Mode of a directory that no entry tells of. */
const DEFAULT_MODE = 0o755;

/** The way from the root of a tree to where the next entry goes; to be closed by whoever made it. */
export class DirectoryStack {
  readonly #libc: Libc;
  readonly #cursor: DirectoryCursor;
  readonly #onLoss: OnDirectoryLoss;
  readonly #frames: Frame[] = [];
  #rootAtLast: Metadata = {};

  constructor(libc: Libc, root: string, onLoss: OnDirectoryLoss) {
    this.#libc = libc;
    this.#cursor = new DirectoryCursor(libc, root);
    this.#onLoss = onLoss;
  }

  /** The directory that was gone to. */
  get fd(): number {
    return this.#cursor.fd;
  }

  /** Goes to a directory, making those that are missing. @throws ToolError damaged where something else is in the way, LibcError */
  goTo(path: readonly Uint8Array[], offset: number): void {
    while (!this.#isOnTheWay(path)) this.#leave();
    for (const name of path.slice(this.#frames.length)) {
      const isNew = this.make(name);
      const { mode, mtimeNs } = this.#libc.status(this.fd, name);
      if ((mode & S_IFMT) !== S_IFDIR) throw inTheWay(path, this.#frames.length + 1, offset);
      this.enter(name, isNew ? { mode: DEFAULT_MODE } : { mtimeNs, mode: mode & 0o7777 });
    }
  }

  /** Makes a directory where it is; false if there is something of that name. */
  make(name: Uint8Array): boolean {
    try {
      this.#libc.makeDirectory(this.fd, name, PRIVATE_MODE);
      return true;
    } catch (error) {
      if (error instanceof LibcError && error.code === "EEXIST") return false;
      throw error;
    }
  }

  /** Goes into a directory of the one it is in, which is there. @param atLast what it is to be given when it is left */
  enter(name: Uint8Array, atLast: Metadata): void {
    const { mode } = this.#libc.status(this.fd, name);
    if ((mode & PRIVATE_MODE) !== PRIVATE_MODE) this.#libc.chmod(this.fd, name, PRIVATE_MODE);
    this.#cursor.enter(name, O_PATH);
    this.#frames.push({ name, atLast });
  }

  /** Says what the root is to be given. */
  finishRootWith(metadata: Metadata): void {
    this.#rootAtLast = metadata;
  }

  /** Leaves all directories. */
  finish(): void {
    this.goTo([], 0);
    applyMetadata(this.#libc, { dirFd: this.fd, name: HERE }, this.#rootAtLast, (what, reason) => this.#onLoss([], what, reason));
  }

  close(): void {
    this.#cursor.close();
  }

  #isOnTheWay(path: readonly Uint8Array[]): boolean {
    const { length } = this.#frames;
    return length <= path.length && this.#frames.every(({ name }, index) => Buffer.compare(name, path[index] ?? HERE) === 0);
  }

  #leave(): void {
    const path = this.#frames.map(({ name }) => name);
    const atLast = this.#frames.pop()?.atLast ?? {};
    this.#cursor.leave((fd) => {
      applyMetadata(this.#libc, { dirFd: fd, name: HERE }, atLast, (what, reason) => this.#onLoss(path, what, reason));
    });
  }
}

function inTheWay(path: readonly Uint8Array[], length: number, offset: number): Error {
  const display = (parts: readonly Uint8Array[]): string => parts.map(displayName).join("/");
  return damaged(`Cannot extract to "${display(path)}": "${display(path.slice(0, length))}" is no directory`, { offset });
}
