import { describe, expect, test } from "bun:test";
import * as fs from "node:fs/promises";
import * as os from "node:os";
import * as path from "node:path";
import * as zlib from "node:zlib";
import { collect } from "../../src/stream/bytes.ts";
import { gunzip } from "../../src/stream/gunzip.ts";

const DATA = Buffer.from("the same bytes, however they come ".repeat(200));
const MEMBER = zlib.gzipSync(DATA);

async function unpack(chunks: readonly Uint8Array[]): Promise<Uint8Array> {
  async function* source(): AsyncGenerator<Uint8Array> {
    for (const chunk of chunks) yield await Promise.resolve(chunk);
  }
  return await collect(gunzip(source(), "x.gz"), 1 << 20, () => new Error("too long"));
}

function cut(bytes: Uint8Array, size: number): Uint8Array[] {
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) => bytes.subarray(index * size, (index + 1) * size));
}

describe("gunzip", () => {
  test.each([1, 2, 3, 7, 8, 9, 64, 100_000])("ignores NULs behind the last member, in chunks of %p bytes", async (size) => {
    for (const padding of [0, 1, 7, 8, 9, 63, 511, 5000]) {
      expect(await unpack(cut(Buffer.concat([MEMBER, Buffer.alloc(padding)]), size))).toEqual(DATA);
    }
  });

  test("takes NULs that come in a chunk of their own", async () => {
    expect(await unpack([Buffer.concat([MEMBER, Buffer.alloc(1)]), Buffer.alloc(6), Buffer.alloc(3)])).toEqual(DATA);
  });

  test.each([1, 10, 100_000])("joins all members, in chunks of %p bytes", async (size) => {
    expect(await unpack(cut(Buffer.concat([MEMBER, MEMBER]), size))).toEqual(Buffer.concat([DATA, DATA]));
  });

  test("keeps NULs inside stored data", async () => {
    const zeros = Buffer.alloc(300_000);
    expect(await unpack(cut(zlib.gzipSync(zeros, { level: 0 }), 4096))).toEqual(zeros);
  });

  test.each([
    ["cut off", MEMBER.subarray(0, -1)],
    ["with a wrong CRC", Buffer.concat([MEMBER.subarray(0, -8), Buffer.from([1, 2, 3, 4]), MEMBER.subarray(-4)])],
    ["of something else", Buffer.from("hello, this is no gzip")],
    ["with something else behind it", Buffer.concat([MEMBER, Buffer.from("garbage behind it")])],
  ])("refuses a file %s", async (_what, bytes) => {
    for (const size of [1, 1000, 100_000]) {
      const failure = await unpack(cut(bytes, size)).catch((error: unknown) => error);
      expect((failure as Error).message).toMatch(/^Cannot decompress "x.gz": /);
    }
  });

  test("refuses an empty file", async () => {
    const failure = await unpack([]).catch((error: unknown) => error);
    expect((failure as Error).message).toMatch(/^Cannot decompress "x.gz": /);
  });

  test("ends when its reader does, whatever zlib is at", async () => {
    const directory = await fs.mkdtemp(path.join(os.tmpdir(), "ctar-gunzip-"));
    const zeros = zlib.gzipSync(Buffer.alloc(1024 * 1024));
    await fs.writeFile(path.join(directory, "x.gz"), Buffer.concat([zlib.gzipSync(Buffer.alloc(512)), ...Array(500).fill(zeros)]));
    const hung = new Error("it waits for something that never happens");
    for (let round = 0; round < 80; round++) {
      await using file = await fs.open(path.join(directory, "x.gz"));
      const firstChunk = async (): Promise<void> => {
        for await (const chunk of gunzip(readChunks(file), "x.gz")) if (chunk.length > 0) break;
      };
      const { promise, reject } = Promise.withResolvers<void>();
      const timer = setTimeout(() => reject(hung), 20_000);
      await Promise.race([firstChunk(), promise]);
      clearTimeout(timer);
    }
    await fs.rm(directory, { recursive: true });
  }, 60_000);
});

async function* readChunks(file: fs.FileHandle): AsyncGenerator<Uint8Array> {
  for (;;) {
    const buffer = Buffer.alloc(1024 * 1024);
    const { bytesRead } = await file.read(buffer, 0, buffer.length);
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
  }
}
