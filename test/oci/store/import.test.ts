import * as fs from "node:fs";
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { ToolError } from "../../../src/errors.ts";
import { checkImages } from "../../../src/oci/store/check.ts";
import { Lease } from "../../../src/oci/store/lease.ts";
import { parsePlatform } from "../../../src/oci/platform.ts";
import { pruneStore } from "../../../src/oci/store/prune.ts";
import { StoreScene } from "../../support/image-store.ts";
import { configOf, dockerEntries, hexOf, layer, LayoutSketch, sha256, type RawDescriptor } from "../../support/oci.ts";
import { sketchTar } from "../../support/tar.ts";

const EMPTY = [".ctar", "blobs", "oci-layout"];
const LAYERS = [layer("etc/hostname"), layer("bin/sh", "gzip"), layer("usr/share/doc", "zstd")];

let scene: StoreScene;
beforeEach(() => {
  scene = new StoreScene();
});
afterEach(() => scene[Symbol.dispose]());

function layoutOf(layers = LAYERS, name = "example.org/app:1"): { layout: LayoutSketch; descriptor: RawDescriptor } {
  const layout = new LayoutSketch();
  const { descriptor } = layout.image(layers);
  return { layout: layout.name(descriptor, name), descriptor };
}

/** An image for two platforms, of which the archive has these. */
function multiPlatform(there: readonly string[]): { layout: LayoutSketch; index: RawDescriptor; manifests: Record<string, RawDescriptor> } {
  const layout = new LayoutSketch();
  const manifests: Record<string, RawDescriptor> = {};
  for (const architecture of ["amd64", "arm64"]) {
    const layers = [layer("common"), layer(architecture)];
    const before = new Set(layout.files.keys());
    const { descriptor } = layout.image(layers, configOf(layers, { architecture }));
    manifests[architecture] = { ...descriptor, platform: { os: "linux", architecture } };
    const added = [...layout.files.keys()].filter((file) => !before.has(file));
    if (!there.includes(architecture)) for (const file of added) layout.files.delete(file);
  }
  const index = layout.index(Object.values(manifests));
  return { layout: layout.name(index, "example.org/multi:1"), index, manifests };
}

async function wholeNames(): Promise<string[]> {
  const checked = await checkImages(scene.store, (images) => images);
  return checked.map(({ image, problems }) => [image.name ?? "-", ...problems].join(" "));
}

async function failure(work: Promise<unknown>): Promise<ToolError> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof ToolError) return error;
  throw new Error("it did not fail as it should", { cause: error });
}

