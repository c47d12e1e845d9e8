/**
 * Files as a tar stream, named as an export of format tar names them: `./`, `./etc/`, `./etc/hostname`. Holes stay holes; of a file with several
 * names the others are hard links to the first.
 */
import { damaged } from "../errors.ts";
import { concat, type ByteStream } from "../stream/bytes.ts";
import { displayName } from "../stream/tar/display-name.ts";
import { paddingOf } from "../stream/tar/header.ts";
import type { SparseMap } from "../stream/tar/sparse.ts";
import { encodeEntry, END_BLOCKS_BYTES, type EntryFields } from "../stream/tar/write.ts";
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
const GATHER_BYTES = 256 * 1024;
/** What readers take of extended headers, with room for the other records. */
const XATTRS_LIMIT_BYTES = 1000 * 1024;

/** Packs files. @param onLoss told of whatever a tar cannot hold @throws ToolError damaged */
export async function* packNodes(tree: FileTree, nodes: AsyncIterable<TreeNode>, onLoss: (loss: Loss) => void): ByteStream {
  const packer = new Packer(tree, onLoss);
  let held: Uint8Array[] = [];
  let size = 0;
  for await (const node of nodes) {
    for await (const piece of packer.pack(node)) {
      held.push(piece);
      size += piece.length;
      if (size < GATHER_BYTES) continue;
      yield* held;
      held = [];
      size = 0;
    }
  }
  yield concat([...held, new Uint8Array(END_BLOCKS_BYTES)]);
}

class Packer {
  readonly #tree: FileTree;
  readonly #onLoss: (loss: Loss) => void;
  /** First names of files with several, and how many are still to come. */
  readonly #links = new Map<Volume, Map<number, { name: Uint8Array; left: number }>>();

  constructor(tree: FileTree, onLoss: (loss: Loss) => void) {
    this.#tree = tree;
    this.#onLoss = onLoss;
  }

  async *pack(node: TreeNode): AsyncGenerator<Uint8Array> {
    const typeflag = TYPEFLAGS[node.status.type];
    if (typeflag === undefined) return this.#lose(node, "socket", "tar has no sockets");
    const fields = fieldsOf(node, typeflag);
    const first = this.#firstName(node, fields.name);
    if (first !== undefined) return void (yield encodeEntry({ ...fields, typeflag: "1", linkname: first }));
    const xattrs = await this.#xattrs(node);
    if (typeflag === "0") return yield* this.#regular(node, { ...fields, xattrs });
    if (typeflag !== "2") return void (yield encodeEntry({ ...fields, xattrs }));
    yield encodeEntry({ ...fields, xattrs, linkname: await this.#tree.readLink(node) });
  }

  async *#regular(node: TreeNode, fields: EntryFields): AsyncGenerator<Uint8Array> {
    const { size } = node.status;
    const segments = findSegments(() => this.#tree.ranges(node), size);
    const dataBytes = segments.reduce((sum, { length }) => sum + length, 0);
    const sparse: SparseMap | undefined = dataBytes === size ? undefined : { size, segments };
    yield encodeEntry({ ...fields, size: dataBytes, sparse });
    let left = dataBytes;
    for await (const bytes of segmentData(this.#tree.pieces(node), segments)) {
      left -= bytes.length;
      yield bytes;
    }
    if (left !== 0) throw damaged(`Cannot read "${displayName(node.path)}": its blocks do not make up the data that it is said to have`);
    yield new Uint8Array(paddingOf(dataBytes));
  }

  /** The name under which a file has been packed before; otherwise this one is noted. */
  #firstName({ status: { type, nlink, object }, volume }: TreeNode, name: Uint8Array): Uint8Array | undefined {
    if (type === "directory" || nlink < 2) return undefined;
    const links = this.#links.get(volume) ?? new Map<number, { name: Uint8Array; left: number }>();
    this.#links.set(volume, links);
    const known = links.get(object);
    if (known === undefined) links.set(object, { name, left: nlink - 1 });
    else if (--known.left === 0) links.delete(object);
    return known?.name;
  }

  async #xattrs(node: TreeNode): Promise<[name: Uint8Array, value: Uint8Array][]> {
    const kept: [name: Uint8Array, value: Uint8Array][] = [];
    let room = XATTRS_LIMIT_BYTES;
    for (const { name, bytes, value } of await this.#tree.xattrs(node)) {
      room -= name.length + bytes;
      if (value === undefined || room < 0) this.#lose(node, `xattr ${displayName(name)}`, "it is too large");
      else kept.push([name, value]);
    }
    return kept;
  }

  #lose({ path }: TreeNode, what: string, reason: string): undefined {
    this.#onLoss({ path: displayName(path), what, reason });
  }
}

function fieldsOf({ path, status }: TreeNode, typeflag: string): EntryFields {
  const { mode, uid, gid, mtimeNs, rdevMajor, rdevMinor } = status;
  const end = typeflag === "5" && path.length > 0 ? "/" : "";
  const name = Buffer.concat([Buffer.from("./"), path, Buffer.from(end)]);
  return { name, mode, uid, gid, mtimeNs, typeflag, size: 0, devmajor: rdevMajor, devminor: rdevMinor };
}
