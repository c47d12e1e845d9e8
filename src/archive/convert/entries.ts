/** Entries on their way into another tar. */
import { displayName } from "../../stream/tar/display-name.ts";
import type { TarEntry } from "../../stream/tar/read.ts";
import type { Entries } from "../../stream/tar/write-entries.ts";
import * as linux from "../../sys/linux.ts";
import { splitEntryName } from "../../tree/entry-path.ts";
import { SOCKET_TYPEFLAG } from "../../tree/extraction.ts";
import type { Loss } from "../../tree/loss.ts";
import type { EntryNames } from "../../tree/pack.ts";
import { joined } from "../../tree/selected-entries.ts";

/** What entries are named for. */
export type FlatNames = Exclude<EntryNames, "tar">;

const ROOT = Buffer.from("./");
const MARK = Buffer.from(".wh.");
const TYPEFLAGS = "0123456";
const DEVICES = "34";

/** Those entries that are files of a known type with numbers that a device can have. @param onLoss told of the others */
export function storable(entries: Entries, onLoss: (loss: Loss) => void): Entries {
  return mapped(entries, (entry) => {
    const problem = problemOf(entry);
    if (problem === undefined) return entry;
    onLoss({ path: displayName(entry.name), ...problem });
    return undefined;
  });
}

/**
 * Entries under the names that they have elsewhere. Those of `docker export` are `etc/`, `etc/hostname`, and there is none for the root; layers have
 * that too, but no files whose names are marks there.
 *
 * @see moby/go-archive `archive.go` (`Tarballer`, `canonicalTarName`)
 */
export function flat(entries: Entries, names: FlatNames, onLoss: (loss: Loss) => void): Entries {
  return mapped(entries, (entry) => {
    const path = splitEntryName(entry.name, entry.headerOffset);
    if (path.length === 0 && names === "rootfs") return undefined;
    if (names === "layer" && path.some(isMark)) {
      onLoss({ path: displayName(entry.name), what: "file", reason: "its name is a mark in a layer" });
      return undefined;
    }
    const name = path.length === 0 ? ROOT : entry.typeflag === "5" ? joined([...path, new Uint8Array(0)]) : joined(path);
    const linkname = entry.typeflag === "1" ? joined(splitEntryName(entry.linkname, entry.headerOffset)) : entry.linkname;
    // what an entry knows of its data may change until that has been read, so it stays behind the new names
    return Object.create(entry, { name: { value: name }, linkname: { value: linkname } }) as TarEntry;
  });
}

/** Entries made of others; where none is made, there is none. */
function mapped(entries: Entries, map: (entry: TarEntry) => TarEntry | undefined): Entries {
  return {
    next: async () => {
      for (let entry = await entries.next(); entry !== undefined; entry = await entries.next()) {
        const made = map(entry);
        if (made !== undefined) return made;
      }
      return undefined;
    },
  };
}

function isMark(name: Uint8Array): boolean {
  return Buffer.compare(name.subarray(0, MARK.length), MARK) === 0;
}

function problemOf({ typeflag, devmajor, devminor }: TarEntry): Omit<Loss, "path"> | undefined {
  if (typeflag === SOCKET_TYPEFLAG) return { what: "socket", reason: "tar has no sockets" };
  if (!TYPEFLAGS.includes(typeflag))
    return { what: `entry of type "${displayName(Buffer.from(typeflag))}"`, reason: "no such type is known" };
  const isDevice = devmajor >= 0 && devmajor <= linux.MAJOR_LIMIT && devminor >= 0 && devminor <= linux.MINOR_LIMIT;
  return DEVICES.includes(typeflag) && !isDevice ? { what: "device node", reason: "there are no such numbers" } : undefined;
}
