/**
 * Files as entries of a tar, without the detour of encoding one: named as an export of format tar names them (`./`, `./etc/`, `./etc/hostname`).
 * Holes stay holes; of a file with several names the others are hard links to the first. Sockets are entries of a type that no tar has.
 */
import { damaged } from "../errors.ts";
import type { ByteStream } from "../stream/bytes.ts";
import { displayName } from "../stream/tar/display-name.ts";
import type { Steps } from "../stream/steps.ts";
import type { TarHeader } from "../stream/tar/header.ts";
import { xattrKey, type PaxRecords } from "../stream/tar/pax.ts";
import type { SparseMap } from "../stream/tar/sparse.ts";
import { SOCKET_TYPEFLAG } from "../tree/extraction.ts";
import type { Loss } from "../tree/loss.ts";
import type { EntrySource, FileEntry } from "../tree/selected-entries.ts";
import type { FileType } from "../zfs/zpl/file-status.ts";
import type { FileTree, TreeNode, Volume } from "./file-tree.ts";
import { findSegments, segmentData } from "./tree-segments.ts";

const TYPEFLAGS: Readonly<Record<FileType, string>> = {
  file: "0",
  symlink: "2",
  character: "3",
  block: "4",
  directory: "5",
  fifo: "6",
  socket: SOCKET_TYPEFLAG,
};
/** ZFS_ACL_TRIVIAL: the ACL says no more than the mode. */
const ACL_TRIVIAL = 4n;
/** What readers of tars take of extended headers, with room for other records. */
const XATTRS_LIMIT_BYTES = 1000 * 1024;
const NO_BYTES = new Uint8Array(0);
const HERE = Buffer.from("./");
const SLASH = 0x2f;
const NO_RECORDS: PaxRecords = new Map();

/** Makes entries, and knows which files with several names there have been. */
export class TreeEntries implements EntrySource {
  readonly #tree: FileTree;
  readonly #nodes: Steps<TreeNode>;
  readonly #onLoss: (loss: Loss) => void;
  /** First names of files with several, and how many are still to come. */
  readonly #links = new Map<Volume, Map<number, { name: Uint8Array; left: number }>>();

  /** @param onLoss told of whatever an entry cannot hold */
  constructor(tree: FileTree, nodes: Steps<TreeNode>, onLoss: (loss: Loss) => void) {
    this.#tree = tree;
    this.#nodes = nodes;
    this.#onLoss = onLoss;
  }

  /** The next entry; undefined at the end. @throws ToolError damaged */
  next(): FileEntry | undefined | Promise<FileEntry | undefined> {
    const node = this.#nodes.next();
    return node instanceof Promise ? this.#late(node) : node && this.#entry(node);
  }

  async #late(node: Promise<TreeNode | undefined>): Promise<FileEntry | undefined> {
    const late = await node;
    return late && (await this.#entry(late));
  }