describe.each([[false], [true]])("importImages, from a pipe: %p", (isPipe) => {
  test("keeps each blob of an OCI layout once, as it is, and names the image", async () => {
    const { layout, descriptor } = layoutOf();
    expect(await scene.import(layout.tar(), { isPipe })).toEqual([
      { name: "example.org/app:1", digest: descriptor.digest, before: undefined },
    ] as never);
    const expected = [...layout.files].filter(([name]) => name.startsWith("blobs/"));
    expect(scene.blobs().toSorted()).toEqual(expected.map(([, bytes]) => sha256(bytes)).toSorted());
    for (const [, bytes] of expected) expect(bytes.equals(fs.readFileSync(scene.blobFile(sha256(bytes))))).toBe(true);
    expect(scene.others()).toEqual([...EMPTY, "index.json"].toSorted());
    expect(await wholeNames()).toEqual(["example.org/app:1"]);
  });

  test("keeps nothing of a docker-archive but the image", async () => {
    await scene.import(sketchTar(...dockerEntries(LAYERS)), { isPipe });
    expect(scene.blobs()).toHaveLength(LAYERS.length + 2);
    expect(await wholeNames()).toEqual(["docker.io/example/app:1"]);
  });

  test.each([
    ["a layer that is not there", (layout: LayoutSketch, digest: string) => layout.files.delete(`blobs/${digest.replace(":", "/")}`)],
    [
      "a layer with a flipped bit",
      (layout: LayoutSketch, digest: string) => {
        const bytes = Buffer.from(layout.files.get(`blobs/${digest.replace(":", "/")}`) ?? "");
        bytes[5] = (bytes[5] ?? 0) ^ 1;
        layout.files.set(`blobs/${digest.replace(":", "/")}`, bytes);
      },
    ],
    [
      "a layer that is shorter",
      (layout: LayoutSketch, digest: string) => {
        const name = `blobs/${digest.replace(":", "/")}`;
        layout.files.set(name, (layout.files.get(name) ?? Buffer.alloc(0)).subarray(0, 100));
      },
    ],
  ] as const)("refuses %s, and stores nothing", async (_, damage) => {
    const { layout } = layoutOf();
    const victim = sha256(LAYERS[1]?.stored ?? Buffer.alloc(0));
    damage(layout, victim);
    const { code, message } = await failure(scene.import(layout.tar(), { isPipe }));
    expect([code, message.includes(victim)]).toEqual(["damaged", true]);
    expect(scene.blobs()).toEqual([]);
    expect(scene.others()).toEqual(EMPTY);
  });

  test("refuses a layer of which no root filesystem can be made", async () => {
    const tar = sketchTar({ name: "../etc/passwd", data: "x" });
    const { layout } = layoutOf([...LAYERS, { tar, stored: tar, mediaType: LAYERS[0]?.mediaType ?? "" }]);
    const { code, message } = await failure(scene.import(layout.tar(), { isPipe }));
    expect([code, message]).toEqual(["damaged", expect.stringContaining('Cannot apply "../etc/passwd" of layer')]);
    expect(scene.others()).toEqual(EMPTY);
  });

  test("takes a layer whose hard links and marks name what is in another one", async () => {
    const tar = sketchTar({ name: "link", typeflag: "1", linkname: "etc/hostname" }, { name: "bin/.wh.sh" });
    await scene.import(layoutOf([...LAYERS, { tar, stored: tar, mediaType: LAYERS[0]?.mediaType ?? "" }]).layout.tar(), { isPipe });
    expect(await wholeNames()).toEqual(["example.org/app:1"]);
  });

  test("checks an image whose manifest came before, as a part of something else", async () => {
    const wrong = new LayoutSketch();
    const { descriptor } = wrong.image(LAYERS, configOf([...LAYERS.slice(0, 2), layer("something else")]));
    const [path = "", manifest = Buffer.alloc(0)] = [...wrong.files].find(([name]) => name.endsWith(descriptor.digest.slice(7))) ?? [];
    const artifact = new LayoutSketch();
    const part = { tar: manifest, stored: manifest, mediaType: "text/plain" };
    artifact.name(
      artifact.image([part], {}, { config: artifact.add(Buffer.from("{}"), "application/x-anything") }).descriptor,
      "a.example/a:1",
    );
    await scene.import(artifact.tar());
    expect(fs.existsSync(scene.blobFile(path.slice(6).replace("/", ":")))).toBe(true);
    const { code, message } = await failure(scene.import(wrong.name(descriptor, "example.org/app:1").tar(), { isPipe }));
    expect([code, message]).toEqual(["damaged", expect.stringContaining("diffID")]);
  });

  test("refuses a layer that is not what the configuration says, and keeps what was there", async () => {
    await scene.import(layoutOf().layout.tar());
    const before = [scene.names(), scene.blobs()];
    const layout = new LayoutSketch();
    const config = configOf([...LAYERS.slice(0, 2), layer("something else")]);
    layout.name(layout.image(LAYERS, config).descriptor, "example.org/app:1");
    const { code, message } = await failure(scene.import(layout.tar(), { isPipe }));
    expect([code, message]).toEqual(["damaged", expect.stringContaining("diffID")]);
    expect([scene.names(), scene.blobs()]).toEqual(before);
  });
});

