/** A file as it is listed, wherever it comes from: an object of a file system, or an entry of a tar. */
import type { TarEntry } from "../stream/tar/read.ts";
import { joined } from "../tree/selected-entries.ts";
import type { FileType } from "../zfs/zpl/file-status.ts";
import type { FileTree, TreeNode } from "./file-tree.ts";

/** What a listing says of a file. */
export interface ListedFile {
  /** Names with slashes between them; none for the root. */
  path: Uint8Array;
  /** A tar has further names of a file as hard links; of what it has besides, nothing is known. */
  type: FileType | "hardlink" | "unknown";
  mode: number;
  uid: number;
  gid: number;
  /** A tar does not say. */
  nlink: number | undefined;
  /** Bytes of a file, its holes included; otherwise what is stored as its size. */
  size: number;
  mtimeNs: bigint;
  /** Of a device. */
  device: { major: number; minor: number } | undefined;
  /** Of a link. */
  target: Uint8Array | undefined;
  /** Relative to the root dataset; undefined in a tar. */
  dataset: string | undefined;
}

const TYPES: Readonly<Record<string, ListedFile["type"]>> = {
  "0": "file",
  "1": "hardlink",
  "2": "symlink",
  "3": "character",
  "4": "block",
  "5": "directory",
  "6": "fifo",
};

/** Lists a file of a tree. @returns a promise where its target has to be read @throws ToolError damaged */
export function listNode(tree: FileTree, node: TreeNode): ListedFile | Promise<ListedFile> {
  const { type, mode, uid, gid, nlink, size, mtimeNs, rdevMajor: major, rdevMinor: minor } = node.status;
  const device = type === "block" || type === "character" ? { major, minor } : undefined;
  const listed = { path: node.path, type, mode, uid, gid, nlink, size, mtimeNs, device, target: undefined, dataset: node.volume.dataset };
  return type === "symlink" ? tree.readLink(node).then((target) => ({ ...listed, target })) : listed;
}

/** Lists an entry of a tar. @param path its name, taken apart */
export function listEntry(entry: TarEntry, path: readonly Uint8Array[]): ListedFile {
  const { mode, uid, gid, mtimeNs, devmajor: major, devminor: minor } = entry;
  const type = TYPES[entry.typeflag] ?? "unknown";
  const size = type === "file" ? (entry.sparse?.size ?? entry.size) : 0;
  const device = type === "block" || type === "character" ? { major, minor } : undefined;
  const target = type === "symlink" || type === "hardlink" ? entry.linkname : undefined;
  return { path: joined(path), type, mode: mode & 0o7777, uid, gid, nlink: undefined, size, mtimeNs, device, target, dataset: undefined };
}
