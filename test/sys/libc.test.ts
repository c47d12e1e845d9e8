import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { lstatSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadLibc, LibcError, type Libc } from "../../src/sys/libc.ts";
import * as linux from "../../src/sys/linux.ts";

const IS_ROOT = process.getuid?.() === 0;
if (!IS_ROOT) console.warn("skipped: owners and device nodes, as this is not root");

let libc: Libc;
let scratch = "";
let dir = -1;
const HERE = new Uint8Array(0);
const bytes = (text: string): Uint8Array => Buffer.from(text, "latin1");

beforeAll(async () => {
  libc = await loadLibc();
  scratch = mkdtempSync(join(tmpdir(), "ctar-libc-"));
  dir = libc.open(linux.AT_FDCWD, bytes(scratch), linux.O_RDONLY | linux.O_DIRECTORY);
});
afterAll(() => {
  libc.close(dir);
  rmSync(scratch, { recursive: true });
});

/** An empty file of that name. */
function touch(name: Uint8Array): Uint8Array {
  libc.close(libc.open(dir, name, linux.O_WRONLY | linux.O_CREAT | linux.O_EXCL, 0o600));
  return name;
}

/** What a call gives that is made with a file held as a place. */
function withPlace<T>(name: Uint8Array, call: (fd: number) => T): T {
  const fd = libc.open(dir, name, linux.O_PATH);
  try {
    return call(fd);
  } finally {
    libc.close(fd);
  }
}

/** Names as text, in order. */
function sorted(names: Iterable<Uint8Array>): string[] {
  return [...names].map((name) => Buffer.from(name).toString("latin1")).toSorted();
}

/** The code of the error that a call ends in. */
function codeOf(call: () => unknown): string {
  try {
    call();
    return "none";
  } catch (error) {
    return (error as LibcError).code;
  }
}

