import { createHash } from "node:crypto";
import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "bun:test";
import { exportArchive } from "../../src/archive/export.ts";
import { decodeManifest } from "../../src/archive/manifest.ts";
import type { ContainerHead } from "../../src/archive/source.ts";
import { ArchiveWriter } from "../../src/archive/write.ts";
import { decodeMetadata } from "../../src/archive/metadata.ts";
import { example, MemorySink, sketchHead, sketchSource, type SketchStream } from "../support/archive.ts";
import { readPlainTar } from "../support/plain-tar.ts";

const DATASETS = ["", "srv", "srv/data"];
const STREAMS: readonly SketchStream[] = (["base", "incremental"] as const).flatMap((kind) =>
  DATASETS.map((dataset) => ({ dataset, kind, gzip: true, bytes: Buffer.from(`${kind} of ${dataset}`) })),
);
const SNAPSHOTS = ["osctl-incr-1729850512", "osctl-base-1729850402"];

/** The head of example 01. */
function webHead(): ContainerHead {
  const file = (name: string): Buffer => example(`01-full-zfs-consistent/${name}`);
  const hook = (name: string) => ({ name, mode: 0o100755, content: file(`hooks/${name}`) });
  return {
    metadata: decodeMetadata(file("metadata.yml")),
    userConfig: file("config/user.yml"),
    groupConfig: file("config/group.yml"),
    containerConfig: file("config/container.yml"),
    hooks: [hook("pre-start"), hook("post-stop.d/10-notify")],
  };
}

