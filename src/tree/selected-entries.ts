/** Entries of a tar that are wanted, under the names that they are to have. */
import { displayName } from "../stream/tar/display-name.ts";
import { TarReader, type TarEntry } from "../stream/tar/read.ts";
import type { ByteSource } from "../stream/bytes.ts";
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

/** Gives entries one after the other. */
export interface EntrySource {
  /** The next entry; undefined at the end. */
  next(): Promise<TarEntry | undefined>;
}

/** Gives the entries of a source but those that nobody wants; a TarReader, which is what an extraction takes. */
export class SelectedEntries extends TarReader {
  readonly #entries: EntrySource;
  readonly #selection: Selection;
  readonly #met = new Set<PathPattern>();

  constructor(entries: EntrySource, selection: Selection) {
    super(NOTHING);
    this.#entries = entries;
    this.#selection = selection;
  }

  /** Patterns that no entry was for, as far as has been read. */
  get unmet(): readonly PathPattern[] {
    return this.#selection.patterns.filter((pattern) => !this.#met.has(pattern));
  }

  override async next(): Promise<TarEntry | undefined> {
    for (let entry = await this.#entries.next(); entry !== undefined; entry = await this.#entries.next()) {
      const selected = this.#select(entry);
      if (selected !== undefined) return selected;
    }
    return undefined;
  }

  #select(entry: TarEntry): TarEntry | undefined {
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
    return Object.create(entry, { name: { value: joined(kept) }, linkname: { value: linkname } }) as TarEntry;
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

const NOTHING: ByteSource = {
  offset: 0,
  size: undefined,
  read: async () => await Promise.resolve(undefined),
  skip: async () => await Promise.resolve(0),
};

/** A path as a name. */
export function joined(path: readonly Uint8Array[]): Uint8Array {
  const slash = Buffer.from("/");
  return Buffer.concat(path.flatMap((name, index) => (index === 0 ? [name] : [slash, name])));
}

/** A path for people; "." for the root. */
export function showPath(path: readonly Uint8Array[]): string {
  return path.length === 0 ? "." : displayName(joined(path));
}
