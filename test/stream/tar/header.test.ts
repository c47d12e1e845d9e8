import { describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import * as fc from "fast-check";
import { ToolError } from "../../../src/errors.ts";
import { BLOCK_BYTES, decodeHeader, encodeHeader, type TarHeader } from "../../../src/stream/tar/header.ts";
import { readTar } from "../../support/tar.ts";

const GOLDEN = new URL("../../fixtures/examples/golden/", import.meta.url);
const NAMES = readdirSync(GOLDEN).filter((name) => name.endsWith(".tar"));
const HAS_RUBY = spawnSync("ruby", ["-e", "require 'rubygems/package'"]).status === 0;
if (!HAS_RUBY) console.warn("skipped: the comparison with RubyGems' TarWriter, as there is no ruby");

function header(fields: Partial<TarHeader> = {}): TarHeader {
  const name = Buffer.from("file");
  const rest = { linkname: Buffer.alloc(0), uname: "wheel", gname: "wheel", devmajor: 0, devminor: 0 };
  return { name, mode: 0o100644, uid: 0, gid: 0, size: 0, mtime: 0, typeflag: "0", ...rest, ...fields };
}

/** A block with bytes replaced and the checksum made right again. */
function patched(at: number, bytes: string | Uint8Array, signed = false): Uint8Array {
  const block = encodeHeader(header());
  block.set(Buffer.from(bytes as string), at);
  block.fill(0x20, 148, 156);
  const sum = block.reduce((total, byte) => total + (signed && byte > 127 ? byte - 256 : byte), 0);
  block.set(Buffer.from(`${sum.toString(8).padStart(6, "0")}\0 `), 148);
  return block;
}

function decoded(block: Uint8Array): TarHeader {
  const found = decodeHeader(block, 0);
  if (found === "zero") throw new Error("a block of zeros");
  return found;
}

function failure(block: Uint8Array): ToolError {
  try {
    decodeHeader(block, 1024);
  } catch (error) {
    if (error instanceof ToolError) return error;
  }
  throw new Error("no ToolError");
}

describe("encodeHeader", () => {
  test.each(NAMES)("gives every header of %s back as TarWriter wrote it", async (name) => {
    const archive = readFileSync(new URL(name, GOLDEN));
    const { entries } = await readTar(archive);
    expect(entries.length).toBeGreaterThan(4);
    for (const { entry } of entries) {
      const { headerOffset } = entry;
      expect(Buffer.from(encodeHeader(entry.rawHeader))).toEqual(archive.subarray(headerOffset, headerOffset + BLOCK_BYTES));
    }
  });

  test("is undone by decodeHeader", () => {
    const part = fc.stringMatching(/^[a-z]{1,60}$/);
    const path = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => Buffer.from(parts.join("/")));
    const octal = (digits: number): fc.Arbitrary<number> => fc.integer({ min: 0, max: 8 ** digits - 1 });
    const text = fc.stringMatching(/^[a-z]{0,32}$/);
    const fields = fc.record({
      name: path.filter((name) => name.length <= 155),
      mode: octal(7),
      uid: octal(7),
      gid: octal(7),
      size: fc.integer({ min: 0, max: 2 ** 33 - 1 }),
      mtime: fc.integer({ min: 0, max: 2 ** 33 - 1 }),
      typeflag: fc.constantFrom("0", "1", "2", "5", "x"),
      linkname: fc.uint8Array({ min: 1, max: 255, maxLength: 100 }).map((bytes) => Buffer.from(bytes)),
      uname: text,
      gname: text,
      devmajor: octal(7),
      devminor: octal(7),
    });
    const shown = (one: TarHeader): unknown => ({ ...one, name: [...one.name], linkname: [...one.linkname] });
    fc.assert(fc.property(fields, (one) => expect(shown(decoded(encodeHeader(one)))).toEqual(shown(one))));
  });

  test.skipIf(!HAS_RUBY)("splits names where RubyGems does", () => {
    const lengths = [1, 54, 99, 100, 101, 155, 156, 200, 255];
    const names = lengths.flatMap((first) => lengths.map((second) => `${"a".repeat(first)}/${"b".repeat(second)}`));
    const deep = [
      "d/".repeat(60) + "e",
      "d/".repeat(120) + "e",
      "d/".repeat(127) + "ee",
      "d/".repeat(128),
      `${"a".repeat(90)}/${"b".repeat(30)}/`,
    ];
    const all = [...names, ...deep, "a".repeat(100), "a".repeat(101), `/${"a".repeat(100)}`];
    const script = `require 'rubygems/package'; require 'stringio'
      STDIN.each_line(chomp: true) { |n| w = Gem::Package::TarWriter.new(StringIO.new)
        begin; puts w.split_name(n).join('|'); rescue Gem::Package::TooLongFileName; puts 'too long'; end }`;
    const ruby = spawnSync("ruby", ["-e", script], { input: all.join("\n"), encoding: "utf8" });
    expect(ruby.stdout.trimEnd().split("\n")).toEqual(all.map(splitByUs));
  });

  test.each([
    ["uid", { uid: 0o10000000 }],
    ["size", { size: 2 ** 33 }],
    ["mtime", { mtime: -1 }],
    ["mtime", { mtime: 0.5 }],
  ])("refuses a number that does not fit: %s", (field, fields) => {
    expect(() => encodeHeader(header(fields))).toThrow(RangeError);
    expect(() => encodeHeader(header(fields))).toThrow(field);
  });

  test("refuses a link target of more than 100 bytes", () => {
    expect(() => encodeHeader(header({ linkname: Buffer.alloc(101, 97) }))).toThrow(`Cannot store "file"`);
  });
});

