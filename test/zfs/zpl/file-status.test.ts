import { describe, expect, test } from "bun:test";
import { znode } from "../../support/synthetic-stream.ts";
import { damageIn } from "../../support/zfs-stream.ts";
import { at, FILE, fileObject, filesOf, REGULAR, ROOT } from "../../support/zpl-files.ts";
import { spillBlock } from "../../support/zpl-attributes.ts";
import { OT } from "../../support/zpl-stream.ts";

const BYTE_ORDERS = [["little-endian", true] as const, ["big-endian", false] as const];
const LINK = 0o120777;
const NAMES = { f: FILE };

describe("stat", () => {
  test.each(BYTE_ORDERS)("tells all of a file, %s", async (_, littleEndian) => {
    const values = {
      MODE: 0o104751,
      SIZE: 5_000_000_000,
      UID: 4_000_000_000,
      GID: 65534,
      LINKS: 3,
      GEN: 77,
      FLAGS: 0x80000000004n,
      ATIME: -1n,
      MTIME: 4_102_444_800_000_000_001n,
      CTIME: -157_766_400_000_000_000n,
      CRTIME: 0n,
    };
    const files = await filesOf({ littleEndian, names: NAMES, records: (stream) => [fileObject(stream, values)] });
    expect(await at(files, "f")).toEqual({
      object: FILE,
      type: "file",
      mode: 0o4751,
      uid: 4_000_000_000,
      gid: 65534,
      nlink: 3,
      size: 5_000_000_000,
      mtimeNs: 4_102_444_800_000_000_001n,
      rdevMajor: 0,
      rdevMinor: 0,
      projectId: 0,
      flags: 0x80000000004n,
      generation: 77,
      parent: ROOT,
      mayHaveXattrs: false,
    });
  });

  test.each([
    ["character", 0o020666, 0x100003, 1, 3],
    ["block", 0o060660, (259n << 20n) | 70000n, 259, 70000],
    ["block", 0o060660, (7n << 32n) | 9n, 7, 9], // as illumos and FreeBSD store it
    ["fifo", 0o010644, 0x100003, 0, 0],
    ["socket", 0o140755, 0, 0, 0],
  ])("tells a %s by mode %i, with device number %i", async (type, mode, rdev, rdevMajor, rdevMinor) => {
    const files = await filesOf({ names: NAMES, records: (stream) => [fileObject(stream, { MODE: mode, RDEV: rdev }, { layout: 4 })] });
    expect(await at(files, "f")).toMatchObject({ type, rdevMajor, rdevMinor });
  });

  test("finds a device number that only fitted the spill block", async () => {
    const files = await filesOf({
      names: NAMES,
      records: (stream) => [
        fileObject(stream, { MODE: 0o020600 }, { hasSpill: true }),
        stream.spill(FILE, spillBlock(9, { RDEV: 0x500006 })),
      ],
    });
    expect(await at(files, "f")).toMatchObject({ rdevMajor: 5, rdevMinor: 6 });
  });

  test.each(BYTE_ORDERS)("tells all of a file with an old znode, %s", async (_, littleEndian) => {
    const old = (mode: number, rdev: bigint): Uint8Array => oldZnode({ mode, size: 12n, rdev, littleEndian });
    const files = await filesOf({
      littleEndian,
      names: { f: FILE, l: FILE + 1, chr: FILE + 2, fuse: FILE + 3 },
      records: (stream) => [
        stream.object({ object: FILE, type: OT.file, bonusType: OT.znode, bonus: old(0o100600, 0n) }),
        stream.object({
          object: FILE + 1,
          type: OT.file,
          bonusType: OT.znode,
          bonus: Buffer.concat([old(LINK, 0n), Buffer.from("target 12345")]),
        }),
        stream.object({ object: FILE + 2, type: OT.file, bonusType: OT.znode, bonus: old(0o020600, 0x100003n) }),
        stream.object({ object: FILE + 3, type: OT.file, bonusType: OT.znode, bonus: old(0o060600, 0x11112c70n) }),
      ],
    });
    expect(await at(files, "f")).toMatchObject({
      type: "file",
      mode: 0o600,
      size: 12,
      uid: 14,
      gid: 15,
      nlink: 5,
      mtimeNs: 3_000_000_004n,
    });
    expect(Buffer.from(await files.readLink(await at(files, "l"))).toString()).toBe("target 12345");
    expect(await at(files, "chr")).toMatchObject({ type: "character", rdevMajor: 1, rdevMinor: 3 });
    expect(await at(files, "fuse")).toMatchObject({ type: "block", rdevMajor: 0x12c, rdevMinor: 0x11170 });
  });

  const damages: [what: string, expected: string, bonus: Uint8Array, type?: number][] = [
    ["no attributes", "it has no attributes of a file", new Uint8Array(0)],
    ["attributes of another kind", "it has no attributes of a file", new Uint8Array(64), 16],
    ["no magic", "its system attributes have no magic", new Uint8Array(64)],
    ["a cut-off header", "its system attributes are cut off", znode(true, {}).subarray(0, 4)],
    ["an unknown layout", "its system attributes are in layout 999, which there is not", edited(4, [0xe7, 0x0b])],
    ["a header larger than the buffer", "the header of its system attributes is cut off", edited(5, [0xfc])],
    ["a header of no size", "the header of its system attributes is cut off", edited(5, [0])],
    ["a length past the end", "its system attributes reach beyond their buffer", edited(6, [255, 255])],
    ["a mode that is none", "it has a mode that no file has", znode(true, { MODE: 0o644 })],
    ["an absurd size", "it claims a size of 18446744073709551615 bytes", znode(true, { MODE: REGULAR, SIZE: -1n })],
    [
      "a cut-off old znode",
      "its znode is cut off",
      oldZnode({ mode: REGULAR, size: 0n, rdev: 0n, littleEndian: true }).subarray(0, 200),
      OT.znode,
    ],
  ];
  test.each(damages)("refuses %s: %s", async (_, expected, bonus, bonusType = OT.sa) => {
    const files = await filesOf({ names: NAMES, records: (stream) => [stream.object({ object: FILE, type: OT.file, bonus, bonusType })] });
    expect(await damageIn(() => files.stat(FILE))).toMatch(new RegExp(`^object ${FILE}: ${expected} \\(at byte \\d+\\)$`));
  });
});

/** An attribute buffer of layout 2, some bytes changed. */
function edited(position: number, bytes: readonly number[]): Uint8Array {
  const buffer = Uint8Array.from(znode(true, { MODE: REGULAR }));
  buffer.set(bytes, position);
  return buffer;
}

/** A znode_phys_t whose other fields hold their place among its 64-bit words. */
function oldZnode({ mode, size, rdev, littleEndian }: { mode: number; size: bigint; rdev: bigint; littleEndian: boolean }): Uint8Array {
  const view = new DataView(new ArrayBuffer(264));
  for (let word = 0; word < 33; word += 1) view.setBigUint64(word * 8, BigInt(word + (word < 8 ? 1 : 0)), littleEndian);
  const fields: [word: number, value: bigint][] = [
    [9, BigInt(mode)],
    [10, size],
    [12, 5n],
    [14, rdev],
    [16, 14n],
    [17, 15n],
    [22, 0n],
  ];
  for (const [word, value] of fields) view.setBigUint64(word * 8, value, littleEndian);
  return new Uint8Array(view.buffer);
}
