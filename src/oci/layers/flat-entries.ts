/**
 * A tree of layers as entries, each behind its directory: all directories, in the order of their names; what has data, layer by layer, in the
 * order in which it stands in the layer; all other files in the order of their names. Of a file with several names, the later ones are hard links
 * to the first. Names are as those of an export of format tar: `./`, `./etc/`, `./etc/hostname`.
 */
import type { TarEntry } from "../../stream/tar/read.ts";
import { LayerPass, type LayerSource, type LayerSum } from "./layer-pass.ts";
import { makeEntry, type EntryData } from "./made-entry.ts";
import type { RootTree } from "./root-tree.ts";
import { Directory, NO_LAYER, type File } from "./tree-nodes.ts";
import { pathOf, walkTree } from "./tree-walk.ts";

/** A layer that has been read, and what its bytes came to then. */
export interface ReadLayer {
  layer: LayerSource;
  sum: LayerSum;
}

/** One name of a file. */
interface Place {
  directory: Directory;
  name: string;
  file: File;
}

/** The entries of a tree. @throws ToolError damaged if a layer is not what it was before */
export async function* flatEntries(tree: RootTree, layers: readonly ReadLayer[]): AsyncGenerator<TarEntry> {
  const inLayers: Place[][] = layers.map(() => []);
  const others: Place[] = [];
  yield makeEntry(tree.root.metadata, { name: pathOf(tree.root), typeflag: "5" });
  for (const { directory, name, node } of walkTree(tree.root)) {
    if (node instanceof Directory) yield makeEntry(node.metadata, { name: pathOf(node), typeflag: "5" });
    else if (node.layer === NO_LAYER) others.push({ directory, name, file: node });
    else inLayers[node.layer]?.push({ directory, name, file: node });
  }
  const links = new Links();
  for (const [index, layer] of layers.entries()) yield* entriesIn(layer, inLayers[index] ?? [], links);
  for (const place of others) yield links.linkTo(place) ?? fileEntry(place);
}

/** Entries for the files whose data is in a layer. */
async function* entriesIn({ layer, sum }: ReadLayer, files: Place[], links: Links): AsyncGenerator<TarEntry> {
  if (files.length === 0) return;
  // names of one file keep their order
  files.sort((a, b) => a.file.headerOffset - b.file.headerOffset);
  const pass = new LayerPass(layer);
  try {
    for (const place of files) yield links.linkTo(place) ?? fileEntry(place, await pass.find(place.file.headerOffset));
    await pass.finish(sum);
  } finally {
    await pass.close();
  }
}

/** First names of the files that have several. */
class Links {
  readonly #firstNames = new Map<File, string>();

  /** A hard link to the file's first name; undefined if this is it. */
  linkTo(place: Place): TarEntry | undefined {
    const { directory, name, file } = place;
    if (file.names < 2) return undefined;
    const path = pathOf(directory) + name;
    const first = this.#firstNames.get(file);
    if (first !== undefined) return makeEntry(file.metadata, { name: path, typeflag: "1", linkname: first });
    this.#firstNames.set(file, path);
    return undefined;
  }
}

function fileEntry({ directory, name, file }: Place, data?: EntryData): TarEntry {
  const { metadata, typeflag, target: linkname, device } = file;
  return makeEntry(metadata, { name: pathOf(directory) + name, typeflag, linkname, device }, data);
}
