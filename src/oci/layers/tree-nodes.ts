/** Directories and files of a root filesystem as headers tell of them; where a file's data stands is kept, not the data. */
import type { PaxRecords } from "../../stream/tar/pax.ts";

/** What all files have. */
export interface Metadata {
  /** Permission bits. */
  mode: number;
  uid: number;
  gid: number;
  mtimeNs: bigint;
  /** Extended attributes as records; shared between files, not to be changed. */
  xattrs: PaxRecords;
}

/** What a file that is no directory has besides. */
export interface FileFacts {
  /** As in a tar, but never a hard link's. */
  typeflag: string;
  /** Where a symbolic link leads, one character per byte, or the numbers of a device. */
  special: string | Device | undefined;
  /** Which layer has its data, the lowest being 0; {@link NO_LAYER} if it has none. */
  layer: number;
  /** Where its header stands in that layer. */
  headerOffset: number;
}

/** Numbers of a device node. */
export interface Device {
  major: number;
  minor: number;
}

/** What a name stands for. */
export type Node = Directory | File;

/** The layer of a file without data. */
export const NO_LAYER = -1;
/** No attributes. */
export const NO_RECORDS: PaxRecords = new Map();

const SECOND_NS = 1_000_000_000n;
/** A directory that no entry tells of: as docker, podman and containerd make one, at a time that is always the same. */
const DEFAULTS: Metadata = { mode: 0o755, uid: 0, gid: 0, mtimeNs: 0n, xattrs: NO_RECORDS };

/** A directory. */
export class Directory {
  /** Undefined for the root. */
  readonly parent: Directory | undefined;
  readonly name: string;
  /** Bytes of its path with a slash behind each name. */
  readonly pathBytes: number;
  /** One character per byte of a name. */
  readonly children: Map<string, Node> = new Map();
  metadata: Metadata = DEFAULTS;

  constructor(place: { parent: Directory; name: string } | undefined) {
    this.parent = place?.parent;
    this.name = place?.name ?? "";
    this.pathBytes = place === undefined ? 0 : place.parent.pathBytes + place.name.length + 1;
  }

  /** Takes back what entries said of it. */
  reset(): void {
    this.metadata = DEFAULTS;
  }
}

/** A file that is no directory, under each of its names the same object. There may be millions, so all it has stands in it as plain numbers. */
export class File implements FileFacts {
  readonly typeflag: string;
  readonly special: string | Device | undefined;
  readonly layer: number;
  readonly headerOffset: number;
  /** How many names it has. */
  names: number;
  #mode: number;
  #uid: number;
  #gid: number;
  #seconds: number;
  #nanoseconds: number;
  #xattrs: PaxRecords;

  constructor(facts: FileFacts, { mode, uid, gid, mtimeNs, xattrs }: Metadata) {
    this.typeflag = facts.typeflag;
    this.special = facts.special;
    this.layer = facts.layer;
    this.headerOffset = facts.headerOffset;
    this.names = 0;
    this.#mode = mode;
    this.#uid = uid;
    this.#gid = gid;
    this.#seconds = Number(mtimeNs / SECOND_NS);
    this.#nanoseconds = Number(mtimeNs % SECOND_NS);
    this.#xattrs = xattrs;
  }

  get metadata(): Metadata {
    const mtimeNs = BigInt(this.#seconds) * SECOND_NS + BigInt(this.#nanoseconds);
    return { mode: this.#mode, uid: this.#uid, gid: this.#gid, mtimeNs, xattrs: this.#xattrs };
  }

  set metadata({ mode, uid, gid, mtimeNs, xattrs }: Metadata) {
    this.#mode = mode;
    this.#uid = uid;
    this.#gid = gid;
    this.#seconds = Number(mtimeNs / SECOND_NS);
    this.#nanoseconds = Number(mtimeNs % SECOND_NS);
    this.#xattrs = xattrs;
  }

  /** Where it leads, if it is a symbolic link. */
  get target(): string | undefined {
    return typeof this.special === "string" ? this.special : undefined;
  }

  /** Its numbers, if it is a device node. */
  get device(): Device | undefined {
    return typeof this.special === "object" ? this.special : undefined;
  }
}
