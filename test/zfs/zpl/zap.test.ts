import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { zapIntegers, type ZapEntry } from "../../../src/zfs/zpl/zap/entry.ts";
import { readZap } from "../../../src/zfs/zpl/zap/read.ts";
import { fatZap, microZap, zapHash, type ZapSketch } from "../../support/zap.ts";

const BYTE_ORDERS = [["little-endian", true] as const, ["big-endian", false] as const];

describe("readZap", () => {
  test.each(BYTE_ORDERS)("reads a micro ZAP, %s", async (_, littleEndian) => {
    const entries = [entry("a", 1n), entry("n".repeat(49), 2n ** 64n - 1n), entry("ü", 0n)];
    expect(await entriesOf([microZap(entries, littleEndian)])).toEqual(seen(entries));
  });

  test.each(BYTE_ORDERS)("reads a fat ZAP whose header holds the pointer table, %s", async (_, littleEndian) => {
    const entries = Array.from({ length: 300 }, (_unused, index) => entry(`${"name".repeat(index % 60)}${index}`, BigInt(index)));
    expect(await entriesOf(fatZap(entries, { littleEndian, blockShift: 12, prefixBits: 5 }))).toEqual(seen(entries));
  });

  test.each(BYTE_ORDERS)("reads a fat ZAP with blocks of pointers, %s", async (_, littleEndian) => {
    const entries = Array.from({ length: 100 }, (_unused, index) => entry(`entry ${index}`, BigInt(index)));
    expect(await entriesOf(fatZap(entries, { littleEndian, prefixBits: 3, tableBlocks: 4 }))).toEqual(seen(entries));
  });

  test.each(BYTE_ORDERS)("reads values of several integers of 1, 2, 4 and 8 bytes, %s", async (_, littleEndian) => {
    const entries = ([1, 2, 4, 8] as const).map((integerBytes) => ({
      name: `${integerBytes}`,
      integerBytes,
      value: [1, 200, 37, 0, 99, 6, 7, 8, 9, 10, 11, 12],
    }));
    expect(await entriesOf(fatZap(entries, { littleEndian }))).toEqual(seen(entries));
  });

  test("reads entries whose names have the same place in the hash table", async () => {
    const slots = new Map<bigint, string[]>();
    for (let index = 0; index < 2000; index += 1) {
      const slot = zapHash(Buffer.from(`${index}`)) >> 57n; // of the 128 slots in a leaf of 4096 bytes
      slots.set(slot, [...(slots.get(slot) ?? []), `${index}`]);
    }
    const entries = (slots.get(5n) ?? []).slice(0, 12).map((name) => entry(name, 7n));
    expect(entries.length).toBe(12);
    expect(await entriesOf(fatZap(entries))).toEqual(seen(entries));
  });

  const damages: [what: string, expected: string, blocks: Uint8Array[]][] = [
    ["no block type", "it is no ZAP", [new Uint8Array(512)]],
    ["blocks of 2 MiB", "its ZAP has blocks of 2097152 bytes", [new Uint8Array(2 * 1024 * 1024)]],
    ["a header without magic", "its ZAP has no magic", changed(0, 8, [0])],
    ["a pointer to the header", "the pointer table of its ZAP has a gap", changed(0, 2048, [0])],
    ["a pointer beyond the object", "no block 9", changed(0, 2048, [9])],
    ["a pointer to no leaf", "block 1 of its ZAP is no leaf", changed(1, 0, [7])],
    ["a leaf without magic", "a leaf of its ZAP has no magic", changed(1, 24, [0])],
    ["a leaf that lost an entry", "a leaf of its ZAP has 1 entries, not 2", changed(1, 48 + 256, [253])],
    ["a name of 2000 bytes", "an entry of its ZAP has a name of 2000 bytes", changed(1, 48 + 256 + 6, [2000 & 255, 2000 >> 8])],
    ["no name", "an entry of its ZAP has a name of 0 bytes", changed(1, 48 + 256 + 6, [0])],
    ["integers of 3 bytes", "an entry of its ZAP has integers of 3 bytes", changed(1, 48 + 256 + 1, [3])],
    ["a value of 65535 integers", "an entry of its ZAP has a value of 524280 bytes", changed(1, 48 + 256 + 10, [255, 255])],
    [
      "a name's chunk beyond the leaf",
      "an entry of its ZAP leads to a chunk that is none of an array",
      changed(1, 48 + 256 + 4, [255, 255]),
    ],
    ["a name's chunk that is free", "an entry of its ZAP leads to a chunk that is none of an array", changed(1, 48 + 256 + 4, [50, 0])],
    ["a name without NUL", "a name in its ZAP does not end in NUL", changed(1, 48 + 256 + 6, [2, 0])],
    ["a table of 2^40 blocks", "no block 2", changed(0, 16, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1])],
  ];
  test.each(damages)("refuses %s: %s", async (_, expected, blocks) => {
    expect(await damageOf(blocks)).toBe(expected);
  });

  test("refuses a leaf whose entries share one long name", async () => {
    const blocks = fatZap(
      Array.from({ length: 40 }, (_, index) => entry(index === 0 ? "n".repeat(1000) : `${index}`, 1n)),
      { blockShift: 14 },
    );
    const leaf = blocks[1] ?? new Uint8Array(0);
    const first = 48 + 1024;
    for (let at = first; at < leaf.length; at += 24) if (leaf[at] === 252) leaf.copyWithin(at + 4, first + 4, first + 8);
    expect(await damageOf(blocks)).toBe("entries of its ZAP share their names");
  });

  test("ends in entries or damage, whatever the blocks hold", async () => {
    const good = [...fatZap([entry("a", 1n), entry("bb", 2n)]), microZap([entry("c", 3n)])];
    const flips = fc.array(fc.record({ at: fc.nat(), value: fc.integer({ min: 0, max: 255 }) }), { maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(fc.boolean(), flips, async (isMicro, changes) => {
        const blocks = (isMicro ? good.slice(2) : good.slice(0, 2)).map((block) => Uint8Array.from(block));
        for (const { at, value } of changes) {
          const block = blocks[at % blocks.length];
          if (block !== undefined) block[Math.floor(at / blocks.length) % block.length] = value;
        }
        expect(typeof (await damageOf(blocks))).toBe("string");
      }),
      { numRuns: 300 },
    );
  });
});

