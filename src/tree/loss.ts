/** What could not be packed or restored, and how it is told. */

/** One thing that was left out. */
export interface Loss {
  /** Path relative to the tree's root, for people. */
  path: string;
  /** What was lost: `owner`, `device node`, `xattr security.capability`. */
  what: string;
  reason: string;
}

/** Losses of one kind. */
export interface LossKind {
  what: string;
  /** Empty for what is left of many kinds. */
  reason: string;
  count: number;
  /** The first few paths. */
  examples: string[];
}

const EXAMPLES = 3;
/** Bound of the kinds told apart: names of attributes come from outside. */
const KINDS = 50;
const OTHERS = "other losses";

/** Collects losses: how many of each kind, and the first few. */
export class LossReport {
  readonly #kinds = new Map<string, LossKind>();

  /** Whether nothing was lost. */
  get isEmpty(): boolean {
    return this.#kinds.size === 0;
  }

  add({ path, what, reason }: Loss): void {
    const exact = `${what}: ${reason}`;
    const isTold = this.#kinds.has(exact) || this.#kinds.size < KINDS;
    const kind = isTold ? exact : OTHERS;
    const seen = this.#kinds.get(kind) ?? { what: isTold ? what : OTHERS, reason: isTold ? reason : "", count: 0, examples: [] };
    seen.count += 1;
    if (seen.examples.length < EXAMPLES) seen.examples.push(path);
    this.#kinds.set(kind, seen);
  }

  /** Each kind with its count and a few paths. */
  get kinds(): LossKind[] {
    return [...this.#kinds.values()];
  }

  /** Lines for stderr: each kind with its count and a few paths. */
  summary(): string {
    const lines = [...this.#kinds].map(([kind, { count, examples }]) => {
      const more = count > examples.length ? `, and ${count - examples.length} more` : "";
      return `warning: ${kind}: ${examples.join(", ")}${more}`;
    });
    return lines.join("\n");
  }
}