describe("Libc", () => {
  test("takes names of any bytes", () => {
    mkdirSync(join(scratch, "names"));
    const fd = libc.open(dir, bytes("names"), linux.O_RDONLY | linux.O_DIRECTORY);
    const names = ["caf\xe9", "\xff\xfe", "new\nline", "n".repeat(255)].map(bytes);
    for (const name of names) libc.close(libc.open(fd, name, linux.O_WRONLY | linux.O_CREAT | linux.O_EXCL, 0o600));
    expect(sorted(libc.names(fd))).toEqual(sorted(names));
    libc.close(fd);
  });

  test("lists a directory that does not fit one call's buffer", () => {
    mkdirSync(join(scratch, "many"));
    const fd = libc.open(dir, bytes("many"), linux.O_RDONLY | linux.O_DIRECTORY);
    const names = Array.from({ length: 1000 }, (_, index) => `${"x".repeat(200)}${index}`);
    for (const name of names) writeFileSync(join(scratch, "many", name), "");
    expect(sorted(libc.names(fd))).toEqual(names.toSorted());
    libc.close(fd);
  });

  test("a path with a NUL byte is a bug of the caller's", () => {
    expect(() => libc.open(dir, bytes("a\0b"), linux.O_RDONLY)).toThrow(TypeError);
  });

  test("names the error", () => {
    const error = (() => {
      try {
        return libc.open(dir, bytes("missing"), linux.O_RDONLY);
      } catch (caught) {
        return caught;
      }
    })();
    expect(error).toBeInstanceOf(LibcError);
    expect(error).toMatchObject({ code: "ENOENT", call: "openat", message: "no such file or directory" });
  });

  test.each([
    ["before 1970", -1_500_000_001n],
    ["1970", 0n],
    ["the last nanosecond of a second", 999_999_999n],
    ["after 2106", 5_000_000_000_123_456_789n],
  ])("keeps a time to the nanosecond: %s", (label, mtimeNs) => {
    const name = touch(bytes(`time ${label}`));
    withPlace(name, (fd) => libc.setTimes(fd, { atimeNs: 1n, mtimeNs }));
    expect(libc.status(dir, name).mtimeNs).toBe(mtimeNs);
    expect(lstatSync(join(scratch, `time ${label}`), { bigint: true }).mtimeMs).toBe(mtimeNs / 1_000_000n);
  });

  test.each([
    ["open for writing", linux.O_WRONLY],
    ["held as a place", linux.O_PATH],
  ])("sets mode and times of a file that is %s", (label, flags) => {
    const name = touch(bytes(`settings, ${label}`));
    const fd = libc.open(dir, name, flags);
    libc.setTimes(fd, { atimeNs: 1n, mtimeNs: 5_000_000_000n });
    libc.chmod(fd, 0o640);
    libc.close(fd);
    expect(libc.status(dir, name)).toMatchObject({ mode: linux.S_IFREG | 0o640, mtimeNs: 5_000_000_000n });
  });

  test("reads and writes at a place, and sees holes", () => {
    const fd = libc.open(dir, bytes("holes"), linux.O_WRONLY | linux.O_CREAT | linux.O_EXCL, 0o600);
    libc.write(fd, bytes("data"), 1 << 20);
    libc.truncate(fd, 4 << 20);
    libc.close(fd);
    const reading = libc.open(dir, bytes("holes"), linux.O_RDONLY);
    const into = new Uint8Array(16);
    expect(libc.read(reading, into.subarray(0, 8), (1 << 20) + 2)).toBe(8);
    expect(Buffer.from(into).toString("latin1", 0, 3)).toBe("ta\0");
    expect(libc.read(reading, into, 4 << 20)).toBe(0);
    const data = libc.seek(reading, 0, linux.SEEK_DATA);
    expect(data).toBeLessThanOrEqual(1 << 20);
    expect(libc.seek(reading, 4 << 20, linux.SEEK_DATA)).toBeUndefined();
    expect(codeOf(() => libc.seek(-1, 0, linux.SEEK_DATA))).toBe("EBADF");
    libc.close(reading);
    expect(readFileSync(join(scratch, "holes")).length).toBe(4 << 20);
  });

  test("keeps extended attributes, empty ones too", () => {
    const value = Uint8Array.from({ length: 256 }, (_, index) => index);
    const mayHave = withPlace(touch(bytes("attributes \xff")), (fd) => {
      if (codeOf(() => libc.setXattr(fd, bytes("user.binary"), value)) === "ENOTSUP") return false;
      libc.setXattr(fd, bytes("user.empty"), HERE);
      expect(sorted(libc.listXattrs(fd))).toEqual(["user.binary", "user.empty"]);
      expect([...libc.getXattr(fd, bytes("user.binary"))]).toEqual([...value]);
      expect(libc.getXattr(fd, bytes("user.empty")).length).toBe(0);
      libc.removeXattr(fd, bytes("user.binary"));
      expect(codeOf(() => libc.getXattr(fd, bytes("user.binary")))).toBe("ENODATA");
      return true;
    });
    if (!mayHave) return console.warn(`skipped: ${scratch} holds no extended attributes`);
    libc.setXattr(dir, bytes("user.directory"), value);
    expect(libc.listXattrs(dir)).toHaveLength(1);
  });

  test("makes links and FIFOs, and removes names", () => {
    const name = touch(bytes("original"));
    libc.link({ dirFd: dir, path: name }, dir, bytes("hard"));
    libc.symlink(bytes("\xffnowhere"), dir, bytes("soft"));
    libc.makeNode(dir, bytes("fifo"), linux.S_IFIFO | 0o600, { major: 0, minor: 0 });
    expect(libc.status(dir, bytes("hard"))).toMatchObject({ nlink: 2, ino: libc.status(dir, name).ino });
    expect([...withPlace(bytes("soft"), (fd) => libc.readLink(fd))]).toEqual([...bytes("\xffnowhere")]);
    expect(libc.status(dir, bytes("soft")).mode & linux.S_IFMT).toBe(linux.S_IFLNK);
    expect(libc.status(dir, bytes("fifo")).mode & linux.S_IFMT).toBe(linux.S_IFIFO);
    libc.makeDirectory(dir, bytes("made"), 0o700);
    expect(codeOf(() => libc.unlink(dir, bytes("made")))).toBe("EISDIR");
    libc.unlink(dir, bytes("made"), linux.AT_REMOVEDIR);
    libc.unlink(dir, bytes("hard"));
    expect(libc.status(dir, name).nlink).toBe(1);
  });

  test("follows no symbolic link in the last place", () => {
    touch(bytes("target"));
    symlinkSync("target", join(scratch, "to-target"));
    symlinkSync(".", join(scratch, "to-directory"));
    withPlace(bytes("to-target"), (fd) => {
      libc.setTimes(fd, { atimeNs: 1n, mtimeNs: 1n });
      expect(libc.status(fd, HERE).mtimeNs).toBe(1n);
      expect(codeOf(() => libc.chmod(fd, 0o777))).toBe("ENOTSUP");
      expect(codeOf(() => libc.reopen(fd, linux.O_RDONLY))).toBe("ELOOP");
    });
    expect(libc.status(dir, bytes("target")).mtimeNs).not.toBe(1n);
    expect(codeOf(() => libc.open(dir, bytes("to-target"), linux.O_RDONLY))).toBe("ELOOP");
    expect(codeOf(() => libc.open(dir, bytes("to-directory"), linux.O_RDONLY | linux.O_DIRECTORY))).toBe("ENOTDIR");
    expect(libc.status(dir, bytes("target")).mode & 0o777).toBe(0o600);
  });

  test("changes the file that it holds, whatever has its name meanwhile", () => {
    const name = touch(bytes("held"));
    withPlace(name, (fd) => {
      libc.link({ dirFd: dir, path: name }, dir, bytes("elsewhere"));
      libc.unlink(dir, name);
      touch(name);
      libc.chmod(fd, 0o640);
    });
    expect([libc.status(dir, bytes("elsewhere")).mode & 0o777, libc.status(dir, name).mode & 0o777]).toEqual([0o640, 0o600]);
  });

  test("knows the accounts of this machine", () => {
    expect([libc.accountId("user", bytes("root")), libc.accountId("group", bytes("root"))]).toEqual([0, 0]);
    expect(libc.accountId("user", bytes("no such \xff"))).toBeUndefined();
  });

  test.skipIf(!IS_ROOT)("sets owners of 32 bits, of links too", () => {
    libc.symlink(bytes("/nowhere"), dir, bytes("owned"));
    withPlace(bytes("owned"), (fd) => libc.chown(fd, 4_294_967_294, 4_000_000_000));
    expect(libc.status(dir, bytes("owned"))).toMatchObject({ uid: 4_294_967_294, gid: 4_000_000_000 });
  });

  test.skipIf(!IS_ROOT)("sets attributes of links", () => {
    libc.symlink(bytes("/nowhere"), dir, bytes("attributed"));
    withPlace(bytes("attributed"), (fd) => {
      libc.setXattr(fd, bytes("trusted.on-link"), bytes("1"));
      expect(sorted(libc.listXattrs(fd))).toEqual(["trusted.on-link"]);
    });
  });

  test.skipIf(!IS_ROOT)("makes device nodes of any number", () => {
    libc.makeNode(dir, bytes("device"), linux.S_IFBLK | 0o600, { major: 4095, minor: 1_048_575 });
    expect(libc.status(dir, bytes("device"))).toMatchObject({ rdevMajor: 4095, rdevMinor: 1_048_575 });
  });
});
