/** `ctar ls`: the files in an archive. */
import { listEntry, listNode, type ListedFile } from "../archive/listed-file.ts";
import type { FileTree, TreeNode } from "../archive/file-tree.ts";
import type { TreeFiles } from "../archive/files.ts";
import type { Steps } from "../stream/steps.ts";
import type { EntryFiles } from "../tree/entry-files.ts";
import { splitEntryName } from "../tree/entry-path.ts";
import { PathPattern } from "../tree/path-pattern.ts";
import type { Context } from "./context.ts";
import { defineVerb, type Verb } from "./define.ts";
import { notFound, openArchiveFiles, TREE_ARGS } from "./inputs/files-arguments.ts";
import { jsonLine, longLine, shownPath } from "./inputs/listing.ts";
import { IMAGE_ARGS, SPOOL_ARG } from "./inputs/subject.ts";

/** The verb. */
export const lsVerb: Verb = defineVerb({
  name: "ls",
  summary: "List the files in an archive",
  description:
    "Reads container archives of format zfs and tar, bare ZFS streams, images (docker-archives and OCI layouts, their layers put together) and tars of " +
    "root filesystems; needs neither ZFS nor root. A path names a file, or a directory whose contents are listed; it starts at the container's root " +
    "filesystem, or at the root of the dataset of a bare stream, and may have * ? and [a-z] in its names. Links are not followed. Owners are those of the archive; times are UTC.",
  args: {
    archive: { type: "positional", completes: "file", description: "A file, an OCI layout's directory, or - for stdin" },
    path: { type: "positional", required: false, repeatable: true, description: "What to list; the root if left out" },
    long: { type: "boolean", alias: "l", description: "Show type and mode, links, owner, size or device numbers, time, target" },
    recursive: { type: "boolean", alias: "R", description: "List what lies below directories, too" },
    json: { type: "boolean", description: "Print a line of JSON for each file" },
    ...TREE_ARGS,
    ...IMAGE_ARGS,
    ...SPOOL_ARG,
  },
  examples: [
    "ctar ls web01.tar",
    "ctar ls -l web01.tar etc/ssh",
    "ctar ls -R --json web01.tar | jq -r .path",
    "ctar ls --image app:1.2 images.tar usr/bin",
    "ctar ls backup.zfs.gz 'home/*/.ssh'",
  ],
  run: async (args, context) => {
    const patterns = (args.path.length === 0 ? [""] : args.path).map((path) => new PathPattern(path));
    await using opened = await openArchiveFiles(args, false, context);
    const { files } = opened;
    const line = args.json ? jsonLine : args.long ? longLine : ({ path }: ListedFile): string => shownPath(path);
    const options = { patterns, recursive: args.recursive, archive: args.archive };
    const lines = new GatheredLines(context);
    const show = (file: ListedFile): void | Promise<void> => lines.add(line(file));
    try {
      if (files.kind === "tree") await listTree(files, options, show);
      else for await (const file of listEntries(files, options)) await show(file);
    } finally {
      await lines.flush();
    }
  },
});

/** How many lines are printed at a time. */
const LINES = 100;

type Show = (file: ListedFile) => void | Promise<void>;

interface ListOptions {
  patterns: readonly PathPattern[];
  recursive: boolean;
  archive: string;
}

/** Lines that go out some at a time: of a million, each by itself takes longer to print than to make. */
class GatheredLines {
  readonly #context: Context;
  #lines: string[] = [];

  constructor(context: Context) {
    this.#context = context;
  }

  /** Takes a line. @returns a promise when some are to go out */
  add(line: string): void | Promise<void> {
    this.#lines.push(line);
    if (this.#lines.length === LINES) return this.flush();
  }

  async flush(): Promise<void> {
    if (this.#lines.length === 0) return;
    const text = this.#lines.join("\n");
    this.#lines = [];
    await this.#context.print(text);
  }
}

/** @param show may give a promise to wait for */
async function listTree({ tree }: TreeFiles, { patterns, recursive }: ListOptions, show: Show): Promise<void> {
  for (const pattern of patterns) {
    for await (const found of tree.find(pattern)) {
      const isDirectory = found.status.type === "directory";
      if (!isDirectory && !recursive) await show(await listNode(tree, found));
      else await listAll(tree, recursive ? tree.walk(found) : tree.children(found), show);
    }
  }
}

async function listAll(tree: FileTree, nodes: Steps<TreeNode>, show: Show): Promise<void> {
  for (;;) {
    const next = nodes.next();
    const node = next instanceof Promise ? await next : next;
    if (node === undefined) return;
    const listed = listNode(tree, node);
    const busy = show(listed instanceof Promise ? await listed : listed);
    if (busy !== undefined) await busy;
  }
}

/** Entries come in their order, whatever the order of the paths. */
async function* listEntries(files: EntryFiles, { patterns, recursive, archive }: ListOptions): AsyncGenerator<ListedFile> {
  const unmet = new Set(patterns);
  const entries = await files.open();
  try {
    for (let entry = await entries.next(); entry !== undefined; entry = await entries.next()) {
      const path = splitEntryName(entry.name, entry.headerOffset);
      const isDirectory = entry.typeflag === "5";
      const matching = patterns.filter((pattern) => ["itself", "below"].includes(pattern.relate(path) ?? ""));
      for (const pattern of matching) unmet.delete(pattern);
      // a directory that is meant shows what it holds, anything else that is meant shows itself
      const isShown = ({ depth }: PathPattern): boolean => path.length === depth + 1 || (path.length === depth && !isDirectory);
      if (recursive ? matching.length > 0 : matching.some(isShown)) yield listEntry(entry, path);
    }
  } finally {
    await entries.close();
  }
  const missing = [...unmet].filter(({ depth }) => depth > 0);
  if (missing.length > 0) throw notFound(missing, archive);
}
