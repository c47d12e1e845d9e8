import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import * as fc from "fast-check";
import { extract } from "tar-stream";
import { paxXattrs } from "../../../src/stream/tar/pax.ts";
import { readTar, sketchEntry, sketchTar, type EntrySketch } from "../../support/tar.ts";

let scratch = "";
beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), "ctar-tar-write-"));
});
afterAll(() => rmSync(scratch, { recursive: true }));

/** Needs of pax: a name that cannot be split, ids of 32 bits, a time with nanoseconds, a long link target. */
const HARD: readonly EntrySketch[] = [
  { name: `./${"n".repeat(255)}`, data: "long" },
  { name: "./big-owner", uid: 4_000_000_000, gid: 3_999_999_999 },
  { name: "./before", mtimeNs: -2_000_000_000n },
  { name: "./late", mtimeNs: 20_000_000_000_000_000_001n },
  { name: "./link", typeflag: "2", linkname: "t".repeat(300) },
];

describe("encodeEntry", () => {
  test("writes plain ustar where that suffices", () => {
    const entry = sketchEntry({ name: `./${"d/".repeat(70)}f`, uid: 2_097_151, mtimeNs: 1_000_000_000n, linkname: "l".repeat(100) });
    expect(entry.length).toBe(512);
  });

  test("is undone by the reader", async () => {
    const name = fc.uint8Array({ min: 1, minLength: 1, maxLength: 600 }).map((bytes) => Buffer.from(bytes));
    const id = fc.integer({ min: 0, max: 2 ** 32 - 1 });
    const fields = fc.record({
      name: name.filter((bytes) => bytes.at(-1) !== 0x2f),
      linkname: name,
      mode: fc.integer({ min: 0, max: 0o7777 }),
      uid: id,
      gid: id,
      mtimeNs: fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }),
      xattrs: fc.array(fc.tuple(name, fc.uint8Array({ maxLength: 300 })), { maxLength: 2 }),
    });
    const property = fc.asyncProperty(fields, async (given) => {
      const { entries } = await readTar(
        sketchTar({ ...given, name: given.name as unknown as string, linkname: given.linkname as unknown as string }),
      );
      const found = entries[0]?.entry;
      expect(found).toMatchObject({ mode: given.mode, uid: given.uid, gid: given.gid, mtimeNs: given.mtimeNs });
      expect([[...(found?.name ?? [])], [...(found?.linkname ?? [])]]).toEqual([[...given.name], [...given.linkname]]);
      const last = new Map(given.xattrs.map(([key, value]) => [key.toString("latin1"), [...value]]));
      expect(
        new Map([...paxXattrs(found?.pax ?? new Map())].map(([key, value]) => [Buffer.from(key).toString("latin1"), [...value]])),
      ).toEqual(last);
    });
    await fc.assert(property, { numRuns: 200 });
  });

  test("is read by GNU tar", () => {
    const file = join(scratch, "hard.tar");
    writeFileSync(file, sketchTar(...HARD));
    const listed = spawnSync("tar", ["--full-time", "--utc", "-tvf", file], { encoding: "utf8" });
    expect(listed.stderr).toBe("");
    expect(listed.stdout.split("\n").map((line) => line.replace(/ +/g, " "))).toEqual([
      `-rw-r--r-- 0/0 4 1970-01-01 00:00:00 ./${"n".repeat(255)}`,
      "-rw-r--r-- 4000000000/3999999999 0 1970-01-01 00:00:00 ./big-owner",
      "-rw-r--r-- 0/0 0 1969-12-31 23:59:58 ./before",
      "-rw-r--r-- 0/0 0 2603-10-11 11:33:20.000000001 ./late",
      `lrw-r--r-- 0/0 0 1970-01-01 00:00:00 ./link -> ${"t".repeat(300)}`,
      "",
    ]);
  });

  test("gives GNU tar a file with holes", () => {
    const file = join(scratch, "holes.tar");
    const segments = [
      { offset: 1 << 20, length: 4096 },
      { offset: 8 << 20, length: 512 },
      { offset: (16 << 20) + 5, length: 0 },
    ];
    const data = Buffer.concat([Buffer.alloc(4096, "a"), Buffer.alloc(512, "b")]);
    writeFileSync(file, sketchTar({ name: "./holes", data, sparse: { size: (16 << 20) + 5, segments } }, { name: "./after", data: "x" }));
    expect(spawnSync("tar", ["-xf", file, "-C", scratch], { encoding: "utf8" }).stderr).toBe("");
    const whole = Buffer.alloc((16 << 20) + 5);
    whole.set(data.subarray(0, 4096), 1 << 20);
    whole.set(data.subarray(4096), 8 << 20);
    expect(Buffer.compare(readFileSync(join(scratch, "holes")), whole)).toBe(0);
    expect(statSync(join(scratch, "holes")).blocks * 512).toBeLessThan(100_000);
    expect(readFileSync(join(scratch, "after"), "utf8")).toBe("x");
  });

  test("is read by tar-stream", async () => {
    const reader = Readable.from([sketchTar(...HARD)]).pipe(extract());
    const seen: unknown[] = [];
    for await (const entry of reader) {
      seen.push([entry.header.name, entry.header.linkname]);
      entry.resume();
    }
    expect(seen).toEqual(HARD.map(({ name, linkname }) => [name, linkname ?? null]));
  });
});
