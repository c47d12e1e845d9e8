/** Two trees side by side, name by name. */
import type { LayerTree, TreeFile } from "./layer-tree.ts";

/** What there is of a name. */
export interface Pair {
  /** Names with slashes between them, one character per byte. */
  path: string;
  /** Undefined if the name is new, or what had it before lay in a directory that is no more. */
  older: TreeFile | undefined;
  /** Undefined if the name is gone. Of a directory that is gone, what was in it does not come. */
  newer: TreeFile | undefined;
}

/** A name that looks like a mark, or lies below one. */
const MARK = /(?:^|\/)\.wh\./;

/** Walks both trees. @param onMark told of names of the newer tree that no layer can hold, as they look like marks */
export async function* compareTrees(
  { older, newer }: { older: LayerTree | undefined; newer: LayerTree },
  onMark: (path: Uint8Array) => void = () => undefined,
): AsyncGenerator<Pair> {
  const olds = new Cursor(older, () => undefined);
  const news = new Cursor(newer, onMark);
  /** The directory of the older tree, with its slash, that is none in the newer. */
  let gone: string | undefined;
  try {
    await olds.step();
    await news.step();
    while (olds.file !== undefined || news.file !== undefined) {
      const order = olds.file === undefined ? 1 : news.file === undefined ? -1 : compare(olds.order, news.order);
      const isGone = order <= 0 && gone !== undefined && olds.path.startsWith(gone);
      const before = order <= 0 && !isGone ? olds.file : undefined;
      const after = order >= 0 ? news.file : undefined;
      if (before?.typeflag === "5" && after?.typeflag !== "5") gone = `${olds.path}/`;
      if (before !== undefined || after !== undefined)
        yield { path: after === undefined ? olds.path : news.path, older: before, newer: after };
      if (order <= 0) await olds.step();
      if (order >= 0) await news.step();
    }
  } finally {
    await olds.close();
    await news.close();
  }
}

/** A place in the walk of a tree. */
class Cursor {
  file: TreeFile | undefined;
  path = "";
  /** The path as text whose order is that of the walk: a slash comes before all that names have in them. */
  order = "";
  readonly #files: AsyncIterator<TreeFile> | undefined;
  readonly #onMark: (path: Uint8Array) => void;

  constructor(tree: LayerTree | undefined, onMark: (path: Uint8Array) => void) {
    this.#files = tree?.walk()[Symbol.asyncIterator]();
    this.#onMark = onMark;
  }

  async step(): Promise<void> {
    do {
      const next = await this.#files?.next();
      this.file = next === undefined || next.done === true ? undefined : next.value;
      this.path = this.file === undefined ? "" : Buffer.from(this.file.path).toString("latin1");
    } while (this.#isMark());
    this.order = this.path.replaceAll("/", "\0");
  }

  async close(): Promise<void> {
    await this.#files?.return?.();
  }

  #isMark(): boolean {
    if (this.file === undefined || !MARK.test(this.path)) return false;
    if (!MARK.test(parentOf(this.path))) this.#onMark(this.file.path);
    return true;
  }
}

/** The path of the directory that a name is in; that of the root is empty. */
export function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf("/")));
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}
