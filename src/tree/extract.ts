/**
 * Extracting a tar stream into an empty directory: everything restored as far as the running user may, what could not be is reported.
 *
 * An archive is input from a stranger. A name is taken apart into its steps, `..` and absolute names are refused, and each step is taken in a
 * directory that is held open, without following symbolic links; an entry below anything but a directory is refused. Hard links are
 * resolved the same way. What is there already under a name is removed, never written through. A set-user-ID bit is set only on a file
 * that has got its owner.
 */
import { damaged, ToolError } from "../errors.ts";
import type { ByteSource, ByteStream } from "../stream/bytes.ts";
import { StreamSource } from "../stream/stream-source.ts";
import { displayName } from "../stream/tar/display-name.ts";
import { paxXattrs } from "../stream/tar/pax.ts";
import { TarReader, type TarEntry } from "../stream/tar/read.ts";
import { LibcError, loadLibc, type Libc } from "../sys/libc.ts";
import * as linux from "../sys/linux.ts";
import { withDirectory } from "./directory-cursor.ts";
import { DirectoryStack } from "./directory-stack.ts";
import { splitEntryName } from "./entry-path.ts";
import { writeFileData } from "./file-data.ts";
import type { Loss } from "./loss.ts";
import { applyMetadata, attempt, type Metadata } from "./metadata.ts";

/** Options of {@link extractTree}. */
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

const NODES: Readonly<Record<string, { what: string; type: number }>> = {
  "3": { what: "device node", type: linux.S_IFCHR },
  "4": { what: "device node", type: linux.S_IFBLK },
  "6": { what: "FIFO", type: linux.S_IFIFO },
};
const DRAIN_BYTES = 1024 * 1024;

/**
 * Extracts a tree. The input is read to its end, so that a check which a step before makes there has been made.
 *
 * @param root an existing empty directory
 * @throws ToolError damaged (cut off, no tar, a name that leaves the tree), failed (disk full, no permission to write)
 */
export async function extractTree(tar: ByteStream | ByteSource, root: string, options: ExtractOptions): Promise<ExtractSummary> {
  const libc = await loadLibc();
  const source = Symbol.asyncIterator in tar ? new StreamSource(tar) : tar;
  try {
    const extraction = new Extraction(libc, root, options);
    try {
      const summary = await extraction.run(new TarReader(source));
      while ((await source.read(DRAIN_BYTES)) !== undefined);
      return summary;
    } finally {
      extraction.close();
    }
  } catch (error) {
    if (!(error instanceof LibcError)) throw error;
    throw new ToolError("failed", `Cannot extract to "${root}": ${error.message}`, { facts: { path: root, call: error.call } });
  } finally {
    if (source instanceof StreamSource) await source.close();
  }
}

class Extraction {
  readonly #libc: Libc;
  readonly #options: ExtractOptions;
  readonly #stack: DirectoryStack;
  readonly #rootFd: number;
  readonly #summary: ExtractSummary = { entries: 0, bytes: 0 };

  constructor(libc: Libc, root: string, options: ExtractOptions) {
    this.#libc = libc;
    this.#options = options;
    this.#stack = new DirectoryStack(libc, root, (path, what, reason) => this.#lose(pathOf(path), what, reason));
    this.#rootFd = libc.open(this.#stack.fd, Buffer.from("."), linux.O_PATH | linux.O_DIRECTORY);
  }

  close(): void {
    this.#stack.close();
    this.#libc.close(this.#rootFd);
  }

  async run(tar: TarReader): Promise<ExtractSummary> {
    for (let entry = await tar.next(); entry !== undefined; entry = await tar.next()) {
      try {
        await this.#extract(entry);
      } catch (error) {
        if (!(error instanceof LibcError)) throw error;
        const facts = { path: displayName(entry.name), call: error.call };
        throw new ToolError("failed", `Cannot extract "${facts.path}": ${error.message}`, { facts });
      }
      this.#summary.entries += 1;
    }
    this.#stack.finish();
    return this.#summary;
  }

