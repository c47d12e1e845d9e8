/**
 * Files as entries of a tar, without the detour of encoding one: named as an export of format tar names them (`./`, `./etc/`, `./etc/hostname`).
 * Holes stay holes; of a file with several names the others are hard links to the first.
 */
import { damaged } from "../errors.ts";
import type { ByteStream } from "../stream/bytes.ts";
import { displayName } from "../stream/tar/display-name.ts";
import type { TarHeader } from "../stream/tar/header.ts";
import { xattrKey, type PaxRecords } from "../stream/tar/pax.ts";
import type { TarEntry } from "../stream/tar/read.ts";
import type { SparseMap } from "../stream/tar/sparse.ts";
import type { Loss } from "../tree/loss.ts";
import type { FileType } from "../zfs/zpl/file-status.ts";
import type { FileTree, TreeNode, Volume } from "./file-tree.ts";
import { findSegments, segmentData } from "./tree-segments.ts";

const TYPEFLAGS: Readonly<Record<FileType, string | undefined>> = {
  file: "0",
  symlink: "2",
  character: "3",
  block: "4",
  directory: "5",
  fifo: "6",
  socket: undefined,
};
/** ZFS_ACL_TRIVIAL: the ACL says no more than the mode. */
const ACL_TRIVIAL = 4n;
/** What readers of tars take of extended headers, with room for other records. */
const XATTRS_LIMIT_BYTES = 1000 * 1024;
const NO_BYTES = new Uint8Array(0);
const NO_RECORDS: PaxRecords = new Map();

/** Makes entries, and knows which files with several names there have been. */
export class TreeEntries {
  readonly #tree: FileTree;
  readonly #nodes: AsyncIterator<TreeNode>;
  readonly #onLoss: (loss: Loss) => void;
  /** First names of files with several, and how many are still to come. */
  readonly #links = new Map<Volume, Map<number, { name: Uint8Array; left: number }>>();

  /** @param onLoss told of whatever a tar cannot hold */
  constructor(tree: FileTree, nodes: AsyncIterable<TreeNode>, onLoss: (loss: Loss) => void) {
    this.#tree = tree;
    this.#nodes = nodes[Symbol.asyncIterator]();
    this.#onLoss = onLoss;
  }

  /** The next entry; undefined at the end. @throws ToolError damaged */
  async next(): Promise<TarEntry | undefined> {
    for (;;) {
      const next = await this.#nodes.next();
      if (next.done === true) return undefined;
      const typeflag = TYPEFLAGS[next.value.status.type];
      if (typeflag !== undefined) return await this.#entry(next.value, typeflag);
      this.#lose(next.value, "socket", "tar has no sockets");
    }
  }

  async #entry(node: TreeNode, typeflag: string): Promise<TarEntry> {
    const header = headerOf(node, typeflag);
    const linkname = this.#firstName(node, header.name);
    if (linkname !== undefined) return entryOf(node, { ...header, typeflag: "1", linkname }, {});
    if ((node.status.flags & ACL_TRIVIAL) === 0n) this.#lose(node, "NFSv4 ACL", "Linux has none; the mode is what it comes to");
    const pax = await this.#xattrs(node);
    if (typeflag === "0") return this.#regular(node, header, pax);
    return entryOf(node, typeflag === "2" ? { ...header, linkname: await this.#tree.readLink(node) } : header, { pax });
  }

  #regular(node: TreeNode, header: TarHeader, pax: PaxRecords): TarEntry {
    const { size } = node.status;
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

  #lose({ path }: TreeNode, what: string, reason: string): void {
    this.#onLoss({ path: displayName(path), what, reason });
  }
}

function headerOf({ path, status }: TreeNode, typeflag: string): TarHeader {
  const { mode, uid, gid, rdevMajor: devmajor, rdevMinor: devminor } = status;
  const end = typeflag === "5" && path.length > 0 ? "/" : "";
  const name = Buffer.concat([Buffer.from("./"), path, Buffer.from(end)]);
  return { name, mode, uid, gid, size: 0, mtime: 0, typeflag, linkname: NO_BYTES, uname: "", gname: "", devmajor, devminor };
}

/** An entry that stands nowhere in a tar. */
function entryOf(node: TreeNode, rawHeader: TarHeader, data: Partial<Pick<TarEntry, "pax" | "sparse" | "body">>): TarEntry {
  const { mtime: _, ...header } = rawHeader;
  const { pax = NO_RECORDS, sparse, body = nothing } = data;
  return { ...header, slack: 0, mtimeNs: node.status.mtimeNs, headerOffset: 0, dataOffset: 0, rawHeader, pax, sparse, body };
}

async function* nothing(): ByteStream {}
