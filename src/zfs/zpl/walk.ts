/** Walks a tree of files, a directory before what is in it, names in the order of their bytes. */
import { ToolError } from "../../errors.ts";
import type { FileStatus } from "./file-status.ts";
import type { DirectoryEntries } from "./directory-entries.ts";
import type { FileSystem } from "./file-system.ts";

/** A file and its path. */
export interface WalkedFile {
  /** Names with slashes between them, from where the walk began. */
  path: Uint8Array;
  status: FileStatus;
}

const MAX_PATH_BYTES = 64 * 1024;
const SLASH = Buffer.from("/");

/** All files beneath a directory. @throws ToolError damaged; failed for a path of more than 64 KiB */
export async function* walkTree(files: FileSystem, directory: number): AsyncGenerator<WalkedFile> {
  const open: { entries: DirectoryEntries; prefix: Uint8Array }[] = [];
  open.push({ entries: files.readDirectory(directory), prefix: new Uint8Array(0) });
  for (let last = open.at(-1); last !== undefined; last = open.at(-1)) {
    const next = await last.entries.next();
    if (next === undefined) {
      open.pop();
      continue;
    }
    const { name, status } = next;
    const path = Buffer.concat([last.prefix, name]);
    if (path.length > MAX_PATH_BYTES) throw new ToolError("failed", `Cannot walk the tree: a path in it has ${path.length} bytes`);
    yield { path, status };
    if (status.type === "directory") open.push({ entries: files.readDirectory(status.object), prefix: Buffer.concat([path, SLASH]) });
  }
}
