import { expect, test } from "bun:test";
import fc from "fast-check";
import { readUpTo } from "../../src/stream/bytes.ts";
import { ForwardSource } from "../../src/stream/forward-source.ts";
import { streamOf } from "../support/tar.ts";

const MIB = 1024 * 1024;

test("ForwardSource reads what stands at each place that it is asked for", async () => {
  const bytes = Buffer.from(Array.from({ length: 5000 }, (_, index) => (index * 31) % 251));
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(5100), fc.nat(600)), { maxLength: 20 }),
      fc.integer({ min: 1, max: 700 }),
      async (places, chunk) => {
        const source = new ForwardSource(() => streamOf(bytes, [chunk]), bytes.length);
        for (const [at, count] of places) {
          source.seek(at);
          expect(Buffer.from(await readUpTo(source, count))).toEqual(bytes.subarray(at, at + count));
        }
        await source.close();
      },
    ),
  );
});

test("ForwardSource begins anew only where it is asked to go back far", async () => {
  let opened = 0;
  const bytes = new Uint8Array(8 * MIB);
  const source = new ForwardSource(() => (opened++, streamOf(bytes, [100_000])), bytes.length);
  for (const at of [5 * MIB, 4 * MIB, 6 * MIB, 0, MIB]) {
    source.seek(at);
    await source.read(10);
  }
  expect(opened).toBe(2);
});
