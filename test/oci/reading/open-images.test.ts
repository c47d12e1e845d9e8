import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { openImages } from "../../../src/oci/reading/open-images.ts";
import { paddingOf } from "../../../src/stream/tar/header.ts";
import {
  bytesOf,
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
  type LayerSketch,
  type RawDescriptor,
} from "../../support/oci.ts";
import { sketchTar, type EntrySketch } from "../../support/tar.ts";
import { pipeOf, VirtualFile } from "../../support/virtual-file.ts";

const [LOWER, UPPER] = [layer("lower"), layer("upper")];
const GZIPPED = layer("gzipped", "gzip");
const ZSTD = layer("zstd", "zstd");

let directory: string;
beforeEach(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), "ctar-open-images-"));
});
afterEach(() => fs.rmSync(directory, { recursive: true, force: true }));

/** A layout with one image of layers stored in all ways, named as podman names it. */
function plainLayout(): LayoutSketch {
  const layout = new LayoutSketch();
  return layout.name(layout.image([LOWER, GZIPPED, ZSTD]).descriptor, "registry.example/team/app:1");
}

/** Writes a layout out as a directory. */
function writeOut(layout: LayoutSketch): string {
  for (const { name, data = "" } of layout.entries()) {
    fs.mkdirSync(path.dirname(path.join(directory, name)), { recursive: true });
    fs.writeFileSync(path.join(directory, name), data);
  }
  return directory;
}

