import { expect, test } from "bun:test";
import { StreamSource } from "../../src/stream/stream-source.ts";
import { streamOf } from "../support/tar.ts";

test("StreamSource reads and skips across chunks, and knows where it is", async () => {
  const source = new StreamSource(streamOf(Buffer.from("abcdefghij"), [3]));
  expect(Buffer.from((await source.read(2)) ?? "").toString()).toBe("ab");
  expect(Buffer.from((await source.read(9)) ?? "").toString()).toBe("c");
  expect(await source.skip(4)).toBe(4);
  expect(source.offset).toBe(7);
  expect(Buffer.from((await source.read(9)) ?? "").toString()).toBe("hi");
  expect(await source.skip(9)).toBe(1);
  expect(await source.read(1)).toBeUndefined();
  expect(source.offset).toBe(10);
});

test("StreamSource lets the stream clean up when it is left early", async () => {
  let cleaned = false;
  async function* stream(): AsyncGenerator<Uint8Array> {
    try {
      yield await Promise.resolve(Uint8Array.of(1, 2));
    } finally {
      cleaned = true;
    }
  }
  const source = new StreamSource(stream());
  await source.read(1);
  await source.close();
  expect(cleaned).toBe(true);
});
