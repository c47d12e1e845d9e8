import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import fc from "fast-check";
import { ArchiveWriter } from "../../src/archive/write.ts";
import { example, MemorySink, readerOf } from "../support/archive.ts";
import { readPlainTar, type PlainMember } from "../support/plain-tar.ts";
import { streamOf } from "../support/tar.ts";

type Kind = "file" | "pipe";

const MTIME = 1729850400;
const NAME = "rootfs/base.dat";

/** Writes the members of an archive again: what lies in rootfs/ as streams, members of one name as one of them. */
async function rewrite(golden: Buffer, kind: Kind, pieceBytes: number): Promise<Buffer> {
  const sink = new MemorySink(kind);
  const mtime = Number.parseInt(golden.toString("latin1", 136, 147), 8);
  const writer = new ArchiveWriter(sink, { mtime, chunkBytes: pieceBytes, memberLimitBytes: pieceBytes });
  const members = readPlainTar(golden);
  for (const [index, { name, typeflag, mode, content }] of members.entries()) {
    if (typeflag === "5") await writer.directory(name);
    else if (!name.startsWith("rootfs/")) await writer.file(name, content, mode);
    else if (members[index - 1]?.name !== name)
      await writer.stream(name, streamOf(join(members.filter((other) => other.name === name)), [1000]));
  }
  await writer.end();
  return sink.bytes();
}

/** Writes one stream. */
async function writeStream(kind: Kind, data: Uint8Array, pieceBytes: number, chunkBytes?: readonly number[]) {
  const sink = new MemorySink(kind);
  const writer = new ArchiveWriter(sink, { mtime: MTIME, chunkBytes: pieceBytes, memberLimitBytes: pieceBytes });
  const pieces = await writer.stream(NAME, streamOf(data, chunkBytes));
  await writer.end();
  return { pieces, archive: sink.bytes(), members: readPlainTar(sink.bytes()) };
}

function join(members: readonly PlainMember[]): Buffer {
  return Buffer.concat(members.map(({ content }) => content));
}

describe("ArchiveWriter writes what upstream writes, byte for byte", () => {
  test.each([
    ["01-full-zfs-consistent", "file"],
    ["01-full-zfs-consistent", "pipe"],
    ["02-split-members", "file"],
    ["02-split-members", "pipe"],
  ] as const)("%s to a %s", async (name, kind) => {
    const golden = example(`golden/${name}.tar`);
    expect((await rewrite(golden, kind, 65536)).equals(golden)).toBe(true);
  });

  test("an image of a repository, whose end blocks are missing", async () => {
    const golden = example("golden/04-repository-image-tar-noeof.tar");
    expect((await rewrite(golden, "file", 65536)).equals(Buffer.concat([golden, Buffer.alloc(1024)]))).toBe(true);
  });
});

describe("ArchiveWriter.stream", () => {
  test.each(["file", "pipe"] as const)("cuts any stream to a %s into full pieces and a rest", async (kind) => {
    const sizes = fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 3000 }),
        fc.integer({ min: 1, max: 1500 }),
        sizes,
        async (data, pieceBytes, chunkBytes) => {
          const { pieces, members } = await writeStream(kind, data, pieceBytes, chunkBytes);
          expect(join(members).equals(data)).toBe(true);
          expect(pieces).toBe(members.length);
          expect(members.length).toBe(Math.max(1, Math.ceil(data.length / pieceBytes)));
          expect(members.slice(0, -1).every(({ content }) => content.length === pieceBytes)).toBe(true);
          expect(members.every(({ name, mode }) => name === NAME && mode === 0o100644)).toBe(true);
        },
      ),
      { numRuns: 50 },
    );
  });

  test.each(["file", "pipe"] as const)("writes an empty stream to a %s as one empty member", async (kind) => {
    const { pieces, members } = await writeStream(kind, new Uint8Array(0), 1000);
    expect(pieces).toBe(1);
    expect(members.map(({ name, content }) => [name, content.length])).toEqual([[NAME, 0]]);
  });

  test("holds no more than a piece before it goes to a pipe", async () => {
    const sink = new MemorySink("pipe");
    const writer = new ArchiveWriter(sink, { mtime: MTIME, chunkBytes: 1024 });
    const written: number[] = [];
    await writer.stream(NAME, watched());
    expect(written).toEqual([0, 0, 1536, 1536, 3072, 3072]);

    async function* watched(): AsyncGenerator<Uint8Array> {
      for (let count = 0; count < 5; count++) {
        written.push(sink.offset);
        yield new Uint8Array(512);
      }
      written.push(sink.offset);
      await Promise.resolve();
    }
  });

  test("leaves an end that says so when the source fails", async () => {
    const sink = new MemorySink("pipe");
    const writer = new ArchiveWriter(sink, { mtime: MTIME, chunkBytes: 1024 });
    await expect(writer.stream(NAME, broken())).rejects.toThrow("send failed");
    expect(readPlainTar(sink.bytes()).length).toBe(1);

    async function* broken(): AsyncGenerator<Uint8Array> {
      yield new Uint8Array(1500);
      await Promise.reject(new Error("send failed"));
    }
  });
});

describe("pieces are joined", () => {
  const data = Buffer.from(Uint8Array.from({ length: 40_000 }, (_, index) => (index * 31 + (index >> 7)) % 256));
  let directory = "";
  beforeAll(() => {
    directory = fs.mkdtempSync(path.join(os.tmpdir(), "ctar-write-"));
  });
  afterAll(() => fs.rmSync(directory, { recursive: true }));

  test.each(["file", "pipe"] as const)("by GNU tar, from a %s", async (kind) => {
    const { archive, pieces } = await writeStream(kind, data, 7000, [999]);
    expect(pieces).toBe(6);
    const file = path.join(directory, `${kind}.tar`);
    fs.writeFileSync(file, archive);
    const { status, stdout, stderr } = spawnSync("tar", ["-xOf", file, NAME]);
    expect([status, stderr.toString()]).toEqual([0, ""]);
    expect(stdout.equals(data)).toBe(true);
  });

  test.each(["file", "pipe"] as const)("by ArchiveReader, from a %s", async (kind) => {
    const { archive } = await writeStream(kind, data, 7000, [999]);
    const members: { name: string; pieces: number; storedBytes: number; bytes: Buffer }[] = [];
    for await (const member of readerOf(archive, [333]).inArchiveOrder()) {
      const chunks: Uint8Array[] = [];
      for await (const chunk of member.bytes()) chunks.push(chunk);
      const { name, pieces, storedBytes } = member;
      members.push({ name, pieces, storedBytes, bytes: Buffer.concat(chunks) });
    }
    expect(members).toEqual([{ name: NAME, pieces: 6, storedBytes: 40_000, bytes: data }]);
  });
});
