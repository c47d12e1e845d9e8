/**
 * One layer's entries put upon those below it.
 *
 * An entry takes the place of what has its name, with all that lies below; a directory upon a directory keeps what is in it and takes the
 * new owner, mode, time and attributes. `.wh.NAME` takes NAME away, `.wh..wh..opq` all that is in its directory: what lower layers have put there,
 * wherever in the layer the mark stands. A hard link binds to the file that has the name at that time. Directories that no entry tells of are
 * made. aufs kept marks of its own in the root (`.wh..wh.aufs`, `.wh..wh.orph`), which are left out, and files with several names in
 * `.wh..wh.plnk`, which are there for links to them only.
 *
 * Where the programs differ, as read in their sources and seen of umoci 0.4.7, podman 4.3.1 (vfs) and containerd 1.6 (native):
 *
 * - A mark behind an entry of its name in the same layer: image-spec and umoci keep the entry; docker and containerd fail where they use overlayfs, and
 *   remove it elsewhere, as podman does with vfs. It is kept. Likewise what lies in an opaque directory and whose parent has no entry.
 * - Attributes of a directory upon a directory: image-spec, umoci, and overlayfs replace them; docker and containerd elsewhere add to them. Replaced.
 * - A hard link's own owner, mode and time: docker, podman and containerd give them to the file, umoci does not. Given.
 * - A mark in a directory that is not there: docker, podman and containerd make the directory, umoci does not. Made.
 * - `.wh.`, `.wh..` and `.wh...` name nothing: containerd refuses them, docker and podman remove the directory or the one above it. Refused.
 * - A directory that a layer makes anew only by what lies in it, where a mark takes the old one away: behind the entry umoci keeps its old
 *   metadata, docker removes it. It is as if the mark had come first.
 * - A link that leads to what is not there, on the way to a name: containerd and umoci make it, docker and podman fail. Made.
 * - The root without an entry: 0755 for us and docker, podman has 0555.
 * - The root's own entry: containerd leaves it out, the others take it. Taken.
 * - The time of a directory in which a layer makes or removes something without having an entry for it: umoci keeps it, for the others it is now. Kept.
 * - Two entries of one name in a layer, which image-spec forbids: the last one counts for all of them. Refused, unless both are directories.
 *
 * @see OCI image-spec v1.1 layer.md; containerd pkg/archive/tar.go; moby pkg/archive/diff.go; umoci oci/layer/tar_extract.go
 */
import { damaged } from "../../errors.ts";
import { displayName } from "../../stream/tar/display-name.ts";
import type { PaxRecords } from "../../stream/tar/pax.ts";
import type { TarEntry } from "../../stream/tar/read.ts";
import { NAME_LIMIT_BYTES } from "../../tree/entry-path.ts";
import { LayerPass, type LayerSource, type LayerSum } from "./layer-pass.ts";
import { LayerMarks } from "./layer-marks.ts";
import { splitLayerPath } from "./layer-path.ts";
import { resolveDirectory } from "./resolve.ts";
import { RootTree } from "./root-tree.ts";
import { Directory, File, NO_LAYER, type FileFacts, type Metadata } from "./tree-nodes.ts";

/** A layer, and which one it is. */
export interface PlacedLayer {
  layer: LayerSource;
  /** The lowest being 0. */
  index: number;
  /** Whether it is read without those below it, so that what its hard links name may be there. */
  isAlone?: boolean;
}

const WHITEOUT = ".wh.";
const OPAQUE = ".wh..wh..opq";
const AUFS = ".wh..wh.";
const AUFS_LINKS = ".wh..wh.plnk";
const XATTR = "SCHILY.xattr.";
const SYMLINK = "2";
/** Files, symbolic links, devices and FIFOs. */
const FILES = "02346";
/** What a hard link names that is not known. */
const UNKNOWN_FILE: FileFacts = { typeflag: "0", special: undefined, layer: NO_LAYER, headerOffset: 0 };
/** The longest target of a symbolic link that Linux has (PATH_MAX with its NUL). */
const TARGET_LIMIT_BYTES = 4095;
/** So that with a name, and what stands before it, it can be extracted. */
const PATH_LIMIT_BYTES = NAME_LIMIT_BYTES - 512;

