import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { PeekSource } from "../../../src/stream/peek-source.ts";
import { StreamSource } from "../../../src/stream/stream-source.ts";
import { endsBehind, guessSizes } from "../../../src/stream/tar/cut-size.ts";
import { upstreamHeader } from "../../support/example-archives.ts";
import { sketchEntry, streamOf } from "../../support/tar.ts";

const GiB = 1024 ** 3;
const HEADER = sketchEntry({ name: "next" });

function headerOf(size: number): Buffer {
  return upstreamHeader({ name: "rootfs/base.dat", mode: 0o100644, size });
}

describe("guessSizes", () => {
  test("has the size among its guesses, and where its padding ends, from 8 GiB to 32 TiB", () => {
    fc.assert(
      fc.property(fc.integer({ min: 33, max: 44 }), fc.double({ min: 1, max: 2, maxExcluded: true, noNaN: true }), (power, factor) => {
        const size = Math.floor(2 ** power * factor);
        const guess = guessSizes(headerOf(size)).find(({ least, most }) => least <= size && size <= most);
        expect(guess?.end).toBe(Math.ceil(size / 512) * 512);
      }),
    );
  });

  test("gives them in ascending order, each ending elsewhere", () => {
    for (const size of [8 * GiB, 64 * GiB, 64 * GiB + 100, 600 * GiB + 8]) {
      const ends = guessSizes(headerOf(size)).map(({ end }) => end);
      expect(ends).toEqual([...new Set(ends)].toSorted((a, b) => a - b));
    }
  });

  test.each([
    ["a size that fits", headerOf(8 * GiB - 1)],
    ["GNU's base 256", Buffer.from(headerOf(0)).fill(0x80, 124, 125).fill(0x7f, 125, 136)],
    ["twelve digits that begin with 0", Buffer.from(headerOf(0)).fill(0x30, 124, 136)],
    ["digits with a space behind", Buffer.from(headerOf(8 * GiB)).fill(0x20, 135, 136)],
  ])("has none for %s", (_, header) => {
    expect(guessSizes(header)).toEqual([]);
  });
});

describe("endsBehind", () => {
  test.each([
    ["a header", HEADER, true],
    ["the end of the input", Buffer.alloc(0), true],
    ["part of a header", HEADER.subarray(0, 511), false],
    ["end blocks", Buffer.alloc(1024), true],
    ["one zero block", Buffer.alloc(512), true],
    ["end blocks padded to a record", Buffer.alloc(10_240), true],
    ["zeros without end", Buffer.alloc(2 * 1024 * 1024), false],
    ["zeros, then data", Buffer.concat([Buffer.alloc(5000), Buffer.from("data")]), false],
    ["data", Buffer.alloc(2048, "data"), false],
  ])("finds behind the last bytes: %s", async (_, next, expected) => {
    const source = new PeekSource(new StreamSource(streamOf(Buffer.concat([Buffer.from("last"), next]), [1000])));
    expect(await endsBehind(source, 4)).toBe(expected);
    expect(Buffer.from((await source.read(4)) ?? []).toString()).toBe("last");
  });

  test("does not find the end where the last bytes are cut off", async () => {
    expect(await endsBehind(new PeekSource(new StreamSource(streamOf(Buffer.from("las")))), 4)).toBe(false);
  });
});
