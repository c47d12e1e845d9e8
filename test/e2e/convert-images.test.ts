/** `ctar convert` from and to images: what other programs make of them, and that nothing changes on the way. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import * as fs from "node:fs";
import { exportArchive } from "../../src/archive/export.ts";
import { ArchiveWriter } from "../../src/archive/write.ts";
import { comparable } from "../oci/layers/programs.ts";
import { MemorySink, sketchHead, sketchSource } from "../support/archive.ts";
import { containerArchive } from "../support/container-stream.ts";
import { DirPoolScene } from "../support/dir-pool.ts";
import { Containerd, Podman, succeed, whyNot } from "../support/image-programs.ts";
import { configOf, dockerEntries, layer, LayoutSketch, sha256 } from "../support/oci.ts";
import { readPlainTar } from "../support/plain-tar.ts";
import { runProgram, runProgramOn } from "../support/program.ts";
import { underPrivate } from "../support/stream-edit.ts";
import { fixtureStream } from "../support/stream-tree.ts";
import { sketchTar } from "../support/tar.ts";
import { listTree } from "../support/tree-listing.ts";

const TIMEOUT_MS = 120_000;
const IS_ROOT = process.getuid?.() === 0;
const LAYERS = [layer("etc/one"), layer("bin/two", "gzip"), layer("bin/three", "zstd")];
const CONFIG = { created: "2026-01-31T12:00:00Z", config: { Entrypoint: ["/bin/two"], Env: ["A=1"], Labels: { x: "y" } } };
const ROOTFS = sketchTar(
  { name: "bin/", typeflag: "5", mode: 0o755 },
  { name: "bin/sh", data: "#!", mode: 0o755 },
  { name: "etc/", typeflag: "5", mode: 0o755 },
  { name: "etc/os-release", data: 'ID=alpine\nVERSION_ID="3.20"\n', uid: 7 },
  { name: "etc/.wh.gone", data: "looks like a mark" },
  { name: "etc/os", typeflag: "1", linkname: "etc/os-release", uid: 7 },
);

let scene: DirPoolScene;
beforeAll(async () => {
  scene = await DirPoolScene.create();
  fs.writeFileSync(scene.file("docker.tar"), sketchTar(...dockerEntries(LAYERS.slice(0, 2), { config: configOf(LAYERS.slice(0, 2), CONFIG), tags: ["example.org/app:1"] }))); // prettier-ignore
  fs.writeFileSync(scene.file("layout.tar"), layout().tar());
  fs.writeFileSync(scene.file("rootfs.tar"), ROOTFS);
});
afterAll(() => scene[Symbol.dispose]());

/** An image for two platforms, which has a name, and one of them a tag besides. */
function layout(): LayoutSketch {
  const sketch = new LayoutSketch();
  const amd = sketch.image(LAYERS, configOf(LAYERS, CONFIG));
  const arm = sketch.image(LAYERS.slice(0, 1), configOf(LAYERS.slice(0, 1), { architecture: "arm64" }));
  const index = sketch.index([
    { ...amd.descriptor, platform: { os: "linux", architecture: "amd64" } },
    { ...arm.descriptor, platform: { os: "linux", architecture: "arm64" } },
  ]);
  return sketch.name(index, "example.org/app:1").name(arm.descriptor, "arm");
}

/** Converts a file of the scene. @returns the path of what it has become, and what was said */
async function convert(input: string, format: string, ...options: string[]): Promise<{ file: string; stderr: string }> {
  const file = scene.file(`${input.replace(/\W/g, "-")}-${format}${options.join("").replace(/\W+/g, "-")}`);
  fs.rmSync(file, { force: true });
  const { exitCode, stderr } = await runProgram("convert", "--format", format, ...options, scene.file(input), file);
  expect([stderr, exitCode]).toEqual([expect.stringMatching(/(^|\n)converted /), /warning: file/.test(stderr) ? 3 : 0]);
  expect((await runProgram("verify", file)).exitCode).toBe(0);
  return { file, stderr };
}

/** Blobs of a layout by their names. */
function blobsIn(file: string): string[] {
  return readPlainTar(fs.readFileSync(file)).map(({ name }) => name).filter((name) => /^blobs\/sha256\/./.test(name)); // prettier-ignore
}

