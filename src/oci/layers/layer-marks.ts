/**
 * Which names a layer has put into the tree. What it takes away is only what lower layers have put there, so the order in which its entries
 * stand does not matter for that.
 */
import type { RootTree } from "./root-tree.ts";
import { Directory } from "./tree-nodes.ts";

/** How a layer has come by a name: by an entry of its own, or because one lies below it. */
type Mark = "entry" | "way";

/** The names of one layer. */
export class LayerMarks {
  readonly #tree: RootTree;
  readonly #marks = new Map<Directory, Map<string, Mark>>();

  constructor(tree: RootTree) {
    this.#tree = tree;
  }

  /** Whether a name is this layer's. */
  has(directory: Directory, name: string): boolean {
    return this.#marks.get(directory)?.has(name) === true;
  }

  /** Notes that the layer has an entry of that name. */
  add(directory: Directory, name: string): void {
    this.#of(directory).set(name, "entry");
    for (let at = directory; at.parent !== undefined; at = at.parent) {
      const above = this.#of(at.parent);
      if (above.has(at.name)) return;
      above.set(at.name, "way");
    }
  }

  /** Takes away what lower layers have put under a name. */
  hide(directory: Directory, name: string): void {
    const mark = this.#marks.get(directory)?.get(name);
    const node = directory.children.get(name);
    if (mark === undefined) return this.#tree.remove(directory, name);
    if (!(node instanceof Directory)) return;
    if (mark === "way") node.reset();
    this.hideAll(node);
  }

  /** Takes away what lower layers have put into a directory. */
  hideAll(directory: Directory): void {
    for (const name of directory.children.keys()) this.hide(directory, name);
  }

  #of(directory: Directory): Map<string, Mark> {
    const known = this.#marks.get(directory);
    if (known !== undefined) return known;
    const marks = new Map<string, Mark>();
    this.#marks.set(directory, marks);
    return marks;
  }
}
