import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  blocksOf,
  defaultIdRange,
  encodeIdRange,
  findFreeBlocks,
  isFree,
  parseIdRange,
  withAllocation,
  withoutAllocation,
  type IdRange,
} from "../../src/config/id-range.ts";
import { example } from "../support/archive.ts";
import { bytesOf, messageOf } from "../support/pool-files.ts";

const FILE = example("pool-on-disk/conf/id-range/default.yml").toString();

function range(): IdRange {
  return parseIdRange(bytesOf(FILE), "default.yml");
}

describe("parseIdRange and encodeIdRange", () => {
  test("give osctld's file back, further keys included", () => {
    expect(encodeIdRange(range())).toBe(FILE);
    const more = FILE.replace("attrs: {}", "attrs:\n  a:b: c\nmore: 1");
    expect(encodeIdRange(parseIdRange(bytesOf(more), "default.yml"))).toBe(more);
  });

  test("read the names that old versions of osctld have for an allocation's keys, and keep them", () => {
    const old = FILE.replaceAll("block_index", "index").replaceAll("  block_count", "  count");
    const read = parseIdRange(bytesOf(old), "default.yml");
    expect(read.allocations).toMatchObject(
      range().allocations.map(({ blockIndex, blockCount, owner }) => ({ blockIndex, blockCount, owner })),
    );
    expect(encodeIdRange(read)).toBe(old);
  });

  test("write a new allocation in its place, with the keys of all versions of osctld", () => {
    const made = withAllocation(range(), { blockIndex: 7, blockCount: 2, owner: "user:new" });
    const added = "- block_index: 7\n  block_count: 2\n  owner: user:new\n  index: 7\n  count: 2\n";
    expect(encodeIdRange(made)).toBe(FILE.replace("attrs:", `${added}attrs:`));
    const first = withAllocation(withoutAllocation(range(), { blockIndex: 0, owner: "user:db01" }), {
      blockIndex: 0,
      blockCount: 1,
      owner: "x",
    });
    expect(parseIdRange(bytesOf(encodeIdRange(first)), "default.yml").allocations.map(({ owner }) => owner)).toEqual(["x", "user:web01"]);
  });

  test("write the range that osctld makes on every pool", () => {
    expect(encodeIdRange(defaultIdRange())).toBe(
      "---\nstart_id: 1000000\nblock_size: 65536\nblock_count: 65520\nallocations: []\nattrs: {}\n",
    );
  });

  test.each([
    ["start_id: 1000000", "start_id: 0"],
    ["block_size: 65536", "block_size: many"],
    ["  block_count: 1", "  block_count: 0"],
    ["  owner: user:web01", "  owner:"],
  ])("refuse %s as %s", (from, to) => {
    expect(messageOf(() => parseIdRange(bytesOf(FILE.replace(from, to)), "default.yml"))).toContain('Cannot read "default.yml": ');
  });
});

describe("blocks of a range", () => {
  test.each([
    [[{ first: 1_000_000, count: 65_536 }], [{ blockIndex: 0, blockCount: 1 }]],
    [[{ first: 1_000_001, count: 65_536 }], [{ blockIndex: 0, blockCount: 2 }]],
    [[{ first: 0, count: 1_000_000 }], []],
    [[{ first: 0, count: 1_000_001 }], [{ blockIndex: 0, blockCount: 1 }]],
    [
      [
        { first: 1_196_608, count: 10 },
        { first: 1_000_000, count: 10 },
        { first: 1_131_072, count: 10 },
      ],
      [
        { blockIndex: 0, blockCount: 1 },
        { blockIndex: 2, blockCount: 2 },
      ],
    ],
  ])("blocksOf %j", (spans, blocks) => {
    expect(blocksOf(defaultIdRange(), spans)).toEqual(blocks);
  });

  test("findFreeBlocks passes over what is held in the table and what may not be used", () => {
    expect(findFreeBlocks(range(), 1, () => true)).toBe(2);
    expect(findFreeBlocks(range(), 1, (first) => first > 1_200_000)).toBe(4);
    expect(findFreeBlocks({ ...range(), blockCount: 3 }, 2, () => true)).toBe(undefined);
  });

  test("findFreeBlocks keeps within the ids that there are", () => {
    const large = { ...defaultIdRange(), startId: 2 ** 32 - 1 - 3 * 65_536, blockCount: 100 };
    expect(findFreeBlocks(large, 3, () => true)).toBe(0);
    expect(findFreeBlocks(large, 4, () => true)).toBe(undefined);
  });

  test("findFreeBlocks finds what a search of every place finds", () => {
    const held = fc.array(fc.record({ blockIndex: fc.nat(20), blockCount: fc.integer({ min: 1, max: 4 }), owner: fc.constant("x") }));
    fc.assert(
      fc.property(held, fc.integer({ min: 1, max: 5 }), fc.nat(20), (allocations, blockCount, from) => {
        const some = { ...defaultIdRange(), startId: 100, blockSize: 10, blockCount: 20, allocations };
        const isTaken = (block: number): boolean => block < from || allocations.some((one) => block >= one.blockIndex && block < one.blockIndex + one.blockCount); // prettier-ignore
        const places = [...Array(20 - blockCount + 1).keys()];
        const expected = places.find((place) => !Array.from({ length: blockCount }, (_, next) => place + next).some(isTaken));
        expect(findFreeBlocks(some, blockCount, (first, count) => first >= 100 + from * 10 && count === blockCount * 10)).toBe(expected);
      }),
    );
  });

  test("an allocation that is added is not free, and taken away it is again", () => {
    fc.assert(
      fc.property(fc.nat(100), fc.integer({ min: 1, max: 5 }), (blockIndex, blockCount) => {
        const before = defaultIdRange();
        const after = withAllocation(before, { blockIndex, blockCount, owner: "user:x" });
        expect(isFree(after, [{ blockIndex: blockIndex + blockCount - 1, blockCount: 1 }])).toBe(false);
        expect(isFree(after, [{ blockIndex: blockIndex + blockCount, blockCount: 1 }])).toBe(true);
        expect(withoutAllocation(after, { blockIndex, owner: "user:y" })).toEqual(after);
        expect(withoutAllocation(after, { blockIndex, owner: "user:x" })).toEqual(before);
      }),
    );
  });
});