interface Inspected {
  names: string[];
  digest: string;
  configDigest: string;
  layers: { digest: string }[];
  config: { config: object; created?: string };
}

async function inspect(file: string): Promise<Inspected[]> {
  return (JSON.parse((await runProgram("inspect", "--json", file)).stdout) as { images: Inspected[] }).images;
}

describe("images to images", () => {
  test.each(["docker", "oci"])("all of a layout, with every digest and name, to %s", async (format) => {
    const { file } = await convert("layout.tar", format);
    expect(await inspect(file)).toEqual(await inspect(scene.file("layout.tar")));
    const stored = [...layout().files.keys()].filter((name) => name.startsWith("blobs/"));
    expect(blobsIn(file).toSorted()).toEqual(stored.toSorted());
    expect(readPlainTar(fs.readFileSync(file)).some(({ name }) => name === "manifest.json")).toBe(format === "docker");
    const piped = await runProgramOn(fs.readFileSync(scene.file("layout.tar")), "convert", "--format", format, "-", `${file}-piped`);
    expect([piped.exitCode, fs.readFileSync(`${file}-piped`).equals(fs.readFileSync(file))]).toEqual([0, true]);
  });

  test("a docker-archive to a layout and back keeps configuration and layers", async () => {
    const { file } = await convert("docker.tar", "oci");
    const [image] = await inspect(file);
    const raw = Buffer.from(JSON.stringify(configOf(LAYERS.slice(0, 2), CONFIG)));
    expect(image).toMatchObject({ names: ["example.org/app:1"], configDigest: sha256(raw) });
    expect(image?.layers.map(({ digest }) => digest)).toEqual(LAYERS.slice(0, 2).map(({ stored }) => sha256(stored)));
    fs.copyFileSync(file, scene.file("there.tar"));
    const back = await convert("there.tar", "docker");
    expect(await inspect(back.file)).toEqual([image] as Inspected[]);
  });

  test("one that is chosen, for one platform, under a new name", async () => {
    const { file } = await convert("layout.tar", "oci", "--image", "example.org/app:1", "--platform", "linux/arm64", "--tag", "other:2");
    const arm = (await inspect(scene.file("layout.tar")))[1];
    expect(await inspect(file)).toEqual([{ ...arm, names: ["docker.io/library/other:2"] }] as Inspected[]);
    expect(blobsIn(file).length).toBe(3);
  });
});

describe("a root filesystem", () => {
  test("becomes an image of one layer, and again what it was", async () => {
    const { file, stderr } = await convert("rootfs.tar", "oci", "--tag", "web:1", "--change", "CMD /bin/sh", "--platform", "linux/arm64");
    expect(stderr).toContain("warning: file: its name is a mark in a layer: etc/.wh.gone\n");
    const [image] = await inspect(file);
    expect(image).toMatchObject({ names: ["docker.io/library/web:1"], config: { config: { Cmd: ["/bin/sh", "-c", "/bin/sh"] }, architecture: "arm64" } }); // prettier-ignore
    fs.copyFileSync(file, scene.file("image.tar"));
    const back = await convert("image.tar", "rootfs", "--platform", "linux/arm64");
    const [before, after] = [await extracted(scene.file("rootfs.tar")), await extracted(back.file)];
    expect(after).toEqual(before.filter((line) => !line.includes(".wh.")));
    expect(after.length).toBe(5);
  });

  /** The tree without its root, which a root filesystem has no entry for. */
  async function extracted(file: string): Promise<string[]> {
    const directory = `${file}-extracted`;
    await runProgram("extract", file, "-C", directory);
    return (await listTree(directory)).slice(1);
  }

  test.skipIf(!IS_ROOT).each([
    ["rootfs.tar", "file"],
    ["rootfs.tar", "pipe"],
    ["docker.tar", "file"],
    ["docker.tar", "pipe"],
  ])(
    "or an image becomes an archive of a container that ctar import makes as it makes the input itself: %s from a %s",
    async (name, way) => {
      const input = scene.file(name);
      const archive = scene.file(`container-${way}-${name}`);
      const options = ["convert", "--format", "tar"];
      const converted =
        way === "file"
          ? await runProgram(...options, input, archive)
          : await runProgramOn(fs.readFileSync(input), ...options, "-", archive);
      expect([converted.exitCode, (await runProgram("verify", archive)).exitCode]).toEqual([0, 0]);
      const ids = [`one-${way}-${name}`, `two-${way}-${name}`].map((id) => id.replaceAll(".", "-")) as [string, string];
      expect((await scene.run("import", ["--as-id", ids[0], archive])).exitCode).toBe(0);
      expect((await scene.run("import", ["--as-id", ids[1], input])).exitCode).toBe(0);
      const [one, two] = await Promise.all(ids.map(async (id) => (await listTree(scene.path(`ct/${id}/private`))).slice(1)));
      expect(one).toEqual(two as string[]);
      const [first, second] = ids.map((id) => fs.readFileSync(scene.path(`conf/ct/${id}.yml`), "utf8").replaceAll(id, "ID"));
      expect(first).toBe(second as string);
    },
  );

  test("what a command and kept settings were comes back when the container becomes an image", async () => {
    fs.copyFileSync((await convert("docker.tar", "tar")).file, scene.file("kept.tar"));
    const { file } = await convert("kept.tar", "docker");
    expect((await inspect(file))[0]?.config.config).toEqual(CONFIG.config);
  });
});

