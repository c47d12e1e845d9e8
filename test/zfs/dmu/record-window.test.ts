import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { RecordWindow } from "../../../src/zfs/dmu/record-window.ts";
import { pipeOf, VirtualFile } from "../../support/virtual-file.ts";

const BYTES = Uint8Array.from({ length: 700_000 }, (_, index) => (index * 31) % 251);

/** The next bytes, as whoever reads records takes them. */
async function takeFrom(window: RecordWindow, count: number): Promise<Uint8Array> {
  return window.holds(count) ? window.take(count) : window.take(await window.fill(count));
}

describe("RecordWindow", () => {
  test("gives what stands where it is gone to, whatever was read before", async () => {
    const visit = fc.record({ at: fc.nat(BYTES.length + 10), count: fc.oneof(fc.nat(2000), fc.nat(200_000)), near: fc.nat(20_000) });
    await fc.assert(
      fc.asyncProperty(fc.array(visit, { maxLength: 20 }), async (visits) => {
        const window = new RecordWindow(VirtualFile.of(BYTES));
        for (const { at, count, near } of visits) {
          for (const offset of [at, at + near]) {
            window.goTo(offset);
            expect(window.offset).toBe(offset);
            const bytes = await takeFrom(window, count);
            expect(Buffer.compare(bytes, BYTES.subarray(offset, offset + count))).toBe(0);
          }
        }
      }),
      { numRuns: 50 },
    );
  });

  test("gives what follows takes and skips, from a pipe too", async () => {
    const step = fc.record({ take: fc.nat(100_000), skip: fc.oneof(fc.nat(5000), fc.nat(100_000)) });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 20 }), fc.boolean(), async (steps, isPipe) => {
        const file = VirtualFile.of(BYTES);
        const window = new RecordWindow(isPipe ? pipeOf(file) : file);
        let offset = 0;
        for (const { take, skip } of steps) {
          const bytes = await takeFrom(window, take);
          expect(Buffer.compare(bytes, BYTES.subarray(offset, offset + take))).toBe(0);
          offset += bytes.length;
          await window.skip(skip);
          offset = Math.min(BYTES.length, offset + skip);
          expect(window.offset).toBe(offset);
        }
      }),
      { numRuns: 50 },
    );
  });

  test("reads ahead for what follows, and not behind a long way", async () => {
    const file = VirtualFile.of(BYTES);
    const window = new RecordWindow(file);
    for (let offset = 0; offset < 100_000; offset += 1000) {
      window.goTo(offset);
      await takeFrom(window, 500);
    }
    expect(file.reads).toBeLessThan(10);
    const before = file.bytesRead;
    window.goTo(600_000);
    await takeFrom(window, 500);
    expect(file.bytesRead - before).toBeLessThan(10_000);
  });

  test("goes back on no pipe", () => {
    const window = new RecordWindow(pipeOf(VirtualFile.of(BYTES)));
    expect(() => window.goTo(5)).toThrow(TypeError);
  });
});
