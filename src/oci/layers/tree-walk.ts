/** Going through a tree in the order of its names' bytes, each directory before what is in it. */
import { Directory, type Node } from "./tree-nodes.ts";

/** A name, and what it stands for. */
export interface NamedNode {
  directory: Directory;
  name: string;
  node: Node;
}

/** All names below a directory. */
export function* walkTree(top: Directory): Generator<NamedNode> {
  const open = [namesOf(top)];
  for (let level = open.at(-1); level !== undefined; level = open.at(-1)) {
    const next = level.next();
    if (next.done === true) {
      open.pop();
      continue;
    }
    yield next.value;
    if (next.value.node instanceof Directory) open.push(namesOf(next.value.node));
  }
}

/** The path of a directory as entries have it, `./etc/`, one character per byte. */
export function pathOf(directory: Directory): string {
  const steps = [""];
  for (let at = directory; at.parent !== undefined; at = at.parent) steps.push(at.name);
  return [...steps, "."].toReversed().join("/");
}

function* namesOf(directory: Directory): Generator<NamedNode> {
  for (const name of [...directory.children.keys()].toSorted()) {
    const node = directory.children.get(name);
    if (node !== undefined) yield { directory, name, node };
  }
}
