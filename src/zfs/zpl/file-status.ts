/** What `stat` says of a file, and more that ZFS knows. */
import type { Attributes } from "./attributes.ts";

/** Kinds of files. */
export type FileType = "file" | "directory" | "symlink" | "character" | "block" | "fifo" | "socket";

/** A file's metadata. */
export interface FileStatus {
  object: number;
  type: FileType;
  /** Permissions, with set-user-id, set-group-id and sticky bit: 0 to 0o7777. */
  mode: number;
  uid: number;
  gid: number;
  nlink: number;
  /** Bytes; of a directory its entries and 2. */
  size: number;
  /** Nanoseconds since 1970. */
  mtimeNs: bigint;
  /** 0 unless it is a device. */
  rdevMajor: number;
  rdevMinor: number;
  /** 0 where the file system knows none. */
  projectId: number;
  /** ZFS_READONLY, ZFS_IMMUTABLE and so on, as they are stored. */
  flags: bigint;
  /** Tells apart files that had the same object number one after the other. */
  generation: number;
  /** Object of the directory that it is in, or was in last. */
  parent: number;
  /** Whether it may have extended attributes; if not, nobody needs to look for them. */
  mayHaveXattrs: boolean;
}

const TYPES: ReadonlyMap<number, FileType> = new Map([
  [0o140000, "socket"],
  [0o120000, "symlink"],
  [0o100000, "file"],
  [0o060000, "block"],
  [0o040000, "directory"],
  [0o020000, "character"],
  [0o010000, "fifo"],
]);
const TYPE_BITS = 0o170000;
const MODE_BITS = 0o7777;
const LINUX_MINOR_BITS = 20;
const NO_DEVICE = { rdevMajor: 0, rdevMinor: 0 };

/** The status that attributes say; what is wrong with them, if anything. */
export function fileStatus(object: number, attributes: Attributes): FileStatus | string {
  const mode = attributes.low("MODE");
  const type = TYPES.get((mode ?? 0) & TYPE_BITS);
  if (mode === undefined || type === undefined) return `it has a mode that no file has`;
  const size = attributes.number("SIZE") ?? 0;
  if (size > Number.MAX_SAFE_INTEGER) return `it claims a size of ${attributes.bigint("SIZE")} bytes`;
  const { rdevMajor, rdevMinor } = device(type, attributes);
  return {
    object,
    type,
    mode: mode & MODE_BITS,
    uid: attributes.low("UID") ?? 0,
    gid: attributes.low("GID") ?? 0,
    nlink: attributes.number("LINKS") ?? 0,
    size,
    mtimeNs: attributes.time("MTIME") ?? 0n,
    rdevMajor,
    rdevMinor,
    projectId: attributes.low("PROJID") ?? 0,
    flags: attributes.bigint("FLAGS") ?? 0n,
    generation: attributes.number("GEN") ?? 0,
    parent: attributes.number("PARENT") ?? 0,
    mayHaveXattrs: attributes.mayBeMore || attributes.has("DXATTR") || (attributes.number("XATTR") ?? 0) !== 0,
  };
}

/**
 * A device number. illumos and FreeBSD store 32 bits for the major number and 32 for the minor, OpenZFS on Linux 12 and 20. zfs-fuse, which
 * made old znodes only, stores what the C library has, in which the hexadecimal digits are mmmMMMmm; there is no device with major number 0.
 */
function device(type: FileType, attributes: Attributes): Pick<FileStatus, "rdevMajor" | "rdevMinor"> {
  if (type !== "block" && type !== "character") return NO_DEVICE;
  const rdev = attributes.number("RDEV") ?? 0;
  const cMajor = (rdev >>> 8) & 0xfff;
  if (attributes.areOld && rdev < 2 ** 32 && cMajor !== 0)
    return { rdevMajor: cMajor, rdevMinor: (rdev & 0xff) | ((rdev >>> 12) & 0xfff00) };
  const shift = 2 ** (rdev < 2 ** 32 ? LINUX_MINOR_BITS : 32);
  return { rdevMajor: Math.floor(rdev / shift), rdevMinor: rdev % shift };
}
