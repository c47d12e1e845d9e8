/**
 * Packing a directory tree into a tar stream, as `tar -C root .` would: entries `./`, `./etc/`, `./etc/passwd`, depth first, names in
 * the order of their bytes, so that the same tree always gives the same stream.
 *
 * Owners are numbers. Times have nanoseconds, names and numbers any value, files their holes (GNU.sparse 1.0), everything its extended
 * attributes (SCHILY.xattr): in pax headers, which an entry has only if it needs one. The second and further names of a file are hard links.
 * Mounted file systems are walked into. What cannot be packed is reported and left out; a file that shrinks is filled up with zeros to
 * the size that its header said.
 *
 * Memory holds the names of the directories on the way down, and one entry for each file with names that have not been met yet.
 */
import { ToolError } from "../errors.ts";
import { concat, type ByteStream } from "../stream/bytes.ts";
import { displayName } from "../stream/tar/display-name.ts";
import { paddingOf } from "../stream/tar/header.ts";
import { encodeEntry, END_BLOCKS_BYTES, type EntryFields } from "../stream/tar/write.ts";
import { LibcError, loadLibc, type Libc } from "../sys/libc.ts";
import * as linux from "../sys/linux.ts";
import { DirectoryCursor, HERE } from "./directory-cursor.ts";
import { findSegments, readSegment } from "./file-data.ts";
import type { Loss } from "./loss.ts";

/** Another tree that is packed in place of what lies below a directory, as if it were mounted there. */
export interface Graft {
  /** Relative to the tree's root: `srv/data`. */
  path: string;
  root: string;
}

/** Options of {@link packTree}. */
export interface PackOptions {
  grafts?: readonly Graft[];
  /** Told of whatever cannot be packed. */
  onLoss: (loss: Loss) => void;
}

/** A directory on the way down, and which of its names come next. */
interface Level {
  path: Uint8Array;
  names: readonly Uint8Array[];
  next: number;
}

const TYPEFLAGS: Readonly<Record<number, string>> = {
  [linux.S_IFREG]: "0",
  [linux.S_IFLNK]: "2",
  [linux.S_IFCHR]: "3",
  [linux.S_IFBLK]: "4",
  [linux.S_IFDIR]: "5",
  [linux.S_IFIFO]: "6",
};
const GATHER_BYTES = 256 * 1024;

/** Packs the tree below `root`. @throws ToolError not-found if there is no such directory, failed if it cannot be read */
export async function* packTree(root: string, options: PackOptions): ByteStream {
  const packer = new Packer(await loadLibc(), root, options);
  let held: Uint8Array[] = [];
  let size = 0;
  try {
    for (const piece of packer.pack()) {
      held.push(piece);
      size += piece.length;
      if (size < GATHER_BYTES) continue;
      yield concat(held);
      held = [];
      size = 0;
    }
  } catch (error) {
    throw error instanceof LibcError ? cannotRead(root, error) : error;
  }
  yield concat([...held, new Uint8Array(END_BLOCKS_BYTES)]);
}

class Packer {
  readonly #libc: Libc;
  readonly #root: string;
  readonly #options: PackOptions;
  /** Trees that have not been met, by their directory's name in the archive. */
  readonly #grafts: Map<string, string>;
  /** Files with several names: the first one, and how many have not been met. */
  readonly #links = new Map<string, { name: Uint8Array; left: number }>();

  constructor(libc: Libc, root: string, options: PackOptions) {
    this.#libc = libc;
    this.#root = root;
    this.#options = options;
    this.#grafts = new Map((options.grafts ?? []).map((graft) => [`./${graft.path}/`, graft.root]));
  }

  *pack(): Generator<Uint8Array> {
    yield* this.#tree(this.#root, Buffer.from("./"));
    for (const path of this.#grafts.keys()) {
      this.#lose(Buffer.from(path), "subdataset", "its mount point is no directory of the root file system");
    }
  }

