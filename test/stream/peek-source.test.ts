import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { PeekSource } from "../../src/stream/peek-source.ts";
import { StreamSource } from "../../src/stream/stream-source.ts";
import { streamOf } from "../support/tar.ts";
import { VirtualFile } from "../support/virtual-file.ts";

const BYTES = Buffer.from(Array.from({ length: 300 }, (_, index) => index % 251));

describe("PeekSource", () => {
  test("gives the same bytes at the same offsets, whatever was looked at before", async () => {
    const steps = fc.array(fc.tuple(fc.constantFrom("read", "skip", "peek"), fc.integer({ min: 1, max: 90 })), { maxLength: 30 });
    const property = fc.asyncProperty(steps, fc.integer({ min: 1, max: 100 }), async (taken, chunkBytes) => {
      const source = new PeekSource(new StreamSource(streamOf(BYTES, [chunkBytes])));
      for (const [step, count] of taken) {
        const at = source.offset;
        if (step === "skip") expect(await source.skip(count)).toBe(Math.min(count, BYTES.length - at));
        else if (step === "peek") expect(Buffer.from(await source.peek(count))).toEqual(BYTES.subarray(at, at + count));
        else {
          const chunk = Buffer.from((await source.read(count)) ?? []);
          expect(chunk).toEqual(BYTES.subarray(at, at + chunk.length));
          expect(chunk.length > 0).toBe(at < BYTES.length);
        }
        if (step === "peek") expect(source.offset).toBe(at);
      }
    });
    await fc.assert(property);
  });

  test("knows a file from a pipe", () => {
    const file = VirtualFile.of(BYTES);
    expect([new PeekSource(file).file, new PeekSource(file).size]).toEqual([file, 300]);
    expect(new PeekSource(new StreamSource(streamOf(BYTES))).file).toBeUndefined();
  });
});
