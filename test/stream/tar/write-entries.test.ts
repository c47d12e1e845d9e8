import { describe, expect, test } from "bun:test";
import { concat, type ByteStream } from "../../../src/stream/bytes.ts";
import { StreamSource } from "../../../src/stream/stream-source.ts";
import { TarReader, type TarEntry } from "../../../src/stream/tar/read.ts";
import { writeEntries } from "../../../src/stream/tar/write-entries.ts";
import { readTar, sketchTar, streamOf, type EntrySketch, type ReadEntry } from "../../support/tar.ts";

const SKETCHES: readonly EntrySketch[] = [
  { name: "./", typeflag: "5", mode: 0o700 },
  { name: "./file", data: "data", mode: 0o4755, uid: 4_000_000_000, gid: 3, mtimeNs: -1_500_000_001n },
  { name: `./${"long/".repeat(60)}name`, data: Buffer.alloc(600_000, "x") },
  { name: "./link", typeflag: "2", linkname: "t".repeat(300) },
  { name: "./hard", typeflag: "1", linkname: "./file" },
  { name: "./device", typeflag: "3", devmajor: 5, devminor: 70_000 },
  { name: "./attributes", data: "x", xattrs: [[Buffer.from("user.a%=b"), Buffer.of(0, 255, 10)]] },
  { name: "./holes", data: "abcdef", sparse: { size: 9000, segments: [{ offset: 10, length: 4 }, { offset: 8000, length: 2 }] } }, // prettier-ignore
];

/** What there is to be known of entries. */
function factsOf(read: readonly ReadEntry[]): unknown[] {
  return read.map(({ entry, data }) => {
    const { name, mode, uid, gid, size, mtimeNs, typeflag, linkname, devmajor, devminor, pax, sparse } = entry;
    const texts = [name, linkname].map((bytes) => Buffer.from(bytes).toString("latin1"));
    return { texts, mode, uid, gid, size, mtimeNs, typeflag, devmajor, devminor, pax, sparse, data };
  });
}

async function rewritten(entries: { next(): Promise<TarEntry | undefined> }): Promise<Buffer> {
  return Buffer.from(concat(await Array.fromAsync(writeEntries(entries))));
}

describe("writeEntries", () => {
  test("gives what was read, with all that extended headers say", async () => {
    const tar = sketchTar(...SKETCHES);
    const copy = await rewritten(new TarReader(new StreamSource(streamOf(tar, [10_000]))));
    expect(copy.length % 512).toBe(0);
    expect(factsOf((await readTar(copy)).entries)).toEqual(factsOf((await readTar(tar)).entries));
  });

  test.each([
    ["less", "ab"],
    ["more", "abcd"],
  ])("refuses an entry with %s data than it says", async (_what, data) => {
    const tar = new TarReader(new StreamSource(streamOf(sketchTar({ name: "file", data: "abc" }))));
    const entry = (await tar.next()) as TarEntry;
    const body = async function* (): ByteStream {
      yield await Promise.resolve(Buffer.from(data));
    };
    const left = [{ ...entry, body }];
    const next = async (): Promise<TarEntry | undefined> => await Promise.resolve(left.shift());
    await expect(rewritten({ next })).rejects.toThrow('Cannot copy "file": its data has not the 3 bytes that are announced');
  });
});
