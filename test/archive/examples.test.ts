import { describe, expect, test } from "bun:test";
import * as fs from "node:fs";
import { inspectArchive } from "../../src/archive/inspect-archive.ts";
import { decodeMetadata, encodeMetadata } from "../../src/archive/metadata.ts";
import { ArchiveReader } from "../../src/archive/read.ts";
import { ArchiveWriter } from "../../src/archive/write.ts";
import type { ByteSource } from "../../src/stream/bytes.ts";
import { StreamSource } from "../../src/stream/stream-source.ts";
import { example, MemorySink, readerOf } from "../support/archive.ts";
import { EXAMPLES, exampleEntries, packExample, packUpstream, VARIANTS, type ExampleEntry, type ExampleName, type Variant } from "../support/example-archives.ts"; // prettier-ignore
import { readPlainTar } from "../support/plain-tar.ts";
import { streamOf } from "../support/tar.ts";
import { VirtualFile } from "../support/virtual-file.ts";

type Content = readonly [name: string, mode: number, text: string];
const ALL = EXAMPLES.flatMap((name) => VARIANTS.map((variant): [ExampleName, Variant] => [name, variant]));

/** Everything that an import takes of an archive, in the order it comes. */
async function contents(reader: ArchiveReader): Promise<Content[]> {
  const found: Content[] = [];
  for await (const member of reader.members()) {
    const chunks: Uint8Array[] = [];
    for await (const chunk of member.bytes()) chunks.push(chunk);
    found.push([member.name, member.mode, Buffer.concat(chunks).toString("latin1")]);
  }
  return found;
}

function fileOf(archive: Uint8Array): ArchiveReader {
  return new ArchiveReader(VirtualFile.of(archive));
}

/** An archive as a file, and as a pipe. */
function sourcesOf(archive: Uint8Array, chunkBytes: number): ByteSource[] {
  return [VirtualFile.of(archive), new StreamSource(streamOf(archive, [chunkBytes]))];
}

/** What the example holds, in upstream's order. */
function expected(name: ExampleName): Content[] {
  const members = exampleEntries(name).filter(({ data }) => data !== undefined);
  return members.map(({ name: member, mode, data }) => [member, mode, Buffer.from(data ?? []).toString("latin1")]);
}

const streamsOf = (members: readonly Content[]): Content[] => members.filter(([name]) => name.startsWith("rootfs/"));
const byName = (members: readonly Content[]): Content[] => members.toSorted(([a], [b]) => (a < b ? -1 : 1));

describe("ArchiveReader yields the same of every example however it was written:", () => {
  test.each(ALL)("%s, %s, from a file", async (name, variant) => {
    const found = await contents(fileOf(await packExample(name, variant)));
    expect(byName(found)).toEqual(byName(expected(name)));
    expect(streamsOf(found)).toEqual(streamsOf(expected(name)));
    const data = found.findIndex(([member]) => member.startsWith("rootfs/"));
    expect(found.slice(data === -1 ? found.length : data)).toEqual(streamsOf(found));
  });

  test.each(ALL.filter(([, variant]) => variant !== "shuffled"))("%s, %s, from a pipe", async (name, variant) => {
    for (const chunkBytes of [100, 1000, 100_000]) {
      expect(await contents(readerOf(await packExample(name, variant), [chunkBytes]))).toEqual(expected(name));
    }
  });

  test.each(EXAMPLES.filter((name) => name !== "03-skel-for-send"))("%s, shuffled, cannot be taken from a pipe", async (name) => {
    const outcome = await contents(readerOf(await packExample(name, "shuffled"))).catch((error: unknown) => error);
    expect(outcome).toMatchObject({ code: "damaged" });
    expect(String(outcome)).toContain("Cannot read archive in one pass: ");
  });
});

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
  ] as const)("%s", async (name, metadata) => {
    for (const variant of VARIANTS) {
      for (const source of sourcesOf(await packExample(name, variant), 100)) {
        const inspection = await inspectArchive(source, "head");
        expect(inspection.metadata).toMatchObject(metadata);
        expect(inspection.ended).toBe(variant !== "no-end-blocks");
        expect(inspection.streams.map(({ member }) => member).toSorted()).toEqual(streamsOf(expected(name)).map(([member]) => member).toSorted()); // prettier-ignore
      }
    }
  });

  test.each(EXAMPLES)("%s: the metadata survives encoding", (name) => {
    const text = example(`${name}/metadata.yml`);
    if (name !== "07-legacy-2018-shapes") expect(encodeMetadata(decodeMetadata(text))).toBe(text.toString());
  });
});

describe("golden archives of RubyGems' TarWriter", () => {
  const golden = (name: string): Buffer => fs.readFileSync(new URL(`../fixtures/examples/golden/${name}`, import.meta.url));

  test.each(["01-full-zfs-consistent.tar", "02-split-members.tar", "04-repository-image-tar-noeof.tar"])(
    "%s is what our test writer makes of its members",
    (name) => {
      const archive = golden(name);
      const entries = readPlainTar(archive).map(({ name: member, mode, typeflag, content }): ExampleEntry => ({ name: member, mode, data: typeflag === "5" ? undefined : content })); // prettier-ignore
      const written = packUpstream(entries);
      expect(archive.subarray(0, written.length).equals(written)).toBe(true);
      expect(archive.subarray(written.length)).toEqual(Buffer.alloc(name.includes("noeof") ? 0 : 1024));
    },
  );

  test.each([
    ["01-full-zfs-consistent.tar", 6, true],
    ["02-split-members.tar", 1, true],
    ["04-repository-image-tar-noeof.tar", 1, false],
  ])("%s is read", async (name, streams, ended) => {
    const inspection = await inspectArchive(new StreamSource(streamOf(golden(name), [1000])), "all");
    expect(inspection.streams).toHaveLength(streams);
    expect(inspection.ended).toBe(ended);
  });

  test("the pieces of a split stream are one member", async () => {
    for (const source of sourcesOf(golden("02-split-members.tar"), 333)) {
      const { streams } = await inspectArchive(source, "head");
      expect(streams).toMatchObject([{ member: "rootfs/base.dat.gz", pieces: 3, storedBytes: 65_536 + 65_536 + 19_468 }]);
    }
  });

  test("ArchiveWriter writes the same bytes from the same members", async () => {
    const sink = new MemorySink("pipe");
    const writer = new ArchiveWriter(sink, { mtime: 1_729_850_401, chunkBytes: 65_536 });
    const directories: Record<string, string[]> = { "config/user.yml": ["config"], "rootfs/base.dat.gz": ["rootfs", "rootfs/"] };
    const written: string[] = [];
    for await (const member of readerOf(golden("02-split-members.tar"), [4096]).members()) {
      for (const directory of directories[member.name] ?? []) await writer.directory(directory);
      if (member.kind.is === "stream") await writer.stream(member.name, member.bytes());
      else await writer.file(member.name, await member.text());
      written.push(member.name);
    }
    await writer.end();
    expect(written).toContain("snapshots.yml");
    expect(sink.bytes().equals(golden("02-split-members.tar"))).toBe(true);
  });
});
