/**
 * A root filesystem in memory, as far as the headers of its layers tell of it: directories with the names in them, and files, which may have
 * several names.
 *
 * What is kept is bounded, as a layer of a few megabytes can hold millions of empty files: 4 million names at a time, and in the course of all layers
 * 512 MiB of text in names and targets of links, and 32 MiB in attributes. A million files take about 600 MB, collected late.
 */
import type { PaxRecords } from "../../stream/tar/pax.ts";
import { Directory, File, NO_RECORDS, type Node } from "./tree-nodes.ts";

const NAMES_LIMIT = 4_000_000;
const TEXT_LIMIT_BYTES = 512 * 1024 * 1024;
const XATTRS_LIMIT_BYTES = 32 * 1024 * 1024;

/** The tree, and how much it holds. */
export class RootTree {
  readonly root: Directory = new Directory(undefined);
  #names = 0;
  #textBytes = 0;
  #xattrsBytes = 0;
  readonly #xattrs = new Map<string, PaxRecords>();

  /** How many names there are. */
  get names(): number {
    return this.#names;
  }

  /** What it has come to hold too much of, if anything. */
  get excess(): string | undefined {
    if (this.#names > NAMES_LIMIT) return `more than ${NAMES_LIMIT} files`;
    if (this.#textBytes > TEXT_LIMIT_BYTES) return `more than ${TEXT_LIMIT_BYTES} bytes of names and link targets`;
    return this.#xattrsBytes > XATTRS_LIMIT_BYTES ? `more than ${XATTRS_LIMIT_BYTES} bytes of attributes` : undefined;
  }

  /** Gives a name that is free to a file or a directory. */
  put(directory: Directory, name: string, node: Node): void {
    directory.children.set(name, node);
    this.#names += 1;
    this.#textBytes += name.length;
    if (node instanceof Directory) return;
    node.names += 1;
    this.#textBytes += node.target?.length ?? 0;
  }

  /** Takes away a name and all that lies below it. */
  remove(directory: Directory, name: string): void {
    const node = directory.children.get(name);
    if (node === undefined) return;
    directory.children.delete(name);
    this.#names -= dropNames(node);
  }

  /** The same records for all files that have the same. */
  share(xattrs: PaxRecords): PaxRecords {
    if (xattrs.size === 0) return NO_RECORDS;
    const key = keyOf(xattrs);
    const known = this.#xattrs.get(key);
    if (known !== undefined) return known;
    this.#xattrs.set(key, xattrs);
    this.#xattrsBytes += 2 * key.length;
    return xattrs;
  }
}

/** Takes names from all files that have them here or below. @returns how many names that are, those of directories too */
function dropNames(node: Node): number {
  let count = 0;
  const open = [node];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    count += 1;
    if (next instanceof File) next.names -= 1;
    else for (const child of next.children.values()) open.push(child);
  }
  return count;
}

/** Records as text that no other records have. */
function keyOf(records: PaxRecords): string {
  const parts = Array.from(records, ([key, value]) => `${key.length}:${key}${value.length}:${Buffer.from(value).toString("latin1")}`);
  return parts.toSorted().join("");
}
