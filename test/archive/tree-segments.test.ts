import { describe, expect, test } from "bun:test";
import { findSegments, segmentData } from "../../src/archive/tree-segments.ts";

describe("findSegments", () => {
  test.each([
    [[], 0, []],
    [[], 10, [[10, 0]]],
    [[[0, 10]], 10, [[0, 10]]],
    [[[2, 3]], 10, [[2, 3], [10, 0]]], // prettier-ignore
  ])("%j of %p bytes", (ranges, size, expected) => {
    const segments = findSegments(() => ranges.map(([offset = 0, bytes = 0]) => ({ offset, bytes })), size);
    expect(segments.map(({ offset, length }) => [offset, length])).toEqual(expected);
  });

  test("fills small holes of a file that has too many, and its data comes with zeros there", async () => {
    const count = 70_000;
    const ranges = Array.from({ length: count }, (_, index) => ({ offset: index * 1024 + (index > 100 ? 10_000_000 : 0), bytes: 512 }));
    const last = ranges.at(-1)?.offset ?? 0;
    const segments = findSegments(() => ranges, last + 512);
    expect(segments.map(({ offset }) => offset)).toEqual([0, 101 * 1024 + 10_000_000]);
    const pieces = ranges.map(({ offset, bytes }) => ({ offset, bytes: new Uint8Array(bytes).fill(7) }));
    let total = 0;
    let sevens = 0;
    for await (const chunk of segmentData(streamOfPieces(pieces), segments)) {
      total += chunk.length;
      sevens += chunk.filter((byte) => byte === 7).length;
    }
    expect([total, sevens]).toEqual([segments.reduce((sum, { length }) => sum + length, 0), count * 512]);
  });
});

async function* streamOfPieces<T>(pieces: readonly T[]): AsyncGenerator<T> {
  await Promise.resolve();
  yield* pieces;
}
