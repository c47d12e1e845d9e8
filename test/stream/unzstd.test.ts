import { describe, expect, test } from "bun:test";
import * as zlib from "node:zlib";
import { collect } from "../../src/stream/bytes.ts";
import { unzstd } from "../../src/stream/unzstd.ts";
import { streamOf } from "../support/tar.ts";

const DATA = Buffer.from(Array.from({ length: 2000 }, (_, index) => `line ${index * 7919}\n`).join(""));
const FRAME = zlib.zstdCompressSync(DATA);
const CHECKED = zlib.zstdCompressSync(DATA, { params: { [zlib.constants.ZSTD_c_checksumFlag]: 1 } });
const SKIPPABLE = Buffer.concat([Buffer.of(0x5e, 0x2a, 0x4d, 0x18, 5, 0, 0, 0), Buffer.from("index")]);

async function unpack(bytes: Uint8Array, chunkBytes = bytes.length): Promise<string> {
  try {
    const content = await collect(unzstd(streamOf(bytes, [chunkBytes]), "x.zst"), 1 << 24, () => new RangeError("too long"));
    return Buffer.from(content).toString();
  } catch (error) {
    return (error as Error).message;
  }
}

describe("unzstd", () => {
  test.each([1, 3, 1000, 1_000_000])("joins all frames and leaves out what is to be skipped, in chunks of %p bytes", async (chunkBytes) => {
    const file = Buffer.concat([SKIPPABLE, FRAME, SKIPPABLE, SKIPPABLE, CHECKED, zlib.zstdCompressSync(Buffer.alloc(0)), FRAME, SKIPPABLE]);
    expect(await unpack(file, chunkBytes)).toBe(DATA.toString().repeat(3));
  });

  test.each([
    ["zeros, which are run lengths", Buffer.alloc(3_000_000)],
    ["random bytes, which are stored", Buffer.from(Array.from({ length: 300_000 }, (_, index) => (index * index * 31) % 251))],
    ["nothing", Buffer.alloc(0)],
    ["one byte", Buffer.of(7)],
  ])("decompresses %s", async (_, data) => {
    for (const level of [-5, 1, 19]) {
      const frame = zlib.zstdCompressSync(data, { params: { [zlib.constants.ZSTD_c_compressionLevel]: level } });
      expect((await unpack(frame, 5000)) === data.toString()).toBe(true);
    }
  });

  test("finds out wherever a file is cut off", async () => {
    const file = Buffer.concat([zlib.zstdCompressSync(Buffer.from("one")), SKIPPABLE, zlib.zstdCompressSync(Buffer.from("two"))]);
    const whole = new Set([
      file.length,
      file.length - zlib.zstdCompressSync(Buffer.from("two")).length,
      zlib.zstdCompressSync(Buffer.from("one")).length,
    ]);
    for (let length = 0; length < file.length; length++) {
      if (whole.has(length)) continue;
      expect(`${length}: ${await unpack(file.subarray(0, length))}`).toBe(`${length}: Cannot decompress "x.zst": it is cut off`);
    }
  });

  test.each([
    ["anything behind the last frame", Buffer.concat([FRAME, Buffer.from("more")]), "it is no zstd data"],
    ["NULs behind the last frame", Buffer.concat([FRAME, Buffer.alloc(512)]), "it is no zstd data"],
    ["what is no zstd", Buffer.from("hello world"), "it is no zstd data"],
    ["a block of a type that there is not", Buffer.of(0x28, 0xb5, 0x2f, 0xfd, 0x20, 1, 7, 0, 0), "it has a block of no known type"],
  ])("refuses %s", async (_, file, reason) => {
    expect(await unpack(file)).toBe(`Cannot decompress "x.zst": ${reason}`);
  });

  test("refuses a window of 256 MiB, which is memory that it would take", async () => {
    const windowLog = 28;
    const file = Buffer.of(0x28, 0xb5, 0x2f, 0xfd, 0, (windowLog - 10) << 3, 1, 0, 0);
    expect(await unpack(file)).toContain('Cannot decompress "x.zst": ');
    file[5] = (27 - 10) << 3;
    expect(await unpack(file)).toBe("");
  });

  test("refuses a wrong checksum", async () => {
    const file = Buffer.from(CHECKED);
    file[file.length - 1] = (file.at(-1) ?? 0) ^ 1;
    expect(await unpack(file)).toContain('Cannot decompress "x.zst": ');
  });

  test("passes an error of its source on", async () => {
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield await Promise.resolve(FRAME.subarray(0, 50));
      throw new Error("the disk is gone");
    }
    let message = "";
    try {
      await collect(unzstd(failing(), "x.zst"), 1 << 24, () => new RangeError("too long"));
    } catch (error) {
      message = (error as Error).message;
    }
    expect(message).toBe("the disk is gone");
  });
});
