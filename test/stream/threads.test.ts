import { expect, test } from "bun:test";
import { digestOf, observed } from "../../src/stream/digest.ts";
import { drain } from "../../src/stream/bytes.ts";
import { openDigest } from "../../src/stream/threads/digest.ts";
import { streamOf } from "../support/tar.ts";

const MIB = 1024 * 1024;

test.each([0, 1, 5000, MIB - 1, MIB, MIB + 1, 12 * MIB + 7])(
  "a digest on another thread is that of the %p bytes that were given",
  async (size) => {
    const data = Buffer.alloc(size, "some bytes that come again and again, but not in step with anything ");
    for (const place of ["thread", "here"] as const) {
      using digest = openDigest(place);
      await drain(observed(streamOf(data, [70_001, 3, 2 * MIB]), digest));
      expect(await digest.finish()).toEqual(digestOf(data));
    }
    using count = openDigest("nowhere");
    await drain(observed(streamOf(data), count));
    expect(await count.finish()).toEqual({ bytes: size });
  },
);

test("a digest on another thread can be left", async () => {
  const data = new Uint8Array(20 * MIB);
  for (let round = 0; round < 5; round++) {
    using digest = openDigest("thread");
    await drain(observed(streamOf(data, [MIB]), digest));
  }
});
