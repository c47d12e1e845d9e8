import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { deflateSync, zstdCompressSync } from "node:zlib";
import { compressionName, decompressBlock } from "../../../../src/zfs/dmu/decompress/index.ts";
import { damageIn, recordsOf, zfsStream } from "../../../support/zfs-stream.ts";

const GZIP_6 = 10;
const ZLE = 14;
const LZ4 = 15;
const ZSTD = 16;
const LZJB = 3;

/** A block of a stream. */
interface Block {
  place: string;
  compression: number;
  data: Uint8Array;
  logicalBytes: number;
}

async function blocksOf(name: Parameters<typeof zfsStream>[0]): Promise<Block[]> {
  return (await recordsOf(zfsStream(name))).flatMap((record) => {
    if (record.kind !== "write" && record.kind !== "writeEmbedded") return [];
    const { compression, payload = new Uint8Array(0), logicalBytes } = record;
    const data = record.kind === "writeEmbedded" ? payload.subarray(0, record.storedBytes) : payload;
    return [{ place: `object ${record.object} at ${record.dataOffset}`, compression, data, logicalBytes }];
  });
}

const COMPRESSED_STREAMS = ["lz4.full-c.s1", "gzip-9.full-ec.s1", "zstd.full-ec.s1", "lzjb.full-ec.s1", "zle.full-ec.s1"] as const;

describe("decompressBlock of what ZFS compressed", () => {
  test.each(COMPRESSED_STREAMS)("%s gives the blocks of the same files, uncompressed", async (name) => {
    const plain = new Map((await blocksOf("p.full.s1")).map(({ place, data }) => [place, data]));
    const compressed = (await blocksOf(name)).filter(({ compression }) => compression !== 0);
    expect(compressed.length).toBeGreaterThan(2);
    for (const { place, compression, data, logicalBytes } of compressed) {
      const block = decompressBlock(compression, data, logicalBytes);
      expect(block.length).toBe(logicalBytes);
      // the first and last objects hold what differs between data sets: attribute layouts, space used
      if (/^object ([5-9]|[12][0-9]) /.test(place))
        expect([place, Buffer.compare(block, plain.get(place) ?? block.subarray(1))]).toEqual([place, 0]);
    }
  });

  test.each(COMPRESSED_STREAMS)("%s refuses other sizes than the block has", async (name) => {
    for (const { compression, data, logicalBytes } of await blocksOf(name)) {
      // lzjb and zle have no end: padding behind the data is read on
      const wrong =
        compression === LZJB || compression === ZLE ? [logicalBytes * 20] : [0, logicalBytes - 1, logicalBytes + 1, logicalBytes * 2];
      for (const bytes of compression === 0 ? [] : wrong)
        expect(await damageIn(() => decompressBlock(compression, data, bytes))).toMatch(/data is damaged$/);
    }
  });

  test.each(COMPRESSED_STREAMS)("%s with bytes changed gives a block of its size or damage", async (name) => {
    const blocks = (await blocksOf(name)).filter(({ compression }) => compression !== 0);
    const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...blocks), changes, fc.boolean(), async (block, changed, nearStart) => {
        const data = block.data.slice();
        for (const [at, value] of changed) data[at % (nearStart ? Math.min(16, data.length) : data.length)] = value;
        const damage = await damageIn(() =>
          expect(decompressBlock(block.compression, data, block.logicalBytes).length).toBe(block.logicalBytes),
        );
        expect(damage).toMatch(/^(none|its \S+ data is damaged)$/);
      }),
      { numRuns: 200 },
    );
  });
});

test("decompressBlock gives a block of its size or damage, whatever the id and the bytes", async () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 600 }),
    fc.uint8Array({ maxLength: 600 }).map((data) => Uint8Array.of(0, 0, 0, data.length, ...data)),
  );
  await fc.assert(
    fc.asyncProperty(fc.nat(20), bytes, fc.nat(5000), async (compression, data, logicalBytes) => {
      await damageIn(() => expect(decompressBlock(compression, data, logicalBytes).length).toBe(logicalBytes));
    }),
    { numRuns: 3000 },
  );
});

