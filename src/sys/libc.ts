/**
 * The C library's file calls, for what `node:fs` cannot do: names that are not UTF-8 and times to the nanosecond (both lost under Deno), device
 * nodes, extended attributes, holes, owners and modes of names in a directory that is held open.
 *
 * Names and paths are bytes without the final NUL. A `dirFd` is an open directory (or AT_FDCWD) that a relative path starts from. No call
 * follows a symbolic link in the last place of a path. Descriptors are the caller's to close.
 */
import { constants } from "node:os";
import { getSystemErrorMap } from "node:util";
import { openCLibrary, type Library, type Signature } from "./ffi.ts";
import * as linux from "./linux.ts";

const SIGNATURES = {
  openat: { args: ["i32", "bytes", "i32", "u32"], result: "i32" },
  syscall: { args: ["i64", "i64", "bytes", "bytes", "i64"], result: "i64" },
  getdents64: { args: ["i32", "bytes", "u64"], result: "i64" },
  close: { args: ["i32"], result: "i32" },
  statx: { args: ["i32", "bytes", "i32", "u32", "bytes"], result: "i32" },
  readlinkat: { args: ["i32", "bytes", "bytes", "u64"], result: "i64" },
  pread: { args: ["i32", "bytes", "u64", "i64"], result: "i64" },
  pwrite: { args: ["i32", "bytes", "u64", "i64"], result: "i64" },
  lseek: { args: ["i32", "i64", "i32"], result: "i64" },
  ftruncate: { args: ["i32", "i64"], result: "i32" },
  mkdirat: { args: ["i32", "bytes", "u32"], result: "i32" },
  mknodat: { args: ["i32", "bytes", "u32", "u64"], result: "i32" },
  symlinkat: { args: ["bytes", "i32", "bytes"], result: "i32" },
  linkat: { args: ["i32", "bytes", "i32", "bytes", "i32"], result: "i32" },
  unlinkat: { args: ["i32", "bytes", "i32"], result: "i32" },
  fchownat: { args: ["i32", "bytes", "u32", "u32", "i32"], result: "i32" },
  chmod: { args: ["bytes", "u32"], result: "i32" },
  utimensat: { args: ["i32", "bytes", "bytes", "i32"], result: "i32" },
  llistxattr: { args: ["bytes", "bytes", "u64"], result: "i64" },
  lgetxattr: { args: ["bytes", "bytes", "bytes", "u64"], result: "i64" },
  lsetxattr: { args: ["bytes", "bytes", "bytes", "u64", "i32"], result: "i32" },
} as const satisfies Record<string, Signature>;

type CallName = keyof typeof SIGNATURES;

/** Largest value of an extended attribute, and of the list of their names (XATTR_SIZE_MAX, XATTR_LIST_MAX). */
const XATTR_BYTES = 65536;
const PATH_MAX = 4096;

let loading: Promise<Libc> | undefined;

/** The C library, opened at the first call. @throws ToolError failed where there is none */
export function loadLibc(): Promise<Libc> {
  loading ??= openLibc();
  return loading;
}

async function openLibc(): Promise<Libc> {
  return new Libc(await openCLibrary(SIGNATURES));
}

/** A call that failed; `code` is the name of the error number, such as `EPERM`. */
export class LibcError extends Error {
  override readonly name: string = "LibcError";
  readonly code: string;
  readonly errno: number;
  readonly call: string;

  constructor(call: string, errno: number) {
    const [code, reason] = describeErrno(errno);
    super(reason);
    this.call = call;
    this.code = code;
    this.errno = errno;
  }
}

/** The calls; every one throws {@link LibcError}. */
export class Libc {
  readonly #library: Library<CallName>;
  /** Scratch space: what a call fills in is decoded or copied before the next. */
  readonly #scratch = new Uint8Array(XATTR_BYTES);

  constructor(library: Library<string>) {
    this.#library = library;
  }

