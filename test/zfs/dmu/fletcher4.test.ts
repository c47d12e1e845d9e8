import { expect, test } from "bun:test";
import fc from "fast-check";
import { Fletcher4 } from "../../../src/zfs/dmu/fletcher4.ts";
import { fletcher4 } from "../../support/dmu.ts";

test("Fletcher4 gives what its definition gives, in both byte orders and however the bytes come", () => {
  const words = fc.uint8Array({ maxLength: 4000, minLength: 0 }).map((bytes) => bytes.subarray(0, bytes.length & ~3));
  const sum = new Fletcher4();
  fc.assert(
    fc.property(words, fc.boolean(), fc.integer({ min: 1, max: 1000 }), (bytes, littleEndian, stepWords) => {
      sum.reset(littleEndian);
      const step = 4 * stepWords;
      for (let at = 0; at < bytes.length; at += step) sum.update(bytes.subarray(at, at + step));
      expect(sum.sums()).toEqual([...fletcher4(bytes, littleEndian)]);
    }),
  );
});

test("Fletcher4 takes more than its memory holds, and sums wrap", () => {
  const bytes = new Uint8Array(600_000).fill(0xff);
  for (const littleEndian of [true, false]) {
    const sum = new Fletcher4();
    sum.reset(littleEndian);
    sum.update(bytes);
    expect(sum.sums()).toEqual([...fletcher4(bytes, littleEndian)]);
  }
});