describe("openImages of an OCI layout", () => {
  test("gives names, platform, bytes of manifest and configuration, and layers decompressed", async () => {
    const layout = new LayoutSketch();
    const sketch = layout.image([LOWER, GZIPPED, ZSTD]);
    const archive = await open(layout.name(sketch.descriptor, "registry.example/team/app:1").tar());
    expect(archive.images.length).toBe(1);
    const [image] = archive.images;
    expect(image?.references).toEqual(["registry.example/team/app:1"]);
    expect(image?.platform).toEqual({ os: "linux", architecture: "amd64" });
    expect(Buffer.from(image?.config.raw ?? []).equals(sketch.config)).toBe(true);
    expect(sha256(image?.manifest.raw ?? Buffer.alloc(0))).toBe(sketch.descriptor.digest);
    expect(image?.layers.map(({ diffId }) => diffId as string)).toEqual([LOWER, GZIPPED, ZSTD].map(({ tar }) => sha256(tar)));
    for (const [index, { tar }] of [LOWER, GZIPPED, ZSTD].entries()) {
      for (let times = 0; times < 2; times++) expect(await contentOf(image?.layers[index] as never)).toEqual(tar);
    }
    expect(archive.notes).toEqual([]);
  });

  test("reads layers at the same time", async () => {
    const { images } = await open(plainLayout().tar());
    const layers = images[0]?.layers ?? [];
    expect(await Promise.all(layers.map(contentOf))).toEqual([LOWER.tar, GZIPPED.tar, ZSTD.tar]);
  });

  test("reads a directory", async () => {
    const { images } = await openImages({ directory: writeOut(plainLayout()) }, "layout");
    expect(images.map(({ references }) => references)).toEqual([["registry.example/team/app:1"]]);
    expect(await contentOf(images[0]?.layers[1] as never)).toEqual(GZIPPED.tar);
  });

  test("gives blobs as they are stored", async () => {
    const layout = plainLayout();
    const { blobs, targets } = await open(layout.tar());
    for (const [name, bytes] of layout.files) {
      if (!name.startsWith("blobs/")) continue;
      const blob = blobs.find(sha256(bytes) as never);
      expect(await bytesOf(blob)).toEqual(bytes);
      expect(blob?.size).toBe(bytes.length);
    }
    expect(blobs.find(`sha256:${"00".repeat(32)}` as never)).toBe(undefined);
    expect(targets.map(({ descriptor }) => descriptor.digest as string)).toEqual(layout.manifests.map(({ digest }) => digest));
  });

  test("joins several names of one image, and keeps tags apart", async () => {
    const layout = new LayoutSketch();
    const { descriptor } = layout.image([LOWER]);
    layout.name(descriptor, "1.0", { "io.containerd.image.name": "docker.io/library/app:1.0" });
    layout.name(descriptor, "busybox:x").name(descriptor, "v2").name(descriptor, "nonsense name").name(descriptor, "v2").name(descriptor);
    const { images, targets } = await open(layout.tar());
    const names = { references: ["docker.io/library/app:1.0", "docker.io/library/busybox:x"], tags: ["v2"] };
    expect(images.map(({ references, tags }) => ({ references, tags }))).toEqual([names]);
    expect(targets.map(({ references, tags }) => ({ references, tags }))).toEqual([names]);
  });

  test("finds the images of nested indexes, under the name of the outermost", async () => {
    const layout = new LayoutSketch();
    const platforms = [
      { os: "linux", architecture: "amd64" },
      { os: "linux", architecture: "aarch64", variant: "v8" },
    ];
    const [amd64, arm64] = platforms.map((platform) => ({ ...layout.image([layer(platform.architecture)]).descriptor, platform }));
    const inner = layout.index([arm64 as RawDescriptor]);
    layout.name(layout.index([amd64 as RawDescriptor, inner]), "app:1");
    const { images, targets, notes } = await open(layout.tar());
    expect(images.map(({ platform }) => platform.architecture)).toEqual(["amd64", "arm64"]);
    expect(images.map(({ references }) => references)).toEqual([["docker.io/library/app:1"], ["docker.io/library/app:1"]]);
    expect(targets.length).toBe(1);
    expect(notes).toEqual([`"${arm64?.digest}" is listed as "linux/arm64", its configuration says "linux/amd64"`]);
  });

  test("says which platforms of an index are not there, and leaves attestations out", async () => {
    const layout = new LayoutSketch();
    const { descriptor } = layout.image([LOWER]);
    const absent = { ...layout.image([UPPER]).descriptor, platform: { os: "linux", architecture: "arm", variant: "v7" } };
    layout.files.delete(`blobs/${absent.digest.replace(":", "/")}`);
    const statement = layout.add(json({ schemaVersion: 2, config: descriptor, layers: [] }), `${OCI}.manifest.v1+json`);
    const attestation = { ...statement, annotations: { "vnd.docker.reference.type": "attestation-manifest" } };
    layout.name(layout.index([descriptor, absent, attestation]), "app:1");
    const { images, notes } = await open(layout.tar());
    expect(images.length).toBe(1);
    expect(notes).toEqual(["not there, though an index lists them: linux/arm/v7"]);
  });

  test("says what is no image", async () => {
    const layout = plainLayout();
    const chart = layout.image([LOWER], configOf([LOWER]), { config: layout.add(json({}), "application/vnd.cncf.helm.config.v1+json") });
    const { images, notes } = await open(layout.name(chart.descriptor).tar());
    expect(images.length).toBe(1);
    expect(notes.length).toBe(1);
    expect(notes[0]).toContain("application/vnd.cncf.helm.config.v1+json");
  });

  test("takes Docker's media types, and its uncompressed one for whatever is stored", async () => {
    const layout = new LayoutSketch();
    const layers = [LOWER, GZIPPED, ZSTD].map((one) => ({ ...one, mediaType: `${DOCKER}.image.rootfs.diff.tar` }));
    const change = { mediaType: `${DOCKER}.distribution.manifest.v2+json` };
    const config = layout.add(json(configOf(layers)), `${DOCKER}.container.image.v1+json`);
    const { images } = await open(layout.name(layout.image(layers, configOf(layers), { ...change, config }).descriptor).tar());
    expect(await Promise.all((images[0]?.layers ?? []).map(contentOf))).toEqual(layers.map(({ tar }) => tar));
  });

  test("opens an image without a layer that is not distributed, which then cannot be read", async () => {
    const layout = new LayoutSketch();
    const foreign = { ...GZIPPED, mediaType: `${OCI}.layer.nondistributable.v1.tar+gzip` };
    layout.name(layout.image([LOWER, foreign]).descriptor);
    layout.files.delete(`blobs/sha256/${hexOf(foreign.stored)}`);
    const { images, notes } = await open(layout.tar());
    expect(notes).toEqual([`layer "${sha256(foreign.stored)}" is not distributed with its image`]);
    expect(await refusalOf(async () => await contentOf(images[0]?.layers[1] as never))).toContain("it is not distributed with the image");
  });

  test("takes names from manifest.json, too, as Docker 25 writes both", async () => {
    const layout = new LayoutSketch();
    const { descriptor, config } = layout.image([LOWER, UPPER]);
    const layers = [LOWER, UPPER].map(({ tar }) => `blobs/sha256/${hexOf(tar)}`);
    const manifest = json([{ Config: `blobs/sha256/${hexOf(config)}`, RepoTags: ["app:1", "app:2"], Layers: layers }]);
    layout.name(descriptor, "1", { "io.containerd.image.name": "docker.io/library/app:1" });
    layout.files.set("manifest.json", manifest);
    layout.files.set("repositories", json({}));
    const { images, targets } = await open(layout.tar());
    expect(images.map(({ references }) => references)).toEqual([["docker.io/library/app:1", "docker.io/library/app:2"]]);
    expect(targets.map(({ references }) => references)).toEqual([["docker.io/library/app:1", "docker.io/library/app:2"]]);
    expect(images[0]?.manifest.descriptor.digest as string).toBe(descriptor.digest);
  });
});

