import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type ByteSource, type ByteStream, collect, concat, readUpTo } from "../../src/stream/bytes.ts";

/** A source that hands out the given chunks, each cut to what was asked for. */
function sourceOf(chunks: readonly Uint8Array[]): ByteSource {
  const left = chunks.filter((chunk) => chunk.length > 0);
  return {
    offset: 0,
    size: undefined,
    async read(maxBytes) {
      const chunk = left.shift();
      if (chunk === undefined) return undefined;
      if (chunk.length > maxBytes) left.unshift(chunk.subarray(maxBytes));
      return chunk.subarray(0, maxBytes);
    },
    skip: () => Promise.reject(new Error("not used")),
  };
}

async function* streamOf(...chunks: Uint8Array[]): ByteStream {
  yield* chunks;
}

const chunkLists = fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: 10 });

describe("readUpTo", () => {
  test("returns the first bytes, however they are chunked", async () => {
    await fc.assert(
      fc.asyncProperty(chunkLists, fc.integer({ min: 1, max: 250 }), async (chunks, count) => {
        const expected = Buffer.concat(chunks).subarray(0, count);
        expect(Buffer.from(await readUpTo(sourceOf(chunks), count)).equals(expected)).toBe(true);
      }),
    );
  });

  test("leaves the bytes after them to the next read", async () => {
    const source = sourceOf([Uint8Array.of(1, 2), Uint8Array.of(3, 4, 5)]);
    await readUpTo(source, 3);
    expect(await source.read(10)).toEqual(Uint8Array.of(4, 5));
  });

  test("returns an empty array at the end", async () => {
    expect(await readUpTo(sourceOf([]), 3)).toEqual(new Uint8Array(0));
  });
});

describe("concat", () => {
  test.each([
    ["nothing", [], []],
    ["one chunk", [[1, 2]], [1, 2]],
    ["several chunks", [[1], [], [2, 3]], [1, 2, 3]],
  ])("joins %s", (_name, chunks, expected) => {
    expect(concat(chunks.map((chunk) => Uint8Array.from(chunk)))).toEqual(Uint8Array.from(expected));
  });
});

describe("collect", () => {
  const tooLong = () => new Error("too long");

  test("returns a stream of exactly the limit", async () => {
    expect(await collect(streamOf(Uint8Array.of(1, 2), Uint8Array.of(3)), 3, tooLong)).toEqual(Uint8Array.of(1, 2, 3));
  });

  test("throws on the first byte above the limit", async () => {
    await expect(collect(streamOf(Uint8Array.of(1, 2), Uint8Array.of(3)), 2, tooLong)).rejects.toThrow("too long");
  });
});
