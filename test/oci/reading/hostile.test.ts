/** Images that are wrong, on purpose or not: all are refused, with the thing named, as damaged. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { decompressAny } from "../../../src/oci/reading/decompress.ts";
import { openImages } from "../../../src/oci/reading/open-images.ts";
import { drain } from "../../../src/stream/bytes.ts";
import type { ImageArchive } from "../../../src/oci/image.ts";
import {
  configOf,
  contentOf,
  DOCKER,
  dockerEntries,
  hexOf,
  json,
  layer,
  LayoutSketch,
  OCI,
  open,
  refusalOf,
  sha256,
  type ImageSketch,
  type LayerSketch,
  type RawDescriptor,
} from "../../support/oci.ts";
import { sketchTar, streamOf, type EntrySketch } from "../../support/tar.ts";
import { VirtualFile } from "../../support/virtual-file.ts";

const LOWER = layer("lower");
const GZIPPED = layer("gzipped", "gzip");
const ZSTD = layer("zstd", "zstd");
const NOWHERE = "00".repeat(32);

/** Opens, and reads all layers. */
async function readAllOf(archive: Promise<ImageArchive>): Promise<void> {
  for (const { layers } of (await archive).images) for (const one of layers) await drain(one.open());
}

/** A layout with one image, changed before it is written. */
function layoutWith(change: (layout: LayoutSketch, image: ImageSketch) => void, layers: readonly LayerSketch[] = [LOWER, GZIPPED]): Buffer {
  const layout = new LayoutSketch();
  const image = layout.image(layers);
  layout.name(image.descriptor, "app:1");
  change(layout, image);
  return layout.tar();
}

/** A layout with one image, whose manifest is changed. */
function manifestWith(change: Record<string, unknown>, layers: readonly LayerSketch[] = [LOWER, GZIPPED]): Buffer {
  const layout = new LayoutSketch();
  return layout.name(layout.image(layers, configOf(layers), change).descriptor, "app:1").tar();
}

/** A layout whose index.json is this. */
function indexOf(value: unknown): Buffer {
  const layout = new LayoutSketch();
  layout.files.set("index.json", Buffer.isBuffer(value) ? value : json(value));
  return layout.tar();
}

/** A docker-archive whose manifest.json has one image, changed. */
function dockerWith(change: Record<string, unknown>, others: EntrySketch[] = []): Buffer {
  const entries = dockerEntries([LOWER]).map((entry) => {
    if (entry.name !== "manifest.json") return entry;
    const [image] = JSON.parse(Buffer.from(entry.data as Buffer).toString()) as Record<string, unknown>[];
    return { ...entry, data: json([{ ...image, ...change }]) };
  });
  return sketchTar(...entries, ...others);
}

function flipped(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
}

function pathOf(bytes: Buffer): string {
  return `blobs/sha256/${hexOf(bytes)}`;
}

/** A layer that says it is compressed so, of other content. */
function disguised(sketch: LayerSketch, stored: Buffer, mediaType = sketch.mediaType): LayerSketch {
  return { tar: sketch.tar, stored, mediaType };
}

const MANIFEST_TYPE = `${OCI}.manifest.v1+json`;
const ABSENT: RawDescriptor = { mediaType: MANIFEST_TYPE, digest: `sha256:${NOWHERE}`, size: 10 };