function entry(name: string, value: bigint): ZapSketch {
  return { name, value };
}

/** Blocks of a fat ZAP of two entries, some bytes of one changed. */
function changed(block: number, at: number, bytes: readonly number[]): Uint8Array[] {
  const blocks = fatZap([entry("one", 1n), entry("two", 2n)]);
  blocks[block]?.set(bytes, at);
  return blocks;
}

async function entriesOf(blocks: readonly Uint8Array[]): Promise<Record<string, bigint[]>> {
  const all: ZapEntry[] = [];
  const source = {
    blockBytes: blocks[0]?.length ?? 0,
    block: async (id: number) => await Promise.resolve(blocks[id] ?? refuse(`no block ${id}`)),
    damage: (reason: string) => new Damage(reason),
  };
  for await (const some of readZap(source)) all.push(...some);
  return Object.fromEntries(all.map((each) => [Buffer.from(each.name, "latin1").toString("utf8"), zapIntegers(each)]));
}

async function damageOf(blocks: readonly Uint8Array[]): Promise<string> {
  try {
    await entriesOf(blocks);
    return "none";
  } catch (error) {
    if (error instanceof Damage) return error.message;
    throw error;
  }
}

class Damage extends Error {}

function refuse(reason: string): never {
  throw new Damage(reason);
}

function seen(entries: readonly ZapSketch[]): Record<string, bigint[]> {
  return Object.fromEntries(entries.map(({ name, value }) => [String(name), typeof value === "bigint" ? [value] : value.map(BigInt)]));
}
