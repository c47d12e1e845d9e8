/** Encoding the files of a tree as entries, each read from one descriptor. */
import { paddingOf } from "../stream/tar/header.ts";
import { encodeEntry, type EntryFields } from "../stream/tar/write.ts";
import { LibcError, type Libc } from "../sys/libc.ts";
import * as linux from "../sys/linux.ts";
import { HERE } from "./directory-cursor.ts";
import { findSegments, readSegment } from "./file-data.ts";
import type { Xattr } from "./metadata.ts";
import type { Owners } from "./owners.ts";
import { readXattrs } from "./read-xattrs.ts";

/** The way to a directory; shared by all that lie in it, as a path would take its length for each. */
export interface DirectoryPath {
  above: DirectoryPath | undefined;
  /** With the slash behind it. */
  name: Uint8Array;
}

/** A file to pack. */
export interface PackedFile {
  /** Opened with O_PATH, or a directory. */
  fd: number;
  status: linux.FileStatus;
  /** Its name in the archive; that of a directory ends in a slash. */
  path: Uint8Array;
  /** Where it lies, and its name there. */
  directory: DirectoryPath;
  name: Uint8Array;
}

/** Told of what cannot be packed. */
type OnFileLoss = (path: Uint8Array, what: string, reason: string) => void;

/** Types of entries by types of files; a socket has none. */
export const TYPEFLAGS: Readonly<Record<number, string>> = {
  [linux.S_IFREG]: "0",
  [linux.S_IFLNK]: "2",
  [linux.S_IFCHR]: "3",
  [linux.S_IFBLK]: "4",
  [linux.S_IFDIR]: "5",
  [linux.S_IFIFO]: "6",
};

/** Packs files, and knows which of those with several names have been packed. */
export class PackedFiles {
  readonly #libc: Libc;
  readonly #onLoss: OnFileLoss;
  readonly #owners: Owners | undefined;
  /** Files with several names: the first one, and how many have not been met. */
  readonly #links = new Map<string, { directory: DirectoryPath; name: Uint8Array; left: number }>();

  constructor(libc: Libc, { onLoss, owners }: { onLoss: OnFileLoss; owners: Owners | undefined }) {
    this.#libc = libc;
    this.#onLoss = onLoss;
    this.#owners = owners;
  }

  /** Header and data of a file; nothing if it is a socket. */
  *pack(file: PackedFile): Generator<Uint8Array> {
    const { fd, path, status } = file;
    const typeflag = TYPEFLAGS[status.mode & linux.S_IFMT];
    if (typeflag === undefined) return this.#onLoss(path, "socket", "tar has no sockets");
    const fields = this.#fields(file, typeflag);
    if (typeflag !== "5" && status.nlink > 1) {
      const first = this.#firstName(file);
      if (first !== undefined) return yield encodeEntry({ ...fields, typeflag: "1", linkname: first });
    }
    if (typeflag === "0") return yield* this.#regular(file);
    const xattrs = this.#xattrs(fd, path);
    if (typeflag !== "2") return yield encodeEntry({ ...fields, xattrs });
    const linkname = this.#try("symbolic link", path, () => this.#libc.readLink(fd));
    if (linkname !== undefined) yield encodeEntry({ ...fields, xattrs, linkname });
  }

  /** The name under which a file has been packed before; otherwise this one is noted. */
  #firstName({ status, directory, name }: PackedFile): Uint8Array | undefined {
    const key = keyOf(status);
    const known = this.#links.get(key);
    if (known === undefined) this.#links.set(key, { directory, name, left: status.nlink - 1 });
    else if (--known.left === 0) this.#links.delete(key);
    return known === undefined ? undefined : joined(known);
  }

  *#regular(file: PackedFile): Generator<Uint8Array> {
    const { path, status } = file;
    const fd = this.#try("file", path, () => this.#libc.reopen(file.fd, linux.O_RDONLY | linux.O_NONBLOCK));
    // what was left out is no target for its other names
    if (fd === undefined) return void this.#links.delete(keyOf(status));
    try {
      const segments = findSegments(this.#libc, fd, status);
      const size = segments?.reduce((sum, { length }) => sum + length, 0) ?? status.size;
      const sparse = segments === undefined ? undefined : { size: status.size, segments };
      yield encodeEntry({ ...this.#fields(file, "0"), size, sparse, xattrs: this.#xattrs(fd, path) });
      let whole = true;
      for (const segment of segments ?? [{ offset: 0, length: size }]) whole = (yield* readSegment(this.#libc, fd, segment)) && whole;
      yield new Uint8Array(paddingOf(size));
      const after = this.#libc.status(fd, HERE);
      const changed = after.size !== status.size || after.mtimeNs !== status.mtimeNs;
      if (changed) this.#onLoss(path, "contents", "changed while they were read");
      else if (!whole) this.#onLoss(path, "contents", "could not be read to the end");
    } finally {
      this.#libc.close(fd);
    }
  }

  #fields({ path, status }: PackedFile, typeflag: string): EntryFields {
    const { mtimeNs, rdevMajor, rdevMinor } = status;
    const [uid, gid] = [this.#owners?.uid(status.uid) ?? status.uid, this.#owners?.gid(status.gid) ?? status.gid];
    return { name: path, mode: status.mode & 0o7777, uid, gid, mtimeNs, typeflag, size: 0, devmajor: rdevMajor, devminor: rdevMinor };
  }

  #xattrs(fd: number, path: Uint8Array): Xattr[] {
    return readXattrs(this.#libc, fd, { owners: this.#owners, onLoss: (what, reason) => this.#onLoss(path, what, reason) });
  }

  #try<T>(what: string, path: Uint8Array, call: () => T): T | undefined {
    try {
      return call();
    } catch (error) {
      if (!(error instanceof LibcError)) throw error;
      this.#onLoss(path, what, error.message);
      return undefined;
    }
  }
}

function keyOf({ dev, ino }: linux.FileStatus): string {
  return `${dev}:${ino}`;
}

function joined({ directory, name }: { directory: DirectoryPath; name: Uint8Array }): Uint8Array {
  const parts = [name];
  for (let at: DirectoryPath | undefined = directory; at !== undefined; at = at.above) parts.push(at.name);
  return Buffer.concat(parts.toReversed());
}
