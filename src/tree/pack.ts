/**
 * Packing a directory tree into a tar stream, as `tar -C root .` would: entries `./`, `./etc/`, `./etc/passwd`, depth first, names in
 * the order of their bytes, so that the same tree always gives the same stream. The layer of an image has `./`, `etc/`, `etc/passwd`; what
 * `docker export` writes is the same without the root.
 *
 * Owners are numbers. Times have nanoseconds, names and numbers any value, files their holes (GNU.sparse 1.0), everything its extended
 * attributes (SCHILY.xattr) and ACLs: in pax headers, which an entry has only if it needs one. The second and further names of a file are
 * hard links. Mounted file systems are walked into; other trees can be grafted onto directories of this one, as if they were mounted there.
 * What cannot be packed is reported and left out; a file that shrinks is filled up with zeros to the size that its header said.
 *
 * The tree may be in use, and whoever uses it may mean harm: every file is opened once by its name in an open directory, as a place (O_PATH),
 * and all that is told of it is read from there.
 *
 * Memory holds the names of the directories on the way down, and one entry for each file with names that have not been met yet.
 */
import { ToolError } from "../errors.ts";
import { concat, type ByteStream } from "../stream/bytes.ts";
import { displayName } from "../stream/tar/display-name.ts";
import { END_BLOCKS_BYTES } from "../stream/tar/write.ts";
import { LibcError, loadLibc, type Libc } from "../sys/libc.ts";
import * as linux from "../sys/linux.ts";
import { DirectoryCursor, HERE } from "./directory-cursor.ts";
import { NAME_LIMIT_BYTES } from "./entry-path.ts";
import { Grafts, type Graft } from "./grafts.ts";
import type { Loss } from "./loss.ts";
import type { Owners } from "./owners.ts";
import { PackedFiles, type DirectoryPath, type PackedFile } from "./packed-files.ts";

/** Options of {@link packTree}. */
export interface PackOptions {
  /** Told of whatever cannot be packed. */
  onLoss: (loss: Loss) => void;
  /** Trees that are packed in place of directories. */
  grafts?: readonly Graft[];
  /** How entries are named; as in a tar if left out. */
  names?: EntryNames;
  /** Turns owners that the file system shows into those to write. */
  owners?: Owners | undefined;
}

/** As `tar -C root .` names them; as in the layer of an image; as `docker export` does it. */
export type EntryNames = "tar" | "layer" | "rootfs";

/** A directory on the way down, and which of its names come next. */
interface Level {
  directory: DirectoryPath;
  /** Bytes of its path, with the slash. */
  length: number;
  /** In order; with one character per byte, as there may be a great many. */
  names: readonly string[];
  next: number;
}

const GATHER_BYTES = 256 * 1024;
const SLASH = Buffer.from("/");
const ROOT = Buffer.from("./");
const MARK = Buffer.from(".wh.");
const NO_BYTES = new Uint8Array(0);

