import { describe, expect, test } from "bun:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { recognize } from "../../../src/commands/inputs/recognize.ts";
import { readAll } from "../../../src/stream/bytes.ts";
import type { Compression } from "../../../src/stream/compression.ts";
import { gzip } from "../../../src/stream/gzip.ts";
import { configOf, dockerEntries, layer, LayoutSketch } from "../../support/oci.ts";
import { sketchTar, streamOf, type EntrySketch } from "../../support/tar.ts";
import { exported } from "../../support/verify.ts";
import { pipeOf, VirtualFile } from "../../support/virtual-file.ts";
import { zfsStream } from "../../support/zfs-stream.ts";

const HEX = "0123456789abcdef".repeat(4);
const LAYERS = [layer("etc/one"), layer("etc/two", "gzip")];

function directory(name: string): EntrySketch {
  return { name, typeflag: "5", mode: 0o755 };
}

function layout(): Buffer {
  const sketch = new LayoutSketch();
  return sketch.name(sketch.image(LAYERS, configOf(LAYERS)).descriptor, "1").tar();
}

async function kindOf(bytes: Uint8Array): Promise<string> {
  return (await recognize(VirtualFile.of(bytes), "a.tar")).kind;
}

describe("recognize", () => {
  test.each([
    ["archive", "an export", async () => await exported("file")],
    ["archive", "a ZFS stream", () => zfsStream("p.full.s1")],
    ["archive", "texts in directories", () => sketchTar(directory("config/"), { name: "config/user.yml" })],
    ["archive", "nothing", () => Buffer.alloc(0)],
    ["archive", "an empty tar", () => sketchTar()],
    ["archive", "what is no tar", () => Buffer.from("hello".repeat(500))],
    ["images", "an OCI layout", layout],
    ["images", "a docker-archive", () => sketchTar(...dockerEntries(LAYERS))],
    ["images", "a layout packed with tar", () => sketchTar(directory("./"), directory("./blobs/"), directory("./blobs/sha256/"))],
    ["images", "a layer first", () => sketchTar({ name: `${HEX}.tar` })],
    ["images", "a configuration of go-containerregistry", () => sketchTar({ name: `sha256:${HEX}` })],
    ["images", "names of old Docker", () => sketchTar({ name: "repositories" })],
    ["rootfs", "a root filesystem", () => sketchTar(directory("./"), directory("./bin/"))],
    ["rootfs", "docker export", () => sketchTar({ name: ".dockerenv" }, directory("bin/"), { name: "manifest.json" })],
    ["rootfs", "a directory called as one of an archive", () => sketchTar(directory("config/"), { name: "config/site.conf" })],
    ["rootfs", "a name that leaves", () => sketchTar({ name: "../../etc/passwd" })],
    ["rootfs", "a file called as a directory of an archive", () => sketchTar({ name: "hooks" })],
  ])("calls %s %s", async (kind, _what, bytes) => {
    expect(await kindOf(await bytes())).toBe(kind);
  });

  test("does not read on and on where nothing tells", async () => {
    const names = Array.from({ length: 1000 }, () => directory("config/"));
    const file = VirtualFile.of(sketchTar(...names, { name: "etc" }));
    expect((await recognize(file, "a.tar")).kind).toBe("archive");
    expect(file.bytesRead).toBeLessThan(512 * 40);
  });

  const FORMS: readonly (readonly [Compression, (bytes: Buffer) => Promise<Buffer>])[] = [
    ["none", async (bytes) => await Promise.resolve(bytes)],
    ["gzip", async (bytes) => await Promise.resolve(gzipSync(bytes))],
    ["gzip", async (bytes) => Buffer.concat(await Array.fromAsync(gzip(streamOf(bytes), { level: 1, threads: 1 })))],
    ["zstd", async (bytes) => await Promise.resolve(zstdCompressSync(bytes))],
  ];
  test.each(FORMS)(
    "sees through compression (%s) and leaves all of the input to be read, from a file and a pipe",
    async (compression, pack) => {
      const content = sketchTar(directory("etc/"), {
        name: "etc/noise",
        data: Buffer.from(Array.from({ length: 3e5 }, (_, at) => (at * at) % 253)),
      });
      const bytes = await pack(content);
      for (const input of [VirtualFile.of(bytes), pipeOf(VirtualFile.of(bytes))]) {
        const recognized = await recognize(input, "a.tar");
        expect([recognized.kind, recognized.compression, recognized.source.offset]).toEqual(["rootfs", compression, 0]);
        expect(Buffer.concat(await Array.fromAsync(readAll(recognized.source))).equals(bytes)).toBe(true);
      }
    },
  );
});
