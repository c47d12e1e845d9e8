import { gzipSync } from "node:zlib";
import { describe, expect, test } from "bun:test";
import { exportArchive } from "../../src/archive/export.ts";
import { importArchive, type ImportOptions, type ImportResult } from "../../src/archive/import.ts";
import { ArchiveWriter } from "../../src/archive/write.ts";
import { ToolError } from "../../src/errors.ts";
import { example, MemorySink, MemoryTarget, readerOf, sketchHead, sketchSource, type SketchStream } from "../support/archive.ts";
import { joinPlainTar, readPlainTar, type PlainMember } from "../support/plain-tar.ts";
import { sketchTar } from "../support/tar.ts";
import { FILE, streamBytes } from "../support/zpl-files.ts";

const HOOKS = { "pre-start": "#!/bin/sh\nexit 0\n", "post-stop.d/10-notify": "#!/bin/sh\nexit 1\n" };
const STREAMS: readonly SketchStream[] = [
  { dataset: "", kind: "base", bytes: tinyStream(1n) },
  { dataset: "srv", kind: "base", bytes: tinyStream(2n), gzip: true },
  { dataset: "", kind: "incremental", bytes: tinyStream(3n, 1n) },
  { dataset: "srv", kind: "incremental", bytes: tinyStream(4n, 2n) },
];
const SNAPSHOTS = ["osctl-incr-2", "osctl-base-1"];
const ALL_CALLS = [
  "begin",
  "receive /base",
  "receive srv/base",
  "receive /incremental",
  "receive srv/incremental",
  "finish osctl-incr-2 osctl-base-1",
];

/** A stream of one write. */
function tinyStream(toGuid: bigint, fromGuid = 0n): Buffer {
  return streamBytes({ begin: { toGuid, fromGuid }, records: (stream) => [stream.write(FILE, 0, Buffer.alloc(512, `stream ${toGuid}`))] });
}

/** An archive of a container with a subdataset and hooks, in pieces of 512 bytes. */
async function makeArchive(): Promise<Buffer> {
  const sink = new MemorySink("pipe");
  const source = sketchSource(sketchHead({ datasets: ["srv"] }, HOOKS), STREAMS, SNAPSHOTS);
  await exportArchive(source, new ArchiveWriter(sink, { mtime: 1729850600, chunkBytes: 512 }), { tool: "ctar test" });
  return sink.bytes();
}

/** The archive with its members changed. */
async function changed(change: (members: PlainMember[]) => PlainMember[]): Promise<Buffer> {
  return joinPlainTar(change(readPlainTar(await makeArchive())));
}

function isNamed(...names: string[]): (member: PlainMember) => boolean {
  return ({ name }) => names.includes(name);
}

function without(...names: string[]): (members: PlainMember[]) => PlainMember[] {
  return (members) => members.filter((member) => !isNamed(...names)(member));
}

/** Imports, and tells the result or `code: message`. */
async function attempt(archive: Uint8Array, target: MemoryTarget, options: ImportOptions = {}): Promise<ImportResult | string> {
  try {
    return await importArchive(readerOf(archive), target, options);
  } catch (error) {
    if (error instanceof ToolError) return `${error.code}: ${error.message}`;
    throw error;
  }
}

