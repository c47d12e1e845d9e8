/** Entries of a tar that are wanted, under the names that they are to have. */
import { displayName } from "../stream/tar/display-name.ts";
import type { TarEntry } from "../stream/tar/read.ts";
import { splitEntryName } from "./entry-path.ts";
import type { PathPattern } from "./path-pattern.ts";

/** What is wanted. */
export interface Selection {
  /** Paths, each with what lies below; all if there are none. */
  patterns: readonly PathPattern[];
  /** How many names are taken away at the start of each path. */
  stripComponents: number;
  /** Asked last, and told of what will be made; false leaves it out. @param path the names that it will have; none for the root */
  admits?: (path: readonly Uint8Array[], entry: TarEntry) => boolean;
}

/** An entry of a tar, or one like it. */
export interface FileEntry extends TarEntry {
  /** What `body` gives, where it is there without being read. */
  readonly data?: Uint8Array | undefined;
}

/** Gives entries one after the other. */
export interface EntrySource {
  /** The next entry; undefined at the end. */
  next(): FileEntry | undefined | Promise<FileEntry | undefined>;
}

/** Gives the entries of a source but those that nobody wants. */
export class SelectedEntries implements EntrySource {
  readonly #entries: EntrySource;
  readonly #selection: Selection;
  readonly #met = new Set<PathPattern>();
  readonly #takesAll: boolean;

  constructor(entries: EntrySource, selection: Selection) {
    this.#entries = entries;
    this.#selection = selection;
    const { patterns, stripComponents, admits } = selection;
    this.#takesAll = patterns.length === 0 && stripComponents === 0 && admits === undefined;
  }

  /** Patterns that no entry was for, as far as has been read. */
  get unmet(): readonly PathPattern[] {
    return this.#selection.patterns.filter((pattern) => !this.#met.has(pattern));
  }

  next(): FileEntry | undefined | Promise<FileEntry | undefined> {
    for (;;) {
      const entry = this.#entries.next();
      if (entry instanceof Promise) return this.#late(entry);
      const selected = entry && this.#select(entry);
      if (selected !== undefined || entry === undefined) return selected;
    }
  }

  async #late(entry: Promise<FileEntry | undefined>): Promise<FileEntry | undefined> {
    const late = await entry;
    return late && (this.#select(late) ?? (await this.next()));
  }

  #select(entry: FileEntry): FileEntry | undefined {
    if (this.#takesAll) return entry;
    const path = splitEntryName(entry.name, entry.headerOffset);
    if (!this.#isWanted(path)) return undefined;
    const { stripComponents, admits } = this.#selection;
    const kept = path.slice(stripComponents);
    if (kept.length === 0 && stripComponents > 0) return undefined;
    if (admits?.(kept, entry) === false) return undefined;
    if (stripComponents === 0) return entry;
    const linkname =
      entry.typeflag === "1" ? joined(splitEntryName(entry.linkname, entry.headerOffset).slice(stripComponents)) : entry.linkname;
    // what an entry knows of its data may change until that has been read, so it stays behind the new names
    return Object.create(entry, { name: { value: joined(kept) }, linkname: { value: linkname } }) as FileEntry;
  }

  #isWanted(path: readonly Uint8Array[]): boolean {
    const { patterns } = this.#selection;
    let isWanted = patterns.length === 0;
    for (const pattern of patterns) {
      const relation = pattern.relate(path);
      if (relation !== "itself" && relation !== "below") continue;
      this.#met.add(pattern);
      isWanted = true;
    }
    return isWanted;
  }
}

/** A path as a name. */
export function joined(path: readonly Uint8Array[]): Uint8Array {
  const slash = Buffer.from("/");
  return Buffer.concat(path.flatMap((name, index) => (index === 0 ? [name] : [slash, name])));
}

/** A path for people; "." for the root. */
export function showPath(path: readonly Uint8Array[]): string {
  return path.length === 0 ? "." : displayName(joined(path));
}
