import { describe, expect, test } from "bun:test";
import { gzipSync } from "node:zlib";
import { exportArchive } from "../../src/archive/export.ts";
import { inspectArchive, type ArchiveInspection } from "../../src/archive/inspect-archive.ts";
import type { SeenStream } from "../../src/archive/inspect-stream.ts";
import { inspectInput, type Inspection } from "../../src/archive/inspect.ts";
import type { StreamFacts } from "../../src/archive/manifest.ts";
import type { ContainerSource } from "../../src/archive/source.ts";
import { ArchiveWriter } from "../../src/archive/write.ts";
import { ToolError } from "../../src/errors.ts";
import { encodeEntry } from "../../src/stream/tar/write.ts";
import { StreamPortrait, type StreamDescription } from "../../src/zfs/dmu/describe.ts";
import { example, MemorySink, sketchHead, sketchSource } from "../support/archive.ts";
import { begin, END, records } from "../support/dmu.ts";
import { sketchEntry, sketchTar, type EntrySketch } from "../support/tar.ts";
import { exported, FORMS, STREAMS } from "../support/verify.ts";
import { pipeOf, VirtualFile } from "../support/virtual-file.ts";
import { recordsOf, zfsStream, type ZFS_STREAMS } from "../support/zfs-stream.ts";

const GIB = 1024 ** 3;

const EXAMPLES = [
  "01-full-zfs-consistent",
  "02-full-zfs-minimal-stopped",
  "03-skel-for-send",
  "04-repository-image-tar",
  "05-repository-image-zfs",
  "06-openvz-converter-tar",
  "07-legacy-2018-shapes",
  "08-newer-upstream-2025plus",
];
const WITH_SNAPSHOTS = new Map([
  ["01-full-zfs-consistent", ["osctl-incr-1729850512", "osctl-base-1729850402"]],
  ["02-full-zfs-minimal-stopped", ["osctl-base-1729850601"]],
  ["05-repository-image-zfs", ["osctl-base-1729700001"]],
  ["08-newer-upstream-2025plus", ["osctl-base-1767225601"]],
]);

/** An archive of an example's texts. */
function archiveOf(name: string): Buffer {
  const texts = ["metadata.yml", "config/container.yml", ...(WITH_SNAPSHOTS.has(name) ? ["snapshots.yml"] : [])];
  return sketchTar(...texts.map((text) => ({ name: text, data: example(`${name}/${text}`) })));
}

/** Looks at an archive file, without reading its streams. */
async function inspected(archive: Uint8Array): Promise<ArchiveInspection> {
  return await inspectArchive(VirtualFile.of(archive), "head");
}