test("an archive of a time that no image can have becomes one of now", async () => {
  const head = sketchHead({ format: "tar", exportedAt: 1e15 });
  const sink = new MemorySink("file");
  const source = sketchSource(head, [{ dataset: "", kind: "base", gzip: true, bytes: ROOTFS }]);
  await exportArchive(source, new ArchiveWriter(sink, { mtime: 0, chunkBytes: 5000 }), { tool: "ctar test" });
  fs.writeFileSync(scene.file("late.tar"), sink.bytes());
  const { file } = await convert("late.tar", "oci");
  const created = Date.parse((await inspect(file))[0]?.config.created ?? "");
  expect(Math.abs(Date.now() - created)).toBeLessThan(TIMEOUT_MS);
});

describe("what makes no sense is refused, with what to do instead, and gives no file", () => {
  test.each([
    [["layout.tar"], 2, "it holds images, and may become several things", "--format docker, oci, rootfs or tar"],
    [["--format", "zfs", "layout.tar"], 1, "ZFS streams are made by ZFS alone", "ctar import"],
    [["--format", "zfs", "rootfs.tar"], 1, "ZFS streams are made by ZFS alone", "ctar import"],
    [["--format", "oci", "--change", "CMD x", "layout.tar"], 2, "Cannot use --change for images that become images", "--format rootfs"],
    [["--format", "oci", "-c", "gzip", "layout.tar"], 2, "Cannot use --compression for images that become images", "--format rootfs"],
    [["--format", "oci", "--tag", "x", "layout.tar"], 2, "Cannot name 2 images alike", "--image"],
    [["--format", "rootfs", "--tag", "x", "rootfs.tar"], 2, "Cannot use --tag: it is for --format docker and --format oci", ""],
    [["--format", "rootfs", "--tag", "x", "layout.tar"], 2, "Cannot use --tag: it is for --format docker and --format oci", ""],
    [["--format", "tar", "-c", "off", "docker.tar"], 2, 'Cannot use --compression "off" with format "tar"', ""],
    [["--format", "oci", "--image", "x", "rootfs.tar"], 2, "Cannot use --image: the input holds no images", ""],
    [["--format", "rootfs", "--image", "x", "layout.tar"], 10, 'Cannot find image "x"', "There is example.org/app:1"],
  ])("%j", async (args, exitCode, reason, hint) => {
    const output = scene.file("refused");
    const result = await runProgram("convert", ...args.slice(0, -1), scene.file(args.at(-1) ?? ""), output);
    expect([result.exitCode, result.stderr]).toEqual([exitCode, expect.stringContaining(reason)]);
    expect(result.stderr).toContain(hint);
    expect(fs.existsSync(output)).toBe(false);
  });

  test("damaged images, whatever they are to become", async () => {
    const sketch = layout();
    const path = `blobs/${sha256(LAYERS[1]?.stored ?? Buffer.alloc(0)).replace(":", "/")}`;
    sketch.files.set(path, Buffer.alloc(LAYERS[1]?.stored.length ?? 0));
    fs.writeFileSync(scene.file("damaged.tar"), sketch.tar());
    const before = fs.readdirSync(scene.directory);
    for (const format of ["docker", "oci", "rootfs", "tar"]) {
      const options = ["--format", format, "--image", "example.org/app:1", "--platform", "linux/amd64"];
      const { exitCode, stderr } = await runProgram("convert", ...options, scene.file("damaged.tar"), scene.file("refused"));
      expect([exitCode, stderr]).toEqual([12, expect.stringContaining(path.replace("blobs/sha256/", "sha256:"))]);
    }
    expect(fs.readdirSync(scene.directory)).toEqual(before);
  });
});