  async #extract(entry: TarEntry): Promise<void> {
    const path = splitEntryName(entry.name, entry.headerOffset);
    const name = path.pop();
    if (name === undefined) return this.#root(entry);
    this.#stack.goTo(path, entry.headerOffset);
    const { typeflag } = entry;
    const node = NODES[typeflag];
    if (typeflag === "0") await this.#file(entry, name);
    else if (typeflag === "1") this.#hardLink(entry, name, [...path, name]);
    else if (typeflag === "2") this.#symbolicLink(entry, name);
    else if (typeflag === "5") this.#directory(entry, name);
    else if (node !== undefined) this.#node(entry, name, node);
    else this.#lose(displayName(entry.name), `entry of type "${displayName(Buffer.from(typeflag))}"`, "no such type is known");
  }

  #root(entry: TarEntry): void {
    if (entry.typeflag !== "5")
      throw damaged(`Cannot extract "${displayName(entry.name)}": the root is no directory`, { offset: entry.headerOffset });
    this.#stack.goTo([], entry.headerOffset);
    this.#stack.finishRootWith(metadataOf(entry));
  }

  #directory(entry: TarEntry, name: Uint8Array): void {
    if (!this.#stack.make(name) && !this.#isDirectory(name)) {
      this.#libc.unlink(this.#stack.fd, name);
      this.#stack.make(name);
    }
    this.#stack.enter(name, metadataOf(entry));
  }

  async #file(entry: TarEntry, name: Uint8Array): Promise<void> {
    const flags = linux.O_WRONLY | linux.O_CREAT | linux.O_EXCL;
    const fd = this.#create(entry, name, () => this.#libc.open(this.#stack.fd, name, flags, 0o600));
    try {
      await writeFileData(this.#libc, fd, entry);
    } finally {
      this.#libc.close(fd);
    }
    this.#summary.bytes += entry.size;
    this.#apply(entry, name, metadataOf(entry));
  }

  #symbolicLink(entry: TarEntry, name: Uint8Array): void {
    const { linkname } = entry;
    if (linkname.length === 0 || linkname.includes(0)) {
      throw damaged(`Cannot extract "${displayName(entry.name)}": its target "${displayName(linkname)}" is no path`, {
        offset: entry.headerOffset,
      });
    }
    this.#create(entry, name, () => this.#libc.symlink(linkname, this.#stack.fd, name));
    const { mode: _, ...metadata } = metadataOf(entry);
    this.#apply(entry, name, metadata);
  }

  #node(entry: TarEntry, name: Uint8Array, { what, type }: { what: string; type: number }): void {
    const device = { major: entry.devmajor, minor: entry.devminor };
    const make = (): void => this.#libc.makeNode(this.#stack.fd, name, type | 0o600, device);
    const made = attempt(what, this.#onLoss(entry), () => this.#create(entry, name, make));
    if (made) this.#apply(entry, name, metadataOf(entry));
  }

  #hardLink(entry: TarEntry, name: Uint8Array, path: readonly Uint8Array[]): void {
    const target = splitEntryName(entry.linkname, entry.headerOffset);
    if (isSamePath(target, path)) return;
    const last = target.pop();
    if (last === undefined)
      throw damaged(`Cannot extract "${displayName(entry.name)}": it is a hard link to the root`, { offset: entry.headerOffset });
    const link = (dirFd: number): void => {
      this.#create(entry, name, () => this.#libc.link({ dirFd, path: last }, this.#stack.fd, name));
    };
    try {
      attempt("hard link", this.#onLoss(entry), () => withDirectory(this.#libc, { rootFd: this.#rootFd, path: target }, link));
    } catch (error) {
      if (!(error instanceof LibcError)) throw error;
      if (error.code === "ENOENT") return this.#lose(displayName(entry.name), "hard link", "its target is not there");
      if (error.code !== "ENOTDIR") throw error;
      const reason = `its target "${displayName(entry.linkname)}" lies below what is no directory`;
      throw damaged(`Cannot extract "${displayName(entry.name)}": ${reason}`, { offset: entry.headerOffset });
    }
  }

  /** Makes something, in place of what has the name so far. */
  #create<T>(entry: TarEntry, name: Uint8Array, make: () => T): T {
    try {
      return make();
    } catch (error) {
      if (!(error instanceof LibcError) || error.code !== "EEXIST") throw error;
    }
    if (this.#isDirectory(name)) this.#removeDirectory(entry, name);
    else this.#libc.unlink(this.#stack.fd, name);
    return make();
  }

  #removeDirectory(entry: TarEntry, name: Uint8Array): void {
    try {
      this.#libc.unlink(this.#stack.fd, name, linux.AT_REMOVEDIR);
    } catch (error) {
      if (!(error instanceof LibcError) || error.code !== "ENOTEMPTY") throw error;
      throw damaged(`Cannot extract "${displayName(entry.name)}": it is a directory with files in it`, { offset: entry.headerOffset });
    }
  }

  #isDirectory(name: Uint8Array): boolean {
    return (this.#libc.status(this.#stack.fd, name).mode & linux.S_IFMT) === linux.S_IFDIR;
  }

  #apply(entry: TarEntry, name: Uint8Array, metadata: Metadata): void {
    applyMetadata(this.#libc, { dirFd: this.#stack.fd, name }, metadata, this.#onLoss(entry));
  }

  #onLoss(entry: TarEntry): (what: string, reason: string) => void {
    return (what, reason) => this.#lose(displayName(entry.name), what, reason);
  }

  #lose(path: string, what: string, reason: string): void {
    this.#options.onLoss({ path, what, reason });
  }
}

function metadataOf({ uid, gid, mode, mtimeNs, pax }: TarEntry): Required<Metadata> {
  return { owner: { uid, gid }, mode: mode & 0o7777, mtimeNs, xattrs: [...paxXattrs(pax)] };
}

function isSamePath(one: readonly Uint8Array[], other: readonly Uint8Array[]): boolean {
  return one.length === other.length && one.every((part, index) => Buffer.compare(part, other[index] as Uint8Array) === 0);
}

function pathOf(parts: readonly Uint8Array[]): string {
  return `./${parts.map(displayName).join("/")}`;
}