  #entry(node: TreeNode): FileEntry | Promise<FileEntry> {
    const { type, flags, mayHaveXattrs } = node.status;
    const header = headerOf(node, TYPEFLAGS[type]);
    const linkname = this.#firstName(node, header.name);
    if (linkname !== undefined) return entryOf(node, { ...header, typeflag: "1", linkname }, {});
    if ((flags & ACL_TRIVIAL) === 0n) this.#lose(node, "NFSv4 ACL", "Linux has none; the mode is what it comes to");
    if (mayHaveXattrs || type === "symlink") return this.#readEntry(node, header);
    return type === "file" ? this.#regular(node, header, NO_RECORDS) : entryOf(node, header, {});
  }

  /** An entry of which more has to be read. */
  async #readEntry(node: TreeNode, header: TarHeader): Promise<FileEntry> {
    const pax = await this.#xattrs(node);
    if (node.status.type === "file") return this.#regular(node, header, pax);
    return entryOf(node, node.status.type === "symlink" ? { ...header, linkname: await this.#tree.readLink(node) } : header, { pax });
  }

  #regular(node: TreeNode, header: TarHeader, pax: PaxRecords): FileEntry {
    const { size } = node.status;
    const data = this.#tree.dataAtHand(node);
    if (data !== undefined) return entryOf(node, { ...header, size }, { pax, data, body: () => only(data) });
    const segments = findSegments(() => this.#tree.ranges(node), size);
    const dataBytes = segments.reduce((sum, { length }) => sum + length, 0);
    const sparse = dataBytes === size ? undefined : { size, segments };
    const body = (): ByteStream => this.#data(node, { size, segments }, dataBytes);
    return entryOf(node, { ...header, size: dataBytes }, { pax, sparse, body });
  }

  async *#data(node: TreeNode, { segments }: SparseMap, dataBytes: number): ByteStream {
    let left = dataBytes;
    for await (const bytes of segmentData(this.#tree.pieces(node), segments)) {
      left -= bytes.length;
      yield bytes;
    }
    if (left !== 0) throw damaged(`Cannot read "${displayName(node.path)}": its blocks do not make up the data that it is said to have`);
  }

  /** The name under which a file has been before; otherwise this one is noted. */
  #firstName({ status: { type, nlink, object }, volume }: TreeNode, name: Uint8Array): Uint8Array | undefined {
    if (type === "directory" || nlink < 2) return undefined;
    const links = this.#links.get(volume) ?? new Map<number, { name: Uint8Array; left: number }>();
    this.#links.set(volume, links);
    const known = links.get(object);
    if (known === undefined) links.set(object, { name, left: nlink - 1 });
    else if (--known.left === 0) links.delete(object);
    return known?.name;
  }

  async #xattrs(node: TreeNode): Promise<PaxRecords> {
    const kept = new Map<string, Uint8Array>();
    let room = XATTRS_LIMIT_BYTES;
    for (const { name, bytes, value } of await this.#tree.xattrs(node)) {
      room -= name.length + bytes;
      if (value === undefined || room < 0) this.#lose(node, `xattr ${displayName(name)}`, "it is too large");
      else kept.set(xattrKey(name), value);
    }
    return kept;
  }

  #lose({ path }: TreeNode, what: string, reason: string): undefined {
    this.#onLoss({ path: displayName(path), what, reason });
  }
}

function headerOf({ path, status }: TreeNode, typeflag: string): TarHeader {
  const { mode, uid, gid, rdevMajor: devmajor, rdevMinor: devminor } = status;
  const name = tarName(path, typeflag === "5" && path.length > 0);
  return { name, mode, uid, gid, size: 0, mtime: 0, typeflag, linkname: NO_BYTES, uname: "", gname: "", devmajor, devminor };
}

function tarName(path: Uint8Array, withSlash: boolean): Uint8Array {
  const name = new Uint8Array(HERE.length + path.length + (withSlash ? 1 : 0));
  name.set(HERE);
  name.set(path, HERE.length);
  if (withSlash) name[name.length - 1] = SLASH;
  return name;
}

/** An entry that stands nowhere in a tar. */
function entryOf(node: TreeNode, header: TarHeader, content: Partial<Pick<FileEntry, "pax" | "sparse" | "data" | "body">>): FileEntry {
  const { name, mode, uid, gid, size, typeflag, linkname, uname, gname, devmajor, devminor } = header;
  const { pax = NO_RECORDS, sparse, data, body = nothing } = content;
  const { mtimeNs } = node.status;
  const place = { slack: 0, headerOffset: 0, dataOffset: 0, rawHeader: header };
  return { name, mode, uid, gid, size, typeflag, linkname, uname, gname, devmajor, devminor, mtimeNs, ...place, pax, sparse, data, body };
}

async function* nothing(): ByteStream {}

async function* only(data: Uint8Array): ByteStream {
  if (data.length > 0) yield await Promise.resolve(data);
}