async function refusal(archive: Uint8Array): Promise<string> {
  try {
    await inspected(archive);
  } catch (error) {
    if (error instanceof ToolError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return "accepted";
}

describe("inspectArchive", () => {
  test("reads golden 01", async () => {
    const seen = await inspected(example("golden/01-full-zfs-consistent.tar"));
    expect(seen.metadata.container).toBe("web01");
    expect(seen.metadata.datasets).toEqual(["srv", "srv/data"]);
    expect(seen.hooks).toEqual(["pre-start", "post-stop.d/10-notify"]);
    expect(seen.snapshots).toEqual(["osctl-incr-1729850512", "osctl-base-1729850402"]);
    expect(seen.streams.map(({ dataset, kind, storedBytes, pieces }) => [dataset, kind, storedBytes, pieces])).toEqual([
      ["", "base", 53, 1],
      ["srv", "base", 57, 1],
      ["srv/data", "base", 64, 1],
      ["", "incremental", 62, 1],
      ["srv", "incremental", 69, 1],
      ["srv/data", "incremental", 76, 1],
    ]);
    expect(seen.members.slice(0, 3)).toEqual([
      { name: "metadata.yml", bytes: 132 },
      { name: "config/user.yml", bytes: 86 },
      { name: "config/group.yml", bytes: 242 },
    ]);
    expect([seen.ended, seen.manifest]).toEqual([true, undefined]);
  });

  test("joins the pieces of golden 02", async () => {
    const { streams } = await inspected(example("golden/02-split-members.tar"));
    expect(streams).toMatchObject([
      { dataset: "", kind: "base", member: "rootfs/base.dat.gz", pieces: 3, storedBytes: 2 * 65536 + 19468, rawBytes: undefined },
    ]);
  });

  test("counts the pieces of a stream together wherever they stand", async () => {
    const texts = ["metadata.yml", "config/container.yml"].map((text) => ({
      name: text,
      data: example(`02-full-zfs-minimal-stopped/${text}`),
    }));
    const piece = (bytes: number): EntrySketch => ({ name: "rootfs/base.dat", data: Buffer.alloc(bytes) });
    const { streams, members } = await inspected(sketchTar(piece(100), ...texts, piece(20), piece(3)));
    expect(streams).toMatchObject([{ member: "rootfs/base.dat", pieces: 3, storedBytes: 123 }]);
    expect(members.map(({ name, bytes }) => [name, bytes]).filter(([name]) => name === "rootfs/base.dat")).toEqual([
      ["rootfs/base.dat", 100],
      ["rootfs/base.dat", 23],
    ]);
  });

  test("reads golden 04, which has no end blocks", async () => {
    const { metadata, streams, snapshots, ended } = await inspected(example("golden/04-repository-image-tar-noeof.tar"));
    expect([metadata.format, metadata.container, snapshots, ended]).toEqual(["tar", null, undefined, false]);
    expect(streams.map(({ member, storedBytes }) => [member, storedBytes])).toEqual([["rootfs/base.tar.gz", 42]]);
  });

  test.each(EXAMPLES)("reads example %s", async (name) => {
    const { snapshots, members, ended } = await inspected(archiveOf(name));
    expect(snapshots).toEqual(WITH_SNAPSHOTS.get(name));
    expect(members[1]).toEqual({ name: "config/container.yml", bytes: example(`${name}/config/container.yml`).length });
    expect(ended).toBe(true);
  });

  test("takes raw sizes from the manifest", async () => {
    const sink = new MemorySink("file");
    const source = sketchSource(sketchHead(), [{ dataset: "", kind: "base", gzip: true, bytes: Buffer.alloc(5000) }], ["osctl-base-1"]);
    await exportArchive(source, new ArchiveWriter(sink, { mtime: 0, chunkBytes: 512 }), { tool: "ctar test" });
    const { streams, manifest } = await inspected(sink.bytes());
    expect(streams[0]?.rawBytes).toBe(5000);
    expect(manifest?.tool).toBe("ctar test");
  });

  test("reads the first of several members of one name, as upstream does", async () => {
    const name = "02-full-zfs-minimal-stopped";
    const second = { name: "metadata.yml", data: "--- []\n" };
    const texts = ["metadata.yml", "config/container.yml"].map((text) => ({ name: text, data: example(`${name}/${text}`) }));
    expect((await inspected(sketchTar(...texts, second))).metadata.container).toBe("mail01");
  });

  test.each([
    ["an empty tar", sketchTar(), 'damaged: Cannot inspect the archive: it has no "metadata.yml", so it is no container archive'],
    [
      "another tar",
      sketchTar({ name: "etc/passwd", data: "root" }),
      'damaged: Cannot inspect the archive: it has no "metadata.yml", so it is no container archive',
    ],
    [
      "one without a container",
      sketchTar({ name: "metadata.yml", data: "type: full\n" }),
      'damaged: Cannot inspect the archive: it has no "config/container.yml", so it is no container archive',
    ],
    [
      "a text member of 4 MiB and a byte",
      sketchTar({ name: "metadata.yml", data: Buffer.alloc(4 * 1024 * 1024 + 1) }),
      'damaged: Cannot read "metadata.yml": it is larger than 4194304 bytes (at byte 0)',
    ],
  ])("refuses %s", async (_what, archive, message) => {
    expect(await refusal(archive)).toBe(message);
  });
});

/** What all records of a stream say. */
async function portraitOf(name: (typeof ZFS_STREAMS)[number]): Promise<StreamDescription> {
  const portrait = new StreamPortrait(name);
  for (const record of await recordsOf(zfsStream(name))) portrait.take(record);
  return portrait.describe();
}

function withoutCounts(description: StreamDescription): SeenStream {
  const { records: _records, bytes: _bytes, dataBytes: _dataBytes, logicalBytes: _logicalBytes, ...head } = description;
  return head;
}

const NAMES = ["p.full.s1", "zstd.full-ec.s1", "p.incr-I.s1-s3"] as const;

describe.each(FORMS)("inspectArchive of an export (%s)", (form) => {
  test("tells from the heads of streams what they are", async () => {
    const { streams } = await inspected(await exported(form));
    const [base, srv, incremental] = streams.map(({ description }) => description);
    expect(base).toEqual(withoutCounts(await portraitOf("p.full.s1")));
    expect(srv).toEqual(withoutCounts(await portraitOf("zstd.full-ec.s1")));
    expect([base?.snapshots[0]?.dataset, base?.snapshots[0]?.snapshot, srv?.features.includes("zstd")]).toEqual(["tank/p", "s1", true]);
    expect(incremental?.compound).toBe(true);
    expect(incremental?.snapshots.map(({ snapshot }) => snapshot)).toEqual(["s2"]);
    expect(streams.map(({ rawBytes, damage }) => [rawBytes, damage])).toEqual(STREAMS.map(({ bytes }) => [bytes.length, undefined]));
  });

  test("counts everything if it is to, and on a pipe", async () => {
    const file = VirtualFile.of(await exported(form));
    for (const { streams } of [
      await inspectArchive(file, "all"),
      await inspectInput(pipeOf(VirtualFile.of(await exported(form))), "-", { records: false }),
    ]) {
      // prettier-ignore
      expect(streams.map(({ description }) => description)).toEqual(await Promise.all(NAMES.map(portraitOf)));
      const counts = await Promise.all(STREAMS.map(async ({ bytes }) => (await recordsOf(bytes)).length));
      expect(streams.map(({ recordCount, rawBytes }) => [recordCount, rawBytes])).toEqual(STREAMS.map(({ bytes }, index) => [counts[index], bytes.length])); // prettier-ignore
    }
  });
});

describe("inspectArchive of streams", () => {
  const entryHeader = (name: string, size: number): Uint8Array =>
    encodeEntry({ name: Buffer.from(name), mode: 0o644, uid: 0, gid: 0, mtimeNs: 0n, typeflag: "0", size });
  const texts = ["metadata.yml", "config/container.yml"].map((text) => ({
    name: text,
    data: example(`02-full-zfs-minimal-stopped/${text}`),
  }));

  test("reads next to nothing of a file, however large its streams", async () => {
    const front = Buffer.concat([...texts.map((text) => sketchEntry(text)), entryHeader("rootfs/base.dat", 8 * GIB - 512)]);
    const bytes = Buffer.concat([front, zfsStream("p.full.s1").subarray(0, 312)]);
    const file = new VirtualFile(front.length + 8 * GIB - 512 + 1024, [{ at: 0, bytes }]);
    const { streams } = await inspectArchive(file, "head");
    expect(streams).toMatchObject([{ storedBytes: 8 * GIB - 512, description: { snapshots: [{ dataset: "tank/p", snapshot: "s1" }] } }]);
    expect(file.bytesRead).toBeLessThan(2_000_000);
  });

  test("gives up on a gzipped stream that does not begin", async () => {
    const front = Buffer.concat([...texts.map((text) => sketchEntry(text)), entryHeader("rootfs/base.dat.gz", 8 * GIB - 512)]);
    const file = new VirtualFile(front.length + 8 * GIB - 512 + 1024, [{ at: 0, bytes: front }]);
    const { streams } = await inspectArchive(file, "head");
    expect(streams[0]?.damage?.problem).toBe("it has no BEGIN record in its first 68157440 bytes");
    expect(file.bytesRead).toBeLessThan(80_000_000);
  });

  test("takes the number of records from the manifest", async () => {
    const facts: StreamFacts = { records: 4711, snapshot: "s1", toGuid: "5" };
    const source = sketchSource(sketchHead(), [{ dataset: "", kind: "base", bytes: zfsStream("p.full.s1") }], ["s1"]);
    const knowing: ContainerSource = {
      ...source,
      async *streams() {
        for await (const stream of source.streams()) yield { ...stream, facts: () => facts };
      },
    };
    const sink = new MemorySink("file");
    await exportArchive(knowing, new ArchiveWriter(sink, { mtime: 0, chunkBytes: 512 }), { tool: "ctar test" });
    const { streams } = await inspected(sink.bytes());
    expect(streams).toMatchObject([{ recordCount: 4711 }]);
    expect(streams[0]?.description).not.toHaveProperty("records");
  });

  test("says what is wrong with which stream, and what the others are", async () => {
    const archive = await exported("file");
    archive[100_000] = (archive[100_000] as number) ^ 0x10;
    expect((await inspected(archive)).streams.map(({ damage }) => damage)).toEqual([undefined, undefined, undefined]);
    const [base, ...others] = (await inspectArchive(VirtualFile.of(archive), "all")).streams;
    expect(base?.damage?.problem).toBe("a record is not what its checksum says, or data in front of it is not");
    expect(base?.damage?.streamOffset).toBeGreaterThan(0);
    expect(base).toMatchObject({ description: withoutCounts(await portraitOf("p.full.s1")) });
    expect(base?.description).not.toHaveProperty("records");
    expect(others.map(({ damage, recordCount }) => [damage, typeof recordCount])).toEqual([[undefined, "number"], [undefined, "number"]]); // prettier-ignore
  });

  test.each([
    ["no stream", Buffer.alloc(4096), "it does not begin with a BEGIN record"],
    ["a cut BEGIN", zfsStream("p.full.s1").subarray(0, 200), "it is cut off inside a record"],
    ["a BEGIN that makes no sense", records([begin({ toGuid: 5n, fromGuid: 5n }), END]), "BEGIN record: drr_type is 0, expected 2 (file system) or 3 (volume)"], // prettier-ignore
  ])("sees at once that there is %s", async (_, data, problem) => {
    const { streams } = await inspected(sketchTar(...texts, { name: "rootfs/base.dat", data }));
    expect(streams[0]?.damage?.problem).toBe(problem);
  });

  test("joins pieces that stand apart in a file, and says so of a pipe", async () => {
    const stream = zfsStream("p.full.s1");
    const piece = (start: number, end?: number): EntrySketch => ({ name: "rootfs/base.dat", data: stream.subarray(start, end) });
    const archive = sketchTar(piece(0, 100), ...texts, piece(100));
    const head = await inspected(archive);
    expect(head.streams).toMatchObject([{ pieces: 2, description: { snapshots: [{ snapshot: "s1" }] } }]);
    expect(head.streams[0]).not.toHaveProperty("damage");
    const { streams } = await inspectArchive(VirtualFile.of(archive), "all");
    expect(streams[0]?.description).toEqual(await portraitOf("p.full.s1"));
    const piped = await inspectArchive(pipeOf(VirtualFile.of(archive)), "all");
    expect(piped.streams[0]?.damage?.problem).toBe("its pieces are not one behind the other, so that only a file can be read");
  });

  test.each(["head", "all"] as const)("refuses an archive that is cut off in a stream (%s)", async (depth) => {
    const archive = (await exported("file")).subarray(0, 50_000);
    for (const source of [VirtualFile.of(archive), pipeOf(VirtualFile.of(archive))])
      await expect(inspectArchive(source, depth)).rejects.toThrow(/^Cannot read archive: cut off in "rootfs\/base.dat"/);
  });
});

describe("inspectInput of a bare stream", () => {
  const NAME = "p.incr-I.s1-s3";
  const plain = zfsStream(NAME);
  const packed = gzipSync(plain);
  const forms = { plain, gzipped: packed } as const;

  async function look(bytes: Uint8Array, from: "file" | "pipe", asked = false): Promise<Inspection> {
    const file = VirtualFile.of(bytes);
    return await inspectInput(from === "file" ? file : pipeOf(file), "x.zfs", { records: asked });
  }

  test.each(["plain", "gzipped"] as const)("%s, reads the head of a file", async (what) => {
    const bytes = forms[what];
    const { compression, streams } = await look(bytes, "file");
    const [first] = (await portraitOf(NAME)).snapshots;
    expect([compression, streams.length]).toEqual([what === "gzipped" ? "gzip" : "none", 1]);
    expect(streams[0]).toMatchObject({ storedBytes: bytes.length, recordCount: undefined, description: { compound: true } });
    expect(streams[0]?.description?.snapshots).toEqual(first === undefined ? [] : [first]);
  });

  test.each([
    ["plain", "pipe", false],
    ["gzipped", "pipe", false],
    ["plain", "file", true],
    ["gzipped", "file", true],
  ] as const)("%s, counts all of it (from a %s, asked: %p)", async (what, from, asked) => {
    const bytes = forms[what];
    const { streams } = await look(bytes, from, asked);
    const recordCount = (await recordsOf(plain)).length;
    expect(streams[0]).toEqual({ storedBytes: bytes.length, rawBytes: plain.length, recordCount, description: await portraitOf(NAME) });
  });

  test.each(["file", "pipe"] as const)("that is cut off is damaged, where it is read to its end (%s)", async (from) => {
    const { streams } = await look(plain.subarray(0, -1), from, true);
    expect(streams[0]?.damage?.problem).toBe("it is cut off before its END record");
    expect(streams[0]?.storedBytes).toBe(from === "file" ? plain.length - 1 : undefined);
  });

  test("knows the other byte order, and a volume", async () => {
    const sketch = begin();
    const volume = { ...sketch, fields: [...(sketch.fields ?? []), [32, 4, 3] as const] };
    const { streams } = await look(records([volume, END], false), "file");
    expect(streams[0]?.description).toMatchObject({ byteOrder: "big", content: "volume" });
  });

  test("an archive that is gzipped as a whole is counted", async () => {
    const { compression, streams } = await look(gzipSync(await exported("file")), "file");
    expect([compression, streams.map(({ description }) => description?.bytes)]).toEqual(["gzip", STREAMS.map(({ bytes }) => bytes.length)]);
  });

  test("refuses what holds nothing, gzipped or not", async () => {
    await expect(look(new Uint8Array(0), "file")).rejects.toThrow('Cannot inspect "x.zfs": it is empty');
    await expect(look(packed.subarray(0, 12), "file")).rejects.toThrow(/^Cannot decompress "x.zfs": /);
  });
});
