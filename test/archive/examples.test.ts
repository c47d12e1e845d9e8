import { describe, expect, test } from "bun:test";
import * as fs from "node:fs";
import * as path from "node:path";
import { inspectArchive } from "../../src/archive/inspect.ts";
import { decodeMetadata, encodeMetadata } from "../../src/archive/metadata.ts";
import { ArchiveReader } from "../../src/archive/read.ts";
import { ArchiveWriter } from "../../src/archive/write.ts";
import type { ByteSink } from "../../src/stream/bytes.ts";
import { StreamSource } from "../../src/stream/stream-source.ts";

const EXAMPLES = path.resolve(import.meta.dirname, "../fixtures/examples");
const GOLDEN = path.join(EXAMPLES, "golden");
const HEAD = ["metadata.yml", "config/user.yml", "config/group.yml", "config/container.yml", "snapshots.yml"];

/** A pipe that remembers. */
function pipe(): ByteSink & { bytes: () => Uint8Array } {
  const chunks: Uint8Array[] = [];
  return {
    offset: 0,
    patchable: false,
    write: async (written) => {
      chunks.push(...written.map((chunk) => chunk.slice()));
      return await Promise.resolve();
    },
    patch: async () => await Promise.reject(new TypeError("a pipe")),
    bytes: () => Buffer.concat(chunks),
  };
}

async function* chunked(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield await Promise.resolve(bytes.subarray(at, at + size));
}

async function inspect(archive: Uint8Array, chunkBytes: number): ReturnType<typeof inspectArchive> {
  return await inspectArchive(new ArchiveReader(new StreamSource(chunked(archive, chunkBytes))));
}

/** Text members of an example directory, packed as an archive. */
async function pack(directory: string): Promise<Uint8Array> {
  const sink = pipe();
  const writer = new ArchiveWriter(sink, { mtime: 1_729_850_401, chunkBytes: 1024 });
  for (const name of HEAD) {
    const file = path.join(directory, name);
    if (fs.existsSync(file)) await writer.file(name, fs.readFileSync(file));
  }
  await writer.end();
  return sink.bytes();
}

describe("inspectArchive reads every example", () => {
  test.each([
    ["01-full-zfs-consistent", { type: "full", format: "zfs", container: "web01", datasets: ["srv", "srv/data"] }],
    ["02-full-zfs-minimal-stopped", { type: "full", format: "zfs", datasets: [] }],
    ["03-skel-for-send", { type: "skel", format: "zfs" }],
    ["04-repository-image-tar", { type: "full", format: "tar", user: null, group: null, container: null }],
    ["05-repository-image-zfs", { type: "full", format: "zfs", user: null, container: null }],
    ["06-openvz-converter-tar", { type: "full", format: "tar", user: "default", group: "default" }],
    ["07-legacy-2018-shapes", { type: "full", format: "zfs", datasets: [] }],
    ["08-newer-upstream-2025plus", { type: "full", format: "zfs" }],
  ])("%s", async (name, expected) => {
    const { metadata } = await inspect(await pack(path.join(EXAMPLES, name)), 700);
    expect(metadata).toMatchObject(expected);
    const text = fs.readFileSync(path.join(EXAMPLES, name, "metadata.yml"));
    if (name !== "07-legacy-2018-shapes") expect(encodeMetadata(decodeMetadata(text))).toBe(text.toString());
  });
});

describe("golden archives of RubyGems' TarWriter", () => {
  test.each([
    ["01-full-zfs-consistent.tar", 6, true],
    ["02-split-members.tar", 1, true],
    ["04-repository-image-tar-noeof.tar", 1, false],
  ])("%s is read", async (name, streams, ended) => {
    const inspection = await inspect(fs.readFileSync(path.join(GOLDEN, name)), 1000);
    expect(inspection.streams).toHaveLength(streams);
    expect(inspection.ended).toBe(ended);
  });

  test("the pieces of a split stream are one member", async () => {
    const { streams } = await inspect(fs.readFileSync(path.join(GOLDEN, "02-split-members.tar")), 333);
    expect(streams).toMatchObject([{ member: "rootfs/base.dat.gz", pieces: 3, storedBytes: 65_536 + 65_536 + 19_468 }]);
  });

  test("ArchiveWriter writes the same bytes from the same members", async () => {
    const golden = fs.readFileSync(path.join(GOLDEN, "02-split-members.tar"));
    const sink = pipe();
    const writer = new ArchiveWriter(sink, { mtime: 1_729_850_401, chunkBytes: 65_536 });
    const reader = new ArchiveReader(new StreamSource(chunked(golden, 4096)));
    const written: string[] = [];
    const directories: Record<string, string[]> = { "config/user.yml": ["config"], "rootfs/base.dat.gz": ["rootfs", "rootfs/"] };
    for await (const member of reader.members()) {
      for (const directory of directories[member.name] ?? []) await writer.directory(directory);
      if (member.kind.is === "stream") await writer.stream(member.name, member.bytes());
      else await writer.file(member.name, await member.text());
      written.push(member.name);
    }
    await writer.end();
    expect(written).toContain("snapshots.yml");
    expect(Buffer.compare(sink.bytes(), golden)).toBe(0);
  });
});