describe("importArchive", () => {
  test("hands head, streams and snapshots to the target, in this order", async () => {
    const target = new MemoryTarget();
    const begun: string[] = [];
    const result = await importArchive(readerOf(await makeArchive(), [100]), target, {
      onStream: ({ dataset, kind }) => begun.push(`${dataset}/${kind}`),
    });
    expect(target.calls).toEqual(ALL_CALLS);
    expect(begun).toEqual(["/base", "srv/base", "/incremental", "srv/incremental"]);
    expect(result.checked).toBe(true);
    for (const { dataset, kind, bytes } of STREAMS) expect(target.received.get(`${dataset}/${kind}`)).toEqual(bytes as Buffer);
    expect(target.head?.metadata).toEqual(sketchHead({ datasets: ["srv"] }).metadata);
    expect(target.head?.hooks.map(({ name, mode, content }) => [name, mode, Buffer.from(content).toString()])).toEqual(
      Object.entries(HOOKS).map(([name, text]) => [name, 0o100755, text]),
    );
    for (const part of ["userConfig", "groupConfig", "containerConfig"] as const) {
      expect(Buffer.from(target.head?.[part] ?? [])).toEqual(Buffer.from(sketchHead()[part] ?? []));
    }
  });

  test("says when there is no manifest to check against", async () => {
    const target = new MemoryTarget();
    const result = await attempt(await changed(without("ctar/manifest.json")), target);
    expect(typeof result === "string" ? result : result.checked).toBe(false);
    expect(target.calls).toEqual(ALL_CALLS);
  });

  test("passes unknown members over", async () => {
    const stranger = readPlainTar(sketchTar({ name: "rootfs/README", data: "hello" }));
    const target = new MemoryTarget();
    await attempt(await changed((members) => [...stranger, ...members.slice(0, -2), ...stranger, ...members.slice(-2)]), target);
    expect(target.calls).toEqual(ALL_CALLS);
  });

  test("reads a tar image without end blocks", async () => {
    const tar = Buffer.alloc(3000, "tar");
    const archive = sketchTar(
      { name: "metadata.yml", data: example("04-repository-image-tar/metadata.yml") },
      { name: "config/container.yml", data: example("04-repository-image-tar/config/container.yml") },
      { name: "rootfs/base.tar.gz", data: gzipSync(tar) },
    ).subarray(0, -1024);
    const target = new MemoryTarget();
    const result = await attempt(archive, target);
    expect(typeof result === "string" ? result : result.head.userConfig).toBeUndefined();
    expect(target.calls).toEqual(["begin", "receive /base", "finish"]);
    expect(target.received.get("/base")).toEqual(tar);
  });

  test("stops at the first stream of a dry run", async () => {
    const target = new MemoryTarget();
    const result = await attempt(await makeArchive(), target, { dryRun: true });
    expect(typeof result === "string" ? result : result.head.metadata.container).toBe("mail01");
    expect(target.calls).toEqual(["begin"]);
  });

  test.each(["begin", "receive srv/base", "finish osctl-incr-2 osctl-base-1"])(
    "undoes everything when the target fails at %s",
    async (call) => {
      const target = new MemoryTarget(call);
      await expect(importArchive(readerOf(await makeArchive()), target)).rejects.toThrow(`told to fail at ${call}`);
      expect(target.calls).toEqual([...ALL_CALLS.slice(0, ALL_CALLS.indexOf(call) + 1), "undo"]);
    },
  );
});

