/**
 * A file system out of ZFS streams, as it was at the last snapshot: to be listed and read without ZFS. Files are known by their object
 * numbers; several names of one object are hard links. Directories and attributes are decoded when they are asked for.
 *
 * @see OpenZFS 2.3 `include/sys/zfs_znode.h` (the master node), `module/zfs/zfs_vfsops.c`
 */
import { ToolError } from "../../errors.ts";
import type { ByteStream } from "../../stream/bytes.ts";
import { decodeNvlist } from "../dmu/nvlist.ts";
import type { AttributeName, Attributes } from "./attributes.ts";
import type { DataPiece, TakenStream } from "./block-reader.ts";
import { damagedObject } from "./damage.ts";
import { readNames, type NamedObject } from "./directory.ts";
import { DirectoryEntries, inOrder, type DirectoryOrder } from "./directory-entries.ts";
import { FileAttributes } from "./file-attributes.ts";
import { dataRanges, withHoles, type DataRange } from "./file-data.ts";
import { fileStatus, type FileStatus } from "./file-status.ts";
import { readMasterNode, type MasterNode } from "./master-node.ts";
import { ObjectData } from "./object-data.ts";
import type { ObjectSet } from "./object-set.ts";
import { OBJECT_FLAG } from "./object-table.ts";
import { MAX_XATTR_BYTES, mergeXattrs, type Xattr } from "./xattrs.ts";
import { oldLinkTarget } from "./znode.ts";

const STATUS: readonly AttributeName[] = ["MODE", "SIZE", "LINKS", "UID", "GID", "PARENT", "GEN", "FLAGS", "MTIME"];
const DEVICE: readonly AttributeName[] = ["RDEV"];
const MAX_LINK_BYTES = 65536;

/** The files of a snapshot. */
export class FileSystem {
  /** Object of the root directory. */
  readonly root: number;
  /** ZPL version, case and Unicode rules. */
  readonly properties: Omit<MasterNode, "root" | "system">;
  readonly #set: ObjectSet;
  readonly #streams: readonly TakenStream[];
  readonly #attributes: FileAttributes;
  #lastNames: { directory: number; names: readonly NamedObject[] } | undefined;

  private constructor(set: ObjectSet, streams: readonly TakenStream[], master: MasterNode) {
    const { root, system, ...properties } = master;
    this.root = root;
    this.properties = properties;
    this.#set = set;
    this.#streams = streams;
    this.#attributes = new FileAttributes(set, streams, system);
  }

  /** Opens an object set that is a file system. @throws ToolError damaged */
  static async open(set: ObjectSet, streams: readonly TakenStream[]): Promise<FileSystem> {
    return new FileSystem(set, streams, await readMasterNode(set, streams));
  }

  /** What a file is. @throws ToolError damaged if the object is no file */
  async stat(object: number): Promise<FileStatus> {
    return this.#statAtOnce(object) ?? this.#status(object, await this.#attributes.of(object, [...STATUS, ...DEVICE]));
  }