describe("openImages of a layout with a manifest.json", () => {
  /** Two images of one configuration, the layer stored plain and gzipped, as containerd has them after imports of both. */
  function twins(entries: (plain: string, gzipped: string, config: string) => unknown[], nameOfPlain?: string): Buffer {
    const layout = new LayoutSketch();
    const gzipped = { ...LOWER, stored: gzipSync(LOWER.tar), mediaType: `${OCI}.layer.v1.tar+gzip` };
    const [one, two] = [layout.image([LOWER]), layout.image([gzipped])];
    layout.name(one.descriptor, nameOfPlain).name(two.descriptor);
    const [plainPath, gzippedPath, config] = [LOWER.stored, gzipped.stored, one.config].map((bytes) => `blobs/sha256/${hexOf(bytes)}`);
    layout.files.set("manifest.json", json(entries(plainPath ?? "", gzippedPath ?? "", config ?? "")));
    return layout.tar();
  }

  test("names by configuration and layers", async () => {
    const { images } = await open(
      twins((plain, gzipped, Config) => [
        { Config, RepoTags: ["gzipped:1"], Layers: [gzipped] },
        { Config, RepoTags: ["plain:1"], Layers: [plain] },
        { Config, RepoTags: ["plain:2"], Layers: [plain] },
      ]),
    );
    expect(images.map(({ references }) => references)).toEqual([
      ["docker.io/library/plain:1", "docker.io/library/plain:2"],
      ["docker.io/library/gzipped:1"],
    ]);
  });

  test("gives no name to one image that index.json gives to another", async () => {
    const { images } = await open(
      twins((_, gzipped, Config) => [{ Config, RepoTags: ["app:1"], Layers: [gzipped] }], "docker.io/library/app:1"),
    );
    expect(images.map(({ references }) => references)).toEqual([["docker.io/library/app:1"], []]);
  });
});

describe("openImages of a docker-archive", () => {
  /** Puts a link in the place of a layer, and the layer elsewhere. */
  function withLink(entries: EntrySketch[], linkname: string, typeflag = "2"): EntrySketch[] {
    const at = entries.findIndex(({ name }) => name.endsWith("/layer.tar"));
    const { name, data = "" } = entries[at] as EntrySketch;
    return entries.with(at, { name, typeflag, linkname }).concat({ name: "elsewhere.tar", data });
  }

  test.each([
    ["directories", dockerEntries([LOWER, UPPER])],
    ["a symbolic link", withLink(dockerEntries([LOWER, UPPER]), "../elsewhere.tar")],
    ["a hard link", withLink(dockerEntries([LOWER, UPPER]), "elsewhere.tar", "1")],
    [
      "a link to a link",
      withLink(dockerEntries([LOWER, UPPER]), "./../second/").concat({ name: "second", typeflag: "2", linkname: "elsewhere.tar" }),
    ],
    ["names that begin with ./", dockerEntries([LOWER, UPPER]).map((entry) => ({ ...entry, name: `./${entry.name}` }))],
  ])("reads one with layers in %s", async (_, entries) => {
    const { images, targets } = await open(sketchTar(...entries));
    expect(images.map(({ references }) => references)).toEqual([["docker.io/example/app:1"]]);
    expect(await Promise.all((images[0]?.layers ?? []).map(contentOf))).toEqual([LOWER.tar, UPPER.tar]);
    expect(targets.map(({ descriptor }) => descriptor)).toEqual([images[0]?.manifest.descriptor as never]);
  });

  test("makes a manifest of the OCI, which is a blob like the layers", async () => {
    const { images, blobs } = await open(sketchTar(...dockerEntries([LOWER, GZIPPED, ZSTD], { tags: null })));
    const [image] = images;
    expect(image?.references).toEqual([]);
    const raw = await bytesOf(blobs.find(image?.manifest.descriptor.digest as never));
    expect(JSON.parse(raw.toString())).toEqual({
      schemaVersion: 2,
      mediaType: `${OCI}.manifest.v1+json`,
      config: { mediaType: `${OCI}.config.v1+json`, digest: sha256(image?.config.raw as Uint8Array), size: image?.config.raw.length },
      layers: [LOWER, GZIPPED, ZSTD].map(({ stored, mediaType }) => ({ mediaType, digest: sha256(stored), size: stored.length })),
    });
    for (const { stored } of [LOWER, GZIPPED, ZSTD]) {
      expect(await bytesOf(blobs.find(sha256(stored) as never))).toEqual(stored);
    }
    expect(await Promise.all((image?.layers ?? []).map(contentOf))).toEqual([LOWER.tar, GZIPPED.tar, ZSTD.tar]);
  });

  test("reads several images that share layers", async () => {
    const [one, two] = [json(configOf([LOWER])), json(configOf([LOWER, UPPER]))];
    const archive = sketchTar(
      ...[LOWER, UPPER].map(({ tar }) => ({ name: `${hexOf(tar)}.tar`, data: tar })),
      ...[one, two].map((data) => ({ name: `${hexOf(data)}.json`, data })),
      {
        name: "manifest.json",
        data: json([
          { Config: `${hexOf(one)}.json`, RepoTags: ["one:1"], Layers: [`${hexOf(LOWER.tar)}.tar`] },
          { Config: `${hexOf(two)}.json`, RepoTags: ["two:1"], Layers: [LOWER, UPPER].map(({ tar }) => `${hexOf(tar)}.tar`) },
          { Config: `${hexOf(one)}.json`, RepoTags: ["one:2"], Layers: [`${hexOf(LOWER.tar)}.tar`] },
        ]),
      },
    );
    const { images } = await open(archive);
    expect(images.map(({ references }) => references)).toEqual([
      ["docker.io/library/one:1", "docker.io/library/one:2"],
      ["docker.io/library/two:1"],
    ]);
  });
});