async function exportTo(kind: "file" | "pipe", head: ContainerHead, streams: readonly SketchStream[], chunkBytes = 4096) {
  const sink = new MemorySink(kind);
  const writer = new ArchiveWriter(sink, { mtime: 1729850401, chunkBytes });
  const begun: string[] = [];
  const manifest = await exportArchive(sketchSource(head, streams, SNAPSHOTS), writer, {
    tool: "ctar test",
    onStream: ({ dataset, kind: which }) => begun.push(`${dataset}/${which}`),
  });
  return { manifest, begun, archive: sink.bytes(), members: readPlainTar(sink.bytes()) };
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

describe("exportArchive", () => {
  test.each(["file", "pipe"] as const)("writes to a %s the members of example 01 in their order, and the manifest", async (kind) => {
    const { members } = await exportTo(kind, webHead(), STREAMS);
    const listed = members.map(
      ({ name, typeflag, mode }) => `${typeflag === "5" ? "d" : "f"} 0${mode.toString(8).padStart(6, "0")} ${name}`,
    );
    const expected = example("01-full-zfs-consistent/MEMBERS.txt").toString().split("\n").slice(1, -2);
    expect(listed).toEqual([...expected, "f 0100644 ctar/manifest.json"]);
  });

  test("writes the same text members as upstream", async () => {
    const golden = readPlainTar(example("golden/01-full-zfs-consistent.tar")).filter(({ name }) => !name.startsWith("rootfs/"));
    const { members } = await exportTo("pipe", webHead(), STREAMS);
    const texts = members.filter(({ name }) => !name.startsWith("rootfs/") && name !== "ctar/manifest.json");
    expect(texts.map(({ name, content }) => [name, content.toString()])).toEqual(
      golden.map(({ name, content }) => [name, content.toString()]),
    );
  });

  test("ends the archive with two zero blocks", async () => {
    const { archive, members } = await exportTo("pipe", webHead(), STREAMS);
    const last = members.at(-1);
    expect(archive.length).toBe((last?.offset ?? 0) + (last?.blocks.length ?? 0) + 1024);
    expect(archive.subarray(-1024).every((byte) => byte === 0)).toBe(true);
  });

  test.each(["file", "pipe"] as const)("records in the manifest what stands in a %s", async (kind) => {
    const data = Buffer.alloc(9000, "abc");
    const { manifest, members } = await exportTo(kind, sketchHead(), [{ dataset: "", kind: "base", bytes: data }], 4096);
    const pieces = members.filter(({ name }) => name === "rootfs/base.dat");
    expect(pieces.length).toBe(kind === "file" ? 1 : 3);
    const digest = { bytes: 9000, sha256: sha256(data) };
    expect(manifest.streams).toEqual([
      { dataset: "", kind: "base", member: "rootfs/base.dat", pieces: pieces.length, stored: digest, raw: digest },
    ]);
    expect(manifest.texts).toEqual(
      members
        .filter(({ name, typeflag }) => typeflag === "0" && !name.startsWith("rootfs/") && name !== "ctar/manifest.json")
        .map(({ name, content }) => ({ member: name, bytes: content.length, sha256: sha256(content) })),
    );
    expect(manifest.datasets).toEqual([{ dataset: "", properties: { quota: "1073741824" } }]);
    expect(decodeManifest(members.at(-1)?.content ?? Buffer.alloc(0))).toEqual(manifest);
  });

  test("records stored and raw bytes of a gzipped stream apart", async () => {
    const data = Buffer.alloc(9000, "abc");
    const { manifest, members } = await exportTo("file", sketchHead(), [{ dataset: "", kind: "base", bytes: data, gzip: true }]);
    const stored = members.find(({ name }) => name === "rootfs/base.dat.gz")?.content ?? Buffer.alloc(0);
    expect(gunzipSync(stored).equals(data)).toBe(true);
    expect(manifest.streams[0]?.stored).toEqual({ bytes: stored.length, sha256: sha256(stored) });
    expect(manifest.streams[0]?.raw).toEqual({ bytes: 9000, sha256: sha256(data) });
  });

  test("writes format tar with rootfs/base.tar.gz, and without datasets and snapshots", async () => {
    const bytes = Buffer.from("a tar");
    const { members } = await exportTo("pipe", sketchHead({ format: "tar" }), [{ dataset: "", kind: "base", gzip: true, bytes }]);
    expect(members.map(({ name }) => name)).toEqual([
      "metadata.yml",
      "config",
      "config/user.yml",
      "config/group.yml",
      "config/container.yml",
      "rootfs",
      "rootfs/base.tar.gz",
      "ctar/manifest.json",
    ]);
  });

  test("leaves out user and group where the source has none", async () => {
    const { metadata, containerConfig } = sketchHead();
    const { members } = await exportTo("pipe", { metadata, containerConfig, hooks: [] }, []);
    expect(members.map(({ name }) => name).filter((name) => name.startsWith("config/"))).toEqual(["config/container.yml"]);
  });

  test("makes each directory of hooks once", async () => {
    const hooks = { "pre-start": "a", "pre-start.d/1": "b", "pre-start.d/2": "c", "post-stop.d/1": "d" };
    const { members } = await exportTo("pipe", sketchHead({}, hooks), []);
    expect(members.map(({ name }) => name).filter((name) => name.startsWith("hooks"))).toEqual([
      "hooks",
      "hooks/pre-start",
      "hooks/pre-start.d",
      "hooks/pre-start.d/1",
      "hooks/pre-start.d/2",
      "hooks/post-stop.d",
      "hooks/post-stop.d/1",
    ]);
  });

  test("tells when a stream begins", async () => {
    const { begun } = await exportTo("pipe", webHead(), STREAMS);
    expect(begun).toEqual(["/base", "srv/base", "srv/data/base", "/incremental", "srv/incremental", "srv/data/incremental"]);
  });

  test("writes neither manifest nor end when a stream fails", async () => {
    const sink = new MemorySink("pipe");
    const writer = new ArchiveWriter(sink, { mtime: 0, chunkBytes: 512 });
    const source = sketchSource(sketchHead(), [{ dataset: "", kind: "base", bytes: broken }]);
    await expect(exportArchive(source, writer, { tool: "ctar test" })).rejects.toThrow("send failed");
    const written = sink.bytes();
    expect(readPlainTar(written).at(-1)?.name).toBe("rootfs/base.dat");
    expect(written.subarray(-512).every((byte) => byte === 1)).toBe(true);

    async function* broken(): AsyncGenerator<Uint8Array> {
      yield new Uint8Array(512).fill(1);
      await Promise.reject(new Error("send failed"));
    }
  });
});
