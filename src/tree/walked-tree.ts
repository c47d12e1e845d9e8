/**
 * A directory tree that does not change, such as a mounted snapshot, as files that can be looked at again and again: what the layers of an image
 * are made of (satisfies the oci room's `LayerTree`). Sockets are left out.
 *
 * A file is opened by the names of its directories, one by one from the root, so that no link leads out of the tree. What a walk holds is the
 * names in the directories on its way down.
 */
import { ToolError } from "../errors.ts";
import type { ByteStream } from "../stream/bytes.ts";
import { displayName } from "../stream/tar/display-name.ts";
import { xattrKey, type PaxRecords } from "../stream/tar/pax.ts";
import type { SparseMap } from "../stream/tar/sparse.ts";
import { LibcError, loadLibc, type Libc } from "../sys/libc.ts";
import * as linux from "../sys/linux.ts";
import { DirectoryCursor, HERE, withDirectory } from "./directory-cursor.ts";
import { findSegments, readSegment } from "./file-data.ts";
import { Grafts, type Graft } from "./grafts.ts";
import type { Loss } from "./loss.ts";
import type { Owners } from "./owners.ts";
import { TYPEFLAGS } from "./packed-files.ts";
import { readXattrs } from "./read-xattrs.ts";

/** What the tree is. */
export interface WalkedTreeOptions {
  root: string;
  /** Trees in the place of directories. */
  grafts: readonly Graft[];
  /** Told of what is left out, in the first walk, and of attributes that cannot be read, whenever they are. */
  onLoss: (loss: Loss) => void;
  /** Turns owners that the file system shows into those to tell. */
  owners?: Owners | undefined;
  /** What is another one whenever something has been changed about a file. @param volume path of the tree that it is of; "" for the root's */
  version?: (status: linux.FileStatus, volume: string) => string;
}

/** Data of a file as an entry has it. */
export interface WalkedData {
  /** Bytes without holes. */
  readonly size: number;
  readonly slack: 0;
  readonly sparse: SparseMap | undefined;
  readonly headerOffset: 0;
  readonly dataOffset: 0;
  body(): ByteStream;
}

/** A tree, and where it is in the whole. */
interface Volume {
  root: string;
  /** Without a slash at either end, one character per byte. */
  path: string;
}

/** The tree. */
export class WalkedTree {
  readonly #libc: Libc;
  readonly #options: WalkedTreeOptions;
  #isFirstWalk = true;

  private constructor(libc: Libc, options: WalkedTreeOptions) {
    this.#libc = libc;
    this.#options = options;
  }

  static async open(options: WalkedTreeOptions): Promise<WalkedTree> {
    return new WalkedTree(await loadLibc(), options);
  }

