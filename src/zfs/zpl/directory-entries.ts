/**
 * The entries of a directory: names with what their files are.
 *
 * A directory must know the one that it is in as its parent, and has one name only: so no tree goes round in circles.
 */
import { Steps } from "../../stream/steps.ts";
import type { NamedObject } from "./directory.ts";
import type { FileStatus } from "./file-status.ts";

/** A name in a directory, and the file that it leads to. */
export interface DirectoryEntry {
  name: Uint8Array;
  status: FileStatus;
}

/** By what entries are sorted. */
export type DirectoryOrder = "names" | "objects";

/** A directory, and the file system that it is in. */
export interface DirectoryOptions {
  /** Its object. */
  directory: number;
  /** Object of the root directory. */
  root: number;
  names: () => Promise<readonly NamedObject[]>;
  stat: (object: number) => FileStatus | Promise<FileStatus>;
  damage: (object: number, reason: string) => Error;
}

/** Gives entries in the order of the names that it is given. @throws ToolError damaged */
export class DirectoryEntries extends Steps<DirectoryEntry> {
  readonly #options: DirectoryOptions;
  /** Directories that have been met. */
  readonly #seen = new Set<number>();
  #names: readonly NamedObject[] | undefined;
  #at = 0;

  constructor(options: DirectoryOptions) {
    super();
    this.#options = options;
  }

  override next(): DirectoryEntry | undefined | Promise<DirectoryEntry | undefined> {
    if (this.#names === undefined) return this.#begin();
    const named = this.#names[this.#at++];
    if (named === undefined) return undefined;
    const status = this.#options.stat(named.object);
    return status instanceof Promise ? status.then((late) => this.#entry(named, late)) : this.#entry(named, status);
  }

  async #begin(): Promise<DirectoryEntry | undefined> {
    this.#names = await this.#options.names();
    return await this.next();
  }

  #entry({ name, object }: NamedObject, status: FileStatus): DirectoryEntry {
    if (status.type === "directory") {
      const { directory, root, damage } = this.#options;
      if (status.parent !== directory || object === root || this.#seen.has(object))
        throw damage(object, "the directory has more than one name");
      this.#seen.add(object);
    }
    return { name: Buffer.from(name, "latin1"), status };
  }
}

/** Names in another order than that of their bytes, if that is wanted. */
export function inOrder(byName: readonly NamedObject[], order: DirectoryOrder): readonly NamedObject[] {
  return order === "names" ? byName : byName.toSorted((a, b) => a.object - b.object);
}
