/**
 * Trees that take the place of directories of another: the subdatasets of a container where it mounts them. A graft is used when the walk
 * comes to its path as a directory, which it does without following a symbolic link; so what the container has there leads nowhere else.
 */

/** A tree, and where it belongs. */
export interface Graft {
  /** Path of a directory, from the root of the tree that it is grafted onto; may lie in another graft. */
  path: string;
  /** The tree's own root. */
  root: string;
}

/** The grafts that have not been met yet. */
export class Grafts {
  /** Roots by the directory's name in the archive, one character per byte. */
  readonly #waiting = new Map<string, string>();
  readonly #covered: string[] = [];

  /** @param grafts in the order of mounting: of two at one path the last is seen */
  constructor(grafts: readonly Graft[]) {
    for (const { path, root } of grafts) {
      const name = directoryName(path);
      if (this.#waiting.has(name)) this.#covered.push(name);
      this.#waiting.set(name, root);
    }
  }

  /** The root of the tree that belongs at a directory of that name in the archive, `./srv/data/`; it is given once. */
  take(directory: Uint8Array): string | undefined {
    if (this.#waiting.size === 0) return undefined;
    const name = Buffer.from(directory).toString("latin1");
    const root = this.#waiting.get(name);
    this.#waiting.delete(name);
    return root;
  }

  /** Those that were not taken, and why. */
  *unmet(): Generator<{ path: Uint8Array; reason: string }> {
    for (const name of this.#covered) yield { path: Buffer.from(name, "latin1"), reason: "another is mounted over it" };
    for (const name of this.#waiting.keys()) {
      yield { path: Buffer.from(name, "latin1"), reason: "its mount point is no directory of the root filesystem" };
    }
  }
}

/** The path as the walk names it; one with `..` in it is never met. */
function directoryName(path: string): string {
  const parts = path.split("/").filter((part) => part !== "" && part !== ".");
  return Buffer.from(`${[".", ...parts].join("/")}/`).toString("latin1");
}
