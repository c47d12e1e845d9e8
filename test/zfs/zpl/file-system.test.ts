import { describe, expect, test } from "bun:test";
import type { FileSystem } from "../../../src/zfs/zpl/file-system.ts";
import { walkTree } from "../../../src/zfs/zpl/walk.ts";
import { packNvlist } from "../../support/nvlist.ts";
import { OBJECT, znode, zapObject } from "../../support/synthetic-stream.ts";
import { damageIn } from "../../support/zfs-stream.ts";
import { at, contents, DIRECTORY, dirent, FILE, fileObject, filesOf, openFiles, ROOT, streamBytes } from "../../support/zpl-files.ts";
import { microZap } from "../../support/zap.ts";
import { spillBlock } from "../../support/zpl-attributes.ts";
import { OT, type ZplStream } from "../../support/zpl-stream.ts";

const LINK = 0o120777;
const NAMES = { f: FILE };

describe("readLink", () => {
  const target = "x".repeat(300);
  const spill = spillBlock(7, { SYMLINK: Buffer.from(target) });

  test.each([
    [
      "in the bonus buffer",
      (stream: ZplStream) => [fileObject(stream, { MODE: LINK, SYMLINK: Buffer.from(target.slice(0, 20)) }, { layout: 3 })],
      target.slice(0, 20),
    ],
    [
      "in the spill block",
      (stream: ZplStream) => [fileObject(stream, { MODE: LINK }, { hasSpill: true }), stream.spill(FILE, spill)],
      target,
    ],
    [
      "in a spill block as OpenZFS 2.3.2 sends it with -e",
      (stream: ZplStream) => [
        fileObject(stream, { MODE: LINK }, { hasSpill: true }),
        stream.embedded(FILE, 2n ** 64n - 1024n, spill, { logicalBytes: 512, compression: 2 }),
      ],
      target,
    ],
  ])("reads a target %s, from a file and from a pipe", async (_, records, expected) => {
    const bytes = streamBytes({ names: NAMES, records });
    for (const piped of [false, true]) {
      const files = await openFiles([bytes], { piped });
      expect(Buffer.from(await files.readLink(await at(files, "f"))).toString()).toBe(expected);
    }
  });

  test("an incremental that says nothing of a spill block takes it away", async () => {
    const base = streamBytes({
      names: NAMES,
      records: (stream) => [fileObject(stream, { MODE: LINK, SIZE: 9 }, { hasSpill: true }), stream.spill(FILE, spill)],
    });
    const next = streamBytes({
      begin: { toGuid: 2n, fromGuid: 1n },
      records: (stream) => [fileObject(stream, { MODE: LINK, SYMLINK: Buffer.from("short") }, { layout: 3 })],
    });
    const files = await openFiles([base, next]);
    expect(Buffer.from(await files.readLink(await at(files, "f"))).toString()).toBe("short");
  });

  test("an incremental that says that a spill block stays keeps it, though it does not come again", async () => {
    const base = streamBytes({
      names: NAMES,
      records: (stream) => [fileObject(stream, { MODE: LINK, SIZE: 300 }, { hasSpill: true }), stream.spill(FILE, spill)],
    });
    const next = streamBytes({
      begin: { toGuid: 2n, fromGuid: 1n },
      records: (stream) => [fileObject(stream, { MODE: LINK, SIZE: 300, UID: 7 }, { hasSpill: true })],
    });
    const files = await openFiles([base, next]);
    const status = await at(files, "f");
    expect([status.uid, Buffer.from(await files.readLink(status)).toString()]).toEqual([7, target]);
  });

  test.each(["", "a\0b"])("refuses the target %j", async (name) => {
    const files = await filesOf({
      names: NAMES,
      records: (stream) => [fileObject(stream, { MODE: LINK, SYMLINK: Buffer.from(name) }, { layout: 3 })],
    });
    expect(await damageIn(async () => files.readLink(await at(files, "f")))).toContain("it has a target that no link has");
  });
});