describe("importArchive finds a flipped bit in", () => {
  const MISMATCH = "its checksum differs from the manifest";
  test.each([
    ["metadata.yml", /Cannot import "metadata.yml": its checksum|Cannot read "?metadata.yml/],
    ["config/user.yml", MISMATCH],
    ["config/group.yml", MISMATCH],
    ["config/container.yml", MISMATCH],
    ["hooks/pre-start", MISMATCH],
    ["hooks/post-stop.d/10-notify", MISMATCH],
    ["rootfs/base.dat", /^damaged: Cannot read ZFS stream "rootfs\/base.dat": a record is not what its checksum says/],
    ["rootfs/srv/base.dat.gz", /Cannot decompress "rootfs\/srv\/base.dat.gz"|its checksum/],
    ["rootfs/incremental.dat", /^damaged: Cannot read ZFS stream "rootfs\/incremental.dat": a record is not what its checksum says/],
    ["rootfs/srv/incremental.dat", /^damaged: Cannot read ZFS stream "rootfs\/srv\/incremental.dat": a record is not/],
    ["snapshots.yml", MISMATCH],
  ])("%s", async (name, reason) => {
    const archive = await makeArchive();
    const member = readPlainTar(archive).findLast(isNamed(name));
    const at = (member?.offset ?? 0) + 512 + (member?.content.length ?? 0) - 2;
    archive[at] = (archive[at] ?? 0) ^ 1;
    const target = new MemoryTarget();
    const message = await attempt(archive, target);
    expect(message).toMatch(/^damaged: /);
    expect(message).toMatch(reason);
    expect(target.calls.at(-1)).toBe("undo");
    expect(target.calls.some((call) => call.startsWith("finish"))).toBe(false);
  });

  test("a checksum of the manifest", async () => {
    const archive = await makeArchive();
    const at = archive.lastIndexOf('"sha256": "') + '"sha256": "'.length;
    archive[at] = archive[at] === 0x30 ? 0x31 : 0x30;
    expect(await attempt(archive, new MemoryTarget())).toMatch(/^damaged: Cannot import ".*": its checksum differs from the manifest$/);
  });
});

describe("importArchive refuses an archive", () => {
  const reordered = async (name: string): Promise<Buffer> =>
    await changed((members) => [...without(name)(members), ...members.filter(isNamed(name))]);

  test.each([
    ["metadata.yml", /^damaged: Cannot read archive in one pass: "metadata.yml" does not come before the data \(at byte \d+\)$/],
    [
      "config/container.yml",
      /^damaged: Cannot read archive in one pass: "config\/container.yml" does not come before the data \(at byte \d+\)$/,
    ],
    ["config/user.yml", 'the manifest lists "config/user.yml", which is missing'],
    ["hooks/pre-start", 'the manifest lists "hooks/pre-start", which is missing'],
    ["rootfs/srv/base.dat.gz", /^damaged: Cannot read archive in one pass: "rootfs\/srv\/incremental.dat" comes before its base stream/],
    ["rootfs/incremental.dat", 'the manifest lists "rootfs/incremental.dat", which is missing'],
    ["snapshots.yml", 'the manifest lists "snapshots.yml", which is missing'],
  ])("without %s", async (name, reason) => {
    const target = new MemoryTarget();
    const message = await attempt(await changed(without(name)), target);
    if (typeof reason === "string") expect(message).toBe(`damaged: Cannot import the archive: ${reason}`);
    else expect(message).toMatch(reason);
    expect(target.calls.at(-1)).toBe("undo");
  });

  test("without a base stream that only metadata.yml knows of", async () => {
    const archive = await changed(without("ctar/manifest.json", "rootfs/srv/base.dat.gz", "rootfs/srv/incremental.dat"));
    expect(await attempt(archive, new MemoryTarget())).toBe(
      'damaged: Cannot import the archive: it has no "rootfs/srv/base.dat" nor "rootfs/srv/base.dat.gz"',
    );
  });

  test("without the rootfs of format tar", async () => {
    const archive = sketchTar(
      { name: "metadata.yml", data: "type: full\nformat: tar\n" },
      { name: "config/container.yml", data: "user: a\n" },
    );
    expect(await attempt(archive, new MemoryTarget())).toBe('damaged: Cannot import the archive: it has no "rootfs/base.tar.gz"');
  });

  test("with a stream that the manifest does not list", async () => {
    const sink = new MemorySink("pipe");
    const source = sketchSource(sketchHead({ datasets: ["srv"] }), STREAMS.slice(0, 1), SNAPSHOTS);
    await exportArchive(source, new ArchiveWriter(sink, { mtime: 0, chunkBytes: 512 }), { tool: "ctar test" });
    const members = readPlainTar(sink.bytes());
    const more = readPlainTar(sketchTar({ name: "rootfs/srv/base.dat", data: tinyStream(2n) }));
    const archive = joinPlainTar([...members.slice(0, -2), ...more, ...members.slice(-2)]);
    expect(await attempt(archive, new MemoryTarget())).toBe(
      "damaged: Cannot import the archive: it has a stream that the manifest does not list",
    );
  });

  test("with a stream of a dataset that metadata.yml does not list", async () => {
    const more = readPlainTar(sketchTar({ name: "rootfs/extra/base.dat", data: "x" }));
    const archive = await changed((members) => [...members.slice(0, -2), ...more, ...members.slice(-2)]);
    expect(await attempt(archive, new MemoryTarget())).toMatch(
      /^damaged: Cannot import "rootfs\/extra\/base.dat": metadata.yml does not list dataset "extra" \(at byte \d+\)$/,
    );
  });

  test.each(["metadata.yml", "config/user.yml", "config/container.yml", "hooks/pre-start"])("with %s behind the data", async (name) => {
    const message = await attempt(await reordered(name), new MemoryTarget());
    const missing = name === "metadata.yml" || name === "config/container.yml";
    const problem = missing ? "does not come before the data" : "comes behind the data it belongs to";
    expect(message).toMatch(new RegExp(`^damaged: Cannot read archive in one pass: "${name}" ${problem} \\(at byte \\d+\\)$`));
  });

  test("of type skel", async () => {
    const archive = sketchTar(
      { name: "metadata.yml", data: example("03-skel-for-send/metadata.yml") },
      { name: "config/container.yml", data: example("03-skel-for-send/config/container.yml") },
    );
    const target = new MemoryTarget();
    expect(await attempt(archive, target)).toBe(
      'failed: Cannot import the archive: it is of type "skel" and carries configuration only, no data',
    );
    expect(target.calls).toEqual(["undo"]);
  });

  test("with a stream twice, plain and gzipped", async () => {
    const again = readPlainTar(sketchTar({ name: "rootfs/base.dat.gz", data: gzipSync("again") }));
    const archive = await changed((members) => [...members.slice(0, -2), ...again, ...members.slice(-2)]);
    expect(await attempt(archive, new MemoryTarget())).toMatch(
      /^damaged: Cannot import "rootfs\/base.dat.gz": there was such a stream before \(at byte \d+\)$/,
    );
  });

  test("with pieces that are not one behind the other", async () => {
    const archive = await changed((members) => {
      const last = members.findLastIndex(isNamed("rootfs/base.dat"));
      return [...members.slice(0, last), ...members.slice(last + 1, -2), ...members.slice(last, last + 1), ...members.slice(-2)];
    });
    expect(await attempt(archive, new MemoryTarget(), { verify: false })).toMatch(
      /^damaged: Cannot read archive in one pass: the pieces of "rootfs\/base.dat" are not one behind the other \(at byte \d+\)$/,
    );
  });

  test.each([
    ["zfs", "rootfs/base.tar.gz"],
    ["tar", "rootfs/base.dat"],
  ])("that announces format %s and brings %s", async (format, name) => {
    const archive = sketchTar(
      { name: "metadata.yml", data: `type: full\nformat: ${format}\n` },
      { name: "config/container.yml", data: "user: a\n" },
      { name, data: "data" },
    );
    expect(await attempt(archive, new MemoryTarget())).toMatch(
      new RegExp(`^damaged: Cannot import "${name}": metadata.yml announces format "${format}" \\(at byte \\d+\\)$`),
    );
  });
});

describe("importArchive of a prefix", () => {
  test("fails and undoes, unless it ends where its manifest would begin, which others do not write", async () => {
    const archive = await makeArchive();
    const members = readPlainTar(archive);
    const boundaries = new Set([...members.map(({ offset }) => offset), archive.length - 1024, archive.length]);
    const lengths = Array.from({ length: archive.length + 1 }, (_, length) => length).filter(
      (length) => length % 97 === 0 || boundaries.has(length) || boundaries.has(length + 1) || boundaries.has(length - 1),
    );
    const complete: number[] = [];
    for (const length of lengths) {
      const target = new MemoryTarget();
      const result = await attempt(archive.subarray(0, length), target);
      if (typeof result === "string") {
        expect(result).toMatch(/^damaged: /);
        expect(target.calls.at(-1)).toBe("undo");
      } else {
        expect(target.calls).toEqual(ALL_CALLS);
        complete.push(length);
      }
    }
    const manifestAt = members.find(isNamed("ctar/manifest.json"))?.offset ?? 0;
    expect(complete).toEqual([manifestAt, archive.length]);
  });
});