/** Reads a whole layer into the tree. @returns what its bytes come to @throws ToolError damaged */
export async function applyLayer(tree: RootTree, placed: PlacedLayer): Promise<LayerSum> {
  const application = new Application(tree, placed);
  const pass = new LayerPass(placed.layer);
  try {
    for (let entry = await pass.next(); entry !== undefined; entry = await pass.next()) application.take(entry);
    return pass.sum;
  } finally {
    await pass.close();
  }
}

/** Reads a whole layer to see that its entries can be put upon others. @throws ToolError damaged */
export async function checkLayer(layer: LayerSource): Promise<void> {
  await applyLayer(new RootTree(), { layer, index: 0, isAlone: true });
}

class Application {
  readonly #tree: RootTree;
  readonly #layer: PlacedLayer;
  readonly #marks: LayerMarks;
  /** Files of aufs that only links name; no part of the tree. */
  readonly #aufsLinks = new Directory(undefined);

  constructor(tree: RootTree, layer: PlacedLayer) {
    this.#tree = tree;
    this.#layer = layer;
    this.#marks = new LayerMarks(tree);
  }

  take(entry: TarEntry): void {
    const steps = this.#split(entry, entry.name);
    if (isAufs(steps)) return this.#takeAufs(entry, steps);
    const name = steps.pop();
    if (name === undefined) return this.#takeRoot(entry);
    const directory = this.#directory(entry, steps);
    if (name === OPAQUE) this.#marks.hideAll(directory);
    else if (name.startsWith(WHITEOUT)) this.#marks.hide(directory, this.#hiddenName(entry, name));
    else this.#place(entry, directory, name);
    const { excess } = this.#tree;
    if (excess !== undefined) throw this.#refusal(entry, `with it the image has ${excess}`);
  }

