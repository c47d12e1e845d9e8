/**
 * Extended attributes as Linux shows them. ZFS has them as a packed nvlist in the file's system attributes (`xattr=sa`), as files in a hidden
 * directory (`xattr=on`), or both; the first of the same name counts. A name outside of the namespaces of Linux is one of the user's, written
 * by another system; FreeBSD's system namespace is not shown.
 *
 * @see OpenZFS 2.3 `module/os/linux/zfs/zpl_xattr.c`, `man/man4/zfs.4` (`zfs_xattr_compat`)
 */
import type { NvList } from "../dmu/nvlist.ts";

/** An extended attribute. */
export interface Xattr {
  name: Uint8Array;
  bytes: number;
  /** Undefined if it is larger than Linux can take: 64 KiB. */
  value: Uint8Array | undefined;
}

/** An attribute whose value has not been read. */
export interface UnreadXattr {
  /** As Linux calls it, one character for each byte. */
  name: string;
  /** Its value, or the object that the value is the contents of. */
  from: Uint8Array | { object: number };
}

/** XATTR_SIZE_MAX. */
export const MAX_XATTR_BYTES = 65536;
const NAMESPACES = ["user.", "trusted.", "security.", "system."];
const FREEBSD = "freebsd:";

/** All attributes of a file, in the order of their names. */
export function mergeXattrs(system: NvList | undefined, files: readonly { name: string; object: number }[]): readonly UnreadXattr[] {
  const all = new Map<string, UnreadXattr["from"]>();
  for (const { name, object } of files) addTo(all, name, { object });
  for (const [name, value] of system ?? []) if (value instanceof Uint8Array) addTo(all, Buffer.from(name).toString("latin1"), value);
  return Array.from(all, ([name, from]) => ({ name, from })).toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

function addTo(all: Map<string, UnreadXattr["from"]>, stored: string, from: UnreadXattr["from"]): void {
  if (stored.startsWith(FREEBSD)) return;
  const name = NAMESPACES.some((namespace) => stored.startsWith(namespace)) ? stored : `user.${stored}`;
  all.set(name, from);
}
