import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import * as zlib from "node:zlib";
import { collect } from "../../src/stream/bytes.ts";
import { gunzip } from "../../src/stream/gunzip.ts";
import { GZIP_LEVELS, gzip } from "../../src/stream/gzip.ts";
import { BLOCK_BYTES, HEADER_BYTES, memberLength } from "../../src/stream/gzip-member.ts";
import { compressesHere } from "../../src/sys/gzip-block.ts";
import { streamOf } from "../support/tar.ts";

let scratch = "";
beforeAll(() => {
  scratch = fs.mkdtempSync(path.join(os.tmpdir(), "ctar-gzip-"));
});
afterAll(() => fs.rmSync(scratch, { recursive: true }));

const LIMIT = 64 * 1024 * 1024;

/** Neither noise nor zeros, the same each time, and some of both. */
function sample(bytes: number): Buffer {
  let state = 7;
  const data = Buffer.alloc(bytes);
  for (let at = 0; at < bytes; at++) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    data[at] = at % 300_000 < 50_000 ? 0 : at % 300_000 < 100_000 ? state >>> 24 : (state >>> 16) % 7;
  }
  return data;
}

async function all(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  return Buffer.from(await collect(stream, LIMIT, () => new Error("too long")));
}

async function pack(data: Uint8Array, options: { level?: number; threads?: number; chunkBytes?: number[] } = {}): Promise<Buffer> {
  const { level = 6, threads = 1, chunkBytes = [] } = options;
  return await all(gzip(streamOf(data, chunkBytes), { level, threads }));
}

/** What gzip(1) makes of bytes; from a file, as Deno hangs feeding a pipe. */
function runGzip(option: string, input: Uint8Array): Buffer {
  const file = path.join(scratch, "input.gz");
  fs.writeFileSync(file, input);
  const { status, stdout } = spawnSync("gzip", [option, file], { maxBuffer: LIMIT });
  expect(status).toBe(0);
  return stdout;
}

const SIZES = [0, 1, 1000, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1, 5 * BLOCK_BYTES + 333];

describe("gzip", () => {
  test.each(SIZES)("of %p bytes gives the same with any number of threads, however the bytes come, for any gunzip", async (size) => {
    const data = sample(size);
    const serial = await pack(data);
    expect((await pack(data, { threads: 2 })).equals(serial)).toBe(true);
    expect((await pack(data, { threads: 3, chunkBytes: [700_001] })).equals(serial)).toBe(true);
    expect(zlib.gunzipSync(serial).equals(data)).toBe(true);
    expect(runGzip("-dc", serial).equals(data)).toBe(true);
    expect((await all(gunzip(streamOf(serial, [100_003]), "x.gz"))).equals(data)).toBe(true);
  });

  test("tells the length of every member", async () => {
    const archive = await pack(sample(3 * BLOCK_BYTES + 5));
    let at = 0;
    const sizes: number[] = [];
    while (at < archive.length) {
      const length = memberLength(archive.subarray(at, at + HEADER_BYTES)) ?? Number.NaN;
      sizes.push(zlib.gunzipSync(archive.subarray(at, at + length)).length);
      at += length;
    }
    expect(sizes).toEqual([BLOCK_BYTES, BLOCK_BYTES, BLOCK_BYTES, 5]);
  });

  test(`takes every level, and is no larger than gzip at it${compressesHere ? "" : " (of zlib the runtime has another one)"}`, async () => {
    const data = sample(2 * BLOCK_BYTES);
    for (let level: number = GZIP_LEVELS.min; level <= GZIP_LEVELS.max; level++) {
      const packed = await pack(data, { level });
      expect(zlib.gunzipSync(packed).equals(data)).toBe(true);
      if (level > 9 || !compressesHere) continue;
      expect(packed.length).toBeLessThan(runGzip(`-${level}c`, data).length * 1.01);
    }
  });

  test.each([1, 2])("fails as its source does, with %p threads", async (threads) => {
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield sample(3 * BLOCK_BYTES);
      await Promise.reject(new Error("send failed"));
    }
    await expect(all(gzip(broken(), { level: 1, threads }))).rejects.toThrow("send failed");
  });

  test.each([1, 2])("ends when its reader does, with %p threads", async (threads) => {
    let ended = false;
    async function* endless(): AsyncGenerator<Uint8Array> {
      try {
        for (;;) yield await Promise.resolve(new Uint8Array(BLOCK_BYTES));
      } finally {
        ended = true;
      }
    }
    for await (const chunk of gzip(endless(), { level: 1, threads })) if (chunk.length > 0) break;
    expect(ended).toBe(true);
  });
});