  #takeRoot(entry: TarEntry): void {
    if (entry.typeflag !== "5") throw this.#refusal(entry, "the root is no directory");
    this.#tree.root.metadata = this.#metadata(entry);
  }

  #takeAufs(entry: TarEntry, steps: readonly string[]): void {
    const name = steps.at(-1);
    if (steps[0] === AUFS_LINKS && name !== undefined && entry.typeflag === "0") this.#tree.put(this.#aufsLinks, name, this.#file(entry));
  }

  #place(entry: TarEntry, directory: Directory, name: string): void {
    const there = directory.children.get(name);
    if (entry.typeflag === "5" && there instanceof Directory) {
      there.metadata = this.#metadata(entry);
    } else {
      if (this.#marks.has(directory, name)) throw this.#refusal(entry, "it takes the place of what the same layer has put there");
      this.#tree.remove(directory, name);
      this.#tree.put(directory, name, entry.typeflag === "1" ? this.#linked(entry) : this.#make(entry, directory, name));
    }
    this.#marks.add(directory, name);
  }

  #make(entry: TarEntry, parent: Directory, name: string): Directory | File {
    if (entry.typeflag !== "5") return this.#file(entry);
    const directory = this.#newDirectory(entry, parent, name);
    directory.metadata = this.#metadata(entry);
    return directory;
  }

  #file(entry: TarEntry): File {
    const { typeflag, size, sparse, headerOffset, devmajor: major, devminor: minor } = entry;
    if (!FILES.includes(typeflag)) throw this.#refusal(entry, `its type "${displayName(Buffer.from(typeflag))}" is unknown`);
    const special = typeflag === "3" || typeflag === "4" ? { major, minor } : typeflag === SYMLINK ? this.#target(entry) : undefined;
    const hasData = typeflag === "0" && (size > 0 || sparse !== undefined);
    return new File({ typeflag, special, layer: hasData ? this.#layer.index : NO_LAYER, headerOffset }, this.#metadata(entry));
  }

  #target(entry: TarEntry): string {
    const { linkname } = entry;
    if (linkname.length > 0 && linkname.length <= TARGET_LIMIT_BYTES && !linkname.includes(0))
      return Buffer.from(linkname).toString("latin1");
    throw this.#refusal(entry, `its target "${displayName(linkname)}" is no path`);
  }

  /** The file that a hard link names, which takes what the link's own header says of it. */
  #linked(entry: TarEntry): File {
    const file = this.#linkTarget(entry, this.#split(entry, entry.linkname));
    const before = file.metadata;
    const own = this.#metadata(entry);
    file.metadata = {
      ...own,
      mode: file.typeflag === SYMLINK ? before.mode : own.mode,
      xattrs: own.xattrs.size === 0 ? before.xattrs : this.#tree.share(new Map([...before.xattrs, ...own.xattrs])),
    };
    return file;
  }

  #linkTarget(entry: TarEntry, steps: readonly string[]): File {
    const from =
      steps[0] === AUFS_LINKS ? { directory: this.#aufsLinks, missing: [] } : resolveDirectory(this.#tree.root, steps.slice(0, -1));
    const named = `its target "${displayName(entry.linkname)}"`;
    if ("refusal" in from) throw this.#refusal(entry, `${named} cannot be found: ${from.refusal}`);
    const name = steps.at(-1);
    const there = name === undefined ? from.directory : from.directory.children.get(name);
    const target = from.missing.length > 0 ? undefined : there;
    if (target instanceof File) return target;
    if (target === undefined && this.#layer.isAlone === true) return new File(UNKNOWN_FILE, this.#metadata(entry));
    throw this.#refusal(entry, `${named} is ${target === undefined ? "not there" : "a directory"}`);
  }

  /** The directory that a path leads to, made where it is missing. */
  #directory(entry: TarEntry, steps: readonly string[]): Directory {
    const resolved = resolveDirectory(this.#tree.root, steps);
    if ("refusal" in resolved) throw this.#refusal(entry, resolved.refusal);
    let { directory } = resolved;
    for (const name of resolved.missing) {
      const made = this.#newDirectory(entry, directory, name);
      this.#tree.put(directory, name, made);
      directory = made;
    }
    return directory;
  }

  #newDirectory(entry: TarEntry, parent: Directory, name: string): Directory {
    const directory = new Directory({ parent, name });
    if (directory.pathBytes <= PATH_LIMIT_BYTES) return directory;
    throw this.#refusal(entry, `with the links on its way its path is longer than ${PATH_LIMIT_BYTES} bytes`);
  }

  #hiddenName(entry: TarEntry, name: string): string {
    const hidden = name.slice(WHITEOUT.length);
    if (hidden === "" || hidden === "." || hidden === "..") throw this.#refusal(entry, "it removes what has no name");
    return hidden;
  }

  #metadata({ mode, uid, gid, mtimeNs, pax }: TarEntry): Metadata {
    return { mode: mode & 0o7777, uid, gid, mtimeNs, xattrs: this.#tree.share(xattrRecords(pax)) };
  }

  #split(entry: TarEntry, name: Uint8Array): string[] {
    const steps = splitLayerPath(name);
    if (Array.isArray(steps)) return steps;
    throw this.#refusal(entry, name === entry.name ? `its name ${steps.refusal}` : `its target "${displayName(name)}" ${steps.refusal}`);
  }

  #refusal({ name, headerOffset }: TarEntry, reason: string): Error {
    const path = displayName(name);
    const { what } = this.#layer.layer;
    return damaged(`Cannot apply "${path}" of layer "${what}": ${reason}`, { offset: headerOffset, facts: { path, layer: what } });
  }
}

/** Whether a path is one that aufs kept to itself; its mark of an opaque root is not. */
function isAufs(steps: readonly string[]): boolean {
  return steps[0]?.startsWith(AUFS) === true && !(steps.length === 1 && steps[0] === OPAQUE);
}

function xattrRecords(pax: PaxRecords): PaxRecords {
  return pax.size === 0 ? pax : new Map([...pax].filter(([key]) => key.startsWith(XATTR)));
}
