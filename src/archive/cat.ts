/** The contents of one file. */
import { ToolError } from "../errors.ts";
import type { ByteStream } from "../stream/bytes.ts";
import { StreamSource } from "../stream/stream-source.ts";
import { displayName } from "../stream/tar/display-name.ts";
import type { TarEntry } from "../stream/tar/read.ts";
import type { EntryFiles } from "../tree/entry-files.ts";
import { splitEntryName } from "../tree/entry-path.ts";
import type { PathPattern } from "../tree/path-pattern.ts";
import { joined } from "../tree/selected-entries.ts";
import { notFound, type TreeNode } from "./file-tree.ts";
import type { TreeFiles } from "./files.ts";
import { listEntry, type ListedFile } from "./listed-file.ts";
import { zeros } from "./tree-segments.ts";

/**
 * The bytes of a file, zeros for its holes.
 *
 * @throws ToolError not-found; failed if it is no regular file, or the pattern means several; damaged
 */
export function catFile(files: TreeFiles | EntryFiles, pattern: PathPattern): ByteStream {
  return files.kind === "tree" ? catNode(files, pattern) : catEntry(files, pattern);
}

const WORDS: Readonly<Record<ListedFile["type"], string>> = {
  file: "a regular file",
  directory: "a directory",
  symlink: "a symbolic link",
  character: "a character device",
  block: "a block device",
  fifo: "a FIFO",
  socket: "a socket",
  hardlink: "a hard link",
  unknown: "no file that is known",
};

async function* catNode({ tree }: TreeFiles, pattern: PathPattern): ByteStream {
  const found: TreeNode[] = [];
  for await (const node of tree.find(pattern)) {
    found.push(node);
    if (found.length > 1) throw ambiguous(pattern, found.map(({ path }) => path)); // prettier-ignore
  }
  const [node] = found;
  if (node === undefined) throw notFound(pattern, "there is no such file");
  const { type } = node.status;
  if (type !== "file") throw notRegular(pattern, type, type === "symlink" ? await tree.readLink(node) : undefined);
  yield* tree.contents(node);
}

/** The first entry of that name counts: whoever looked for a later one would have to keep this one. */
async function* catEntry(files: EntryFiles, pattern: PathPattern): ByteStream {
  const target = yield* catFirst(files, pattern, (path) => pattern.relate(path) === "itself");
  if (target === undefined) return;
  if (!files.isReopenable) throw notRegular(pattern, "hardlink", target);
  yield* catFirst(files, pattern, (path) => Buffer.compare(joined(path), target) === 0);
}

/** Gives the data of the first entry that is wanted. @returns the path it leads to instead, if it is a hard link */
async function* catFirst(
  files: EntryFiles,
  pattern: PathPattern,
  isWanted: (path: readonly Uint8Array[]) => boolean,
): AsyncGenerator<Uint8Array, Uint8Array | undefined> {
  const entries = await files.open();
  try {
    for (let entry = await entries.next(); entry !== undefined; entry = await entries.next()) {
      const path = splitEntryName(entry.name, entry.headerOffset);
      if (!isWanted(path)) continue;
      const { type, target } = listEntry(entry, path);
      if (type === "hardlink") return joined(splitEntryName(entry.linkname, entry.headerOffset));
      if (type !== "file") throw notRegular(pattern, type, target);
      yield* contentsOf(entry);
      return undefined;
    }
  } finally {
    await entries.close();
  }
  throw notFound(pattern, "there is no such file");
}

async function* contentsOf(entry: TarEntry): ByteStream {
  const { sparse } = entry;
  if (sparse === undefined) return yield* entry.body();
  const data = new StreamSource(entry.body());
  let at = 0;
  for (const { offset, length } of sparse.segments) {
    yield* zeros(offset - at);
    for (at = offset; at < offset + length;) {
      const chunk = await data.read(offset + length - at);
      if (chunk === undefined) throw new TypeError("a tar's map of holes was checked against its data");
      at += chunk.length;
      yield chunk;
    }
  }
  yield* zeros(sparse.size - at);
}

function notRegular(pattern: PathPattern, type: ListedFile["type"], target: Uint8Array | undefined): ToolError {
  const where = target === undefined ? "" : ` to "${displayName(target)}"`;
  const hint = type === "directory" ? "ctar ls shows what it holds" : "Name what it leads to, as links are not followed";
  const hints = type === "directory" || target !== undefined ? [hint] : [];
  return new ToolError("failed", `Cannot print "${pattern.text}": it is ${WORDS[type]}${where}`, { hints, facts: { type } });
}

function ambiguous(pattern: PathPattern, paths: readonly Uint8Array[]): ToolError {
  const names = paths.map((path) => `"${displayName(path)}"`).join(", ");
  return new ToolError("failed", `Cannot print "${pattern.text}": it stands for several files`, {
    hints: [`There are ${names}, for example`],
  });
}