const why = whyNot("podman", "containerd", "ctr", "skopeo", "umoci");
describe.skipIf(why !== "")(`an archive of ZFS streams as an image${why}`, () => {
  let tree: string[] = [];
  let since = 0n;
  beforeAll(async () => {
    const [base, incremental] = [underPrivate("p.full.s1"), fixtureStream("p.incr-I.s1-s3")];
    fs.writeFileSync(scene.file("zfs.tar"), await containerArchive({ datasets: { "": base }, incremental, gzip: true }));
    await runProgram("extract", scene.file("zfs.tar"), "-C", scene.file("extracted"));
    tree = await listTree(scene.file("extracted"));
    since = BigInt(Date.now()) * 1_000_000n;
  });

  function expectSame(lines: readonly string[]): void {
    const { ours, theirs } = comparable(tree, lines, since);
    expect(theirs).toEqual(ours);
    expect(ours.length).toBeGreaterThan(10);
  }

  test.each(["docker", "oci"])(
    "of format %s is imported by containerd, with the files that are in the streams",
    async (format) => {
      const { file, stderr } = await convert("zfs.tar", format, "--tag", "example.org/web:1", "--change", 'CMD ["/sbin/init"]');
      const [image] = await inspect(file);
      expect(stderr).toContain(`image ${image?.configDigest}`);
      expect(image?.config.created).toBe("2024-10-25T10:03:20Z");
      const again = await runProgram("convert", "--format", format, "--tag", "example.org/web:1", "--change", 'CMD ["/sbin/init"]', scene.file("zfs.tar"), `${file}-again`); // prettier-ignore
      expect([again.exitCode, fs.readFileSync(`${file}-again`).equals(fs.readFileSync(file))]).toEqual([0, true]);
      fs.mkdirSync(scene.file(`containerd-${format}`));
      await using containerd = await Containerd.start(scene.file(`containerd-${format}`));
      await containerd.ctr("x", "images", "import", "--snapshotter", "native", file);
      expect(await containerd.images("x")).toEqual({ "example.org/web:1": image?.digest ?? "" });
      const mount = scene.file(`mounted-${format}`);
      fs.mkdirSync(mount);
      await containerd.ctr("x", "images", "mount", "--snapshotter", "native", "example.org/web:1", mount);
      const lines = await listTree(mount);
      await containerd.ctr("x", "images", "unmount", mount);
      expectSame(lines);
    },
    TIMEOUT_MS,
  );

  test(
    "is loaded by podman, seen by skopeo, and unpacked by umoci",
    async () => {
      const { file } = await convert("zfs.tar", "docker", "--tag", "example.org/web:1", "--change", 'CMD ["/sbin/init"]');
      const podman = new Podman(scene.file("podman"));
      await podman.run("load", "--input", file);
      expectSame(await listTree((await podman.run("image", "mount", "example.org/web:1")).trim()));
      await podman.run("image", "umount", "--all");
      await podman.run("system", "reset", "--force").catch(() => "");
      const config = JSON.parse(await succeed("skopeo", "inspect", "--config", `docker-archive:${file}`)) as { config: object };
      expect(config.config).toEqual({ Cmd: ["/sbin/init"] });
      await succeed("skopeo", "copy", "--quiet", `oci-archive:${file}:1`, `oci:${scene.file("unpacked")}:1`);
      await succeed("umoci", "unpack", "--image", `${scene.file("unpacked")}:1`, scene.file("bundle"));
      expectSame(await listTree(scene.file("bundle/rootfs")));
    },
    TIMEOUT_MS,
  );
});