describe("images are refused", () => {
  const rows: [name: string, archive: () => Buffer, reason: string][] = [
    // what is missing
    ["an empty file", () => Buffer.alloc(0), "it is neither an OCI layout nor a docker-archive"],
    ["a tar of anything", () => sketchTar({ name: "etc/passwd", data: "x" }), "it is neither an OCI layout nor a docker-archive"],
    [
      "a layout without index.json",
      () => sketchTar({ name: "oci-layout", data: json({ imageLayoutVersion: "1.0.0" }) }),
      '"index.json" is missing',
    ],
    ["a manifest that is missing", () => indexOf({ schemaVersion: 2, manifests: [ABSENT] }), `manifest "${ABSENT.digest}" is missing`],
    [
      "an index none of whose manifests is there",
      () => layoutWith((layout) => layout.name(layout.index([ABSENT]))),
      `manifest "${ABSENT.digest}" is missing`,
    ],
    ["a configuration that is missing", () => layoutWith((layout, { config }) => layout.files.delete(pathOf(config))), "configuration"],
    [
      "a layer that is missing",
      () => layoutWith((layout) => layout.files.delete(pathOf(GZIPPED.stored))),
      `layer "${sha256(GZIPPED.stored)}" is missing`,
    ],
    [
      "a docker-archive whose layer is missing",
      () => dockerWith({ Layers: ["x/layer.tar"] }),
      '"x/layer.tar" is missing, which "manifest.json", image 1 names',
    ],
    ["a docker-archive whose configuration is missing", () => dockerWith({ Config: "x.json" }), '"x.json" is missing'],
    ["a docker-archive with a layer too few", () => dockerWith({ Layers: [] }), "it has 0 layers, its configuration 1"],
    [
      "a manifest with a layer too many",
      () => layoutWith((layout) => layout.name(layout.image([LOWER, GZIPPED], configOf([LOWER])).descriptor)),
      "it has 2 layers, its configuration 1",
    ],
    // what is not what it is said to be
    [
      "a manifest with another digest",
      () => layoutWith((layout, { manifest }) => layout.files.set(pathOf(json(manifest)), flipped(json(manifest), 20))),
      "its digest is",
    ],
    [
      "a configuration with another digest",
      () => layoutWith((layout, { config }) => layout.files.set(pathOf(config), flipped(config, 5))),
      "its digest is",
    ],
    [
      "a layer with another digest",
      () => layoutWith((layout) => layout.files.set(pathOf(LOWER.stored), flipped(LOWER.stored, 600))),
      `blob "${sha256(LOWER.stored)}": its digest is`,
    ],
    [
      "a layer with a byte too few",
      () => layoutWith((layout) => layout.files.set(pathOf(LOWER.stored), LOWER.stored.subarray(1))),
      `bytes instead of ${LOWER.stored.length}`,
    ],
    [
      "a layer with a byte too many",
      () => layoutWith((layout) => layout.files.set(pathOf(LOWER.stored), Buffer.concat([LOWER.stored, Buffer.alloc(1)]))),
      `bytes instead of ${LOWER.stored.length}`,
    ],
    [
      "a manifest of another size",
      () => layoutWith((layout, { descriptor }) => layout.name({ ...descriptor, size: 7 })),
      "bytes instead of 7",
    ],
    [
      "a gzipped layer with another diffID",
      () => manifestWith({}, [disguised(LOWER, GZIPPED.stored, GZIPPED.mediaType)]),
      `its diffID is "${sha256(GZIPPED.tar)}"`,
    ],
    [
      "a zstd layer with another diffID",
      () => manifestWith({}, [disguised(LOWER, ZSTD.stored, ZSTD.mediaType)]),
      `its diffID is "${sha256(ZSTD.tar)}"`,
    ],
    [
      "a plain layer with another diffID",
      () => manifestWith({}, [disguised(GZIPPED, LOWER.stored, LOWER.mediaType)]),
      "it is not compressed, and its diffID is",
    ],
    ["a docker-archive with another layer", () => sketchTar(...dockerEntries([disguised(GZIPPED, LOWER.stored)])), "its digest is"],
    [
      "a docker-archive with another configuration",
      () => dockerWith({ Config: `${NOWHERE}.json` }, [{ name: `${NOWHERE}.json`, data: json(configOf([LOWER])) }]),
      `configuration "${NOWHERE}.json": its digest is`,
    ],
    [
      "a layer said to be gzipped that is plain",
      () => manifestWith({}, [disguised(LOWER, LOWER.stored, GZIPPED.mediaType)]),
      "its compression is none",
    ],
    [
      "a layer said to be plain that is gzipped",
      () => manifestWith({}, [disguised(GZIPPED, GZIPPED.stored, LOWER.mediaType)]),
      "its compression is gzip",
    ],
    [
      "a layer said to be gzipped that is zstd",
      () => manifestWith({}, [disguised(ZSTD, ZSTD.stored, GZIPPED.mediaType)]),
      "its compression is zstd",
    ],
    [
      "a layer compressed with xz",
      () => manifestWith({}, [disguised(LOWER, Buffer.from("\xfd7zXZ\0and so on", "latin1"), `${DOCKER}.image.rootfs.diff.tar`)]),
      "it is compressed with xz",
    ],
    [
      "a layer that is encrypted",
      () => manifestWith({}, [disguised(LOWER, LOWER.stored, `${LOWER.mediaType}+encrypted`)]),
      'its media type "application/vnd.oci.image.layer.v1.tar+encrypted" is none',
    ],
    [
      "a layer whose gzip is cut off",
      () => manifestWith({}, [disguised(GZIPPED, GZIPPED.stored.subarray(0, -9))]),
      `Cannot decompress "layer sha256:`,
    ],
    ["a layer whose zstd is cut off", () => manifestWith({}, [disguised(ZSTD, ZSTD.stored.subarray(0, -3))]), "it is cut off"],
    // what means one thing to one reader and another to the next
    ["a manifest that is an index, too", () => manifestWith({ manifests: [] }), `which has no "manifests"`],
    [
      "an index that is a manifest, too",
      () => layoutWith((layout, { manifest, descriptor }) => layout.name(layout.index([descriptor], { layers: manifest["layers"] }))),
      'which has no "layers"',
    ],
    [
      "a manifest that says it is an index",
      () =>
        layoutWith((layout, { manifest }) =>
          layout.name(layout.add(json({ ...manifest, mediaType: `${OCI}.index.v1+json` }), MANIFEST_TYPE)),
        ),
      `it says it is "${OCI}.index.v1+json"`,
    ],
    [
      "an index listed as a manifest",
      () => layoutWith((layout, { descriptor }) => layout.name({ ...layout.index([descriptor]), mediaType: MANIFEST_TYPE })),
      `it says it is "${OCI}.index.v1+json"`,
    ],
    ["a layer listed as a manifest", () => layoutWith((layout) => layout.name(layout.add(LOWER.stored, MANIFEST_TYPE))), "it is no JSON"],
    [
      "a manifest with a key that comes twice",
      () =>
        layoutWith((layout, { manifest }) =>
          layout.name(layout.add(Buffer.from(JSON.stringify(manifest).replace("{", '{"layers":[],')), MANIFEST_TYPE)),
        ),
      'the key "layers" comes twice',
    ],
    ["a manifest with a field in two cases", () => manifestWith({ LAYERS: [] }), '"layers" is there as "layers" and "LAYERS"'],
    [
      "a manifest of schema version 1",
      () => layoutWith((layout) => layout.name({ ...ABSENT, mediaType: `${DOCKER}.distribution.manifest.v1+prettyjws` })),
      "is of schema version 1",
    ],
    [
      "a layout of another version",
      () => layoutWith((layout) => layout.files.set("oci-layout", json({ imageLayoutVersion: "2.0.0" }))),
      'it is of version "2.0.0"',
    ],
    [
      "a name that is there twice",
      () => sketchTar(...dockerEntries([LOWER]), { name: "./manifest.json", data: json([]) }),
      '"manifest.json": it is there twice',
    ],
    [
      "a blob that is there twice",
      () =>
        sketchTar(...new LayoutSketch().name(ABSENT).entries(), ...["", "./"].map((dot) => ({ name: `${dot}blobs/sha256/${NOWHERE}` }))),
      "it is there twice",
    ],
    // what leads elsewhere
    [
      "a digest that is a path",
      () => indexOf({ schemaVersion: 2, manifests: [{ ...ABSENT, digest: "sha256:../../../etc/passwd" }] }),
      '"sha256:../../../etc/passwd" is no digest',
    ],
    [
      "a digest of another algorithm",
      () => indexOf({ schemaVersion: 2, manifests: [{ ...ABSENT, digest: `md5:${NOWHERE}` }] }),
      "is no digest",
    ],
    ["a layer path that leaves", () => dockerWith({ Layers: ["../../etc/passwd"] }), 'the path "../../etc/passwd" leaves the archive'],
    ["a layer path that is absolute", () => dockerWith({ Layers: ["/etc/passwd"] }), 'the path "/etc/passwd" leaves the archive'],
    ["a configuration path that leaves", () => dockerWith({ Config: "a/../../b" }), 'the path "a/../../b" leaves the archive'],
    [
      "a member whose name leaves",
      () => sketchTar(...dockerEntries([LOWER]), { name: "a/../../b" }),
      '"a/../../b": the name leaves the archive',
    ],
    [
      "a layer that is a link out of the archive",
      () => dockerWith({ Layers: ["x"] }, [{ name: "x", typeflag: "2", linkname: "../../../etc/passwd" }]),
      'it is a link to "../../../etc/passwd", which leaves the archive',
    ],
    [
      "a layer that is a link to an absolute path",
      () => dockerWith({ Layers: ["x"] }, [{ name: "x", typeflag: "2", linkname: "/etc/passwd" }]),
      "which leaves the archive",
    ],
    [
      "a layer that is a hard link out of the archive",
      () => dockerWith({ Layers: ["x"] }, [{ name: "x", typeflag: "1", linkname: "../etc/passwd" }]),
      "which leaves the archive",
    ],
    [
      "links in a circle",
      () =>
        dockerWith(
          { Layers: ["x"] },
          ["xy", "yx"].map(([name = "", linkname = ""]) => ({ name, linkname, typeflag: "2" })),
        ),
      "more than 8 links lead from one to the next",
    ],
    [
      "a layer that is a link to nothing",
      () => dockerWith({ Layers: ["x"] }, [{ name: "x", typeflag: "2", linkname: "y" }]),
      '"x" is missing',
    ],
    ["a blob that is a link", () => layoutWith((layout) => layout.files.delete(pathOf(LOWER.stored))), "is missing"],
    ["a configuration that is a FIFO", () => dockerWith({ Config: "x" }, [{ name: "x", typeflag: "6" }]), '"x": it is a FIFO'],
    ["a name that is none", () => dockerWith({ RepoTags: ["../../x:1"] }), '"../../x:1" is no image name'],
    // what is too much
    ["indexes in one another", () => layoutWith(nested), "it is nested deeper than 8"],
    ["an index that lists itself", () => layoutWith(selfListing), "its digest is"],
    ["a configuration of 4 MiB for each of 20 images", () => dockerRepeating(4, 20), "have more than 33554432 bytes together"],
    ["indexes that list more than can be", () => layoutWith(explosive), "the indexes list more than 20000"],
    ["JSON nested without an end", () => indexOf(Buffer.from("[".repeat(1_000_000))), "it is nested deeper than 64"],
    ["JSON with too many values", () => indexOf(Buffer.from(`{"a":[${"0,".repeat(600_000)}0]}`)), "it has more than 500000 values"],
    [
      "a gzip bomb",
      () => manifestWith({}, [bomb(gzipBomb(), `${OCI}.layer.v1.tar+gzip`)]),
      "it decompresses to more than 1 GiB and 250 times of",
    ],
    [
      "a zstd bomb",
      () => manifestWith({}, [bomb(zstdBomb(), `${OCI}.layer.v1.tar+zstd`)]),
      "it decompresses to more than 1 GiB and 250 times of",
    ],
  ];

  test("in more than 40 ways", () => {
    expect(new Set(rows.map(([name]) => name)).size).toBeGreaterThan(40);
  });

  test.each(rows)("%s", async (_, archive, reason) => {
    const refusal = await refusalOf(async () => await readAllOf(open(archive())));
    expect(refusal).toContain("damaged: Cannot ");
    expect(refusal).toContain(reason);
  });

  test("JSON of 1 GiB, without reading it", async () => {
    const size = 2 ** 30;
    const marker = sketchTar({ name: "oci-layout", data: json({ imageLayoutVersion: "1.0.0" }) }).subarray(0, 1024);
    const header = sketchTar({ name: "index.json", size }).subarray(0, 512);
    const file = new VirtualFile(1536 + size + 1024, [{ at: 0, bytes: Buffer.concat([marker, header]) }]);
    expect(await refusalOf(async () => await open(file))).toBe(
      `damaged: Cannot read "index.json": it has ${size} bytes, more than 8388608`,
    );
    expect(file.bytesRead).toBeLessThan(100_000);
  });

  test("a gzip bomb for the archive, of which no more is kept than was let through", async () => {
    const content = decompressAny(streamOf(gzipBomb(), [100_000]), "images.tar.gz");
    expect(await refusalOf(async () => await drain(content))).toContain(
      '"images.tar.gz": it decompresses to more than 1 GiB and 250 times of',
    );
  });

  test("an archive that is cut off anywhere", async () => {
    const whole = layoutWith(() => undefined);
    for (let length = 1; length < whole.length - 1024; length += 97) {
      const refusal = await refusalOf(async () => await readAllOf(open(whole.subarray(0, length))));
      expect(`${length}: ${refusal}`).toContain(`${length}: damaged: Cannot read `);
    }
  });

  test("an archive with any byte of what counts flipped", async () => {
    const whole = layoutWith(() => undefined, [GZIPPED]);
    const original = JSON.stringify((await open(whole)).images.map(({ manifest, config }) => [manifest.descriptor, config.digest]));
    for (let at = 512; at < whole.length - 1024; at += 61) {
      let images = "";
      const refusal = await refusalOf(async () => {
        const archive = await open(flipped(whole, at));
        await readAllOf(Promise.resolve(archive));
        images = JSON.stringify(archive.images.map(({ manifest, config }) => [manifest.descriptor, config.digest]));
      });
      // nothing stands for the bytes of index.json, in which names may change, or a media type to one that is no image's
      if (refusal === "accepted" && images !== "[]") expect(`${at}: ${images}`).toBe(`${at}: ${original}`);
      if (refusal !== "accepted") expect(`${at}: ${refusal}`).toContain(`${at}: damaged: `);
    }
  });
});

