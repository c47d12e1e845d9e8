/**
 * The numbers of Linux's system call interface that `Libc` and its users need: flags, file types, `struct statx`,
 * `struct linux_dirent64`. They are the same on every architecture except where a table says otherwise.
 *
 * @see linux/include/uapi/linux/{stat,fcntl}.h and man pages statx(2), getdents64(2)
 */
import { constants } from "node:fs";

/** In place of a directory: the working directory. */
export const AT_FDCWD = -100;
export const AT_SYMLINK_NOFOLLOW = 0x100;
export const AT_REMOVEDIR = 0x200;
/** With an empty path: the descriptor itself. */
export const AT_EMPTY_PATH = 0x1000;

export const O_RDONLY = 0;
export const O_WRONLY = 1;
export const O_CREAT = 0o100;
export const O_EXCL = 0o200;
export const O_NONBLOCK = 0o4000;
/** These two differ between architectures. */
export const O_DIRECTORY: number = constants.O_DIRECTORY;
export const O_NOFOLLOW: number = constants.O_NOFOLLOW;
export const O_CLOEXEC = 0o2000000;
export const O_PATH = 0o10000000;

export const SEEK_DATA = 3;
export const SEEK_HOLE = 4;

/** The type in a mode, and its values. */
export const S_IFMT = 0o170000;
export const S_IFSOCK = 0o140000;
export const S_IFLNK = 0o120000;
export const S_IFREG = 0o100000;
export const S_IFBLK = 0o060000;
export const S_IFDIR = 0o040000;
export const S_IFCHR = 0o020000;
export const S_IFIFO = 0o010000;

const NANOSECONDS = 1_000_000_000n;
const TIMESPEC_BYTES = 16;

/** What statx(2) says about a file; times in nanoseconds since 1970. */
export interface FileStatus {
  mode: number;
  nlink: number;
  uid: number;
  gid: number;
  ino: bigint;
  /** Major number in the upper, minor in the lower 32 bits. */
  dev: bigint;
  rdevMajor: number;
  rdevMinor: number;
  size: number;
  /** Units of 512 bytes that the file takes up. */
  blocks: number;
  mtimeNs: bigint;
  ctimeNs: bigint;
}

/** STATX_BASIC_STATS. */
export const STATX_BASIC_STATS = 0x7ff;

/** Reads `struct statx`. */
export function decodeStatx(bytes: Uint8Array): FileStatus {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return {
    nlink: view.getUint32(0x10, true),
    uid: view.getUint32(0x14, true),
    gid: view.getUint32(0x18, true),
    mode: view.getUint16(0x1c, true),
    ino: view.getBigUint64(0x20, true),
    size: Number(view.getBigUint64(0x28, true)),
    blocks: Number(view.getBigUint64(0x30, true)),
    ctimeNs: decodeStatxTime(view, 0x60),
    mtimeNs: decodeStatxTime(view, 0x70),
    rdevMajor: view.getUint32(0x80, true),
    rdevMinor: view.getUint32(0x84, true),
    dev: (BigInt(view.getUint32(0x88, true)) << 32n) | BigInt(view.getUint32(0x8c, true)),
  };
}

function decodeStatxTime(view: DataView, at: number): bigint {
  return view.getBigInt64(at, true) * NANOSECONDS + BigInt(view.getUint32(at + 8, true));
}

/** Writes `struct timespec[2]`, access time first; times in nanoseconds since 1970. */
export function encodeTimespecs(view: DataView, atimeNs: bigint, mtimeNs: bigint): void {
  encodeTimespec(view, 0, atimeNs);
  encodeTimespec(view, TIMESPEC_BYTES, mtimeNs);
}

function encodeTimespec(view: DataView, at: number, timeNs: bigint): void {
  const rest = Number(timeNs % NANOSECONDS);
  const nanoseconds = rest < 0 ? rest + Number(NANOSECONDS) : rest;
  view.setBigInt64(at, timeNs / NANOSECONDS - (rest < 0 ? 1n : 0n), true);
  view.setUint32(at + 8, nanoseconds, true);
  view.setUint32(at + 12, 0);
}

/** The names in a buffer that getdents64(2) filled, without `.` and `..`. */
export function* decodeDirectoryEntries(bytes: Uint8Array): Generator<Uint8Array> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const nameAt = 19; // d_ino 8, d_off 8, d_reclen 2, d_type 1
  for (let at = 0; at < bytes.length; at += view.getUint16(at + 16, true)) {
    const name = bytes.slice(at + nameAt, bytes.indexOf(0, at + nameAt));
    if (!(name[0] === 0x2e && (name.length === 1 || (name.length === 2 && name[1] === 0x2e)))) yield name;
  }
}

/** Largest numbers of a device that the kernel has. */
export const MAJOR_LIMIT = 0xfff;
export const MINOR_LIMIT = 0xfffff;

/** The device number as glibc's makedev(3) makes it. */
export function makeDevice(major: number, minor: number): bigint {
  const [high, low] = [BigInt(major), BigInt(minor)];
  return ((high & 0xfffff000n) << 32n) | ((high & 0xfffn) << 8n) | ((low & 0xffffff00n) << 12n) | (low & 0xffn);
}
