import { describe, expect, test } from "bun:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { compressionOf, decompressed, MAGIC_BYTES } from "../../src/stream/compression.ts";
import { ToolError } from "../../src/errors.ts";
import { sketchTar, streamOf } from "../support/tar.ts";

const CONTENT = Buffer.from("hello, world\n".repeat(1000));

describe("compressionOf", () => {
  test.each([
    ["gzip", gzipSync(CONTENT)],
    ["zstd", zstdCompressSync(CONTENT)],
    ["zstd", Buffer.from("532a4d1804000000abcdef01", "hex")],
    ["none", sketchTar({ name: "BZhello", data: "x" })],
    ["none", Buffer.from("BZh")],
    ["none", Buffer.of(0x1f)],
    ["none", Buffer.alloc(0)],
  ] as const)("tells %s from the first bytes", (expected, bytes) => {
    expect(compressionOf(bytes.subarray(0, MAGIC_BYTES), '"a.tar"')).toBe(expected);
  });

  test.each([
    ["xz", Buffer.from("fd377a585a000004", "hex")],
    ["bzip2", Buffer.from("BZh91AY&SY")],
  ])("refuses %s, with what to do", (name, bytes) => {
    const refusal = thrownBy(() => compressionOf(bytes.subarray(0, MAGIC_BYTES), '"a.tar"'));
    expect([refusal.code, refusal.message, refusal.hints]).toEqual([
      "damaged",
      `Cannot read "a.tar": it is compressed with ${name}`,
      [`Decompress it with ${name} first`],
    ]);
  });
});

test.each([
  ["none", CONTENT],
  ["gzip", Buffer.concat([gzipSync(CONTENT.subarray(0, 100)), gzipSync(CONTENT.subarray(100))])],
  ["zstd", Buffer.concat([zstdCompressSync(CONTENT.subarray(0, 100)), zstdCompressSync(CONTENT.subarray(100))])],
] as const)("decompressed gives all members of %s", async (compression, stored) => {
  const chunks = await Array.fromAsync(decompressed(streamOf(stored, [50]), compression, "a"));
  expect(Buffer.concat(chunks).equals(CONTENT)).toBe(true);
});

function thrownBy(work: () => unknown): ToolError {
  try {
    work();
  } catch (error) {
    if (error instanceof ToolError) return error;
  }
  throw new Error("nothing was refused");
}
