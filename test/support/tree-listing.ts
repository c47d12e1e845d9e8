/**
 * A directory tree as lines to compare: path, type, mode, owner, time to the nanosecond, size, link target, device number, number of names
 * and the first of them, extended attributes, and the contents' SHA-256. As a program it prints the lines of the tree that it is given:
 *
 *     bun test/support/tree-listing.ts ROOT
 */
import { createHash } from "node:crypto";
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

/** Lists a tree, names in the order of their bytes. Needs the right to read all of it. */
export async function listTree(root: string): Promise<string[]> {
  const libc = await loadLibc();
  return [...new Lister(libc).list(linux.AT_FDCWD, Buffer.from(`${root}/.`), Buffer.from("."))];
}

class Lister {
  readonly #libc: Libc;
  readonly #firstNames = new Map<bigint, string>();

  constructor(libc: Libc) {
    this.#libc = libc;
  }

  *list(dirFd: number, name: Uint8Array, path: Uint8Array): Generator<string> {
    const status = this.#libc.status(dirFd, name);
    const type = TYPES[status.mode & linux.S_IFMT] ?? "unknown";
    const facts = [...this.#facts(type, status), ...this.#contents(type, { dirFd, name, status }), ...this.#names(type, path, status)];
    yield [text(path), type, ...facts, ...this.#xattrs(dirFd, name)].join(" ");
    if (type !== "dir") return;
    const fd = this.#libc.open(dirFd, name, linux.O_RDONLY | linux.O_DIRECTORY);
    try {
      for (const child of this.#libc.names(fd).toSorted((a, b) => Buffer.compare(a, b))) {
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

  *#contents(type: string, file: { dirFd: number; name: Uint8Array; status: linux.FileStatus }): Generator<string> {
    const { dirFd, name, status } = file;
    if (type === "link") yield `-> ${text(this.#libc.readLink(dirFd, name))}`;
    if (type !== "file") return;
    yield `${status.size} bytes`;
    yield `sha256=${this.#digest(dirFd, name)}`;
  }

  *#names(type: string, path: Uint8Array, { nlink, ino }: linux.FileStatus): Generator<string> {
    if (type === "dir" || nlink === 1) return;
    const first = this.#firstNames.get(ino) ?? text(path);
    this.#firstNames.set(ino, first);
    yield `names=${nlink}(${first})`;
  }

  *#xattrs(dirFd: number, name: Uint8Array): Generator<string> {
    const names = this.#libc.listXattrs(dirFd, name).toSorted((a, b) => Buffer.compare(a, b));
    for (const xattr of names) yield `${text(xattr)}=${Buffer.from(this.#libc.getXattr(dirFd, name, xattr)).toString("hex")}`;
  }

  #digest(dirFd: number, name: Uint8Array): string {
    const fd = this.#libc.open(dirFd, name, linux.O_RDONLY);
    const hash = createHash("sha256");
    const chunk = new Uint8Array(CHUNK_BYTES);
    for (let at = 0, filled = this.#libc.read(fd, chunk, at); filled > 0; filled = this.#libc.read(fd, chunk, at)) {
      hash.update(chunk.subarray(0, filled));
      at += filled;
    }
    this.#libc.close(fd);
    return hash.digest("hex");
  }
}

/** Bytes as text between quotes; what is not UTF-8 byte by byte. */
function text(bytes: Uint8Array): string {
  try {
    return JSON.stringify(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return `bytes${JSON.stringify(Buffer.from(bytes).toString("latin1"))}`;
  }
}

if (import.meta.main) for (const line of await listTree(process.argv[2] ?? ".")) console.log(line);