describe("importImages", () => {
  test("changes a name only if the image is another one, and says what it was", async () => {
    const { layout, descriptor: first } = layoutOf();
    await scene.import(layout.tar());
    const index = fs.statSync(`${scene.store.directory}/index.json`).ino;
    expect(await scene.import(layout.tar())).toEqual([{ name: "example.org/app:1", digest: first.digest, before: first.digest }] as never);
    expect(fs.statSync(`${scene.store.directory}/index.json`).ino).toBe(index);
    const { layout: other, descriptor: second } = layoutOf(LAYERS.slice(0, 1));
    expect(await scene.import(other.tar())).toEqual([{ name: "example.org/app:1", digest: second.digest, before: first.digest }] as never);
    expect(scene.names()).toEqual({ "example.org/app:1": second.digest });
  });

  test("lists an image without a name once, and not beside its name", async () => {
    const layout = new LayoutSketch();
    const { descriptor } = layout.image(LAYERS);
    layout.name(descriptor);
    await scene.import(layout.tar());
    await scene.import(layout.tar());
    expect(scene.names()).toEqual({ "-": descriptor.digest });
  });

  test("does not believe what an archive says in place of the store", async () => {
    const layout = new LayoutSketch();
    const { descriptor } = layout.image(LAYERS);
    const annotations = { "io.containerd.image.name": "\u001b[2J", "ctar.absent": descriptor.digest, "org.example.kept": "yes" };
    await scene.import(layout.name(descriptor, undefined, annotations).tar());
    expect(scene.store.images()).toEqual([
      { name: undefined, target: { ...descriptor, annotations: { "org.example.kept": "yes" } }, absent: [] },
    ] as never);
  });

  test("refuses what would make the index too large to be read again", async () => {
    await scene.import(layoutOf().layout.tar());
    for (const [tag, code] of [
      ["2", undefined],
      ["3", "failed"],
    ] as const) {
      const layout = new LayoutSketch();
      layout.name(layout.image(LAYERS).descriptor, `example.org/app:${tag}`, { filler: tag.repeat(5_000_000) });
      const work = scene.import(layout.tar());
      if (code === undefined) await work;
      else expect((await failure(work)).code).toBe(code);
    }
    expect(Object.keys(scene.names())).toEqual(["example.org/app:1", "example.org/app:2"]);
  });

  test("a prune between the copying and the naming takes nothing away", async () => {
    const shared = layoutOf(LAYERS.slice(0, 2), "example.org/old:1").layout;
    await scene.import(shared.tar());
    const whileHeld = async (): Promise<void> => {
      await scene.store.change(() => ({ images: [], result: undefined }));
      expect((await pruneStore(scene.store, { untagged: false, dryRun: false })).blobs.length).toBeGreaterThan(0);
      expect(scene.blobs()).toEqual([]);
    };
    await scene.import(layoutOf().layout.tar(), { whileHeld });
    expect(await wholeNames()).toEqual(["example.org/app:1"]);
  });

  test("replaces a blob that was cut short", async () => {
    const { layout } = layoutOf();
    await scene.import(layout.tar());
    const victim = sha256(LAYERS[0]?.stored ?? Buffer.alloc(0));
    fs.chmodSync(scene.blobFile(victim), 0o600);
    fs.truncateSync(scene.blobFile(victim), 7);
    expect(await wholeNames()).toEqual([expect.stringContaining(victim)]);
    await scene.import(layout.tar());
    expect(await wholeNames()).toEqual(["example.org/app:1"]);
  });

  test("the next one removes what a killed run held, and leaves what a living one holds", async () => {
    const dead = `${scene.store.directory}/.ctar/00000000-0000-0000-0000-000000000000.1.1.0123456789ab`;
    fs.mkdirSync(dead);
    fs.writeFileSync(`${dead}/incoming-0123456789ab`, "half");
    using living = new Lease(scene.store.directory, {});
    await living.addUnknown((async function* () { yield await Promise.resolve(Buffer.from("held")); })()); // prettier-ignore
    scene.store.removeLeftovers();
    expect(fs.existsSync(dead)).toBe(false);
    expect(living.find(sha256(Buffer.from("held")) as never)?.size).toBe(4);
  });
});