  /** Packs the tree at `root` under the name `path`. */
  *#tree(root: string, path: Uint8Array): Generator<Uint8Array> {
    const cursor = new DirectoryCursor(this.#libc, root);
    try {
      yield* this.#entry(cursor.fd, HERE, path, this.#libc.status(cursor.fd, HERE));
      const levels: Level[] = [this.#level(cursor, path)];
      for (let level = levels.at(-1); level !== undefined; level = levels.at(-1)) {
        const name = level.names[level.next++];
        if (name !== undefined) {
          const entered = yield* this.#name(cursor, name, Buffer.concat([level.path, name]));
          if (entered !== undefined) levels.push(entered);
          continue;
        }
        levels.pop();
        if (levels.length > 0) cursor.leave();
      }
    } finally {
      cursor.close();
    }
  }

  /** Packs one name, and goes into it if it is a directory. */
  *#name(cursor: DirectoryCursor, name: Uint8Array, path: Uint8Array): Generator<Uint8Array, Level | undefined> {
    const status = this.#try("file", path, () => this.#libc.status(cursor.fd, name));
    if (status === undefined) return undefined;
    if ((status.mode & linux.S_IFMT) !== linux.S_IFDIR) {
      yield* this.#entry(cursor.fd, name, path, status);
      return undefined;
    }
    const directory = Buffer.concat([path, Buffer.from("/")]);
    const graft = this.#takeGraft(directory);
    if (graft !== undefined) {
      yield* this.#tree(graft, directory);
      return undefined;
    }
    yield* this.#entry(cursor.fd, name, directory, status);
    return this.#try("directory contents", directory, () => {
      cursor.enter(name, linux.O_RDONLY);
      return this.#level(cursor, directory);
    });
  }

  /** The tree that belongs in place of a directory, once. */
  #takeGraft(directory: Uint8Array): string | undefined {
    if (this.#grafts.size === 0) return undefined;
    const key = Buffer.from(directory).toString("utf8");
    const root = this.#grafts.get(key);
    this.#grafts.delete(key);
    return root;
  }

  #level(cursor: DirectoryCursor, path: Uint8Array): Level {
    return { path, names: this.#libc.names(cursor.fd).toSorted((a, b) => Buffer.compare(a, b)), next: 0 };
  }

  *#entry(dirFd: number, name: Uint8Array, path: Uint8Array, status: linux.FileStatus): Generator<Uint8Array> {
    const typeflag = TYPEFLAGS[status.mode & linux.S_IFMT];
    if (typeflag === undefined) return this.#lose(path, "socket", "tar has no sockets");
    const fields = fieldsOf(path, status, typeflag);
    if (typeflag !== "5" && status.nlink > 1) {
      const first = this.#firstName(path, status);
      if (first !== undefined) return yield encodeEntry({ ...fields, typeflag: "1", linkname: first });
    }
    if (typeflag === "0") return yield* this.#file(dirFd, name, path);
    const xattrs = this.#xattrs(dirFd, name, path);
    if (typeflag !== "2") return yield encodeEntry({ ...fields, xattrs });
    const linkname = this.#try("symbolic link", path, () => this.#libc.readLink(dirFd, name));
    if (linkname !== undefined) yield encodeEntry({ ...fields, xattrs, linkname });
  }

  /** The name under which a file has been packed before; otherwise this one is noted. */
  #firstName(path: Uint8Array, { dev, ino, nlink }: linux.FileStatus): Uint8Array | undefined {
    const key = `${dev}:${ino}`;
    const known = this.#links.get(key);
    if (known === undefined) this.#links.set(key, { name: path, left: nlink - 1 });
    else if (--known.left === 0) this.#links.delete(key);
    return known?.name;
  }

  *#file(dirFd: number, name: Uint8Array, path: Uint8Array): Generator<Uint8Array> {
    const fd = this.#try("file", path, () => this.#libc.open(dirFd, name, linux.O_RDONLY | linux.O_NONBLOCK));
    if (fd === undefined) return this.#forgetLink(dirFd, name);
    try {
      const status = this.#libc.status(fd, HERE);
      const segments = findSegments(this.#libc, fd, status);
      const size = segments?.reduce((sum, { length }) => sum + length, 0) ?? status.size;
      const sparse = segments === undefined ? undefined : { size: status.size, segments };
      yield encodeEntry({ ...fieldsOf(path, status, "0"), size, sparse, xattrs: this.#xattrs(dirFd, name, path) });
      let whole = true;
      for (const segment of segments ?? [{ offset: 0, length: size }]) whole = (yield* readSegment(this.#libc, fd, segment)) && whole;
      yield new Uint8Array(paddingOf(size));
      const after = this.#libc.status(fd, HERE);
      const changed = after.size !== status.size || after.mtimeNs !== status.mtimeNs;
      if (changed) this.#lose(path, "contents", "changed while they were read");
      else if (!whole) this.#lose(path, "contents", "could not be read to the end");
    } finally {
      this.#libc.close(fd);
    }
  }

  /** A file that was left out is no target for its other names. */
  #forgetLink(dirFd: number, name: Uint8Array): void {
    try {
      const { dev, ino } = this.#libc.status(dirFd, name);
      this.#links.delete(`${dev}:${ino}`);
    } catch (error) {
      if (!(error instanceof LibcError)) throw error;
    }
  }

  #xattrs(dirFd: number, name: Uint8Array, path: Uint8Array): [name: Uint8Array, value: Uint8Array][] {
    const found: [Uint8Array, Uint8Array][] = [];
    for (const attribute of this.#xattrNames(dirFd, name, path)) {
      const what = `xattr ${displayName(attribute)}`;
      const value = this.#try(what, path, () => this.#libc.getXattr(dirFd, name, attribute));
      if (value !== undefined) found.push([attribute, value]);
    }
    return found.toSorted(([a], [b]) => Buffer.compare(a, b));
  }

  #xattrNames(dirFd: number, name: Uint8Array, path: Uint8Array): readonly Uint8Array[] {
    try {
      return this.#libc.listXattrs(dirFd, name);
    } catch (error) {
      if (!(error instanceof LibcError)) throw error;
      if (error.code !== "ENOTSUP") this.#lose(path, "xattrs", error.message);
      return [];
    }
  }

  /** What a call gives; undefined, and a loss, if the file does not let it. */
  #try<T>(what: string, path: Uint8Array, call: () => T): T | undefined {
    try {
      return call();
    } catch (error) {
      if (!(error instanceof LibcError)) throw error;
      this.#lose(path, what, error.message);
      return undefined;
    }
  }

  #lose(path: Uint8Array, what: string, reason: string): void {
    this.#options.onLoss({ path: displayName(path), what, reason });
  }
}

function cannotRead(root: string, error: LibcError): ToolError {
  const code = error.code === "ENOENT" && error.call === "openat" ? "not-found" : "failed";
  return new ToolError(code, `Cannot read directory "${root}": ${error.message}`, { facts: { path: root, call: error.call } });
}

function fieldsOf(name: Uint8Array, status: linux.FileStatus, typeflag: string): EntryFields {
  const { uid, gid, mtimeNs, rdevMajor, rdevMinor } = status;
  return { name, mode: status.mode & 0o7777, uid, gid, mtimeNs, typeflag, size: 0, devmajor: rdevMajor, devminor: rdevMinor };
}
