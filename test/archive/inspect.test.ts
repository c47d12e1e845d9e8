import { describe, expect, test } from "bun:test";
import { exportArchive } from "../../src/archive/export.ts";
import { inspectArchive } from "../../src/archive/inspect.ts";
import { ArchiveWriter } from "../../src/archive/write.ts";
import { ToolError } from "../../src/errors.ts";
import { example, MemorySink, readerOf, sketchHead, sketchSource } from "../support/archive.ts";
import { sketchTar, type EntrySketch } from "../support/tar.ts";

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

async function refusal(archive: Uint8Array): Promise<string> {
  try {
    await inspectArchive(readerOf(archive));
  } catch (error) {
    if (error instanceof ToolError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return "accepted";
}

describe("inspectArchive", () => {
  test("reads golden 01", async () => {
    const seen = await inspectArchive(readerOf(example("golden/01-full-zfs-consistent.tar"), [777]));
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
    const { streams } = await inspectArchive(readerOf(example("golden/02-split-members.tar")));
    expect(streams).toEqual([
      { dataset: "", kind: "base", member: "rootfs/base.dat.gz", pieces: 3, storedBytes: 2 * 65536 + 19468, rawBytes: undefined },
    ]);
  });

  test("counts the pieces of a stream together wherever they stand", async () => {
    const texts = ["metadata.yml", "config/container.yml"].map((text) => ({
      name: text,
      data: example(`02-full-zfs-minimal-stopped/${text}`),
    }));
    const piece = (bytes: number): EntrySketch => ({ name: "rootfs/base.dat", data: Buffer.alloc(bytes) });
    const { streams, members } = await inspectArchive(readerOf(sketchTar(piece(100), ...texts, piece(20), piece(3))));
    expect(streams).toMatchObject([{ member: "rootfs/base.dat", pieces: 3, storedBytes: 123 }]);
    expect(members.map(({ name, bytes }) => [name, bytes]).filter(([name]) => name === "rootfs/base.dat")).toEqual([
      ["rootfs/base.dat", 100],
      ["rootfs/base.dat", 23],
    ]);
  });

  test("reads golden 04, which has no end blocks", async () => {
    const { metadata, streams, snapshots, ended } = await inspectArchive(readerOf(example("golden/04-repository-image-tar-noeof.tar")));
    expect([metadata.format, metadata.container, snapshots, ended]).toEqual(["tar", null, undefined, false]);
    expect(streams.map(({ member, storedBytes }) => [member, storedBytes])).toEqual([["rootfs/base.tar.gz", 42]]);
  });

  test.each(EXAMPLES)("reads example %s", async (name) => {
    const { snapshots, members, ended } = await inspectArchive(readerOf(archiveOf(name)));
    expect(snapshots).toEqual(WITH_SNAPSHOTS.get(name));
    expect(members[1]).toEqual({ name: "config/container.yml", bytes: example(`${name}/config/container.yml`).length });
    expect(ended).toBe(true);
  });

  test("takes raw sizes from the manifest", async () => {
    const sink = new MemorySink("file");
    const source = sketchSource(sketchHead(), [{ dataset: "", kind: "base", gzip: true, bytes: Buffer.alloc(5000) }], ["osctl-base-1"]);
    await exportArchive(source, new ArchiveWriter(sink, { mtime: 0, chunkBytes: 512 }), { tool: "ctar test" });
    const { streams, manifest } = await inspectArchive(readerOf(sink.bytes()));
    expect(streams[0]?.rawBytes).toBe(5000);
    expect(manifest?.tool).toBe("ctar test");
  });

  test("reads the first of several members of one name, as upstream does", async () => {
    const name = "02-full-zfs-minimal-stopped";
    const second = { name: "metadata.yml", data: "--- []\n" };
    const texts = ["metadata.yml", "config/container.yml"].map((text) => ({ name: text, data: example(`${name}/${text}`) }));
    expect((await inspectArchive(readerOf(sketchTar(...texts, second)))).metadata.container).toBe("mail01");
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