describe("an image for several platforms", () => {
  test("is kept with those that are there, and known to be whole", async () => {
    const { layout, index } = multiPlatform(["amd64"]);
    await scene.import(layout.tar());
    expect(scene.names()).toEqual({ "example.org/multi:1": index.digest });
    expect(await wholeNames()).toEqual(["example.org/multi:1"]);
    await pruneStore(scene.store, { untagged: false, dryRun: false });
    expect(await wholeNames()).toEqual(["example.org/multi:1"]);
  });

  test("gains a platform by a second import", async () => {
    await scene.import(multiPlatform(["amd64"]).layout.tar());
    const { layout, manifests } = multiPlatform(["amd64", "arm64"]);
    await scene.import(layout.tar());
    expect(scene.store.images()[0]?.absent).toEqual([]);
    expect(scene.blobs()).toContain(manifests["arm64"]?.digest ?? "-");
    // and loses none by a third
    await scene.import(multiPlatform(["amd64"]).layout.tar());
    await pruneStore(scene.store, { untagged: false, dryRun: false });
    expect(scene.blobs()).toContain(manifests["arm64"]?.digest ?? "-");
  });

  test("is damaged when what was there is gone", async () => {
    const { layout, manifests } = multiPlatform(["amd64", "arm64"]);
    await scene.import(layout.tar());
    fs.rmSync(scene.blobFile(manifests["arm64"]?.digest ?? ""));
    expect(await wholeNames()).toEqual([expect.stringContaining(manifests["arm64"]?.digest ?? "-")]);
    expect((await failure(pruneStore(scene.store, { untagged: false, dryRun: false }))).code).toBe("damaged");
  });

  test("is kept for the platform that is chosen alone", async () => {
    const { layout, manifests } = multiPlatform(["amd64", "arm64"]);
    await scene.import(layout.tar(), { platforms: [parsePlatform("linux/arm64")] });
    expect(scene.store.images()[0]?.absent).toEqual([manifests["amd64"]?.digest] as never);
    expect(scene.blobs()).toHaveLength(5);
    expect(scene.blobs()).not.toContain(sha256(layer("amd64").stored));
  });

  test.each([
    ["all", "damaged"],
    [[parsePlatform("linux/arm64")], "damaged"],
    [[parsePlatform("linux/riscv64")], "not-found"],
  ] as const)("fails when %j is wanted and the archive has only amd64: %s", async (platforms, code) => {
    expect((await failure(scene.import(multiPlatform(["amd64"]).layout.tar(), { platforms }))).code).toBe(code);
    expect(scene.blobs()).toEqual([]);
  });

  test("an image for one platform is not imported for another", async () => {
    const work = scene.import(layoutOf().layout.tar(), { platforms: [parsePlatform("linux/s390x")] });
    expect((await failure(work)).hints).toEqual(["It is for linux/amd64"]);
  });
});

test("a docker-archive gets the manifest that containerd makes", async () => {
  const layers = LAYERS.slice(0, 2);
  const config = Buffer.from(JSON.stringify(configOf(layers)));
  const [plain, gzipped] = layers.map(({ stored }) => ({ digest: `sha256:${hexOf(stored)}`, size: stored.length }));
  const type = "application/vnd.docker";
  // the order of fields, and no spaces, as Go's encoding/json writes its structure
  const manifest =
    `{"schemaVersion":2,"mediaType":"${type}.distribution.manifest.v2+json",` +
    `"config":{"mediaType":"${type}.container.image.v1+json","digest":"${sha256(config)}","size":${config.length}},` +
    `"layers":[{"mediaType":"${type}.image.rootfs.diff.tar","digest":"${plain?.digest}","size":${plain?.size}},` +
    `{"mediaType":"${type}.image.rootfs.diff.tar.gzip","digest":"${gzipped?.digest}","size":${gzipped?.size}}]}`;
  const [image] = await scene.import(sketchTar(...dockerEntries(layers)));
  expect(image?.digest).toBe(sha256(Buffer.from(manifest)) as never);
});
