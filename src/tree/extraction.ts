/**
 * One extraction: each entry of an archive made in a directory.
 *
 * An archive is input from a stranger. A name is taken apart into its steps, `..` and absolute names are refused, and each step is taken in a
 * directory that is held open, without following symbolic links; an entry below anything but a directory is refused. Hard links are
 * resolved the same way. What is there already under a name is removed, never written through, and what is made is held by a descriptor
 * until it has its owner and mode. A set-user-ID bit is set only on a file that has got its owner.
 */
import { damaged, ToolError } from "../errors.ts";
import { displayName } from "../stream/tar/display-name.ts";
import { LibcError, type Libc } from "../sys/libc.ts";
import * as linux from "../sys/linux.ts";
import { withDirectory } from "./directory-cursor.ts";
import { DirectoryStack } from "./directory-stack.ts";
import { metadataOf } from "./entry-metadata.ts";
import { splitEntryName } from "./entry-path.ts";
import { writeFileData } from "./file-data.ts";
import type { Loss } from "./loss.ts";
import { applyMetadata, attempt, type Metadata, type OnMetadataLoss } from "./metadata.ts";
import { Place } from "./place.ts";
import type { EntrySource, FileEntry } from "./selected-entries.ts";

/** Options of an extraction. */
export interface ExtractOptions {
  /** Told of whatever cannot be restored. */
  onLoss: (loss: Loss) => void;
}

/** What was extracted. */
export interface ExtractSummary {
  entries: number;
  /** Bytes of file data, without holes. */
  bytes: number;
}

/** What no tar has: no typeflag read from one is longer than a character. */
export const SOCKET_TYPEFLAG = "socket";

const NODES: Readonly<Record<string, { what: string; type: number }>> = {
  "3": { what: "device node", type: linux.S_IFCHR },
  "4": { what: "device node", type: linux.S_IFBLK },
  "6": { what: "FIFO", type: linux.S_IFIFO },
  [SOCKET_TYPEFLAG]: { what: "socket", type: linux.S_IFSOCK },
};

/** Extracts entries into one directory; to be closed by whoever made it. Its calls throw LibcError where the directory itself fails. */
export class Extraction {
  readonly #libc: Libc;
  readonly #options: ExtractOptions;
  readonly #stack: DirectoryStack;
  readonly #rootFd: number;
  readonly #summary: ExtractSummary = { entries: 0, bytes: 0 };

  constructor(libc: Libc, root: string, options: ExtractOptions) {
    this.#libc = libc;
    this.#options = options;
    this.#stack = new DirectoryStack(libc, root, (path, what, reason) => options.onLoss({ path, what, reason }));
    this.#rootFd = libc.open(this.#stack.fd, Buffer.from("."), linux.O_PATH | linux.O_DIRECTORY);
  }

  close(): void {
    this.#stack.close();
    this.#libc.close(this.#rootFd);
  }

  async run(entries: EntrySource): Promise<ExtractSummary> {
    for (;;) {
      const next = entries.next();
      const entry = next instanceof Promise ? await next : next;
      if (entry === undefined) break;
      try {
        const busy = this.#extract(entry);
        if (busy !== undefined) await busy;
      } catch (error) {
        throw error instanceof LibcError ? cannotExtract(entry, error) : error;
      }
      this.#summary.entries += 1;
    }
    this.#stack.finish();
    return this.#summary;
  }

  /** @returns a promise where data has to be waited for */
  #extract(entry: FileEntry): void | Promise<void> {
    const path = splitEntryName(entry.name, entry.headerOffset);
    const name = path.at(-1);
    if (name === undefined) return this.#root(entry);
    this.#stack.goTo(path.slice(0, -1), entry.headerOffset);
    const place = new Place(this.#libc, this.#stack, { entry, name });
    const { typeflag } = entry;
    const node = NODES[typeflag];
    if (typeflag === "0") return this.#file(place);
    if (typeflag === "1") this.#hardLink(place, path);
    else if (typeflag === "2") this.#symbolicLink(place);
    else if (typeflag === "5") this.#directory(place);
    else if (node !== undefined) this.#node(place, node);
    else this.#onLoss(entry)(`entry of type "${displayName(Buffer.from(typeflag))}"`, "no such type is known");
  }