describe("openImages of an archive of Docker before 1.10", () => {
  const IDS = ["a1", "b2", "c3"].map((text) => text.repeat(32));

  function legacyEntries(layers: readonly LayerSketch[], repositories?: unknown): EntrySketch[] {
    const directories = layers.flatMap(({ stored }, index) => {
      const configured = { config: { Cmd: [`/${index}`] }, container_config: { Cmd: ["/bin/sh", "-c", `make ${index}`] } };
      const value = {
        id: IDS[index],
        parent: IDS[index - 1],
        created: `2014-01-0${index + 1}T00:00:00Z`,
        ...configured,
        Size: stored.length,
      };
      return [
        { name: `${IDS[index]}/`, typeflag: "5" },
        { name: `${IDS[index]}/VERSION`, data: "1.0" },
        { name: `${IDS[index]}/json`, data: json(value) },
        { name: `${IDS[index]}/layer.tar`, data: stored },
      ];
    });
    return repositories === undefined ? directories : [...directories, { name: "repositories", data: json(repositories) }];
  }

  test("makes a configuration of what the layers say", async () => {
    const { images } = await open(sketchTar(...legacyEntries([LOWER, GZIPPED], { app: { latest: IDS[1] } })));
    expect(images.map(({ references }) => references)).toEqual([["docker.io/library/app:latest"]]);
    expect(JSON.parse(Buffer.from(images[0]?.config.raw ?? []).toString())).toEqual({
      architecture: "amd64",
      os: "linux",
      created: "2014-01-02T00:00:00Z",
      config: { Cmd: ["/1"] },
      container_config: { Cmd: ["/bin/sh", "-c", "make 1"] },
      history: [0, 1].map((index) => ({ created: `2014-01-0${index + 1}T00:00:00Z`, created_by: `/bin/sh -c make ${index}` })),
      rootfs: { type: "layers", diff_ids: [sha256(LOWER.tar), sha256(GZIPPED.tar)] },
    });
    expect(await Promise.all((images[0]?.layers ?? []).map(contentOf))).toEqual([LOWER.tar, GZIPPED.tar]);
    expect(images[0]?.layers.map(({ descriptor }) => descriptor.digest as string)).toEqual([sha256(LOWER.stored), sha256(GZIPPED.stored)]);
  });

  test("takes each layer that has a name for an image, or else the uppermost", async () => {
    const layers = [LOWER, UPPER, GZIPPED];
    const named = await open(sketchTar(...legacyEntries(layers, { app: { base: IDS[0], full: IDS[2] } })));
    expect(named.images.map(({ references, layers: own }) => [references[0], own.length])).toEqual([
      ["docker.io/library/app:base", 1],
      ["docker.io/library/app:full", 3],
    ]);
    const unnamed = await open(sketchTar(...legacyEntries(layers)));
    expect(unnamed.images.map(({ references, layers: own }) => [references, own.length])).toEqual([[[], 3]]);
  });

  test.each([
    [{ app: { latest: "d4".repeat(32) } }, (entries: EntrySketch[]) => entries, `"${"d4".repeat(32)}/json" is missing`],
    [
      {},
      (entries: EntrySketch[]) => entries.filter(({ name }) => name !== `${IDS[0]}/json`),
      `"${IDS[0]}/json" is missing, the parent of "${IDS[1]}"`,
    ],
    [{}, (entries: EntrySketch[]) => entries.filter(({ name }) => name !== `${IDS[1]}/layer.tar`), `"${IDS[1]}/layer.tar" is missing`],
    [{ "../x": { a: IDS[0] } }, (entries: EntrySketch[]) => entries, '"../x:a" is no image name'],
    [{ app: { latest: IDS[0] } }, (entries: EntrySketch[]) => replaced(entries, { id: IDS[0], parent: IDS[1] }), "it is its own parent"],
    [{ app: { latest: IDS[0] } }, (entries: EntrySketch[]) => replaced(entries, { id: IDS[1] }), `its id is "${IDS[1]}"`],
  ])("refuses what is not whole: %j", async (repositories, change, reason) => {
    const entries = change(legacyEntries([LOWER, UPPER], repositories));
    expect(await refusalOf(async () => await open(sketchTar(...entries)))).toContain(reason);
  });

  function replaced(entries: EntrySketch[], value: unknown): EntrySketch[] {
    return entries.map((entry) => (entry.name === `${IDS[0]}/json` ? { ...entry, data: json(value) } : entry));
  }
});