  /** A directory before what is in it, names in the order of their bytes, the root first. @throws ToolError failed if it cannot be read */
  async *walk(): AsyncGenerator<WalkedFile> {
    const grafts = new Grafts(this.#options.grafts);
    yield* this.#volume({ root: this.#options.root, path: "" }, grafts);
    for (const { path, reason } of grafts.unmet()) this.#lose({ path: displayName(path), what: "subdataset", reason });
    this.#isFirstWalk = false;
  }

  *#volume(volume: Volume, grafts: Grafts): Generator<WalkedFile> {
    const cursor = reading(volume.root, () => new DirectoryCursor(this.#libc, volume.root));
    try {
      const status = reading(volume.root, () => this.#libc.status(cursor.fd, HERE));
      yield new WalkedFile(this.#libc, { volume, path: volume.path, status, options: this.#options });
      const levels = [{ path: volume.path, names: this.#namesIn(cursor.fd, volume.path), next: 0 }];
      for (let level = levels.at(-1); level !== undefined; level = levels.at(-1)) {
        const name = level.names[level.next++];
        if (name === undefined) {
          levels.pop();
          if (levels.length > 0) cursor.leave();
          continue;
        }
        const path = level.path === "" ? name : `${level.path}/${name}`;
        if (yield* this.#name(cursor, { volume, path, name }, grafts))
          levels.push({ path, names: this.#namesIn(cursor.fd, path), next: 0 });
      }
    } finally {
      cursor.close();
    }
  }

  /** @returns whether it is a directory that the cursor is in now */
  *#name(cursor: DirectoryCursor, at: { volume: Volume; path: string; name: string }, grafts: Grafts): Generator<WalkedFile, boolean> {
    const { volume, path } = at;
    const name = Buffer.from(at.name, "latin1");
    const status = reading(path, () => this.#libc.status(cursor.fd, name));
    const typeflag = TYPEFLAGS[status.mode & linux.S_IFMT];
    const graft = typeflag === "5" ? grafts.take(Buffer.from(`./${path}/`, "latin1")) : undefined;
    if (graft !== undefined) yield* this.#volume({ root: graft, path }, grafts);
    else if (typeflag === undefined) this.#lose({ path: shown(path), what: "socket", reason: "tar has no sockets" });
    else yield new WalkedFile(this.#libc, { volume, path, status, options: this.#options });
    if (typeflag !== "5" || graft !== undefined) return false;
    cursor.enter(reading(path, () => this.#libc.open(cursor.fd, name, linux.O_RDONLY | linux.O_DIRECTORY)));
    return true;
  }

  #lose(loss: Loss): void {
    if (this.#isFirstWalk) this.#options.onLoss(loss);
  }

  #namesIn(fd: number, path: string): string[] {
    return reading(path, () => Array.from(this.#libc.names(fd), (name) => Buffer.from(name).toString("latin1")).toSorted());
  }
}

/** A file of the tree, under one of its names. */
export class WalkedFile {
  readonly typeflag: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtimeNs: bigint;
  readonly size: number;
  /** Of a file with several names, the same for all of them. */
  readonly identity: string | undefined;
  readonly version: string | undefined;
  readonly #libc: Libc;
  readonly #at: { volume: Volume; path: string; status: linux.FileStatus; options: WalkedTreeOptions };

  constructor(libc: Libc, at: { volume: Volume; path: string; status: linux.FileStatus; options: WalkedTreeOptions }) {
    const { volume, status } = at;
    this.#libc = libc;
    this.#at = at;
    this.typeflag = TYPEFLAGS[status.mode & linux.S_IFMT] ?? "0";
    this.mode = status.mode & 0o7777;
    this.uid = at.options.owners?.uid(status.uid) ?? status.uid;
    this.gid = at.options.owners?.gid(status.gid) ?? status.gid;
    this.mtimeNs = status.mtimeNs;
    this.size = status.size;
    this.identity = this.typeflag !== "5" && status.nlink > 1 ? `${status.dev}:${status.ino}` : undefined;
    this.version = at.options.version?.(status, volume.path);
  }

  /** Names with slashes between them; none for the root. */
  get path(): Uint8Array {
    return Buffer.from(this.#at.path, "latin1");
  }

  get target(): Uint8Array | undefined {
    return this.typeflag === "2" ? this.#opened((fd) => this.#libc.readLink(fd)) : undefined;
  }

  get device(): { major: number; minor: number } | undefined {
    const { rdevMajor: major, rdevMinor: minor } = this.#at.status;
    return this.typeflag === "3" || this.typeflag === "4" ? { major, minor } : undefined;
  }

  /** Extended attributes as records. */
  xattrs(): PaxRecords {
    const { path, options } = this.#at;
    const onLoss = (what: string, reason: string): void => options.onLoss({ path: shown(path), what, reason });
    const found = this.#opened((fd) => readXattrs(this.#libc, fd, { owners: options.owners, onLoss }));
    return new Map(found.map(([name, value]) => [xattrKey(name), value]));
  }

  /** Data of a regular file. */
  data(): WalkedData {
    const { status } = this.#at;
    const segments = this.#read((fd) => findSegments(this.#libc, fd, status));
    const size = segments?.reduce((sum, { length }) => sum + length, 0) ?? status.size;
    const sparse = segments === undefined ? undefined : { size: status.size, segments };
    const body = (): ByteStream => this.#body(segments ?? [{ offset: 0, length: size }]);
    return { size, slack: 0, sparse, headerOffset: 0, dataOffset: 0, body };
  }

  async *#body(segments: readonly { offset: number; length: number }[]): ByteStream {
    const { path } = this.#at;
    const fd = this.#opened((place) => this.#libc.reopen(place, linux.O_RDONLY | linux.O_NONBLOCK));
    try {
      for (const segment of segments) {
        if (yield* readSegment(this.#libc, fd, segment)) continue;
        throw new ToolError("failed", `Cannot read "${shown(path)}": it ends before its size`, { facts: { path } });
      }
    } catch (error) {
      throw cannotRead(path, error);
    } finally {
      this.#libc.close(fd);
    }
  }

  /** Does something with the file, opened for reading. */
  #read<T>(use: (fd: number) => T): T {
    return this.#opened((place) => {
      const fd = this.#libc.reopen(place, linux.O_RDONLY | linux.O_NONBLOCK);
      try {
        return use(fd);
      } finally {
        this.#libc.close(fd);
      }
    });
  }

  /** Does something with the file, opened as a place (O_PATH). @throws ToolError failed */
  #opened<T>(use: (fd: number) => T): T {
    const { volume, path } = this.#at;
    const names = path
      .slice(volume.path.length)
      .split("/")
      .filter((name) => name !== "");
    const bytes = names.map((name) => Buffer.from(name, "latin1"));
    return reading(path, () => {
      const root = this.#libc.open(linux.AT_FDCWD, Buffer.from(`${volume.root}/.`), linux.O_PATH | linux.O_DIRECTORY);
      try {
        return withDirectory(this.#libc, { rootFd: root, path: bytes.slice(0, -1) }, (directory) => {
          const name = bytes.at(-1);
          const fd = name === undefined ? directory : this.#libc.open(directory, name, linux.O_PATH);
          try {
            return use(fd);
          } finally {
            if (fd !== directory) this.#libc.close(fd);
          }
        });
      } finally {
        this.#libc.close(root);
      }
    });
  }
}

function reading<T>(path: string, call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw cannotRead(path, error);
  }
}

function cannotRead(path: string, error: unknown): unknown {
  return error instanceof LibcError
    ? new ToolError("failed", `Cannot read "${shown(path)}": ${error.message}`, { facts: { path } })
    : error;
}

function shown(path: string): string {
  return displayName(Buffer.from(path, "latin1"));
}
