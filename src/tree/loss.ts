/** What could not be packed or restored, and how it is told. */

/** One thing that was left out. */
export interface Loss {
  /** Path relative to the tree's root, for people. */
  path: string;
  /** What was lost: `owner`, `device node`, `xattr security.capability`. */
  what: string;
  reason: string;
}

const EXAMPLES = 3;
/** Bound of the kinds told apart: names of attributes come from outside. */
const KINDS = 50;

/** Collects losses: how many of each kind, and the first few. */
export class LossReport {
  readonly #kinds = new Map<string, { count: number; examples: string[] }>();

  /** Whether nothing was lost. */
  get isEmpty(): boolean {
    return this.#kinds.size === 0;
  }

  add({ path, what, reason }: Loss): void {
    const exact = `${what}: ${reason}`;
    const kind = this.#kinds.has(exact) || this.#kinds.size < KINDS ? exact : "other losses";
    const seen = this.#kinds.get(kind) ?? { count: 0, examples: [] };
    seen.count += 1;
    if (seen.examples.length < EXAMPLES) seen.examples.push(path);
    this.#kinds.set(kind, seen);
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
