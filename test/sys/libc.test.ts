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

/** Names as text, in order. */
function sorted(names: readonly Uint8Array[]): string[] {
  return names.map((name) => Buffer.from(name).toString("latin1")).toSorted();
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
    libc.setTimes(dir, name, { atimeNs: 1n, mtimeNs });
    expect(libc.status(dir, name).mtimeNs).toBe(mtimeNs);
    expect(lstatSync(join(scratch, `time ${label}`), { bigint: true }).mtimeMs).toBe(mtimeNs / 1_000_000n);
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
    const name = touch(bytes("attributes \xff"));
    const value = Uint8Array.from({ length: 256 }, (_, index) => index);
    try {
      libc.setXattr(dir, name, bytes("user.binary"), value);
    } catch (error) {
      if ((error as LibcError).code === "ENOTSUP") return console.warn(`skipped: ${scratch} holds no extended attributes`);
      throw error;
    }
    libc.setXattr(dir, name, bytes("user.empty"), HERE);
    expect(sorted(libc.listXattrs(dir, name))).toEqual(["user.binary", "user.empty"]);
    expect([...libc.getXattr(dir, name, bytes("user.binary"))]).toEqual([...value]);
    expect(libc.getXattr(dir, name, bytes("user.empty")).length).toBe(0);
    expect(codeOf(() => libc.getXattr(dir, name, bytes("user.none")))).toBe("ENODATA");
    libc.setXattr(dir, HERE, bytes("user.directory"), value);
    expect(libc.listXattrs(dir, HERE)).toHaveLength(1);
  });

  test("makes links and FIFOs, and removes names", () => {
    const name = touch(bytes("original"));
    libc.link({ dirFd: dir, path: name }, dir, bytes("hard"));
    libc.symlink(bytes("\xffnowhere"), dir, bytes("soft"));
    libc.makeNode(dir, bytes("fifo"), linux.S_IFIFO | 0o600, { major: 0, minor: 0 });
    expect(libc.status(dir, bytes("hard"))).toMatchObject({ nlink: 2, ino: libc.status(dir, name).ino });
    expect([...libc.readLink(dir, bytes("soft"))]).toEqual([...bytes("\xffnowhere")]);
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
    libc.setTimes(dir, bytes("to-target"), { atimeNs: 1n, mtimeNs: 1n });
    expect(libc.status(dir, bytes("target")).mtimeNs).not.toBe(1n);
    expect(codeOf(() => libc.open(dir, bytes("to-target"), linux.O_RDONLY))).toBe("ELOOP");
    expect(codeOf(() => libc.open(dir, bytes("to-directory"), linux.O_RDONLY | linux.O_DIRECTORY))).toBe("ENOTDIR");
    expect(codeOf(() => libc.chmod(dir, bytes("to-target"), 0o777))).toBe("ENOTSUP");
    expect(libc.status(dir, bytes("target")).mode & 0o777).toBe(0o600);
  });

  test("openBeneath leaves neither by .. nor by a link", () => {
    mkdirSync(join(scratch, "beneath/inner"), { recursive: true });
    symlinkSync("inner", join(scratch, "beneath/link"));
    const fd = libc.open(dir, bytes("beneath"), linux.O_RDONLY | linux.O_DIRECTORY);
    const outcome = codeOf(() => libc.close(libc.openBeneath(fd, bytes("inner"), linux.O_RDONLY)));
    if (outcome === "ENOSYS") return console.warn("skipped: openat2, which this kernel has not");
    expect(outcome).toBe("none");
    expect(codeOf(() => libc.openBeneath(fd, bytes("../beneath"), linux.O_RDONLY))).toBe("EXDEV");
    expect(codeOf(() => libc.openBeneath(fd, bytes("link"), linux.O_RDONLY))).toBe("ELOOP");
    libc.close(fd);
  });

  test.skipIf(!IS_ROOT)("sets owners of 32 bits", () => {
    const name = touch(bytes("owned"));
    libc.chown(dir, name, 4_294_967_294, 4_000_000_000);
    expect(libc.status(dir, name)).toMatchObject({ uid: 4_294_967_294, gid: 4_000_000_000 });
  });

  test.skipIf(!IS_ROOT)("makes device nodes of any number", () => {
    libc.makeNode(dir, bytes("device"), linux.S_IFBLK | 0o600, { major: 4095, minor: 1_048_575 });
    expect(libc.status(dir, bytes("device"))).toMatchObject({ rdevMajor: 4095, rdevMinor: 1_048_575 });
  });
});
