/**
 * The directory that an extraction is in, and those above it, with what they are to become once they are left: making a file in a directory
 * changes its time, and a directory may be meant to be read-only, so its own owner, times, mode and ACLs come last. Until then nobody else
 * gets in, and files do not inherit from its default ACL.
 *
 * A directory that is come back to after it was left is given its time, mode and default ACL again when it is left again. So memory holds
 * the way down only, whatever the order of the archive.
 */
import { damaged } from "../errors.ts";
import { ACLS } from "../stream/tar/acl.ts";
import { LibcError, type Libc } from "../sys/libc.ts";
import { O_DIRECTORY, O_PATH, S_IFDIR, S_IFMT } from "../sys/linux.ts";
import { DirectoryCursor, HERE } from "./directory-cursor.ts";
import { displayPath } from "./entry-path.ts";
import { applyMetadata, type Metadata, type OnMetadataLoss, type Xattr } from "./metadata.ts";

/** A directory on the way down. */
interface Frame {
  name: Uint8Array;
  atLast: Metadata;
  /** Bytes of attributes in `atLast`. */
  bytes: number;
}

/** Told of what a directory could not be given. */
type OnDirectoryLoss = (path: string, what: string, reason: string) => void;

/** Where a directory is first made nobody else gets in. */
const PRIVATE_MODE = 0o700;
/** Mode of a directory that no entry tells of. */
const DEFAULT_MODE = 0o755;
/** Bound of the ACLs that are held for later. */
const HELD_LIMIT_BYTES = 16 * 1024 * 1024;
const DEFAULT_ACL = Buffer.from("system.posix_acl_default");

/** The way from the root of a tree to where the next entry goes; to be closed by whoever made it. */
export class DirectoryStack {
  readonly #libc: Libc;
  readonly #cursor: DirectoryCursor;
  readonly #onLoss: OnDirectoryLoss;
  readonly #frames: Frame[] = [];
  #heldBytes = 0;
  #rootAtLast: Metadata;

  constructor(libc: Libc, root: string, onLoss: OnDirectoryLoss) {
    this.#libc = libc;
    this.#cursor = new DirectoryCursor(libc, root);
    this.#onLoss = onLoss;
    this.#rootAtLast = { xattrs: this.#takeDefaultAcl(this.fd) };
  }

  /** The directory that was gone to. */
  get fd(): number {
    return this.#cursor.fd;
  }

  /** Goes to a directory, making those that are missing. @throws ToolError damaged where something else is in the way, LibcError */
  goTo(path: readonly Uint8Array[], offset: number): void {
    const kept = this.#commonLength(path);
    while (this.#frames.length > kept) this.#leave();
    for (const name of path.slice(kept)) {
      const isNew = this.make(name);
      if (!isNew && !this.isDirectory(name)) throw inTheWay(path, this.#frames.length + 1, offset);
      this.#enter(name, isNew ? { mode: DEFAULT_MODE } : undefined);
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

  /** Whether a name that is there is a directory's. */
  isDirectory(name: Uint8Array): boolean {
    return (this.#libc.status(this.fd, name).mode & S_IFMT) === S_IFDIR;
  }

  /** Goes into a directory of the one it is in, which is there, and gives it what an entry says of it. @throws ToolError damaged */
  enterAs(name: Uint8Array, metadata: Metadata, offset: number): void {
    const frame = this.#enter(name, metadata);
    frame.atLast = this.#begin(metadata, (what, reason) => this.#onLoss(displayPath(this.#path), what, reason));
    this.#hold(frame, offset);
  }

  /** Gives the root what an entry says of it. */
  rootAs(metadata: Metadata): void {
    this.#rootAtLast = this.#begin(metadata, (what, reason) => this.#onLoss(displayPath([]), what, reason));
  }

  /** Leaves all directories. */
  finish(): void {
    this.goTo([], 0);
    applyMetadata(this.#libc, this.fd, this.#rootAtLast, (what, reason) => this.#onLoss(displayPath([]), what, reason));
  }

  close(): void {
    this.#cursor.close();
  }

  get #path(): Uint8Array[] {
    return this.#frames.map(({ name }) => name);
  }

  /** How many of the directories that it is in lie on the way to `path`. */
  #commonLength(path: readonly Uint8Array[]): number {
    const differing = this.#frames.findIndex(({ name }, index) => {
      const other = path[index];
      return other === undefined || Buffer.compare(name, other) !== 0;
    });
    return differing === -1 ? this.#frames.length : differing;
  }

  /** @param atLast what it is to be given when it is left; what it has, if this is undefined */
  #enter(name: Uint8Array, atLast: Metadata | undefined): Frame {
    const fd = this.#libc.open(this.fd, name, O_PATH | O_DIRECTORY);
    this.#cursor.enter(fd);
    const { mode, mtimeNs } = this.#libc.status(fd, HERE);
    if ((mode & PRIVATE_MODE) !== PRIVATE_MODE) this.#libc.chmod(fd, PRIVATE_MODE);
    const taken = this.#takeDefaultAcl(fd);
    const frame = { name, atLast: atLast ?? { mtimeNs, mode: mode & 0o7777, xattrs: taken }, bytes: 0 };
    this.#frames.push(frame);
    return frame;
  }

  #leave(): void {
    const frame = this.#frames.pop();
    if (frame === undefined) return;
    this.#heldBytes -= frame.bytes;
    this.#cursor.leave((fd) => {
      applyMetadata(this.#libc, fd, frame.atLast, (what, reason) => {
        this.#onLoss(displayPath([...this.#path, frame.name]), what, reason);
      });
    });
  }

  /** Sets the attributes that do no harm while the directory is filled. @returns the rest */
  #begin(metadata: Metadata, onLoss: OnMetadataLoss): Metadata {
    const { xattrs = [] } = metadata;
    applyMetadata(this.#libc, this.fd, { xattrs: xattrs.filter((xattr) => !isAcl(xattr)) }, onLoss);
    return { ...metadata, xattrs: xattrs.filter(isAcl) };
  }

  #hold(frame: Frame, offset: number): void {
    frame.bytes = (frame.atLast.xattrs ?? []).reduce((sum, [, value]) => sum + value.length, 0);
    this.#heldBytes += frame.bytes;
    if (this.#heldBytes <= HELD_LIMIT_BYTES) return;
    throw damaged(`Cannot extract: directories in one another have ACLs of more than ${HELD_LIMIT_BYTES} bytes`, { offset });
  }

  /** Takes away what files would inherit. @returns it */
  #takeDefaultAcl(fd: number): Xattr[] {
    try {
      const value = this.#libc.getXattr(fd, DEFAULT_ACL);
      this.#libc.removeXattr(fd, DEFAULT_ACL);
      return [[DEFAULT_ACL, value]];
    } catch (error) {
      if (error instanceof LibcError) return [];
      throw error;
    }
  }
}

function isAcl([name]: Xattr): boolean {
  const text = Buffer.from(name).toString("latin1");
  return ACLS.some(({ attribute }) => attribute === text);
}

function inTheWay(path: readonly Uint8Array[], length: number, offset: number): Error {
  return damaged(`Cannot extract to "${displayPath(path)}": "${displayPath(path.slice(0, length))}" is no directory`, { offset });
}
