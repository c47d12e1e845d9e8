/**
 * Paths as people type them: names between slashes, from the root of a tree, in which `*` stands for any characters of a name, `?` for one and
 * `[a-z]` for one of several. A name that is the pattern letter by letter is meant too, so that a file called `a[1]` can be named.
 */
import { ToolError } from "../errors.ts";

/** How a path relates to a pattern: it is what is meant, it lies below that, or that may lie below it. */
export type Relation = "itself" | "below" | "above";

/** One name of a pattern. */
interface NamePattern {
  /** One character for each byte. */
  literal: string;
  glob: RegExp | undefined;
}

/** A path that may stand for several. */
export class PathPattern {
  /** As it was typed. */
  readonly text: string;
  readonly #names: readonly NamePattern[];

  /** @throws ToolError usage for a path with `..` in it */
  constructor(text: string) {
    this.text = text;
    const names = text.split("/").filter((name) => name !== "" && name !== ".");
    if (names.includes("..")) {
      throw new ToolError("usage", `Cannot use path "${text}": it holds ".."`, { hints: ["Paths start at the root of the tree"] });
    }
    this.#names = names.map((name) => ({ literal: Buffer.from(name).toString("latin1"), glob: compileGlob(name) }));
  }

  /** How many names it has. */
  get depth(): number {
    return this.#names.length;
  }

  /** The name at a depth as it was typed, where nothing else can be meant. */
  exactName(depth: number): Uint8Array | undefined {
    const name = this.#names[depth];
    return name === undefined || name.glob !== undefined ? undefined : Buffer.from(name.literal, "latin1");
  }

  /** Whether a name can stand at a depth. */
  matchesName(depth: number, name: Uint8Array): boolean {
    const pattern = this.#names[depth];
    if (pattern === undefined) return false;
    return Buffer.from(name).toString("latin1") === pattern.literal || pattern.glob?.test(textOf(name)) === true;
  }

  /** How a path relates to it; undefined if it does not. */
  relate(path: readonly Uint8Array[]): Relation | undefined {
    for (let depth = 0; depth < Math.min(path.length, this.depth); depth++) {
      if (!this.matchesName(depth, path[depth] as Uint8Array)) return undefined;
    }
    if (path.length === this.depth) return "itself";
    return path.length > this.depth ? "below" : "above";
  }
}

/** The expression for a name with wildcards; undefined if it has none. */
function compileGlob(name: string): RegExp | undefined {
  if (!/[*?[]/.test(name)) return undefined;
  // runs of stars would make the expression try every way to share a name among them
  const source = name.replaceAll(/\*+|\?|\[(!?)(\]?[^\]]*)\]|[^]/gu, (match, not: string | undefined, set: string | undefined) => {
    if (match.startsWith("*")) return ".*";
    if (match === "?") return ".";
    if (set !== undefined && set !== "") return `[${not === "!" ? "^" : ""}${escapeSet(set)}]`;
    return match.replaceAll(/[\^$\\.*+?()[\]{}|/-]/g, String.raw`\$&`);
  });
  try {
    return new RegExp(`^${source}$`, "su");
  } catch {
    return undefined; // a range that ends before it begins: the name is meant as it stands
  }
}

/** The characters of a set, ranges kept. */
function escapeSet(set: string): string {
  return set
    .replaceAll(/[\^\\[\]]/g, String.raw`\$&`)
    .replace(/^-/, String.raw`\-`)
    .replace(/-$/, String.raw`\-`);
}

/** A name as characters; bytes that are no UTF-8 count as one each. */
function textOf(name: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(name);
  } catch {
    return Buffer.from(name).toString("latin1");
  }
}
