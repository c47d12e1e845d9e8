/**
 * The files of an archive as one tree: the root filesystem of a container, and its subdatasets where the container mounts them. A mount takes
 * the place of a directory, which is found without following links; as every dataset is mounted once at most, no tree goes round in circles.
 */
import { ToolError } from "../errors.ts";
import { mapSteps, type Steps } from "../stream/steps.ts";
import { displayName } from "../stream/tar/display-name.ts";
import type { PathPattern } from "../tree/path-pattern.ts";
import type { DataPiece } from "../zfs/zpl/block-reader.ts";
import type { DirectoryOrder } from "../zfs/zpl/directory-entries.ts";
import type { DataRange } from "../zfs/zpl/file-data.ts";
import type { FileStatus } from "../zfs/zpl/file-status.ts";
import type { FileSystem } from "../zfs/zpl/file-system.ts";
import type { Xattr } from "../zfs/zpl/xattrs.ts";
import { TreeWalk } from "./tree-walk.ts";

/** A dataset's files, from the directory on that is their root here. */
export interface Volume {
  /** Relative to the container's; "" for the root dataset. */
  dataset: string;
  top: FileStatus;
  /** Lists names and attributes. */
  names: FileSystem;
  /** Reads data, where it is another one that can. */
  data: FileSystem;
}

/** A file in the tree. */
export interface TreeNode {
  /** Names with slashes between them; none for the root. */
  path: Uint8Array;
  status: FileStatus;
  volume: Volume;
}

/** A volume and where it belongs. */
export interface Mount {
  volume: Volume;
  /** Path of a directory. */
  path: string;
}

const PATH_LIMIT_BYTES = 64 * 1024;
const SLASH = Buffer.from("/");

/** A tree of one or more volumes. */
export class FileTree {
  readonly root: TreeNode;
  readonly #mounts = new Map<Volume, Map<number, Volume>>();

  constructor(root: Volume) {
    this.root = { path: new Uint8Array(0), status: root.top, volume: root };
  }

  /** Puts a volume in the place of a directory; false if there is no such directory. */
  async mount({ volume, path }: Mount): Promise<boolean> {
    let place: TreeNode | undefined = this.root;
    for (const name of path.split("/").filter((part) => part !== "" && part !== ".")) {
      place = place.status.type === "directory" ? await this.#child(place, Buffer.from(name)) : undefined;
      if (place === undefined) return false;
    }
    if (place.status.type !== "directory" || place === this.root) return false;
    const known = this.#mounts.get(place.volume) ?? new Map<number, Volume>();
    this.#mounts.set(place.volume, known.set(place.status.object, volume));
    return true;
  }

