/**
 * The root filesystem of an image as one sequence of entries, made of its layers in two passes: the headers of all layers, the lowest first,
 * say what the tree is; then what is left of each layer is read from it once, in the order in which it stands there.
 *
 * Memory holds the tree (see root-tree.ts), no data.
 */
import { applyLayer } from "./apply-layer.ts";
import { EntryStream } from "./entry-stream.ts";
import { flatEntries } from "./flat-entries.ts";
import type { LayerSource, LayerSum } from "./layer-pass.ts";
import { RootTree } from "./root-tree.ts";

/** A root filesystem whose layers have been read once. */
export interface FlatImage {
  /** How many names there are, the root not counted. */
  readonly names: number;
  /** Reads the layers again. The next fails with `damaged` if they are not what they were. */
  entries(): EntryStream;
}

/** Reads the headers of an image's layers, the lowest first. @throws ToolError damaged if they make up no tree */
export async function flatten(layers: readonly LayerSource[]): Promise<FlatImage> {
  const tree = new RootTree();
  const read: { layer: LayerSource; sum: LayerSum }[] = [];
  for (const [index, layer] of layers.entries()) read.push({ layer, sum: await applyLayer(tree, { layer, index }) });
  return { names: tree.names, entries: () => new EntryStream(flatEntries(tree, read)) };
}
