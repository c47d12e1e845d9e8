/**
 * The members of a tar that images are stored in. Headers are read one after the other, stepping over the data; what is kept is where each file
 * lies. Several entries of one name are refused: of two readers one takes the first and one the last.
 */
import { damaged } from "../../errors.ts";
import type { SeekableSource } from "../../stream/bytes.ts";
import { readRange, type ByteRange } from "../../stream/read-range.ts";
import { displayName } from "../../stream/tar/display-name.ts";
import { TarReader, type TarEntry } from "../../stream/tar/read.ts";
import { quoted } from "../quoted.ts";
import { checkJsonSize, storedPath, type StoredFile, type StoredFiles } from "./files.ts";
import { IMAGE_TEXTS } from "./image-members.ts";

/** What stands in the tar under a name. */
type Member = ({ is: "file" } & ByteRange) | { is: "link"; target: string } | { is: "refused"; as: string };

const ENTRIES_LIMIT = 200_000;
const NAMES_LIMIT_BYTES = 16 * 1024 * 1024;
const LINKS_LIMIT = 8;
const DIRECTORY = "5";
const GLOBAL_PAX = "g";
const TYPES: Readonly<Record<string, string>> = {
  "3": "a character device",
  "4": "a block device",
  "6": "a FIFO",
};

/** Reads the headers. @throws ToolError damaged */
export async function indexTar(source: SeekableSource): Promise<TarFiles> {
  source.seek(0);
  const tar = new TarReader(source);
  const members = new Map<string, Member>();
  let nameBytes = 0;
  for (let entry = await tar.next(); entry !== undefined; entry = await tar.next()) {
    if (entry.typeflag === DIRECTORY || entry.typeflag === GLOBAL_PAX) continue;
    const path = pathOf(textOf(entry.name), entry);
    nameBytes += entry.name.length + entry.linkname.length;
    if (members.has(path)) throw damaged(`Cannot read ${quoted(path)}: it is there twice`, { offset: entry.headerOffset });
    if (members.size === ENTRIES_LIMIT || nameBytes > NAMES_LIMIT_BYTES) {
      throw damaged(`Cannot read images: there are more than ${ENTRIES_LIMIT} files, or 16 MiB of names`, { offset: entry.headerOffset });
    }
    if (IMAGE_TEXTS.has(path)) checkJsonSize({ path, size: entry.size }); // before all of it is read from a pipe
    members.set(path, memberOf(entry, path));
  }
  return new TarFiles(source, members);
}

/** Files of a tar; its source must stay open. */
export class TarFiles implements StoredFiles {
  readonly #source: SeekableSource;
  readonly #members: ReadonlyMap<string, Member>;

  constructor(source: SeekableSource, members: ReadonlyMap<string, Member>) {
    this.#source = source;
    this.#members = members;
  }

  get paths(): Iterable<string> {
    return this.#members.keys();
  }

  find(path: string): StoredFile | undefined {
    const member = this.#members.get(path);
    if (member === undefined) return undefined;
    if (member.is === "link") throw damaged(`Cannot read ${quoted(path)}: it is a link to ${quoted(member.target)}`);
    if (member.is === "refused") throw damaged(`Cannot read ${quoted(path)}: it is ${member.as}`);
    const { offset, size } = member;
    const name = displayName(Buffer.from(path));
    return { path, size, open: (maxBytes = size) => readRange(this.#source, { offset, size: Math.min(size, maxBytes) }, name) };
  }

  follow(path: string): StoredFile | undefined {
    let target = path;
    for (let links = 0; links <= LINKS_LIMIT; links++) {
      const member = this.#members.get(target);
      if (member?.is !== "link") return this.find(target);
      target = member.target;
    }
    throw damaged(`Cannot read ${quoted(path)}: more than ${LINKS_LIMIT} links lead from one to the next`);
  }
}

function memberOf(entry: TarEntry, path: string): Member {
  const target = textOf(entry.linkname);
  if (entry.typeflag === "2") return linkOf(path, target);
  if (entry.typeflag === "1") return hardLinkOf(target);
  if (entry.typeflag !== "0") return { is: "refused", as: TYPES[entry.typeflag] ?? `an entry of type "${entry.typeflag}"` };
  if (entry.sparse !== undefined) return { is: "refused", as: "stored with holes" };
  return { is: "file", offset: entry.dataOffset, size: entry.size };
}

function hardLinkOf(target: string): Member {
  const path = storedPath(target);
  return path === undefined ? leaving(target) : { is: "link", target: path };
}

/** A symbolic link, by where it leads in the tar. */
function linkOf(path: string, target: string): Member {
  if (target.startsWith("/")) return leaving(target);
  const parts = path.split("/").slice(0, -1);
  for (const part of target.split("/")) {
    if (part === "" || part === ".") continue;
    if (part !== "..") parts.push(part);
    else if (parts.pop() === undefined) return leaving(target);
  }
  return { is: "link", target: parts.join("/") };
}

function leaving(target: string): Member {
  return { is: "refused", as: `a link to ${quoted(target)}, which leaves the archive` };
}

/** @throws ToolError damaged for a name that leaves the archive */
function pathOf(name: string, { headerOffset: offset }: TarEntry): string {
  const path = storedPath(name);
  if (path === undefined) throw damaged(`Cannot read ${quoted(name)}: the name leaves the archive`, { offset });
  return path;
}

function textOf(name: Uint8Array): string {
  return Buffer.from(name).toString("utf8");
}
