/** Files of an archive into a directory, all as entries of a tar: so there is one way to extract, and it is as safe for ZFS streams. */
import { drain, readAll } from "../stream/bytes.ts";
import { StreamSource } from "../stream/stream-source.ts";
import { TarReader } from "../stream/tar/read.ts";
import { extractInto, type ExtractIntoOptions, type ExtractIntoSummary } from "../tree/extract-into.ts";
import { PathPattern } from "../tree/path-pattern.ts";
import type { FileTree, TreeNode } from "./file-tree.ts";
import type { TarFiles, TreeFiles } from "./files.ts";
import { TreeEntries } from "./tree-entries.ts";

/** Extracts files. @param directory an existing one @throws ToolError */
export async function extractFiles(
  files: TreeFiles | TarFiles,
  directory: string,
  options: ExtractIntoOptions,
): Promise<ExtractIntoSummary> {
  if (files.kind === "tar") return await extractTar(files, directory, options);
  const nodes = select(files.tree, options.patterns);
  const entries = new TreeEntries(files.tree, files.inObjectOrder ? sortByObject(nodes) : nodes, options.onLoss);
  return await extractInto(entries, directory, { ...options, patterns: [] });
}

/** The tar is read to its end, so that checks which steps before make there are made. */
async function extractTar(files: TarFiles, directory: string, options: ExtractIntoOptions): Promise<ExtractIntoSummary> {
  const source = new StreamSource(files.open());
  try {
    const summary = await extractInto(new TarReader(source), directory, options);
    await drain(readAll(source));
    return summary;
  } finally {
    await source.close();
  }
}

/** What the patterns mean, each with all that lies below. */
async function* select(tree: FileTree, patterns: readonly PathPattern[]): AsyncGenerator<TreeNode> {
  for (const pattern of patterns.length === 0 ? [new PathPattern("")] : patterns) {
    for await (const found of tree.find(pattern)) yield* tree.walk(found);
  }
}

/** Directories as they come, then everything else as it comes in the streams of each dataset. */
async function* sortByObject(nodes: AsyncIterable<TreeNode>): AsyncGenerator<TreeNode> {
  const others = new Map<TreeNode["volume"], TreeNode[]>();
  for await (const node of nodes) {
    const files = others.get(node.volume) ?? [];
    if (node.status.type === "directory") yield node;
    else files.push(node);
    others.set(node.volume, files);
  }
  for (const files of others.values()) yield* files.toSorted((a, b) => a.status.object - b.status.object);
}
