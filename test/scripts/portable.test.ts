/** The portable file's program headers, as readelf(1) reads them. Bun's own executable serves as the program. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { changeHeader, neededNames, PT_LOAD, readProgram, type Segment } from "../../scripts/portable/elf.ts";
import { bundledNames, makePortable } from "../../scripts/portable/make.ts";

const isDeno = "Deno" in globalThis;
/** The header, of which three fields change. */
const HEADER_BYTES = 64;
const PLAN_TABLE_WORDS = { address: 4, count: 5 };

describe.skipIf(isDeno)(`makePortable${isDeno ? " (skipped: needs the executable of Bun)" : ""}`, () => {
  const launcher = Buffer.from("the launcher's code");
  let directory: string;
  let original: Buffer;
  let portable: Buffer;

  beforeAll(() => {
    directory = mkdtempSync(path.join(tmpdir(), "ctar-portable-"));
    original = readFileSync(process.execPath);
    portable = makePortable(original, launcher, (name) => Buffer.from(`the file ${name}`));
    writeFileSync(path.join(directory, "portable"), portable);
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  test("leaves the program's bytes as they are, but for its header", () => {
    expect(portable.subarray(HEADER_BYTES, original.length).equals(original.subarray(HEADER_BYTES))).toBe(true);
  });

  test("keeps all segments that are mapped, and names no interpreter", () => {
    const before = programHeaders(process.execPath).filter((line) => !/^\s*(PHDR|INTERP)/.test(line));
    const after = programHeaders(path.join(directory, "portable"));
    expect(after.slice(0, before.length)).toEqual(before);
    expect(after.slice(before.length).map((line) => line.trim().split(/\s+/)[0])).toEqual(["LOAD", "LOAD", "LOAD"]);
  });

  test("has the kernel enter the launcher, in a segment that cannot be written", () => {
    const { entry, segments } = readProgram(portable);
    const segment = segmentAt(segments, entry);
    expect(segment.flags).toBe(0b101);
    expect(portable.subarray(offsetOf(segment, entry)).subarray(0, launcher.length).toString()).toBe(launcher.toString());
  });

  test("segments begin where the largest pages begin, and none overlaps another", () => {
    const loaded = readProgram(portable).segments.filter(({ type }) => type === PT_LOAD);
    for (const [index, one] of loaded.entries()) {
      expect((one.address - one.offset) % one.align).toBe(0);
      expect(one.address).toBeGreaterThanOrEqual(index === 0 ? 0 : endOf(loaded[index - 1]));
    }
    for (const one of loaded.slice(-3)) expect(one.address % 0x10000).toBe(0);
  });

  test("holds the loader and every library, whole", () => {
    for (const name of bundledNames(readProgram(original))) expect(portable.includes(`the file ${name}`)).toBe(true);
  });

  test("gives the bundled loader a table in which each library is needed once more, to be named by the launcher", () => {
    const program = readProgram(Buffer.concat([withBundlingTable(portable), portable.subarray(HEADER_BYTES)]));
    const own = neededNames(readProgram(original));
    const libraries = own.filter((name) => !name.startsWith("ld-"));
    expect(libraries).toContain("libc.so.6");
    expect(neededNames(program)).toEqual([...libraries.map(() => ""), ...own]);
    expect(program.segments.map(({ type }) => type)).toEqual(readProgram(original).segments.map(({ type }) => type));
  });

  test("is the same for the same program", () => {
    const again = makePortable(original, launcher, (name) => Buffer.from(`the file ${name}`));
    expect(again.equals(portable)).toBe(true);
  });
});

/** The header with the table that the plan, a page behind the launcher, has for the bundled loader. */
function withBundlingTable(portable: Buffer): Buffer {
  const { entry, segments } = readProgram(portable);
  const plan = segmentAt(segments, entry + 0x10000);
  const word = (index: number): number => Number(portable.readBigUInt64LE(plan.offset + index * 8));
  return changeHeader(portable, entry, { offset: offsetOf(plan, word(PLAN_TABLE_WORDS.address)), count: word(PLAN_TABLE_WORDS.count) });
}

/** What readelf says of each segment. Where it has something to complain of, so does the test. */
function programHeaders(file: string): string[] {
  const { stdout, stderr } = spawnSync("readelf", ["-lW", file], { encoding: "utf8" });
  expect(stderr).toBe("");
  return stdout.split("\n").filter((line) => /^ {2}[A-Z_]+ +0x/.test(line));
}

function segmentAt(segments: readonly Segment[], address: number): Segment {
  const found = segments.find((one) => one.type === PT_LOAD && address >= one.address && address < one.address + one.memoryBytes);
  if (found === undefined) throw new Error(`no segment holds the address ${address}`);
  return found;
}

function endOf(segment: Segment | undefined): number {
  return segment === undefined ? 0 : segment.address + segment.memoryBytes;
}

function offsetOf(segment: Segment, address: number): number {
  return segment.offset + address - segment.address;
}
