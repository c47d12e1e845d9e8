/** Entries that stand nowhere in a tar: a file of the tree under a name, with the data of the entry that a layer has for it. */
import type { ByteStream } from "../../stream/bytes.ts";
import type { TarEntry } from "../../stream/tar/read.ts";
import type { Device, Metadata } from "./tree-nodes.ts";

/** What an entry is; names have one character per byte. */
export interface EntryKind {
  name: string;
  typeflag: string;
  linkname?: string | undefined;
  device?: Device | undefined;
}

/** Data of an entry. */
export type EntryData = Pick<TarEntry, "size" | "slack" | "sparse" | "body" | "headerOffset" | "dataOffset">;

const NO_DATA: EntryData = { size: 0, slack: 0, sparse: undefined, body: nothing, headerOffset: 0, dataOffset: 0 };

/** Makes an entry. @param data of a regular file; its size may grow while it is read */
export function makeEntry(metadata: Metadata, { name, typeflag, linkname = "", device }: EntryKind, data: EntryData = NO_DATA): TarEntry {
  const { mode, uid, gid, mtimeNs, xattrs: pax } = metadata;
  const header = {
    name: Buffer.from(name, "latin1"),
    linkname: Buffer.from(linkname, "latin1"),
    typeflag,
    mode,
    uid,
    gid,
    uname: "",
    gname: "",
    devmajor: device?.major ?? 0,
    devminor: device?.minor ?? 0,
  };
  return {
    ...header,
    rawHeader: { ...header, size: 0, mtime: 0 },
    mtimeNs,
    pax,
    sparse: data.sparse,
    headerOffset: data.headerOffset,
    dataOffset: data.dataOffset,
    get size() {
      return data.size;
    },
    get slack() {
      return data.slack;
    },
    body: () => data.body(),
  };
}

async function* nothing(): ByteStream {}
