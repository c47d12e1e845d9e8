/**
 * The directory that a path leads to, symbolic links followed as if the image's root were that of the machine: an absolute target begins at
 * it, and `..` does not lead above it. This is what containerd and umoci do, and what comes of it when docker and podman change their root.
 *
 * Where a link leads to what is not there, containerd and umoci make directories of that path, docker and podman fail.
 *
 * @see containerd/continuity fs.RootPath; cyphar/filepath-securejoin
 */
import { Directory, type Node } from "./tree-nodes.ts";

/** How far a path leads. */
export interface Resolved {
  /** The last directory that is there. */
  directory: Directory;
  /** Names that would have to be made below it. */
  missing: readonly string[];
}

/** More than the longest name has, and a bound for links that lead in a circle or through one another. */
const STEPS_LIMIT = 10_000;

/** Follows a path from the root. @returns otherwise why it leads nowhere */
export function resolveDirectory(root: Directory, steps: readonly string[]): Resolved | { refusal: string } {
  /** What is left of the path, the next step last. */
  const left = steps.toReversed();
  let directory = root;
  const missing: string[] = [];
  let walked = 0;
  for (let step = left.pop(); step !== undefined; step = left.pop()) {
    if (++walked > STEPS_LIMIT) return { refusal: `symbolic links make its path longer than ${STEPS_LIMIT} steps` };
    if (step === "..") {
      if (missing.pop() === undefined) directory = directory.parent ?? root;
      continue;
    }
    const node: Node | undefined = missing.length > 0 ? undefined : directory.children.get(step);
    if (node === undefined) missing.push(step);
    else if (node instanceof Directory) directory = node;
    else if (node.target === undefined) return { refusal: "it lies below what is no directory" };
    else {
      left.push(...stepsOf(node.target).toReversed());
      if (node.target.startsWith("/")) directory = root;
    }
  }
  return { directory, missing };
}

function stepsOf(target: string): string[] {
  return target.split("/").filter((step) => step !== "" && step !== ".");
}