  /** What is in a directory. @param order of the names' bytes if left out @throws ToolError damaged */
  children({ volume, path, status }: TreeNode, order?: DirectoryOrder): Steps<TreeNode> {
    const prefix = path.length === 0 ? path : Buffer.concat([path, SLASH]);
    const entries = volume.names.readDirectory(status.object, order);
    return mapSteps(entries, (entry) => this.#mounted({ path: pathBelow(prefix, entry.name), status: entry.status, volume }));
  }

  /** A file and all that lies below it, directories before what is in them. @throws ToolError damaged */
  walk(from: TreeNode, order?: DirectoryOrder): Steps<TreeNode> {
    return new TreeWalk(from, (node) => (node.status.type === "directory" ? this.children(node, order) : undefined));
  }

  /** The files that a pattern means. @throws ToolError not-found if there is none, damaged */
  async *find(pattern: PathPattern): AsyncGenerator<TreeNode> {
    let isFound = false;
    for await (const node of this.#match(this.root, pattern, 0)) {
      isFound = true;
      yield node;
    }
    if (!isFound) throw await this.#missing(pattern);
  }

  /** The target of a symbolic link. */
  async readLink({ volume, status }: TreeNode): Promise<Uint8Array> {
    return await volume.names.readLink(status);
  }

  /** A file's data as a whole, if it has no holes and is at hand. @throws ToolError damaged */
  dataAtHand({ volume, status }: TreeNode): Uint8Array | undefined {
    return volume.data.dataAtHand(status);
  }

  /** Extended attributes; those whose values cannot be had from where names are listed come from where data is read. */
  async xattrs({ volume, status }: TreeNode): Promise<Xattr[]> {
    if (!status.mayHaveXattrs) return [];
    try {
      return await Array.fromAsync(volume.names.xattrs(status.object));
    } catch (error) {
      if (volume.names === volume.data || !(error instanceof ToolError) || error.code !== "failed") throw error;
      return await Array.fromAsync(volume.data.xattrs(status.object));
    }
  }

  /** Where a file has data. */
  ranges({ volume, status }: TreeNode): Generator<DataRange> {
    return volume.data.ranges(status);
  }

  /** A file's data in order, without the holes. */
  pieces({ volume, status }: TreeNode): AsyncGenerator<DataPiece> {
    return volume.data.pieces(status);
  }

  /** A file's contents. */
  contents({ volume, status }: TreeNode): AsyncIterable<Uint8Array> {
    return volume.data.readFile(status);
  }

  async *#match(node: TreeNode, pattern: PathPattern, depth: number): AsyncGenerator<TreeNode> {
    if (depth === pattern.depth) return void (yield node);
    if (node.status.type !== "directory") return;
    const exact = pattern.exactName(depth);
    if (exact !== undefined) {
      const child = await this.#child(node, exact);
      if (child !== undefined) yield* this.#match(child, pattern, depth + 1);
      return;
    }
    for await (const child of this.children(node)) {
      if (pattern.matchesName(depth, nameOf(child.path))) yield* this.#match(child, pattern, depth + 1);
    }
  }

  async #child(directory: TreeNode, name: Uint8Array): Promise<TreeNode | undefined> {
    for await (const child of this.children(directory)) if (Buffer.compare(nameOf(child.path), name) === 0) return child;
    return undefined;
  }

  #mounted(node: TreeNode): TreeNode {
    let { status, volume } = node;
    for (let above = this.#over(volume, status); above !== undefined; above = this.#over(volume, status)) {
      volume = above;
      status = above.top;
    }
    return volume === node.volume ? node : { path: node.path, status, volume };
  }

  #over(volume: Volume, { object }: FileStatus): Volume | undefined {
    return this.#mounts.get(volume)?.get(object);
  }

  /** Says how far the way leads. */
  async #missing(pattern: PathPattern): Promise<ToolError> {
    let node = this.root;
    for (let depth = 0; depth < pattern.depth && node.status.type === "directory"; depth++) {
      const name = pattern.exactName(depth);
      const child = name === undefined ? undefined : await this.#child(node, name);
      if (child === undefined) break;
      node = child;
    }
    const path = displayName(node.path);
    if (node.status.type === "symlink") {
      const target = displayName(await this.readLink(node));
      return notFound(pattern, `"${path}" is a symbolic link to "${target}"`, ["Name what it leads to, as links are not followed"]);
    }
    return notFound(pattern, node.status.type === "directory" ? "there is no such file" : `"${path}" is no directory`);
  }
}

/** The path of something in a directory. */
function pathBelow(prefix: Uint8Array, name: Uint8Array): Uint8Array {
  const bytes = prefix.length + name.length;
  if (bytes > PATH_LIMIT_BYTES) throw new ToolError("failed", `Cannot walk the tree: a path in it has ${bytes} bytes`);
  const path = new Uint8Array(bytes);
  path.set(prefix);
  path.set(name, prefix.length);
  return path;
}

/** The error for a path that leads nowhere. */
export function notFound(pattern: PathPattern, reason: string, hints: readonly string[] = []): ToolError {
  return new ToolError("not-found", `Cannot find "${pattern.text}": ${reason}`, { facts: { path: pattern.text }, hints });
}

/** The last name of a path. */
function nameOf(path: Uint8Array): Uint8Array {
  return path.subarray(path.lastIndexOf(0x2f) + 1);
}
