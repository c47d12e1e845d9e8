import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { readAll } from "../../src/stream/bytes.ts";
import { ReplaySource } from "../../src/stream/replay-source.ts";
import { StreamSource } from "../../src/stream/stream-source.ts";
import { streamOf } from "../support/tar.ts";

const BYTES = Buffer.from(Array.from({ length: 1000 }, (_, index) => index % 251));

function replayed(chunkBytes: readonly number[]): ReplaySource {
  return new ReplaySource(new StreamSource(streamOf(BYTES, chunkBytes)));
}

/** Reads or steps over bytes, as a reader does. @returns what was read */
async function go(source: ReplaySource, steps: readonly number[]): Promise<Uint8Array[]> {
  const read: Uint8Array[] = [];
  for (const step of steps) {
    if (step < 0) await source.skip(-step);
    else read.push((await source.read(step)) ?? new Uint8Array(0));
  }
  return read;
}

describe("ReplaySource", () => {
  test("gives everything after rewinding, however much was read and stepped over before", async () => {
    const step = fc.integer({ min: -300, max: 300 }).filter((count) => count !== 0);
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 8 }),
        fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1 }),
        async (steps, sizes) => {
          const source = replayed(sizes);
          await go(source, steps);
          source.rewind();
          expect(source.offset).toBe(0);
          expect(Buffer.concat(await Array.fromAsync(readAll(source))).equals(BYTES)).toBe(true);
          expect(source.offset).toBe(BYTES.length);
        },
      ),
    );
  });

  test("steps over what it has kept and what it has not", async () => {
    const source = replayed([64]);
    await go(source, [100, 100]);
    source.rewind();
    expect([await source.skip(150), source.offset]).toEqual([150, 150]);
    expect(await source.read(1)).toEqual(Uint8Array.from(BYTES.subarray(150, 151)));
    expect([await source.skip(5000), source.offset]).toEqual([BYTES.length - 151, BYTES.length]);
    expect(await source.read(1)).toBeUndefined();
  });

  test("goes on without a way back", async () => {
    const source = replayed([64]);
    await go(source, [100]);
    source.goOn();
    const { offset } = source;
    expect(Buffer.concat(await Array.fromAsync(readAll(source))).equals(BYTES.subarray(offset))).toBe(true);
  });

  test("keeps no more than 128 MiB", async () => {
    const source = new ReplaySource({ size: undefined, offset: 0, read: async (count) => await Promise.resolve(new Uint8Array(count)), skip: async (count) => await Promise.resolve(count) }); // prettier-ignore
    const reading = source.skip(1024 ** 3);
    expect(await reading.catch((error: unknown) => String(error))).toContain("its first 134217728 bytes do not tell what it is");
  });

  test("keeps its own copy of what others may change", async () => {
    const source = replayed([10]);
    const [chunk] = await go(source, [10]);
    chunk?.fill(0);
    source.rewind();
    expect(await source.read(10)).toEqual(Uint8Array.from(BYTES.subarray(0, 10)));
  });
});