function splitByUs(name: string): string {
  try {
    const block = Buffer.from(encodeHeader(header({ name: Buffer.from(name) })));
    const field = (at: number, length: number): string => block.toString("latin1", at, at + length).replace(/\0.*$/s, "");
    return `${field(0, 100)}|${field(345, 155)}`;
  } catch (error) {
    if (error instanceof ToolError) return "too long";
    throw error;
  }
}

describe("decodeHeader", () => {
  test("knows a block of zeros", () => {
    expect(decodeHeader(new Uint8Array(BLOCK_BYTES), 0)).toBe("zero");
  });

  test.each([
    ["spaces in front and behind", 100, "   644 \0", { mode: 0o644 }],
    ["no terminator", 108, "77777777", { uid: 0o77777777 }],
    ["a blank field", 116, "\0\0\0\0\0\0\0\0", { gid: 0 }],
    ["a size of twelve digits", 124, "100000000000", { size: 2 ** 33 }],
    ["a size in base 256", 124, Uint8Array.of(0x80, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 1), { size: 2 ** 34 + 1 }],
    ["a uid in base 256", 108, Uint8Array.of(0x80, 0, 0, 0, 0xee, 0x6b, 0x28, 0), { uid: 4_000_000_000 }],
    ["a time before 1970", 136, Uint8Array.of(...Array.from({ length: 11 }, () => 0xff), 0xfe), { mtime: -2 }],
    ["a NUL for a type", 156, "\0", { typeflag: "0" }],
  ] as const)("reads %s", (_, at, bytes, expected) => {
    expect(decoded(patched(at, bytes))).toMatchObject(expected);
  });

  test("reads a checksum over signed bytes", () => {
    expect(Buffer.from(decoded(patched(0, Uint8Array.of(0xe9, 0xe8), true)).name)).toEqual(Buffer.from([0xe9, 0xe8, 0x6c, 0x65]));
  });

  test("takes the prefix of a POSIX header only", () => {
    const posix = patched(345, "dir");
    const gnu = Buffer.from(posix);
    gnu.write("ustar  \0", 257, "latin1");
    expect(Buffer.from(decoded(posix).name).toString()).toBe("dir/file");
    expect(Buffer.from(decoded(withChecksum(gnu)).name).toString()).toBe("file");
  });

  test.each([
    ["a letter in a number", patched(124, "0000000000x\0"), `size "0000000000x\\x00" of a header is not an octal number`],
    ["digits behind a gap", patched(100, "06 44 \0\0"), "mode"],
    ["a number too large to count with", patched(124, Uint8Array.of(0x80, 0, 0, 0, 0xff, 0, 0, 0, 0, 0, 0, 0)), "is too large"],
    ["a negative size", patched(124, new Uint8Array(12).fill(0xff)), "size -1"],
    ["a wrong checksum", encodeHeader(header()).with(0, 0x21), "checksum"],
    ["text", Buffer.alloc(BLOCK_BYTES, "Hello, world. "), "checksum"],
  ])("refuses %s", (_, block, message) => {
    const error = failure(block);
    expect(error).toMatchObject({ code: "damaged", facts: { offset: 1024 } });
    expect(error.message).toContain(message);
  });

  test("refuses every single flipped byte, unless the checksum's blanks take it up", () => {
    const block = encodeHeader(header());
    const accepted = Array.from({ length: BLOCK_BYTES }, (_, at) => at).filter((at) => {
      try {
        decodeHeader(block.with(at, (block[at] as number) ^ 0x20), 0);
        return true;
      } catch (error) {
        expect(error).toBeInstanceOf(ToolError);
        return false;
      }
    });
    expect(accepted).toEqual([154, 155]);
  });
});

function withChecksum(block: Uint8Array): Uint8Array {
  const fixed = Uint8Array.from(block).fill(0x20, 148, 156);
  fixed.set(
    Buffer.from(
      `${fixed
        .reduce((sum, byte) => sum + byte, 0)
        .toString(8)
        .padStart(6, "0")}\0 `,
    ),
    148,
  );
  return fixed;
}