describe("a directory is refused with", () => {
  let directory: string;
  beforeEach(() => {
    directory = fs.mkdtempSync(path.join(os.tmpdir(), "ctar-hostile-layout-"));
    const layout = new LayoutSketch();
    layout.name(layout.image([LOWER]).descriptor);
    for (const { name, data = "" } of layout.entries()) {
      fs.mkdirSync(path.dirname(path.join(directory, name)), { recursive: true });
      fs.writeFileSync(path.join(directory, name), data);
    }
  });
  afterEach(() => fs.rmSync(directory, { recursive: true, force: true }));

  function moveAway(name: string): void {
    fs.renameSync(path.join(directory, name), path.join(directory, "moved"));
    fs.symlinkSync(path.join(directory, "moved"), path.join(directory, name));
  }

  test.each([pathOf(LOWER.stored), "blobs", "blobs/sha256", "index.json", "oci-layout"])("%s as a symbolic link", async (name) => {
    moveAway(name);
    const refusal = await refusalOf(async () => await openImages({ directory }, "layout"));
    expect(refusal).toBe(`damaged: Cannot read "${directory}/${name}": it is a symbolic link`);
  });

  test("a FIFO in the place of a blob, without waiting for a writer", async () => {
    fs.rmSync(path.join(directory, pathOf(LOWER.stored)));
    execFileSync("mkfifo", [path.join(directory, pathOf(LOWER.stored))]);
    expect(await refusalOf(async () => await openImages({ directory }, "layout"))).toContain("it is no regular file");
  });

  test("a directory in the place of a blob", async () => {
    fs.rmSync(path.join(directory, pathOf(LOWER.stored)));
    fs.mkdirSync(path.join(directory, pathOf(LOWER.stored)));
    expect(await refusalOf(async () => await openImages({ directory }, "layout"))).toContain("it is no regular file");
  });

  test("a blob that changes after it was opened", async () => {
    const { images } = await openImages({ directory }, "layout");
    fs.writeFileSync(path.join(directory, pathOf(LOWER.stored)), flipped(LOWER.stored, 600));
    expect(await refusalOf(async () => await contentOf(images[0]?.layers[0] as never))).toContain("its digest is");
    fs.writeFileSync(path.join(directory, pathOf(LOWER.stored)), LOWER.stored.subarray(0, 100));
    expect(await refusalOf(async () => await contentOf(images[0]?.layers[0] as never))).toContain("became shorter while it was read");
  });
});