/** Packs the tree below `root`. @throws ToolError not-found if there is no such directory, failed if it cannot be read */
export async function* packTree(root: string, options: PackOptions): ByteStream {
  const packer = new Packer(await loadLibc(), options);
  let held: Uint8Array[] = [];
  let size = 0;
  try {
    for (const piece of packer.pack(root)) {
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
  readonly #onLoss: (loss: Loss) => void;
  readonly #files: PackedFiles;
  readonly #grafts: Grafts;
  readonly #names: EntryNames;

  constructor(libc: Libc, { onLoss, grafts = [], names = "tar", owners }: PackOptions) {
    this.#libc = libc;
    this.#onLoss = onLoss;
    this.#files = new PackedFiles(libc, { owners, onLoss: (path, what, reason) => this.#lose(path, what, reason) });
    this.#grafts = new Grafts(grafts);
    this.#names = names;
  }

  *pack(root: string): Generator<Uint8Array> {
    yield* this.#tree(root, this.#names === "tar" ? ROOT : NO_BYTES);
    for (const { path, reason } of this.#grafts.unmet()) this.#lose(path, "subdataset", reason);
  }

  /** Packs a tree as if it lay at `top`, which ends in a slash if there is any of it. */
  *#tree(root: string, top: Uint8Array): Generator<Uint8Array> {
    const cursor = this.#open(root);
    try {
      const directory = { above: undefined, name: top };
      const path = top.length === 0 ? ROOT : top;
      const isWanted = top.length > 0 || this.#names !== "rootfs";
      if (isWanted) yield* this.#files.pack({ fd: cursor.fd, status: this.#libc.status(cursor.fd, HERE), path, directory, name: HERE });
      yield* this.#contents(cursor, { directory, length: top.length, names: this.#namesIn(cursor.fd), next: 0 }, top);
    } finally {
      cursor.close();
    }
  }

  *#contents(cursor: DirectoryCursor, top: Level, topPath: Uint8Array): Generator<Uint8Array> {
    const levels = [top];
    let path = topPath;
    for (let level = levels.at(-1); level !== undefined; level = levels.at(-1)) {
      const text = level.names[level.next++];
      if (text === undefined) {
        levels.pop();
        if (levels.length > 0) cursor.leave();
        continue;
      }
      const name = Buffer.from(text, "latin1");
      path = Buffer.concat([path.subarray(0, level.length), name]);
      const entered = yield* this.#name(cursor, { path, directory: level.directory, name });
      if (entered === undefined) continue;
      path = Buffer.concat([path, SLASH]);
      levels.push(entered);
    }
  }

  /** Packs one name, and goes into it if it is a directory. */
  *#name(cursor: DirectoryCursor, at: Omit<PackedFile, "fd" | "status">): Generator<Uint8Array, Level | undefined> {
    if (at.path.length >= NAME_LIMIT_BYTES) return this.#lose(at.path, "file", "its path is too long");
    if (this.#names === "layer" && isMark(at.name)) return this.#lose(at.path, "file", "its name is a mark in a layer");
    const fd = this.#try("file", at.path, () => this.#libc.open(cursor.fd, at.name, linux.O_PATH));
    if (fd === undefined) return undefined;
    try {
      const status = this.#libc.status(fd, HERE);
      if ((status.mode & linux.S_IFMT) === linux.S_IFDIR) return yield* this.#directory(cursor, { ...at, fd, status });
      yield* this.#files.pack({ ...at, fd, status });
      return undefined;
    } finally {
      this.#libc.close(fd);
    }
  }

  *#directory(cursor: DirectoryCursor, file: PackedFile): Generator<Uint8Array, Level | undefined> {
    const path = Buffer.concat([file.path, SLASH]);
    const graft = this.#grafts.take(this.#names === "tar" ? path : Buffer.concat([ROOT, path]));
    if (graft !== undefined) {
      yield* this.#tree(graft, path);
      return undefined;
    }
    yield* this.#files.pack({ ...file, path });
    return this.#try("directory contents", path, () => {
      const directory = { above: file.directory, name: Buffer.concat([file.name, SLASH]) };
      const fd = this.#libc.reopen(file.fd, linux.O_RDONLY | linux.O_DIRECTORY);
      const names = this.#namesIn(fd, () => this.#libc.close(fd));
      cursor.enter(fd);
      return { directory, length: path.length, names, next: 0 };
    });
  }

  #open(root: string): DirectoryCursor {
    try {
      return new DirectoryCursor(this.#libc, root);
    } catch (error) {
      throw error instanceof LibcError ? cannotRead(root, error) : error;
    }
  }

  #namesIn(fd: number, onFailure: () => void = () => undefined): string[] {
    try {
      return Array.from(this.#libc.names(fd), (name) => Buffer.from(name).toString("latin1")).toSorted();
    } catch (error) {
      onFailure();
      throw error;
    }
  }

  /** What a call gives; undefined, and a loss, if the file does not let it. */
  #try<T>(what: string, path: Uint8Array, call: () => T): T | undefined {
    try {
      return call();
    } catch (error) {
      if (!(error instanceof LibcError)) throw error;
      return this.#lose(path, what, error.message);
    }
  }

  #lose(path: Uint8Array, what: string, reason: string): undefined {
    this.#onLoss({ path: displayName(path), what, reason });
  }
}

/** Whether a name says in a layer that another one is gone. */
function isMark(name: Uint8Array): boolean {
  return Buffer.compare(name.subarray(0, MARK.length), MARK) === 0;
}

function cannotRead(root: string, error: LibcError): ToolError {
  const code = error.code === "ENOENT" && error.call === "openat" ? "not-found" : "failed";
  return new ToolError(code, `Cannot read directory "${root}": ${error.message}`, { facts: { path: root, call: error.call } });
}