  #root(entry: FileEntry): void {
    if (entry.typeflag !== "5")
      throw damaged(`Cannot extract "${displayName(entry.name)}": the root is no directory`, { offset: entry.headerOffset });
    this.#stack.goTo([], entry.headerOffset);
    this.#stack.rootAs(this.#metadataOf(entry));
  }

  #directory({ entry, name }: Place): void {
    if (!this.#stack.make(name) && !this.#stack.isDirectory(name)) {
      this.#libc.unlink(this.#stack.fd, name);
      this.#stack.make(name);
    }
    this.#stack.enterAs(name, this.#metadataOf(entry), entry.headerOffset);
  }

  #file(place: Place): void | Promise<void> {
    const flags = linux.O_WRONLY | linux.O_CREAT | linux.O_EXCL;
    const fd = place.make((dirFd, name) => this.#libc.open(dirFd, name, flags, 0o600));
    const { data } = place.entry;
    if (data === undefined) return this.#fill(place.entry, fd);
    try {
      this.#libc.write(fd, data, 0);
      this.#finish(place.entry, fd);
    } finally {
      this.#libc.close(fd);
    }
  }

  async #fill(entry: FileEntry, fd: number): Promise<void> {
    try {
      await writeFileData(this.#libc, fd, entry);
      this.#finish(entry, fd);
    } finally {
      this.#libc.close(fd);
    }
  }

  /** Gives a file whose data is there everything else. */
  #finish(entry: FileEntry, fd: number): void {
    this.#apply(entry, fd, this.#metadataOf(entry));
    this.#summary.bytes += entry.size;
  }

  #symbolicLink(place: Place): void {
    const { entry } = place;
    const { linkname } = entry;
    if (linkname.length === 0 || linkname.includes(0)) {
      throw damaged(`Cannot extract "${displayName(entry.name)}": its target "${displayName(linkname)}" is no path`, {
        offset: entry.headerOffset,
      });
    }
    place.make((dirFd, name) => this.#libc.symlink(linkname, dirFd, name));
    const { mode: _, ...metadata } = this.#metadataOf(entry);
    place.withMade(linux.S_IFLNK, (fd) => this.#apply(entry, fd, metadata));
  }

  #node(place: Place, { what, type }: { what: string; type: number }): void {
    const { entry } = place;
    const device = { major: entry.devmajor, minor: entry.devminor };
    const hasNumbers = type === linux.S_IFCHR || type === linux.S_IFBLK;
    if (hasNumbers && !isDevice(device)) return this.#onLoss(entry)(what, "there are no such numbers");
    const make = (dirFd: number, name: Uint8Array): void => this.#libc.makeNode(dirFd, name, type | 0o600, device);
    if (!attempt(what, this.#onLoss(entry), () => place.make(make))) return;
    place.withMade(type, (fd) => this.#apply(entry, fd, this.#metadataOf(entry)));
  }

  #hardLink(place: Place, path: readonly Uint8Array[]): void {
    const { entry } = place;
    const target = splitEntryName(entry.linkname, entry.headerOffset);
    const last = target.at(-1);
    if (last === undefined)
      throw damaged(`Cannot extract "${displayName(entry.name)}": it is a hard link to the root`, { offset: entry.headerOffset });
    const link = (from: number): void => {
      if (isSamePath(target, path)) this.#libc.status(from, last);
      else place.make((dirFd, name) => this.#libc.link({ dirFd: from, path: last }, dirFd, name));
    };
    const lose = this.#onLoss(entry);
    try {
      attempt("hard link", lose, () => withDirectory(this.#libc, { rootFd: this.#rootFd, path: target.slice(0, -1) }, link));
    } catch (error) {
      if (!(error instanceof LibcError)) throw error;
      if (error.code === "ENOENT") return lose("hard link", "its target is not there");
      if (error.code !== "ENOTDIR") throw error;
      const reason = `its target "${displayName(entry.linkname)}" lies below what is no directory`;
      throw damaged(`Cannot extract "${displayName(entry.name)}": ${reason}`, { offset: entry.headerOffset });
    }
  }

  #apply(entry: FileEntry, fd: number, metadata: Metadata): void {
    applyMetadata(this.#libc, fd, metadata, this.#onLoss(entry));
  }

  #metadataOf(entry: FileEntry): Required<Metadata> {
    return metadataOf(this.#libc, entry, this.#onLoss(entry));
  }

  #onLoss(entry: FileEntry): OnMetadataLoss {
    return (what, reason) => this.#options.onLoss({ path: displayName(entry.name), what, reason });
  }
}

/** A name that no file system has is the archive's fault, everything else that of where it goes. */
function cannotExtract({ name, headerOffset }: FileEntry, error: LibcError): ToolError {
  const message = `Cannot extract "${displayName(name)}": ${error.message}`;
  const facts = { path: displayName(name), call: error.call };
  return error.code === "ENAMETOOLONG" ? damaged(message, { offset: headerOffset, facts }) : new ToolError("failed", message, { facts });
}

function isDevice({ major, minor }: { major: number; minor: number }): boolean {
  return major >= 0 && major <= linux.MAJOR_LIMIT && minor >= 0 && minor <= linux.MINOR_LIMIT;
}

function isSamePath(one: readonly Uint8Array[], other: readonly Uint8Array[]): boolean {
  return one.length === other.length && one.every((part, index) => Buffer.compare(part, other[index] as Uint8Array) === 0);
}
