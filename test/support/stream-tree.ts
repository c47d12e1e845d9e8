/**
 * What a file system read from ZFS streams holds, to be compared with the manifests that lie beside sample streams: `find -printf` of the tree
 * (`.tree.txt`), sums of the files (`.sha256`), a `getfattr` dump (`.xattr`) and device numbers (`.notes`).
 */
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import { gunzipSync } from "node:zlib";
import type { FileStatus } from "../../src/zfs/zpl/file-status.ts";
import type { FileSystem } from "../../src/zfs/zpl/file-system.ts";
import { walkTree } from "../../src/zfs/zpl/walk.ts";

const FIXTURES = new URL("../fixtures/streams/", import.meta.url);

/** A stream of test/fixtures/streams, `p.full.s1` and so on. */
export function fixtureStream(name: string): Buffer {
  return gunzipSync(fs.readFileSync(new URL(`${name}.zfs.gz`, FIXTURES)));
}

/** The facts of a state in test/fixtures/streams/manifests, `p.s1` and so on. */
export function fixtureFacts(state: string): TreeFacts {
  return manifestFacts((kind) => fs.readFileSync(new URL(`manifests/${state}.${kind}`, FIXTURES)));
}

/** Facts by path; all text has one character for each byte. */
export interface TreeFacts {
  /** Type, mode, owner, size, links, mtime in nanoseconds, link target. */
  tree: Record<string, string>;
  sha256: Record<string, string>;
  /** Attributes of each path that has any, as lines `name=hex`. */
  xattrs: Record<string, string>;
  devices: Record<string, string>;
}

const LETTERS: Readonly<Record<FileStatus["type"], string>> = {
  file: "f",
  directory: "d",
  symlink: "l",
  character: "c",
  block: "b",
  fifo: "p",
  socket: "s",
};
/** Too large to be summed; the notes beside it have the sum of its last 4096 bytes. */
const HUGE = "./sparse-huge";

/** The facts of a file system's directory. */
export async function treeFacts(files: FileSystem, under: string): Promise<TreeFacts> {
  const facts: TreeFacts = { tree: {}, sha256: {}, xattrs: {}, devices: {} };
  const root = under === "" ? await files.stat(files.root) : await files.lookup(Buffer.from(under));
  if (root === undefined) throw new Error(`no ${under}`);
  await addFacts(facts, files, { path: ".", status: root });
  for await (const { path, status } of walkTree(files, root.object)) {
    await addFacts(facts, files, { path: `./${Buffer.from(path).toString("latin1")}`, status });
  }
  return facts;
}

async function addFacts(facts: TreeFacts, files: FileSystem, { path, status }: { path: string; status: FileStatus }): Promise<void> {
  const { type, mode, uid, gid, size, nlink, mtimeNs, rdevMajor, rdevMinor } = status;
  const target = type === "symlink" ? Buffer.from(await files.readLink(status)).toString("latin1") : "";
  facts.tree[path] = [LETTERS[type], mode.toString(8), uid, gid, size, nlink, mtimeNs, target].join(" ");
  if (type === "file") facts.sha256[path] = path === HUGE ? await lastBytesSum(files, status) : await sum(files, status);
  if (type === "character" || type === "block") facts.devices[path] = `${rdevMajor.toString(16)}:${rdevMinor.toString(16)}`;
  const xattrs: string[] = [];
  for await (const { name, value } of files.xattrs(status.object))
    xattrs.push(`${Buffer.from(name).toString("latin1")}=${Buffer.from(value ?? []).toString("hex")}`);
  if (xattrs.length > 0) facts.xattrs[path] = xattrs.toSorted().join("\n");
}

async function sum(files: FileSystem, status: FileStatus): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of files.readFile(status)) hash.update(chunk);
  return hash.digest("hex");
}

async function lastBytesSum(files: FileSystem, status: FileStatus): Promise<string> {
  const last = Buffer.alloc(4096);
  for await (const { offset, bytes } of files.pieces(status)) {
    const at = offset - (status.size - last.length);
    last.set(bytes.subarray(Math.max(0, -at)), Math.max(0, at));
  }
  return createHash("sha256").update(last).digest("hex");
}

/** The facts that a state's manifests say. @param read reads one of them */
export function manifestFacts(read: (kind: "tree.txt" | "sha256" | "xattr" | "notes") => Uint8Array): TreeFacts {
  const devices: Record<string, string> = {};
  const sums = Object.fromEntries(lines(read("sha256")).map(sumLine));
  for (const line of lines(read("notes"))) {
    const device = /^(\S+) \w+ special file (\w+:\w+)\(hex\)$/.exec(line);
    if (device !== null) devices[device[1] ?? ""] = device[2] ?? "";
    const last = /^(\w+) {2}last-4096-bytes-of-sparse-huge$/.exec(line);
    if (last !== null) sums[HUGE] = last[1] ?? "";
  }
  return { tree: Object.fromEntries(lines(read("tree.txt")).map(treeLine)), sha256: sums, xattrs: xattrFacts(read("xattr")), devices };
}

function lines(bytes: Uint8Array): string[] {
  return Buffer.from(bytes)
    .toString("latin1")
    .split("\n")
    .filter((line) => line !== "");
}

/** `f 644 0 0 100 3 499137660.1234567890 ./hundred⇥`; a newline in the name is a byte 1. */
function treeLine(line: string): [string, string] {
  const match = /^(\w \d+ \d+ \d+ \d+ \d+) (-?\d+)\.(\d{9})0 ([^\t]*)\t(.*)$/s.exec(line);
  if (match === null) throw new Error(`unexpected line: ${line}`);
  const [, facts = "", seconds = "", nanoseconds = "", path = "", target = ""] = match;
  const mtime = BigInt(seconds) * 1_000_000_000n + BigInt(nanoseconds);
  return [path.replaceAll("\x01", "\n"), `${facts} ${mtime} ${target}`];
}

/** `be18…  ./name`; with a backslash in front, backslashes and newlines in the name are escaped. */
function sumLine(line: string): [string, string] {
  const isEscaped = line.startsWith("\\");
  const [, hash = "", name = ""] = /^\\?(\w{64}) {2}(.*)$/.exec(line) ?? [];
  return [isEscaped ? name.replaceAll(/\\(n|\\)/g, (_, letter) => (letter === "n" ? "\n" : "\\")) : name, hash];
}

function xattrFacts(dump: Uint8Array): Record<string, string> {
  const facts: Record<string, string> = {};
  let path = "";
  for (const line of lines(dump)) {
    if (line.startsWith("# file: ")) {
      path = `./${unescape(line.slice("# file: ".length))}`;
      if (path === "./.") path = ".";
      continue;
    }
    const [, name = "", value = ""] = /^([^=]*)=(.*)$/.exec(line) ?? [];
    const known = facts[path];
    facts[path] = [...(known?.split("\n") ?? []), `${unescape(name)}=${xattrValue(value)}`].toSorted().join("\n");
  }
  return facts;
}

function xattrValue(text: string): string {
  if (text.startsWith("0s")) return Buffer.from(text.slice(2), "base64").toString("hex");
  if (text.startsWith("0x")) return text.slice(2);
  return Buffer.from(unescape(text.slice(1, -1)), "latin1").toString("hex");
}

/** Undoes `\012` and `\"`. */
function unescape(text: string): string {
  return text.replaceAll(/\\(\d{3}|.)/g, (_, code: string) => (code.length === 3 ? String.fromCharCode(parseInt(code, 8)) : code));
}
