/**
 * A directory tree as lines to compare: path, type, mode, owner, time to the nanosecond, size, link target, device number, number of names
 * and the first of them, extended attributes, and a digest of the contents. As a program it prints the lines of the tree that it is given:
 *
 *     bun test/support/tree-listing.ts ROOT
 */
import { createHash, type Hash } from "node:crypto";
import { loadLibc, type Libc } from "../../src/sys/libc.ts";
import * as linux from "../../src/sys/linux.ts";

const TYPES: Readonly<Record<number, string>> = {
  [linux.S_IFREG]: "file",
  [linux.S_IFDIR]: "dir",
  [linux.S_IFLNK]: "link",
  [linux.S_IFCHR]: "char",
  [linux.S_IFBLK]: "block",
  [linux.S_IFIFO]: "fifo",
  [linux.S_IFSOCK]: "socket",
};
const CHUNK_BYTES = 1024 * 1024;
const PIECE_BYTES = 4096;
const ZEROS = new Uint8Array(PIECE_BYTES);
const HERE = new Uint8Array(0);

/** Lists a tree, names in the order of their bytes. Needs the right to read all of it. */
export async function listTree(root: string): Promise<string[]> {
  const libc = await loadLibc();
  return [...new Lister(libc).list(linux.AT_FDCWD, Buffer.from(`${root}/.`), Buffer.from("."))];
}

class Lister {
  readonly #libc: Libc;
  readonly #firstNames = new Map<bigint, string>();
  readonly #chunk = new Uint8Array(CHUNK_BYTES);

  constructor(libc: Libc) {
    this.#libc = libc;
  }

  *list(dirFd: number, name: Uint8Array, path: Uint8Array): Generator<string> {
    const fd = this.#libc.open(dirFd, name, linux.O_PATH);
    try {
      const status = this.#libc.status(fd, HERE);
      const type = TYPES[status.mode & linux.S_IFMT] ?? "unknown";
      const facts = [...this.#facts(type, status), ...this.#contents(type, fd, status), ...this.#names(type, path, status)];
      yield [text(path), type, ...facts, ...this.#xattrs(fd)].join(" ");
      if (type === "dir") yield* this.#directory(fd, path);
    } finally {
      this.#libc.close(fd);
    }
  }

  *#directory(pathFd: number, path: Uint8Array): Generator<string> {
    const fd = this.#libc.reopen(pathFd, linux.O_RDONLY | linux.O_DIRECTORY);
    try {
      for (const child of [...this.#libc.names(fd)].toSorted((a, b) => Buffer.compare(a, b))) {
        yield* this.list(fd, child, Buffer.concat([path, Buffer.from("/"), child]));
      }
    } finally {
      this.#libc.close(fd);
    }
  }

  *#facts(type: string, { mode, uid, gid, mtimeNs, rdevMajor, rdevMinor }: linux.FileStatus): Generator<string> {
    yield (mode & 0o7777).toString(8).padStart(4, "0");
    yield `${uid}:${gid}`;
    yield `${mtimeNs}ns`;
    if (type === "char" || type === "block") yield `device=${rdevMajor}:${rdevMinor}`;
  }

  *#contents(type: string, fd: number, status: linux.FileStatus): Generator<string> {
    if (type === "link") yield `-> ${text(this.#libc.readLink(fd))}`;
    if (type !== "file") return;
    yield `${status.size} bytes`;
    if (status.size > 0) yield `digest=${this.#digest(fd, status)}`;
  }

  *#names(type: string, path: Uint8Array, { nlink, ino }: linux.FileStatus): Generator<string> {
    if (type === "dir" || nlink === 1) return;
    const first = this.#firstNames.get(ino) ?? text(path);
    this.#firstNames.set(ino, first);
    yield `names=${nlink}(${first})`;
  }

  *#xattrs(fd: number): Generator<string> {
    const names = this.#libc.listXattrs(fd).toSorted((a, b) => Buffer.compare(a, b));
    for (const xattr of names) yield `${text(xattr)}=${Buffer.from(this.#libc.getXattr(fd, xattr)).toString("hex")}`;
  }

  /** SHA-256 of the pieces that are not all zeros, each behind its offset; so holes need not be read, and count as the zeros that they are. */
  #digest(pathFd: number, { size, blocks }: linux.FileStatus): string {
    const fd = this.#libc.reopen(pathFd, linux.O_RDONLY);
    const hash = createHash("sha256");
    const isSparse = blocks * 512 < size;
    for (let at = 0; at < size;) {
      if (isSparse) at = this.#libc.seek(fd, at, linux.SEEK_DATA) ?? size;
      at -= at % PIECE_BYTES;
      const filled = this.#libc.read(fd, this.#chunk, at);
      if (filled === 0) break;
      digestPieces(hash, this.#chunk.subarray(0, filled), at);
      at += filled;
    }
    this.#libc.close(fd);
    return hash.digest("hex");
  }
}

function digestPieces(hash: Hash, chunk: Uint8Array, offset: number): void {
  for (let at = 0; at < chunk.length; at += PIECE_BYTES) {
    const piece = chunk.subarray(at, at + PIECE_BYTES);
    if (Buffer.compare(piece, ZEROS.subarray(0, piece.length)) !== 0) hash.update(`${offset + at}:`).update(piece);
  }
}

/** Bytes as text between quotes; what is not UTF-8 byte by byte. */
export function text(bytes: Uint8Array): string {
  try {
    return JSON.stringify(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return `bytes${JSON.stringify(Buffer.from(bytes).toString("latin1"))}`;
  }
}

if (import.meta.main) for (const line of await listTree(process.argv[2] ?? ".")) console.log(line);