describe("openImages from what is no plain file", () => {
  test.each([
    ["a pipe", (tar: Buffer) => pipeOf(VirtualFile.of(tar))],
    ["a gzipped pipe", (tar: Buffer) => pipeOf(VirtualFile.of(gzipSync(tar)))],
    ["a gzipped file", (tar: Buffer) => VirtualFile.of(gzipSync(tar))],
    ["a zstd file", (tar: Buffer) => VirtualFile.of(zstdCompressSync(tar))],
  ])("keeps %s in a file that has no name", async (_, inputOf) => {
    const spooled: string[] = [];
    const archive = await open(inputOf(plainLayout().tar()), { spoolDirectory: directory, onSpool: (where) => spooled.push(where) });
    expect(spooled).toEqual([directory]);
    expect(fs.readdirSync(directory)).toEqual([]);
    expect(await Promise.all((archive.images[0]?.layers ?? []).map(contentOf))).toEqual([LOWER.tar, GZIPPED.tar, ZSTD.tar]);
    await archive.close();
  });

  test("keeps nothing of a file, and reads no layer to open it", async () => {
    const big = 64 * 1024 * 1024;
    const layout = new LayoutSketch();
    const descriptor = { mediaType: `${OCI}.layer.v1.tar`, digest: `sha256:${"ab".repeat(32)}`, size: big };
    const config = { ...configOf([]), rootfs: { type: "layers", diff_ids: [descriptor.digest] } };
    layout.name(layout.image([], config, { layers: [descriptor] }).descriptor, "app:1");
    const small = layout.tar().subarray(0, -1024);
    const header = sketchTar({ name: `blobs/sha256/${"ab".repeat(32)}`, size: big }).subarray(0, 512);
    const end = small.length + 512 + big + paddingOf(big);
    const file = new VirtualFile(end + 1024, [{ at: 0, bytes: Buffer.concat([small, header]) }]);
    const { images } = await open(file, { spoolDirectory: "/nonexistent", onSpool: () => expect("spooled").toBe("not spooled") });
    expect(images[0]?.layers[0]?.descriptor.size).toBe(big);
    expect(file.bytesRead).toBeLessThan(1024 * 1024);
  });

  test("keeps no more than it may", async () => {
    const input = pipeOf(new VirtualFile(10_000_000, []));
    const refusal = await refusalOf(async () => await open(input, { spoolDirectory: directory, spoolLimitBytes: 1_000_000 }));
    expect(refusal).toBe('failed: Cannot keep "images.tar": it has more than 1000000 bytes');
    expect(input.offset).toBeLessThan(5_000_000);
  });

  test("names a directory that nothing can be kept in", async () => {
    const input = pipeOf(VirtualFile.of(plainLayout().tar()));
    const refusal = await refusalOf(async () => await open(input, { spoolDirectory: path.join(directory, "missing") }));
    expect(refusal).toContain(`failed: Cannot create a file in "${directory}/missing"`);
  });
});