describe("decompressBlock by definition", () => {
  const step = fc.record({
    literals: fc.uint8Array({ maxLength: 40 }),
    long: fc.nat(1),
    offset: fc.nat(),
    length: fc.integer({ min: 4, max: 700 }),
  });

  test("lz4: literals and matches of any length, overlapping too", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), fc.uint8Array({ maxLength: 600 }), (steps, tail) => {
        const out: number[] = [];
        const packed: number[] = [];
        for (const { literals, long, offset, length } of steps) {
          const first = [
            ...literals,
            ...(long === 1 || out.length + literals.length === 0 ? Array.from({ length: 300 }, (_, i) => i % 251) : []),
          ];
          out.push(...first);
          const back = (offset % Math.min(out.length, 65535)) + 1;
          for (let copied = 0; copied < length; copied++) out.push(out[out.length - back] as number);
          packed.push(...lz4Sequence(first, back, length));
        }
        out.push(...tail);
        packed.push(...lz4Lengths(tail.length, 0), ...tail);
        const data = Uint8Array.of(...u32(packed.length), ...packed, 9, 9, 9); // padding
        expect(Buffer.compare(decompressBlock(LZ4, data, out.length), Uint8Array.from(out))).toBe(0);
      }),
      { numRuns: 200 },
    );
  });

  test("lz4: refuses an offset before the block, and none", async () => {
    const block = (offset: number): Uint8Array => Uint8Array.of(0, 0, 0, 6, 0x10, 1, offset, 0, 0x10, 2);
    expect([...decompressBlock(LZ4, block(1), 6)]).toEqual([1, 1, 1, 1, 1, 2]);
    expect(await damageIn(() => decompressBlock(LZ4, block(2), 6))).toBe("its lz4 data is damaged");
    expect(await damageIn(() => decompressBlock(LZ4, block(0), 6))).toBe("its lz4 data is damaged");
  });

  test("lzjb: eight items per map byte, a match cut off by the end of the block", async () => {
    // literals 1 2 3, a match of 4 from 3 before, literal 9, a match of 66 from 1 before
    const data = Uint8Array.of(0b101000, 1, 2, 3, (1 << 2) | 0, 3, 9, (63 << 2) | 0, 1);
    expect([...decompressBlock(LZJB, data, 12)]).toEqual([1, 2, 3, 1, 2, 3, 1, 9, 9, 9, 9, 9]);
    expect([...decompressBlock(1, data, 8)]).toEqual([1, 2, 3, 1, 2, 3, 1, 9]);
    expect(await damageIn(() => decompressBlock(LZJB, data, 75))).toBe("its lzjb data is damaged");
    expect(await damageIn(() => decompressBlock(LZJB, Uint8Array.of(0b10, 1, 0, 2), 9))).toBe("its lzjb data is damaged");
  });

  test("zle: runs of literals and of zeros", async () => {
    const literals = Array.from({ length: 64 }, (_, index) => index + 1);
    const data = Uint8Array.of(63, ...literals, 64, 255, 0, 7);
    expect([...decompressBlock(ZLE, data, 258)]).toEqual([...literals, 0, ...Array.from({ length: 192 }, () => 0), 7]);
    expect(await damageIn(() => decompressBlock(ZLE, Uint8Array.of(255), 191))).toBe("its zle data is damaged");
    expect(await damageIn(() => decompressBlock(ZLE, Uint8Array.of(3, 1, 2), 4))).toBe("its zle data is damaged");
  });

  test.each([
    ["gzip", GZIP_6, (block: Uint8Array) => deflateSync(block)],
    ["zstd", ZSTD, zstdBlock],
  ] as const)("%s: what zlib packs, padding behind it, and no more than the block holds", async (_name, compression, pack) => {
    const block = Uint8Array.from({ length: 5000 }, (_, index) => (index * index) % 13);
    const data = Buffer.concat([pack(block), Buffer.alloc(300)]);
    expect(Buffer.compare(decompressBlock(compression, data, 5000), block)).toBe(0);
    const bomb = pack(new Uint8Array(100_000_000));
    expect(await damageIn(() => decompressBlock(compression, bomb, 131072))).toMatch(/data is damaged$/);
  });

  test("off and empty", async () => {
    expect([...decompressBlock(0, Uint8Array.of(1, 2), 2)]).toEqual([1, 2]);
    expect([...decompressBlock(2, Uint8Array.of(1, 2), 2)]).toEqual([1, 2]);
    expect([...decompressBlock(4, new Uint8Array(0), 3)]).toEqual([0, 0, 0]);
    expect(await damageIn(() => decompressBlock(2, Uint8Array.of(1, 2), 3))).toBe("its off data is damaged");
    expect(await damageIn(() => decompressBlock(17, Uint8Array.of(1, 2), 2))).toBe("17 is no compression");
  });
});

test("compressionName calls compressions as the property does", () => {
  expect([2, 3, 5, 13, 14, 15, 16, 17].map(compressionName)).toEqual(["off", "lzjb", "gzip-1", "gzip-9", "zle", "lz4", "zstd", undefined]);
});

function lz4Sequence(literals: readonly number[], offset: number, length: number): number[] {
  const [token = 0, ...more] = lz4Lengths(literals.length, length - 4);
  return [token, ...more, ...literals, offset & 255, offset >> 8, ...lz4More(length - 4)];
}

/** A token, and what of the length of its literals did not fit it. */
function lz4Lengths(literals: number, match: number): number[] {
  return [(Math.min(literals, 15) << 4) | Math.min(match, 15), ...lz4More(literals)];
}

function lz4More(length: number): number[] {
  if (length < 15) return [];
  return [...Array.from({ length: Math.floor((length - 15) / 255) }, () => 255), (length - 15) % 255];
}

/** A zstd block as ZFS has it: its header instead of the magic number. */
function zstdBlock(block: Uint8Array): Uint8Array {
  const frame = zstdCompressSync(block).subarray(4);
  return Uint8Array.of(...u32(frame.length), 0, 0, 0, 3, ...frame);
}

function u32(value: number): number[] {
  return [value >>> 24, (value >> 16) & 255, (value >> 8) & 255, value & 255];
}
