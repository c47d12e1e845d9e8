/** Files of an archive into a directory, ZFS streams by way of a tar: so there is one way to extract, and it is as safe for both. */
import type { ByteStream } from "../stream/bytes.ts";
import { extractInto, type ExtractIntoOptions, type ExtractIntoSummary } from "../tree/extract-into.ts";
import { PathPattern } from "../tree/path-pattern.ts";
import type { FileTree, TreeNode } from "./file-tree.ts";
import type { TarFiles, TreeFiles } from "./files.ts";
import { packNodes } from "./tree-tar.ts";

/** Extracts files. @param directory an existing one @throws ToolError */
export async function extractFiles(
  files: TreeFiles | TarFiles,
  directory: string,
  options: ExtractIntoOptions,
): Promise<ExtractIntoSummary> {
  if (files.kind === "tar") return await extractInto(files.open(), directory, options);
  return await extractInto(packTree(files, options), directory, { ...options, patterns: [] });
}

function packTree({ tree, inObjectOrder }: TreeFiles, { patterns, onLoss }: ExtractIntoOptions): ByteStream {
  const nodes = select(tree, patterns);
  return packNodes(tree, inObjectOrder ? sortByObject(nodes) : nodes, onLoss);
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