function nested(layout: LayoutSketch, { descriptor }: ImageSketch): void {
  let index = descriptor;
  for (let depth = 0; depth < 10; depth++) index = layout.index([index]);
  layout.name(index);
}

/** No text has its own digest in it, so one that lists itself is not what it is called. */
function selfListing(layout: LayoutSketch): void {
  const own: RawDescriptor = { mediaType: `${OCI}.index.v1+json`, digest: `sha256:${NOWHERE}`, size: 0 };
  const text = (size: number): Buffer => json({ schemaVersion: 2, manifests: [{ ...own, size }] });
  const size = text(100).length;
  layout.files.set(`blobs/sha256/${NOWHERE}`, text(size));
  layout.name({ ...own, size });
}

/** Seven indexes, each listing the next ten times: ten million images. */
function explosive(layout: LayoutSketch, { descriptor }: ImageSketch): void {
  let index = descriptor;
  for (let depth = 0; depth < 7; depth++) index = layout.index(Array.from({ length: 10 }, () => index));
  layout.name(index);
}

/** An archive in which many images have one configuration, which is large. */
function dockerRepeating(megabytes: number, count: number): Buffer {
  const config = json({ ...configOf([]), padding: "x".repeat(megabytes * 1024 * 1024) });
  const images = Array.from({ length: count }, () => ({ Config: "config.json", RepoTags: [], Layers: [] }));
  return sketchTar({ name: "config.json", data: config }, { name: "manifest.json", data: json(images) });
}

function bomb(stored: Buffer, mediaType: string): LayerSketch {
  return { tar: Buffer.alloc(0), stored, mediaType };
}

/** A little more than 1 GiB of zeros, in members of 32 MiB. */
function gzipBomb(): Buffer {
  return Buffer.concat(Array.from({ length: 33 }, () => GZIP_ZEROS));
}

function zstdBomb(): Buffer {
  return Buffer.concat(Array.from({ length: 33 }, () => ZSTD_ZEROS));
}

const GZIP_ZEROS = gzipSync(Buffer.alloc(32 * 1024 * 1024));
const ZSTD_ZEROS = zstdCompressSync(Buffer.alloc(32 * 1024 * 1024));
