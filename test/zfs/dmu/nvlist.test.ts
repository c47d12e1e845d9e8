import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { decodeNvlist, type NvList, type NvValue } from "../../../src/zfs/dmu/nvlist.ts";
import { packNvlist, type NvEncoding, type NvPairSketch } from "../../support/nvlist.ts";
import { damageIn } from "../../support/zfs-stream.ts";

const ENCODINGS: NvEncoding[] = ["native little", "native big", "xdr"];
const U64 = 0xfedcba9876543210n;

/** Every type with a value that shows its width and its sign. */
const EVERY_TYPE: NvPairSketch[] = [
  ["boolean", 1, true],
  ["byte", 2, 200],
  ["int16", 3, -2],
  ["uint16", 4, 65534],
  ["int32", 5, -3],
  ["uint32", 6, 4294967293],
  ["int64", 7, -4n],
  ["uint64", 8, U64],
  ["string", 9, "Grüße"],
  ["byte array", 10, Uint8Array.of(1, 2, 255)],
  ["int16 array", 11, [-1, 2, 3]],
  ["uint16 array", 12, [1, 65535]],
  ["int32 array", 13, [-1, 2]],
  ["uint32 array", 14, [4294967295]],
  ["int64 array", 15, [-1n, 2n]],
  ["uint64 array", 16, [U64, 2n]],
  ["string array", 17, ["", "a", "four"]],
  ["hrtime", 18, 5n],
  ["nvlist", 19, [["inner", 8, 6n]]],
  ["nvlist array", 20, [[["first", 9, "x"]], [], [["third", 1, true]]]],
  ["true", 21, true],
  ["false", 21, false],
  ["int8", 22, -7],
  ["uint8", 23, 249],
  ["boolean array", 24, [true, false, true]],
  ["int8 array", 25, [-1, 2]],
  ["uint8 array", 26, Uint8Array.of(3, 254)],
  ["double", 27, -0.5],
  ["empty", 16, []],
];

/** What a list is to become. */
function asMap(pairs: readonly NvPairSketch[]): NvList {
  return new Map(pairs.map(([name, type, value]) => [name, asValue(type, value)]));
}

function asValue(type: number, value: unknown): NvValue {
  if (type === 19) return asMap(value as NvPairSketch[]);
  if (type === 20) return (value as NvPairSketch[][]).map(asMap);
  return value as NvValue;
}

const decode = (bytes: Uint8Array): NvList => decodeNvlist(bytes, { what: 'ZFS stream "t@s"', offset: 312 });

describe.each(ENCODINGS)("decodeNvlist, %s", (encoding) => {
  test.each(EVERY_TYPE)("decodes %s", (name, type, value) => {
    const pair: NvPairSketch = [name, type, value];
    expect(decode(packNvlist([pair], encoding))).toEqual(asMap([pair]));
  });

  test("decodes lists within lists, and what follows them", () => {
    const nested = EVERY_TYPE.map((pair, index): NvPairSketch => [`list ${index}`, 19, [pair, ["behind", 19, EVERY_TYPE]]]);
    expect(decode(packNvlist([...nested, ...EVERY_TYPE], encoding))).toEqual(asMap([...nested, ...EVERY_TYPE]));
  });

  test("decodes 100 levels and refuses more", async () => {
    const deep = (levels: number): Uint8Array => {
      let pairs: NvPairSketch[] = [];
      for (let level = 0; level < levels; level++) pairs = [["l", 19, pairs]];
      return packNvlist(pairs, encoding);
    };
    expect(decode(deep(100)).has("l")).toBe(true);
    expect(await damageIn(() => decode(deep(101)))).toMatch(/^an nvlist is more than 100 levels deep \(at byte \d+\)$/);
  });

  test("refuses a name that comes twice", async () => {
    const twice: NvPairSketch[] = [
      ["toguid", 8, 1n],
      ["toguid", 8, 2n],
    ];
    expect(await damageIn(() => decode(packNvlist(twice, encoding)))).toMatch(/^an nvlist has "toguid" twice/);
  });

  test("refuses every list that is cut off, with the offset in the stream", async () => {
    const bytes = packNvlist(EVERY_TYPE, encoding);
    for (let cut = 0; cut < bytes.length; cut++) {
      const damage = await damageIn(() => decode(bytes.subarray(0, cut)));
      expect(damage).toMatch(/^an nvlist .*\(at byte \d+\)$/);
      expect(Number(/\d+(?=\)$)/.exec(damage)?.[0])).toBeLessThanOrEqual(312 + cut);
    }
  });

  test("ends in a list or in damage, whatever the bytes", async () => {
    const good = packNvlist(EVERY_TYPE, encoding);
    const changed = fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }).map((changes) => {
      const copy = good.slice();
      for (const [at, value] of changes) copy[at] = value;
      return copy;
    });
    const random = fc.uint8Array({ maxLength: 300 }).map((bytes) => Uint8Array.of(...good.subarray(0, 12), ...bytes));
    await fc.assert(
      fc.asyncProperty(fc.oneof(changed, random), async (bytes) => {
        await damageIn(() => decode(bytes));
      }),
      { numRuns: 2000 },
    );
  });
});

describe("decodeNvlist refuses", () => {
  const xdr = packNvlist([["n", 16, [1n]]], "xdr");
  const native = packNvlist([["n", 16, [1n]]], "native big");
  const patched = (bytes: Uint8Array, at: number, ...values: number[]): Uint8Array => {
    const copy = bytes.slice();
    copy.set(values, at);
    return copy;
  };

  test.each<[string, Uint8Array, string]>([
    ["an unknown encoding", patched(xdr, 0, 2), "is in encoding 2, which is neither native nor XDR"],
    ["an unknown byte order", patched(native, 1, 2), "is in byte order 2, which is neither big nor little"],
    ["another version, XDR", patched(xdr, 7, 1), "has version 1"],
    ["another version, native", patched(native, 7, 1), "has version 1"],
    ["an unknown type, XDR", patched(xdr, 31, 99), "has a value of type 99, which is none"],
    ["an unknown type, native", patched(native, 27, 99), "has a value of type 99, which is none"],
    ["more elements than the array has, XDR", patched(xdr, 32, 0x7f), "has an array of 2130706433 elements that says it has 1"],
    ["more elements than the pair has, native", patched(native, 20, 0x7f), "has a pair that is too short for its value"],
    ["a negative count, XDR", patched(xdr, 32, 0xff), "has a value of -16777215 elements"],
    ["a negative count, native", patched(native, 20, 0xff), "has a pair whose sizes contradict each other"],
    ["a name longer than its pair", patched(native, 16, 0x7f), "has a pair whose sizes contradict each other"],
    ["a name without its NUL", patched(native, 29, 1), "has a string without its NUL"],
    ["two values where one is to be, native", patched(native, 20, 0, 0, 0, 2, 0, 0, 0, 8), "has a single value of 2 elements"],
    ["two values where one is to be, XDR", patched(xdr, 28, 0, 0, 0, 8, 0, 0, 0, 2), "has a single value of 2 elements"],
  ])("%s", async (_what, bytes, reason) => {
    expect(await damageIn(() => decode(bytes))).toMatch(new RegExp(`^an nvlist ${reason} \\(at byte \\d+\\)$`));
  });
});
