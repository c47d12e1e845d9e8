/**
 * The C library's file calls, for what `node:fs` cannot do: names that are not UTF-8 and times to the nanosecond (both lost under Deno), device
 * nodes, extended attributes, holes, names in a directory that is held open.
 *
 * Names and paths are bytes without the final NUL. A `dirFd` is an open directory (or AT_FDCWD) that a relative path starts from. No call
 * follows a symbolic link in the last place of a path. What belongs to a file itself (owner, mode, times, attributes) is read and changed by
 * descriptor alone, so that nobody can put another file in its place meanwhile; the descriptor may be one that was opened with O_PATH, and
 * so be that of a symbolic link or a device. Descriptors are the caller's to close.
 */
import { constants } from "node:os";
import { getSystemErrorMap } from "node:util";
import { openCLibrary, type Library, type Signature } from "./ffi.ts";
import * as linux from "./linux.ts";

const SIGNATURES = {
  openat: { args: ["i32", "bytes", "i32", "u32"], result: "i32" },
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
  fchown: { args: ["i32", "u32", "u32"], result: "i32" },
  fchownat: { args: ["i32", "bytes", "u32", "u32", "i32"], result: "i32" },
  fchmod: { args: ["i32", "u32"], result: "i32" },
  chmod: { args: ["bytes", "u32"], result: "i32" },
  futimens: { args: ["i32", "bytes"], result: "i32" },
  utimensat: { args: ["i32", "bytes", "bytes", "i32"], result: "i32" },
  listxattr: { args: ["bytes", "bytes", "u64"], result: "i64" },
  getxattr: { args: ["bytes", "bytes", "bytes", "u64"], result: "i64" },
  setxattr: { args: ["bytes", "bytes", "bytes", "u64", "i32"], result: "i32" },
  removexattr: { args: ["bytes", "bytes"], result: "i32" },
  getpwnam_r: { args: ["bytes", "bytes", "bytes", "u64", "bytes"], result: "i32" },
  getgrnam_r: { args: ["bytes", "bytes", "bytes", "u64", "bytes"], result: "i32" },
} as const satisfies Record<string, Signature>;

type CallName = keyof typeof SIGNATURES;

/** Largest value of an extended attribute, and of the list of their names (XATTR_SIZE_MAX, XATTR_LIST_MAX). */
const XATTR_BYTES = 65536;
const PATH_MAX = 4096;
/** Room for `struct passwd` or `struct group` where pointers have 64 bits, and where both have the id. */
const ACCOUNT_BYTES = 64;
const ACCOUNT_ID_AT = 16;

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
  readonly #scratchView = new DataView(this.#scratch.buffer);

  constructor(library: Library<string>) {
    this.#library = library;
  }

  /** Opens a name; a symbolic link in the last place is an error (ELOOP, or ENOTDIR with O_DIRECTORY), unless O_PATH is given. */
  open(dirFd: number, path: Uint8Array, flags: number, mode: number = 0): number {
    return this.#call("openat", dirFd, cString(path), flags | linux.O_NOFOLLOW | linux.O_CLOEXEC, mode);
  }

  /** Opens what a descriptor is open on once more, to be read or written; the file is the same, whatever has its name now. */
  reopen(fd: number, flags: number): number {
    return this.#call("openat", linux.AT_FDCWD, fdPath(fd), flags | linux.O_CLOEXEC, 0);
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
  *names(fd: number): Generator<Uint8Array> {
    for (;;) {
      const filled = this.#call("getdents64", fd, this.#scratch, this.#scratch.length);
      if (filled === 0) return;
      // all at once, as the next call takes the scratch space
      const names = [...linux.decodeDirectoryEntries(this.#scratch.subarray(0, filled))];
      yield* names;
    }
  }

  /** The target of a symbolic link. */
  readLink(fd: number): Uint8Array {
    return this.#scratch.slice(0, this.#call("readlinkat", fd, cString(NO_PATH), this.#scratch, PATH_MAX));
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

  chown(fd: number, uid: number, gid: number): void {
    if (Number(this.#library.functions.fchown(fd, uid, gid)) !== 0)
      this.#call("fchownat", fd, cString(NO_PATH), uid, gid, linux.AT_EMPTY_PATH);
  }

  /** Sets the permission bits of anything but a symbolic link (ENOTSUP). */
  chmod(fd: number, mode: number): void {
    if (Number(this.#library.functions.fchmod(fd, mode)) !== 0) this.#call("chmod", fdPath(fd), mode);
  }

  /** Sets access and modification time, nanoseconds since 1970. */
  setTimes(fd: number, times: { atimeNs: bigint; mtimeNs: bigint }): void {
    linux.encodeTimespecs(this.#scratchView, times.atimeNs, times.mtimeNs);
    const failed = Number(this.#library.functions.futimens(fd, this.#scratch)) !== 0;
    if (failed) this.#call("utimensat", linux.AT_FDCWD, fdPath(fd), this.#scratch, 0);
  }

  /** Names of the extended attributes. */
  listXattrs(fd: number): Uint8Array[] {
    const filled = this.#call("listxattr", fdPath(fd), this.#scratch, this.#scratch.length);
    const names: Uint8Array[] = [];
    for (let at = 0, end = 0; at < filled; at = end + 1) {
      end = this.#scratch.indexOf(0, at);
      names.push(this.#scratch.slice(at, end));
    }
    return names;
  }

  getXattr(fd: number, name: Uint8Array): Uint8Array {
    return this.#scratch.slice(0, this.#call("getxattr", fdPath(fd), cString(name), this.#scratch, XATTR_BYTES));
  }

  setXattr(fd: number, name: Uint8Array, value: Uint8Array): void {
    this.#call("setxattr", fdPath(fd), cString(name), value, value.length, 0);
  }

  removeXattr(fd: number, name: Uint8Array): void {
    this.#call("removexattr", fdPath(fd), cString(name));
  }

  /** The id of a user or group of this machine; undefined if there is none of that name. */
  accountId(kind: "user" | "group", name: Uint8Array): number | undefined {
    const lookUp = this.#library.functions[kind === "user" ? "getpwnam_r" : "getgrnam_r"];
    const record = new DataView(new ArrayBuffer(ACCOUNT_BYTES));
    const found = new BigUint64Array(1);
    lookUp(cString(name), viewOf(record), this.#scratch, this.#scratch.length, viewOf(found));
    return found[0] === 0n ? undefined : record.getUint32(ACCOUNT_ID_AT, true);
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

const NO_PATH = new Uint8Array(0);

/**
 * What a descriptor is open on, as a path. The calls on descriptors (fchmod and its like) refuse those that were opened with O_PATH; this
 * path leads to the file without resolving a name, and from a symbolic link no further. It takes longer, so descriptors are tried first.
 */
function fdPath(fd: number): Uint8Array {
  return cString(Buffer.from(`/proc/self/fd/${fd}`));
}

function viewOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
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

type ErrnoText = readonly [code: string, reason: string];

/** What has been made of error numbers so far: each directory without a default ACL is an error. */
const ERRNO_TEXTS: ErrnoText[] = [];

/** Name and wording of an error number. */
function describeErrno(errno: number): ErrnoText {
  return (ERRNO_TEXTS[errno] ??= errnoText(errno));
}

function errnoText(errno: number): ErrnoText {
  const names = Object.entries(constants.errno).filter(([, number]) => number === errno);
  const code = names.find(([name]) => name in WORDINGS)?.[0] ?? names[0]?.[0] ?? `E${errno}`;
  return [code, WORDINGS[code] ?? getSystemErrorMap().get(-errno)?.[1] ?? `system error ${code}`];
}
