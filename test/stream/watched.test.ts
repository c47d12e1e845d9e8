import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { concat, drain, type ByteStream } from "../../src/stream/bytes.ts";
import { watched } from "../../src/stream/watched.ts";
import { streamOf } from "../support/tar.ts";

const BYTES = Buffer.from(Array.from({ length: 1000 }, (_, index) => index % 251));

async function bytesOf(stream: ByteStream): Promise<Buffer> {
  return Buffer.from(concat(await Array.fromAsync(stream)));
}

/** What a stream throws, and how many bytes it gave before. */
async function failureOf(stream: ByteStream): Promise<{ passed: number; failure: unknown }> {
  let passed = 0;
  try {
    for await (const chunk of stream) passed += chunk.length;
    return { passed, failure: undefined };
  } catch (failure) {
    return { passed, failure };
  }
}

/** Bytes that notice when nobody wants more of them. */
async function* noticing(ends: string[], failure?: Error): ByteStream {
  try {
    yield* streamOf(BYTES, [100]);
    if (failure !== undefined) throw failure;
  } finally {
    ends.push("source");
  }
}

describe("watched", () => {
  test("gives the same bytes to both readers, however they come", async () => {
    const property = fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1 }), async (chunkBytes) => {
      let seen: Uint8Array = Buffer.alloc(0);
      const passed = await bytesOf(watched(streamOf(BYTES, chunkBytes), async (bytes) => void (seen = await bytesOf(bytes))));
      expect([passed.equals(BYTES), BYTES.equals(seen)]).toEqual([true, true]);
    });
    await fc.assert(property);
  });

  test.each([
    ["at once", 0, 100],
    ["in the middle", 300, 500],
    ["at the end", 1000, 1000],
  ])("throws what the watcher finds %s", async (_when, after, most) => {
    const wrong = new Error("wrong");
    const watch = async (bytes: ByteStream): Promise<void> => {
      let seen = 0;
      if (after > 0) for await (const chunk of bytes) if ((seen += chunk.length) === after && after < BYTES.length) break;
      throw wrong;
    };
    const { passed, failure } = await failureOf(watched(streamOf(BYTES, [100]), watch));
    expect(failure).toBe(wrong);
    expect(passed).toBeLessThanOrEqual(most);
  });

  test("throws what the source throws, and lets the watcher end", async () => {
    const broken = new Error("broken");
    const ends: string[] = [];
    const watch = async (bytes: ByteStream): Promise<void> => await drain(bytes).finally(() => ends.push("watcher"));
    expect(await failureOf(watched(noticing(ends, broken), watch))).toEqual({ passed: 1000, failure: broken });
    expect(ends).toEqual(["source", "watcher"]);
  });

  test("lets both end when the reader leaves", async () => {
    const ends: string[] = [];
    const watch = async (bytes: ByteStream): Promise<void> => await drain(bytes).finally(() => ends.push("watcher"));
    for await (const chunk of watched(noticing(ends), watch)) if (chunk.length > 0) break;
    expect(ends.toSorted()).toEqual(["source", "watcher"]);
  });

  test("goes on without a watcher that has seen enough", async () => {
    expect(await bytesOf(watched(streamOf(BYTES, [100]), async () => await Promise.resolve()))).toEqual(BYTES);
  });
});
