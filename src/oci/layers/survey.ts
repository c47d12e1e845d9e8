/**
 * What has to be known of two trees before the first entry of a layer is made: the names that are gone, by directory, and the files with several
 * names that come with all of them. Memory holds these, and the identities of files with several names.
 */
import { compareTrees, parentOf } from "./compare-trees.ts";
import { isChanged } from "./file-change.ts";
import type { LayerTree, TreeFile } from "./layer-tree.ts";

/** What is known after the first walk. */
export interface Survey {
  /** Names that are gone, by the path of the directory they were in. */
  gone: ReadonlyMap<string, readonly string[]>;
  /** Keys of files that come whatever else is known of them (see {@link fileKey}). */
  coming: ReadonlySet<string>;
}

/** Walks both trees. */
export async function survey(trees: { older: LayerTree | undefined; newer: LayerTree }): Promise<Survey> {
  const gone = new Map<string, string[]>();
  const links = new Links();
  for await (const { path, older, newer } of compareTrees(trees)) {
    if (newer === undefined) {
      const names = gone.get(parentOf(path)) ?? [];
      gone.set(parentOf(path), names);
      names.push(path.slice(path.lastIndexOf("/") + 1));
    } else if (newer.identity !== undefined || older?.identity !== undefined) {
      if (older === undefined || (await isChanged(older, newer))) links.come(path, newer);
      else links.stay(path, older, newer);
    }
  }
  return { gone, coming: links.coming };
}

/** What tells a file from all others of its tree: its identity, or its only path. */
export function fileKey(path: string, { identity }: TreeFile): string {
  return identity === undefined ? `path ${path}` : `identity ${identity}`;
}

/** Names of files that have several, before or now. */
class Links {
  readonly coming = new Set<string>();
  readonly #newerOf = new Map<string, string>();
  readonly #olderOf = new Map<string, string>();

  /** Notes that a file and all its names come. */
  come(path: string, newer: TreeFile): void {
    this.coming.add(fileKey(path, newer));
  }

  /** Notes that a name has not changed: then those that were one file have to be one file, and those that were not must not. */
  stay(path: string, older: TreeFile, newer: TreeFile): void {
    const [before, now] = [fileKey(path, older), fileKey(path, newer)];
    const nowToo = this.#newerOf.get(before) ?? now;
    const beforeToo = this.#olderOf.get(now) ?? before;
    this.#newerOf.set(before, nowToo);
    this.#olderOf.set(now, beforeToo);
    if (nowToo !== now) this.coming.add(nowToo).add(now);
    if (beforeToo !== before) this.coming.add(now);
  }
}