describe("xattrs", () => {
  test("are read from system attributes and from a hidden directory, named as on Linux", async () => {
    const packed = packNvlist(
      [
        ["user.sa", 10, Buffer.from("1")],
        ["both", 10, Buffer.from("sa")],
        ["security.x", 10, Buffer.alloc(0)],
      ],
      "xdr",
    );
    const hidden = microZap(
      ["user.dir", "both", "system.posix_acl_access", "freebsd:acl"].map((name, index) => ({ name, value: dirent(FILE + 2 + index) })),
    );
    const values = ["dir", "hidden", "acl", "no"];
    const files = await filesOf({
      names: NAMES,
      records: (stream) => [
        fileObject(stream, { XATTR: FILE + 1 }, { layout: 6, hasSpill: true }),
        stream.spill(FILE, spillBlock(8, { DXATTR: packed })),
        ...zapObject(stream, { object: FILE + 1, type: OT.directory, bonus: znode(true, { MODE: DIRECTORY }), blocks: [hidden] }),
        ...values.flatMap((value, index) => [
          fileObject(stream, { SIZE: value.length }, { object: FILE + 2 + index }),
          stream.write(FILE + 2 + index, 0, Buffer.concat([Buffer.from(value)], 512)),
        ]),
      ],
    });
    expect(await xattrsOf(files)).toEqual({
      "security.x": "",
      "system.posix_acl_access": "acl",
      "user.both": "sa",
      "user.dir": "dir",
      "user.sa": "1",
    });
  });

  test("of more than 64 KiB are named, but not read", async () => {
    const files = await filesOf({
      names: NAMES,
      records: (stream) => [
        fileObject(stream, { XATTR: FILE + 1 }, { layout: 6 }),
        ...zapObject(stream, {
          object: FILE + 1,
          type: OT.directory,
          bonus: znode(true, { MODE: DIRECTORY }),
          blocks: [microZap([{ name: "big", value: dirent(FILE + 2) }])],
        }),
        fileObject(stream, { SIZE: 2 ** 50 }, { object: FILE + 2 }),
      ],
    });
    expect(await Array.fromAsync(files.xattrs(FILE))).toEqual([{ name: Buffer.from("user.big"), bytes: 2 ** 50, value: undefined }]);
  });

  test("that are no nvlist are damage of their object", async () => {
    const files = await filesOf({
      names: NAMES,
      records: (stream) => [fileObject(stream, { DXATTR: Buffer.from("nonsense") }, { layout: 5 })],
    });
    await expect(Array.fromAsync(files.xattrs(FILE))).rejects.toThrow(/object 128: an nvlist/);
  });
});

describe("FileSystem", () => {
  test("keeps the NFSv4 ACL as it is stored", async () => {
    const aces = Buffer.from("0102030405060708", "hex");
    const files = await filesOf({ names: NAMES, records: (stream) => [fileObject(stream, { DACL_ACES: aces })] });
    expect(Buffer.from((await files.acl(FILE)) ?? []).toString("hex")).toBe("0102030405060708");
  });

  test("reads no file of which the sender left out parts", async () => {
    const files = await filesOf({
      names: NAMES,
      records: (stream) => [fileObject(stream, { SIZE: 1024 }), stream.write(FILE, 0, Buffer.alloc(512)), stream.redact(FILE, 512, 512)],
    });
    expect((await at(files, "f")).size).toBe(1024);
    await expect(contents(files, "f")).rejects.toThrow("the sender left out parts of it");
  });

  test.each([
    ["from a file", false],
    ["from a pipe", true],
  ])("says whose block cannot be decompressed, %s", async (_, piped) => {
    const bytes = (data: string): Uint8Array =>
      streamBytes({
        names: { d: FILE },
        records: (stream) => [
          stream.object({ object: FILE, type: OT.directory, bonus: znode(true, { MODE: DIRECTORY, PARENT: ROOT }) }),
          stream.write(FILE, 0, Buffer.from(data), { logicalBytes: 512, compression: 15, type: OT.directory }),
        ],
      });
    for (const data of ["nonsense", ""]) {
      const files = await openFiles([bytes(data)], { piped });
      expect(await damageIn(() => Array.fromAsync(walkTree(files, files.root)))).toMatch(
        /^object 128: a block of it cannot be decompressed \(at byte \d+\)$/,
      );
    }
  });

  test.each([
    ["no master node", "object 1: it does not exist", (stream: ZplStream) => [fileObject(stream, {})]],
    [
      "a master node that names no root",
      "object 1: the master node names no root directory",
      (stream: ZplStream) =>
        zapObject(stream, { object: OBJECT.master, type: OT.master, blocks: [microZap([{ name: "VERSION", value: 5n }])] }),
    ],
    [
      "a master node without data",
      "object 1: it has no data at byte 0",
      (stream: ZplStream) => [stream.object({ object: 1, type: OT.master })],
    ],
  ])("cannot be opened with %s", async (_, expected, records) => {
    expect(await damageIn(() => filesOf({ records }))).toContain(expected);
  });
});

async function xattrsOf(files: FileSystem): Promise<Record<string, string>> {
  const all: Record<string, string> = {};
  for await (const { name, value } of files.xattrs(FILE)) all[Buffer.from(name).toString()] = Buffer.from(value ?? []).toString();
  return all;
}
