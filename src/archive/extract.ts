/** Files of an archive into a directory, all as entries of a tar: so there is one way to extract, and it is as safe for ZFS streams. */
import { Steps, stepsOf } from "../stream/steps.ts";
import type { EntryFiles } from "../tree/entry-files.ts";
import { extractInto, type ExtractIntoOptions, type ExtractIntoSummary } from "../tree/extract-into.ts";
import { PathPattern } from "../tree/path-pattern.ts";
import type { FileTree, TreeNode } from "./file-tree.ts";
import type { TreeFiles } from "./files.ts";
import { TreeEntries } from "./tree-entries.ts";

/** Extracts files. @param directory an existing one @throws ToolError */
export async function extractFiles(
  files: TreeFiles | EntryFiles,
  directory: string,
  options: ExtractIntoOptions,
): Promise<ExtractIntoSummary> {
  if (files.kind === "entries") return await extractEntries(files, directory, options);
  const nodes = new Selected(files.tree, options.patterns);
  const entries = new TreeEntries(files.tree, files.inObjectOrder ? stepsOf(sortByObject(nodes)) : nodes, options.onLoss);
  return await extractInto(entries, directory, { ...options, patterns: [] });
}

async function extractEntries(files: EntryFiles, directory: string, options: ExtractIntoOptions): Promise<ExtractIntoSummary> {
  const entries = await files.open();
  try {
    return await extractInto(entries, directory, options);
  } finally {
    await entries.close();
  }
}

/** What the patterns mean, each with all that lies below. */
class Selected extends Steps<TreeNode> {
  readonly #tree: FileTree;
  readonly #found: AsyncIterator<TreeNode>;
  #walk: Steps<TreeNode> | undefined;

  constructor(tree: FileTree, patterns: readonly PathPattern[]) {
    super();
    this.#tree = tree;
    this.#found = findAll(tree, patterns.length === 0 ? [new PathPattern("")] : patterns);
  }

  override next(): TreeNode | undefined | Promise<TreeNode | undefined> {
    const node = this.#walk?.next();
    return node instanceof Promise ? node.then((late) => late ?? this.#goOn()) : (node ?? this.#goOn());
  }

  async #goOn(): Promise<TreeNode | undefined> {
    const found = await this.#found.next();
    if (found.done === true) return undefined;
    this.#walk = this.#tree.walk(found.value, "objects");
    return await this.next();
  }
}

async function* findAll(tree: FileTree, patterns: readonly PathPattern[]): AsyncGenerator<TreeNode> {
  for (const pattern of patterns) yield* tree.find(pattern);
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
