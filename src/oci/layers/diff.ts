/**
 * A layer: what has to be put upon an older tree to make a newer one of it.
 *
 * What is new or changed comes whole, with the directories on its way; of what is gone, a mark `.wh.NAME`, in front of what else is in its
 * directory. A file is changed if its type, mode, owner, time, attributes, size, target or device number is another, and where none of these is
 * and its time is a whole second, as if something had cut it, also if its data is. Unlike docker and containerd, who leave a directory's time
 * out, we count it too: a tree put together of its layers is the newer tree.
 *
 * Of a file with several names, all come if one does: links to files of lower layers may fail where layers are kept apart (image-spec
 * layer.md, "Hardlinks"). They also come if other names than before are one file. To know that, both trees are walked twice.
 *
 * Marks are empty files of root's with mode 0 and the time 0, as containerd 2 writes them. Names that look like marks cannot be in a layer; they are
 * reported and left out with what is below them.
 *
 * @see OCI image-spec v1.1 layer.md, "Representing Changes"; containerd pkg/archive/tar.go; containerd/continuity fs/diff_unix.go
 */
import { displayName } from "../../stream/tar/display-name.ts";
import type { TarEntry } from "../../stream/tar/read.ts";
import type { Loss } from "../../tree/loss.ts";
import { compareTrees } from "./compare-trees.ts";
import { EntryStream } from "./entry-stream.ts";
import { isChanged } from "./file-change.ts";
import type { LayerTree, TreeFile } from "./layer-tree.ts";
import { makeEntry } from "./made-entry.ts";
import { NO_RECORDS, type Metadata } from "./tree-nodes.ts";
import { fileKey, survey } from "./survey.ts";

/** Two trees. */
export interface LayerDiff {
  /** Undefined for the lowest layer, which holds all of the newer one. */
  older: LayerTree | undefined;
  newer: LayerTree;
  /** Told of names that no layer can hold. */
  onLoss: (loss: Loss) => void;
}

/** A directory that the walk is in. */
interface WayPoint {
  path: string;
  /** What the paths in it begin with. */
  prefix: string;
  file: TreeFile;
  /** Whether the layer needs no entry of it any more. */
  isThere: boolean;
}

const MARK: Metadata = { mode: 0, uid: 0, gid: 0, mtimeNs: 0n, xattrs: NO_RECORDS };
const NO_BYTES = new Uint8Array(0);

/** The entries of the layer; none if nothing has changed. @throws ToolError whatever reading the trees throws */
export function layerDiff(diff: LayerDiff): EntryStream {
  return new EntryStream(entriesOf(diff));
}

async function* entriesOf({ older, newer, onLoss }: LayerDiff): AsyncGenerator<TarEntry> {
  const { gone, coming } = await survey({ older, newer });
  const onMark = (path: Uint8Array): void => onLoss({ path: displayName(path), what: "file", reason: "its name is a mark in a layer" });
  const firstNames = new Map<string, string>();
  let way: WayPoint[] = [];
  for await (const { path, older: before, newer: file } of compareTrees({ older, newer }, onMark)) {
    if (file === undefined) continue;
    way = way.filter((directory) => path.startsWith(directory.prefix));
    const marks = file.typeflag === "5" ? (gone.get(path) ?? []) : [];
    const isChangedItself =
      coming.has(fileKey(path, file)) || before === undefined || (file.identity === undefined && (await isChanged(before, file)));
    const comes = isChangedItself || (marks.length > 0 && path !== "");
    if (comes) yield* missingOf(way);
    if (comes) yield await entryFor(path, file, firstNames);
    const prefix = path === "" ? "" : `${path}/`;
    for (const name of marks) yield makeEntry(MARK, { name: `${prefix}.wh.${name}`, typeflag: "0" });
    if (file.typeflag === "5") way.push({ path, prefix, file, isThere: comes || path === "" });
  }
}

/** The directories on the way that the layer has not yet; the root is none of them. */
async function* missingOf(way: readonly WayPoint[]): AsyncGenerator<TarEntry> {
  for (const directory of way) {
    if (directory.isThere) continue;
    directory.isThere = true;
    yield await entryFor(directory.path, directory.file, new Map());
  }
}

async function entryFor(path: string, file: TreeFile, firstNames: Map<string, string>): Promise<TarEntry> {
  const { mode, uid, gid, mtimeNs, device, typeflag, identity } = file;
  const metadata = { mode, uid, gid, mtimeNs, xattrs: await file.xattrs() };
  const name = nameOf(path, file);
  const first = identity === undefined ? undefined : firstNames.get(identity);
  if (first !== undefined) return makeEntry(metadata, { name, typeflag: "1", linkname: first });
  if (identity !== undefined) firstNames.set(identity, name);
  const linkname = Buffer.from(file.target ?? NO_BYTES).toString("latin1");
  return makeEntry(metadata, { name, typeflag, linkname, device }, typeflag === "0" ? await file.data() : undefined);
}

function nameOf(path: string, { typeflag }: TreeFile): string {
  if (path === "") return "./";
  return typeflag === "5" ? `${path}/` : path;
}
