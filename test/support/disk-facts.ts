/** What a directory on disk holds, to be compared with what a file system in a stream held (stream-tree.ts). */
import { createHash } from "node:crypto";
import { loadLibc, type Libc } from "../../src/sys/libc.ts";
import * as linux from "../../src/sys/linux.ts";
import type { TreeFacts } from "./stream-tree.ts";

const LETTERS: Readonly<Record<number, string>> = {
  [linux.S_IFREG]: "f",
  [linux.S_IFDIR]: "d",
  [linux.S_IFLNK]: "l",
  [linux.S_IFCHR]: "c",
  [linux.S_IFBLK]: "b",
  [linux.S_IFIFO]: "p",
  [linux.S_IFSOCK]: "s",
};
/** As in the manifests, of a file that is larger than this the last bytes are summed. */
const HUGE_BYTES = 1024 ** 3;
const LAST_BYTES = 4096;
const HERE = new Uint8Array(0);

/** The facts of a tree. A directory's size is the file system's own affair, and so is left out: see {@link withoutDirectorySizes}. */
export async function diskFacts(root: string): Promise<TreeFacts> {
  const libc = await loadLibc();
  const facts: TreeFacts = { tree: {}, sha256: {}, xattrs: {}, devices: {} };
  add(libc, facts, { dirFd: linux.AT_FDCWD, name: Buffer.from(`${root}/.`), path: "." });
  return withoutDirectorySizes(facts);
}

/** Facts with 0 for the size of each directory. */
export function withoutDirectorySizes(facts: TreeFacts): TreeFacts {
  const tree = Object.entries(facts.tree).map(([path, line]) => [path, line.replace(/^(d \d+ \d+ \d+) \d+/, "$1 0")]);
  return { ...facts, tree: Object.fromEntries(tree) as Record<string, string> };
}

function add(libc: Libc, facts: TreeFacts, { dirFd, name, path }: { dirFd: number; name: Uint8Array; path: string }): void {
  const fd = libc.open(dirFd, name, linux.O_PATH);
  const { mode, uid, gid, size, nlink, mtimeNs, rdevMajor, rdevMinor } = libc.status(fd, HERE);
  const letter = LETTERS[mode & linux.S_IFMT] ?? "?";
  const target = letter === "l" ? Buffer.from(libc.readLink(fd)).toString("latin1") : "";
  facts.tree[path] = [letter, (mode & 0o7777).toString(8), uid, gid, size, nlink, mtimeNs, target].join(" ");
  if (letter === "f") facts.sha256[path] = sum(libc, fd, size);
  if (letter === "c" || letter === "b") facts.devices[path] = `${rdevMajor.toString(16)}:${rdevMinor.toString(16)}`;
  const xattrs = libc
    .listXattrs(fd)
    .map((xattr) => `${Buffer.from(xattr).toString("latin1")}=${Buffer.from(libc.getXattr(fd, xattr)).toString("hex")}`);
  if (xattrs.length > 0) facts.xattrs[path] = xattrs.toSorted().join("\n");
  if (letter === "d") {
    const open = libc.reopen(fd, linux.O_RDONLY | linux.O_DIRECTORY);
    for (const child of libc.names(open))
      add(libc, facts, { dirFd: open, name: child, path: `${path}/${Buffer.from(child).toString("latin1")}` });
    libc.close(open);
  }
  libc.close(fd);
}

function sum(libc: Libc, pathFd: number, size: number): string {
  const fd = libc.reopen(pathFd, linux.O_RDONLY);
  const bytes = new Uint8Array(size > HUGE_BYTES ? LAST_BYTES : size);
  const start = size - bytes.length;
  for (let at = 0; at < bytes.length;) at += libc.read(fd, bytes.subarray(at), start + at);
  libc.close(fd);
  return createHash("sha256").update(bytes).digest("hex");
}