  /**
   * The entries of a directory.
   *
   * @param order that of the names' bytes, or that of objects, which is about how their data follows in a stream
   * @throws ToolError damaged; failed if the streams cannot be read again and the directory was not kept
   */
  readDirectory(directory: number, order: DirectoryOrder = "names"): DirectoryEntries {
    return new DirectoryEntries({
      directory,
      root: this.root,
      names: async () => inOrder(await this.#names(directory), order),
      stat: (object) => this.#statAtOnce(object) ?? this.stat(object),
      damage: (object, reason) => this.#damage(object, reason),
    });
  }

  /** The file at a path, links not followed; undefined if there is none. @param path names between slashes, from the root */
  async lookup(path: Uint8Array): Promise<FileStatus | undefined> {
    let status = await this.stat(this.root);
    for (const part of Buffer.from(path).toString("latin1").split("/")) {
      if (part === "" || part === ".") continue;
      const found = status.type === "directory" ? find(await this.#names(status.object), part) : undefined;
      if (found === undefined) return undefined;
      status = await this.stat(found);
    }
    return status;
  }

  /** The target of a symbolic link. @throws ToolError damaged */
  async readLink({ object, size }: FileStatus): Promise<Uint8Array> {
    const attributes = await this.#attributes.of(object, ["SYMLINK"]);
    const target = attributes.bytes("SYMLINK") ?? (await this.#oldLink(object, size));
    if (target.length > 0 && !target.includes(0)) return target;
    throw this.#damage(object, "it has a target that no link has");
  }

  /** The extended attributes of a file, in the order of their names. @throws ToolError damaged */
  async *xattrs(object: number): AsyncGenerator<Xattr> {
    const attributes = await this.#attributes.of(object, ["DXATTR", "XATTR"]);
    const packed = attributes.bytes("DXATTR");
    const { what, offset } = this.#set.place(object);
    const system = packed && decodeNvlist(packed, { what: `ZFS stream "${what}": object ${object}`, offset });
    const hidden = attributes.number("XATTR") ?? 0;
    const files = hidden === 0 ? [] : await readNames(this.#set, this.#streams, hidden);
    for (const { name, from } of mergeXattrs(system, files)) yield await this.#xattr(Buffer.from(name, "latin1"), from);
  }

  /** The entries of the NFSv4 ACL (`zfs_ace_t`), as they are stored; most say no more than the mode. Undefined if there are none. */
  async acl(object: number): Promise<Uint8Array | undefined> {
    const attributes = await this.#attributes.of(object, ["DACL_ACES"]);
    return attributes.bytes("DACL_ACES");
  }

  /** Where a file has data, in order; everything else is a hole. */
  ranges({ object, size }: FileStatus): Generator<DataRange> {
    return dataRanges(this.#data(object), size);
  }

  /** A file's data in order, without the holes. @throws ToolError damaged; failed if its stream cannot be read again */
  pieces({ object, size }: FileStatus): AsyncGenerator<DataPiece> {
    return this.#data(object).pieces(size);
  }

  /** A file's contents. @throws ToolError damaged; failed if its stream cannot be read again */
  readFile(status: FileStatus): ByteStream {
    return withHoles(this.pieces(status), status.size);
  }

  /** A file's data as a whole, if it has no holes and is at hand. @throws ToolError damaged */
  dataAtHand({ object, size }: FileStatus): Uint8Array | undefined {
    return this.#data(object).atHand(size);
  }

  /** The status of a file whose bonus buffer has all of it. */
  #statAtOnce(object: number): FileStatus | undefined {
    const attributes = this.#attributes.atOnce(object, STATUS);
    const status = attributes && this.#status(object, attributes);
    const isDevice = status?.type === "block" || status?.type === "character";
    return isDevice && attributes?.has("RDEV") !== true ? undefined : status;
  }

  #status(object: number, attributes: Attributes): FileStatus {
    const status = fileStatus(object, attributes);
    if (typeof status === "string") throw this.#damage(object, status);
    return status;
  }

  async #names(directory: number): Promise<readonly NamedObject[]> {
    if (this.#lastNames?.directory !== directory)
      this.#lastNames = { directory, names: await readNames(this.#set, this.#streams, directory) };
    return this.#lastNames.names;
  }

  async #oldLink(object: number, size: number): Promise<Uint8Array> {
    if (size > MAX_LINK_BYTES) throw this.#damage(object, `it is a link with a target of ${size} bytes`);
    return oldLinkTarget(this.#attributes.bonus(object), size) ?? (await this.#data(object).first(size));
  }

  async #xattr(name: Uint8Array, from: Uint8Array | { object: number }): Promise<Xattr> {
    if (from instanceof Uint8Array) return { name, bytes: from.length, value: from };
    const status = await this.stat(from.object);
    if (status.size > MAX_XATTR_BYTES) return { name, bytes: status.size, value: undefined };
    const chunks = await Array.fromAsync(this.readFile(status));
    return { name, bytes: status.size, value: Buffer.concat(chunks) };
  }

  #data(object: number): ObjectData {
    const data = new ObjectData(this.#set, this.#streams, object);
    const row = this.#set.objects.find(object) ?? 0;
    if ((this.#set.objects.flags.get(row) & OBJECT_FLAG.redacted) === 0) return data;
    throw new ToolError(
      "failed",
      `Cannot read object ${object} of ZFS stream "${this.#set.place(object).what}": the sender left out parts of it`,
    );
  }

  #damage(object: number, reason: string): ToolError {
    return damagedObject(this.#set.place(object), reason);
  }
}

function find(names: readonly NamedObject[], name: string): number | undefined {
  let low = 0;
  let high = names.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((names[middle]?.name ?? "") < name) low = middle + 1;
    else high = middle;
  }
  const found = names[low];
  return found?.name === name ? found.object : undefined;
}