  /** Opens a name; a symbolic link in the last place is an error (ELOOP, or ENOTDIR with O_DIRECTORY), unless O_PATH is given. */
  open(dirFd: number, path: Uint8Array, flags: number, mode: number = 0): number {
    return this.#call("openat", dirFd, cString(path), flags | linux.O_NOFOLLOW | linux.O_CLOEXEC, mode);
  }

  /** Opens a path that must not leave `dirFd` and must not pass a symbolic link (openat2, Linux 5.6; ENOSYS before). */
  openBeneath(dirFd: number, path: Uint8Array, flags: number): number {
    const how = linux.encodeOpenHow(flags | linux.O_CLOEXEC, 0, linux.RESOLVE_BENEATH | linux.RESOLVE_NO_SYMLINKS);
    return this.#call("syscall", linux.SYS_OPENAT2, dirFd, cString(path), how, how.length);
  }

  close(fd: number): void {
    this.#library.functions.close(fd);
  }

  /** What a name is, or with no name what `dirFd` is. */
  status(dirFd: number, path: Uint8Array): linux.FileStatus {
    const flags = linux.AT_SYMLINK_NOFOLLOW | linux.AT_EMPTY_PATH;
    this.#call("statx", dirFd, cString(path), flags, linux.STATX_BASIC_STATS, this.#scratch);
    return linux.decodeStatx(this.#scratch);
  }

  /** Names in an open directory, in no order; to be asked once per descriptor. */
  names(fd: number): Uint8Array[] {
    const names: Uint8Array[] = [];
    for (;;) {
      const filled = this.#call("getdents64", fd, this.#scratch, this.#scratch.length);
      if (filled === 0) return names;
      names.push(...linux.decodeDirectoryEntries(this.#scratch.subarray(0, filled)));
    }
  }

  readLink(dirFd: number, path: Uint8Array): Uint8Array {
    return this.#scratch.slice(0, this.#call("readlinkat", dirFd, cString(path), this.#scratch, PATH_MAX));
  }

  /** Fills `into` from `position` on; returns how many bytes there were, 0 at the end. */
  read(fd: number, into: Uint8Array, position: number): number {
    return this.#call("pread", fd, into, into.length, position);
  }

  /** Writes all of `bytes` at `position`. */
  write(fd: number, bytes: Uint8Array, position: number): void {
    for (let done = 0; done < bytes.length;) {
      const rest = done === 0 ? bytes : bytes.subarray(done);
      done += this.#call("pwrite", fd, rest, rest.length, position + done);
    }
  }

  /** Start of the next data or hole from `offset` on; undefined if there is none (ENXIO). */
  seek(fd: number, offset: number, whence: typeof linux.SEEK_DATA | typeof linux.SEEK_HOLE): number | undefined {
    try {
      return this.#call("lseek", fd, offset, whence);
    } catch (error) {
      if (error instanceof LibcError && error.code === "ENXIO") return undefined;
      throw error;
    }
  }

  truncate(fd: number, size: number): void {
    this.#call("ftruncate", fd, size);
  }

  makeDirectory(dirFd: number, path: Uint8Array, mode: number): void {
    this.#call("mkdirat", dirFd, cString(path), mode);
  }

  /** Makes a device node or a FIFO; `mode` has the type bits. */
  makeNode(dirFd: number, path: Uint8Array, mode: number, device: { major: number; minor: number }): void {
    this.#call("mknodat", dirFd, cString(path), mode, linux.makeDevice(device.major, device.minor));
  }

  symlink(target: Uint8Array, dirFd: number, path: Uint8Array): void {
    this.#call("symlinkat", cString(target), dirFd, cString(path));
  }

  /** Gives what is at `from` another name. */
  link(from: { dirFd: number; path: Uint8Array }, dirFd: number, path: Uint8Array): void {
    this.#call("linkat", from.dirFd, cString(from.path), dirFd, cString(path), 0);
  }

  /** Removes a name; with AT_REMOVEDIR that of an empty directory. */
  unlink(dirFd: number, path: Uint8Array, flags: 0 | typeof linux.AT_REMOVEDIR = 0): void {
    this.#call("unlinkat", dirFd, cString(path), flags);
  }

  chown(dirFd: number, path: Uint8Array, uid: number, gid: number): void {
    this.#call("fchownat", dirFd, cString(path), uid, gid, linux.AT_SYMLINK_NOFOLLOW | linux.AT_EMPTY_PATH);
  }

  /** Sets the permission bits of anything but a symbolic link (ENOTSUP). Goes through a descriptor, as fchmodat(2) would follow a link. */
  chmod(dirFd: number, path: Uint8Array, mode: number): void {
    const fd = this.open(dirFd, path.length === 0 ? SELF : path, linux.O_PATH);
    try {
      this.#call("chmod", cString(Buffer.from(`/proc/self/fd/${fd}`)), mode);
    } finally {
      this.close(fd);
    }
  }

  /** Sets access and modification time, nanoseconds since 1970. */
  setTimes(dirFd: number, path: Uint8Array, times: { atimeNs: bigint; mtimeNs: bigint }): void {
    const flags = linux.AT_SYMLINK_NOFOLLOW;
    const name = path.length === 0 ? SELF : path;
    this.#call("utimensat", dirFd, cString(name), linux.encodeTimespecs(times.atimeNs, times.mtimeNs), flags);
  }

  /** Names of the extended attributes. */
  listXattrs(dirFd: number, path: Uint8Array): Uint8Array[] {
    const filled = this.#call("llistxattr", procPath(dirFd, path), this.#scratch, this.#scratch.length);
    const names: Uint8Array[] = [];
    for (let at = 0, end = 0; at < filled; at = end + 1) {
      end = this.#scratch.indexOf(0, at);
      names.push(this.#scratch.slice(at, end));
    }
    return names;
  }

  getXattr(dirFd: number, path: Uint8Array, name: Uint8Array): Uint8Array {
    return this.#scratch.slice(0, this.#call("lgetxattr", procPath(dirFd, path), cString(name), this.#scratch, XATTR_BYTES));
  }

  setXattr(dirFd: number, path: Uint8Array, name: Uint8Array, value: Uint8Array): void {
    this.#call("lsetxattr", procPath(dirFd, path), cString(name), value, value.length, 0);
  }

  #call(name: CallName, ...args: (number | bigint | Uint8Array)[]): number {
    for (;;) {
      const result = Number(this.#library.functions[name](...args));
      if (result !== -1) return result;
      const errno = this.#library.errno();
      if (errno !== constants.errno.EINTR) throw new LibcError(name, errno);
    }
  }
}

const SELF = Buffer.from(".");

/** The calls for extended attributes take no directory; this path starts from one all the same. */
function procPath(dirFd: number, path: Uint8Array): Uint8Array {
  const from = dirFd === linux.AT_FDCWD ? "" : `/proc/self/fd/${dirFd}/`;
  return cString(Buffer.concat([Buffer.from(from), path.length === 0 ? SELF : path]));
}

function cString(bytes: Uint8Array): Uint8Array {
  if (bytes.includes(0)) throw new TypeError("a path holds a NUL byte");
  const terminated = new Uint8Array(bytes.length + 1);
  terminated.set(bytes);
  return terminated;
}

/** Wordings that a runtime lacks, or has a different sense of. */
const WORDINGS: Readonly<Record<string, string>> = {
  EDQUOT: "disk quota exceeded",
  ENODATA: "no data available",
  ENOTSUP: "operation not supported",
  EOVERFLOW: "value too large for defined data type",
};

/** Name and wording of an error number. */
function describeErrno(errno: number): [code: string, reason: string] {
  const names = Object.entries(constants.errno).filter(([, number]) => number === errno);
  const code = names.find(([name]) => name in WORDINGS)?.[0] ?? names[0]?.[0] ?? `E${errno}`;
  return [code, WORDINGS[code] ?? getSystemErrorMap().get(-errno)?.[1] ?? `system error ${code}`];
}
