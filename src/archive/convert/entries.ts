/** Entries on their way into another tar. */
import { displayName } from "../../stream/tar/display-name.ts";
import type { TarEntry } from "../../stream/tar/read.ts";
import type { Entries } from "../../stream/tar/write-entries.ts";
import * as linux from "../../sys/linux.ts";
import { splitEntryName } from "../../tree/entry-path.ts";
import { SOCKET_TYPEFLAG } from "../../tree/extraction.ts";
import type { Loss } from "../../tree/loss.ts";
import { joined } from "../../tree/selected-entries.ts";

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
 * Entries named as those of `docker export` are: `etc/`, `etc/hostname`, and none for the root.
 *
 * @see moby/go-archive `archive.go` (`Tarballer`, `canonicalTarName`)
 */
export function flat(entries: Entries): Entries {
  return mapped(entries, (entry) => {
    const path = splitEntryName(entry.name, entry.headerOffset);
    if (path.length === 0) return undefined;
    const name = entry.typeflag === "5" ? joined([...path, new Uint8Array(0)]) : joined(path);
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

function problemOf({ typeflag, devmajor, devminor }: TarEntry): Omit<Loss, "path"> | undefined {
  if (typeflag === SOCKET_TYPEFLAG) return { what: "socket", reason: "tar has no sockets" };
  if (!TYPEFLAGS.includes(typeflag))
    return { what: `entry of type "${displayName(Buffer.from(typeflag))}"`, reason: "no such type is known" };
  const isDevice = devmajor >= 0 && devmajor <= linux.MAJOR_LIMIT && devminor >= 0 && devminor <= linux.MINOR_LIMIT;
  return DEVICES.includes(typeflag) && !isDevice ? { what: "device node", reason: "there are no such numbers" } : undefined;
}