describe("gunzip of members that tell their length", () => {
  const data = sample(3 * BLOCK_BYTES + 77);

  async function members(): Promise<Buffer[]> {
    const archive = await pack(data);
    const parts: Buffer[] = [];
    for (let at = 0; at < archive.length; at += parts.at(-1)?.length ?? 0) {
      parts.push(Buffer.from(archive.subarray(at, at + (memberLength(archive.subarray(at)) ?? 0))));
    }
    return parts;
  }

  async function unpack(bytes: Uint8Array): Promise<Buffer | string> {
    return await all(gunzip(streamOf(bytes, [65_536]), "x.gz")).catch((error: unknown) => (error as Error).message);
  }

  test("goes on with members of others, and back, and ignores NULs behind", async () => {
    const [first = Buffer.alloc(0), ...others] = await members();
    const foreign = zlib.gzipSync("in between");
    const mixed = await unpack(Buffer.concat([first, foreign, ...others, Buffer.alloc(1000)]));
    const inBetween = Buffer.concat([data.subarray(0, BLOCK_BYTES), Buffer.from("in between"), data.subarray(BLOCK_BYTES)]);
    expect(inBetween.equals(mixed as Buffer)).toBe(true);
    expect(data.equals((await unpack(Buffer.concat([first, ...others, Buffer.alloc(1000)]))) as Buffer)).toBe(true);
  });

  test.each<[string, (member: Buffer) => void]>([
    ["a flipped bit", (member) => member.writeUInt8(member.readUInt8(40) ^ 4, 40)],
    ["a wrong CRC", (member) => member.writeUInt32LE(0, member.length - 8)],
    ["a wrong size", (member) => member.writeUInt32LE(78, member.length - 4)],
    ["a size beyond any block", (member) => member.writeUInt32LE(2 ** 31, member.length - 4)],
  ])("refuses one with %s", async (_what, damage) => {
    for (const at of [0, 1, 3]) {
      const parts = await members();
      damage(parts[at] as Buffer);
      expect(await unpack(Buffer.concat(parts))).toMatch(/^Cannot decompress "x.gz": /);
    }
  });

  test("believes no length: what gzip(1) reads is what is read", async () => {
    const [first = Buffer.alloc(0), ...others] = await members();
    for (const length of [0, 30, first.length - 1, first.length + 1, first.length + 40, 2 ** 32 - 1]) {
      first.writeUInt32LE(length, 16);
      expect(data.equals((await unpack(Buffer.concat([first, ...others]))) as Buffer)).toBe(true);
    }
  });

  test.each([1, 19, 20, 21, 1000])("refuses an archive that lacks its last %p bytes", async (missing) => {
    const archive = Buffer.concat(await members());
    expect(await unpack(archive.subarray(0, archive.length - missing))).toBe('Cannot decompress "x.gz": it is cut off');
  });

  test("does not inflate what claims to be small", async () => {
    const bomb = zlib.gzipSync(Buffer.alloc(LIMIT * 2), { level: 9 });
    const [first = Buffer.alloc(0)] = await members();
    const lying = Buffer.concat([first.subarray(0, HEADER_BYTES), bomb.subarray(10, -4), Buffer.from([1, 0, 0, 0])]);
    lying.writeUInt32LE(lying.length, 16);
    let bytes = 0;
    const reading = (async () => {
      for await (const chunk of gunzip(streamOf(lying), "x.gz")) bytes = Math.max(bytes, chunk.length);
    })();
    await expect(reading).rejects.toThrow(/^Cannot decompress "x.gz": /);
    expect(bytes).toBeLessThan(2 * BLOCK_BYTES);
  });
});
