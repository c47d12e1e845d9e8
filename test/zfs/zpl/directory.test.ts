import { describe, expect, test } from "bun:test";
import type { FileSystem } from "../../../src/zfs/zpl/file-system.ts";
import { walkTree } from "../../../src/zfs/zpl/walk.ts";
import { syntheticStream, znode, zapObject } from "../../support/synthetic-stream.ts";
import { damageIn } from "../../support/zfs-stream.ts";
import { at, contents, DIRECTORY, dirent, FILE, fileObject, filesOf, openFiles, ROOT, streamBytes } from "../../support/zpl-files.ts";
import { microZap } from "../../support/zap.ts";
import { OT } from "../../support/zpl-stream.ts";

const BYTE_ORDERS = [["little-endian", true] as const, ["big-endian", false] as const];
const NAMES = { f: FILE };

describe("readDirectory", () => {
  test("gives names in the order of their bytes, as they are", async () => {
    const names = ["b", "a", "B", "\xff\xfe", "a\nb", "ä", "-", " ", "aa"];
    const files = await filesOf({
      names: Object.fromEntries(names.map((name) => [name, FILE])),
      records: (stream) => [fileObject(stream, { LINKS: names.length })],
    });
    const entries = await Array.fromAsync(files.readDirectory(files.root));
    expect(entries.map(({ name }) => Buffer.from(name).toString("latin1"))).toEqual([
      " ",
      "-",
      "B",
      "a",
      "a\nb",
      "aa",
      "b",
      "ä",
      "\xff\xfe",
    ]);
    expect(new Set(entries.map(({ status }) => status.object))).toEqual(new Set([FILE]));
  });

  test.each([".", "..", "a/b"])("refuses the name %j", async (name) => {
    const files = await withEntries([{ name, value: dirent(FILE) }]);
    expect(await damageIn(() => Array.fromAsync(files.readDirectory(files.root)))).toContain(
      `object 4: it has an entry with the name "${name}"`,
    );
  });

  test("refuses a name that is there twice, and one that leads nowhere", async () => {
    const twice = await withEntries([
      { name: "x", value: dirent(FILE) },
      { name: "x", value: dirent(FILE) },
    ]);
    expect(await damageIn(() => Array.fromAsync(twice.readDirectory(twice.root)))).toContain('object 4: it has the name "x" twice');
    const nowhere = await withEntries([{ name: "x", value: dirent(999) }]);
    expect(await damageIn(() => Array.fromAsync(nowhere.readDirectory(nowhere.root)))).toContain("object 999: it does not exist");
  });

  test.each([
    ["that has another parent", [{ name: "x", value: dirent(FILE + 1) }]],
    [
      "with two names",
      [
        { name: "x", value: dirent(FILE) },
        { name: "y", value: dirent(FILE) },
      ],
    ],
    ["that is the root", [{ name: "x", value: dirent(ROOT) }]],
  ])("refuses a directory %s, so that nothing goes round in circles", async (_, entries) => {
    const files = await withEntries(entries);
    expect(await damageIn(() => Array.fromAsync(walkTree(files, files.root)))).toContain("the directory has more than one name");
  });
});

describe("a tree", () => {
  test.each(BYTE_ORDERS)("of many directories is walked and looked up in, %s", async (_, littleEndian) => {
    const bytes = Buffer.concat([...syntheticStream({ files: 2500, filesPerDirectory: 1, littleEndian })]);
    for (const piped of [false, true]) {
      const files = await openFiles([bytes], { piped });
      const paths: string[] = [];
      for await (const { path } of walkTree(files, files.root)) paths.push(Buffer.from(path).toString());
      expect(paths.length).toBe(5000);
      expect(paths.slice(0, 3)).toEqual(["d000000", "d000000/f000000", "d000001"]);
      expect(await at(files, "/d002499//./f000000")).toMatchObject({ type: "file", size: 512 });
      for (const missing of ["d002500", "d002499/f000000/x", "d002499/f000000/.."])
        expect(await files.lookup(Buffer.from(missing))).toBeUndefined();
    }
  });

  test("that came through a pipe can be listed, its files not be read", async () => {
    const bytes = streamBytes({
      names: NAMES,
      records: (stream) => [fileObject(stream, { SIZE: 5 }), stream.write(FILE, 0, Buffer.alloc(512))],
    });
    const files = await openFiles([bytes], { piped: true });
    expect((await at(files, "f")).size).toBe(5);
    await expect(contents(files, "f")).rejects.toThrow("it came through a pipe and cannot be read again");
  });
});

/** A file system whose root directory has these entries; objects 128 and 129 are directories, one in the other. */
async function withEntries(entries: readonly { name: string; value: bigint }[]): Promise<FileSystem> {
  const base = streamBytes({
    names: {},
    records: (stream) => [
      ...zapObject(stream, {
        object: FILE,
        type: OT.directory,
        bonus: znode(true, { MODE: DIRECTORY, PARENT: ROOT }),
        blocks: [microZap([])],
      }),
      ...zapObject(stream, {
        object: FILE + 1,
        type: OT.directory,
        bonus: znode(true, { MODE: DIRECTORY, PARENT: FILE }),
        blocks: [microZap([])],
      }),
    ],
  });
  const next = streamBytes({
    begin: { toGuid: 2n, fromGuid: 1n },
    records: (stream) => [stream.write(ROOT, 0, microZap(entries), { type: OT.directory })],
  });
  return openFiles([base, next]);
}
