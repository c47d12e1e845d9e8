/** `ctar ls`: the files in an archive. */
import { listEntry, listNode, type ListedFile } from "../archive/listed-file.ts";
import type { TarFiles, TreeFiles } from "../archive/files.ts";
import { drain, readAll } from "../stream/bytes.ts";
import { StreamSource } from "../stream/stream-source.ts";
import { TarReader } from "../stream/tar/read.ts";
import { splitEntryName } from "../tree/entry-path.ts";
import { PathPattern } from "../tree/path-pattern.ts";
import { defineVerb, type Verb } from "./define.ts";
import { notFound, openArchiveFiles, TREE_ARGS } from "./files-arguments.ts";
import { jsonLine, longLine, shownPath } from "./listing.ts";

/** The verb. */
export const lsVerb: Verb = defineVerb({
  name: "ls",
  summary: "List the files in an archive",
  description:
    "Reads container archives of format zfs and tar, and bare ZFS streams; needs neither ZFS nor root. A path names a file, or a directory whose " +
    "contents are listed; it starts at the container's root filesystem, or at the root of the dataset of a bare stream, and may have * ? and [a-z] " +
    "in its names. Links are not followed. Owners are those of the archive; times are UTC.",
  args: {
    archive: { type: "positional", description: "A file, or - for stdin" },
    path: { type: "positional", required: false, repeatable: true, description: "What to list; the root if left out" },
    long: { type: "boolean", alias: "l", description: "Show type and mode, links, owner, size or device numbers, time, target" },
    recursive: { type: "boolean", alias: "R", description: "List what lies below directories, too" },
    json: { type: "boolean", description: "Print a line of JSON for each file" },
    ...TREE_ARGS,
  },
  examples: [
    "ctar ls web01.tar",
    "ctar ls -l web01.tar etc/ssh",
    "ctar ls -R --json web01.tar | jq -r .path",
    "ctar ls backup.zfs.gz 'home/*/.ssh'",
  ],
  run: async (args, context) => {
    const patterns = (args.path.length === 0 ? [""] : args.path).map((path) => new PathPattern(path));
    await using opened = await openArchiveFiles(args, false, context);
    const { files } = opened;
    const line = args.json ? jsonLine : args.long ? longLine : ({ path }: ListedFile): string => shownPath(path);
    const options = { patterns, recursive: args.recursive, archive: args.archive };
    const listed = files.kind === "tree" ? listTree(files, options) : listTar(files, options);
    for await (const file of listed) await context.print(line(file));
  },
});

interface ListOptions {
  patterns: readonly PathPattern[];
  recursive: boolean;
  archive: string;
}

async function* listTree({ tree }: TreeFiles, { patterns, recursive }: ListOptions): AsyncGenerator<ListedFile> {
  for (const pattern of patterns) {
    for await (const found of tree.find(pattern)) {
      const isDirectory = found.status.type === "directory";
      const nodes = recursive ? tree.walk(found) : isDirectory ? tree.children(found) : [found];
      for await (const node of nodes) yield await listNode(tree, node);
    }
  }
}

/** Entries come in the order of the tar, whatever the order of the paths. */
async function* listTar(files: TarFiles, { patterns, recursive, archive }: ListOptions): AsyncGenerator<ListedFile> {
  const unmet = new Set(patterns);
  const source = new StreamSource(files.open());
  try {
    const tar = new TarReader(source);
    for (let entry = await tar.next(); entry !== undefined; entry = await tar.next()) {
      const path = splitEntryName(entry.name, entry.headerOffset);
      const isDirectory = entry.typeflag === "5";
      const matching = patterns.filter((pattern) => ["itself", "below"].includes(pattern.relate(path) ?? ""));
      for (const pattern of matching) unmet.delete(pattern);
      // a directory that is meant shows what it holds, anything else that is meant shows itself
      const isShown = ({ depth }: PathPattern): boolean => path.length === depth + 1 || (path.length === depth && !isDirectory);
      if (recursive ? matching.length > 0 : matching.some(isShown)) yield listEntry(entry, path);
    }
    await drain(readAll(source));
  } finally {
    await source.close();
  }
  const missing = [...unmet].filter(({ depth }) => depth > 0);
  if (missing.length > 0) throw notFound(missing, archive);
}
