/** `ctar import` of images and root filesystems: the files are those of the layers put together, the configuration says what can be known. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import * as fs from "node:fs";
import * as path from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { DirPoolScene } from "../support/dir-pool.ts";
import { configOf, dockerEntries, entriesLayer, json, LayoutSketch, open, type LayerSketch } from "../support/oci.ts";
import { finish, type Finished } from "../support/program.ts";
import { sketchTar, type EntrySketch } from "../support/tar.ts";
import { VirtualFile } from "../support/virtual-file.ts";

const TIMEOUT_MS = 60_000;
const PATIENCE_MS = 30_000;
/** Whoever runs the tests, so that no owner is lost. */
const OWNER = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
const NAME = "docker.io/library/app:1";
const RELEASE = 'NAME="Alpine Linux"\nID=alpine\nVERSION_ID=3.20.3\n';
const LOWER = ownLayer(
  { name: "etc/", typeflag: "5", mode: 0o755 },
  { name: "etc/gone", data: "gone\n" },
  { name: "etc/hostname", data: "lower\n" },
  { name: "usr/lib/os-release", data: "ID=debian\nVERSION_ID=12\n" },
);
const UPPER = ownLayer(
  { name: "etc/.wh.gone" },
  { name: "etc/hostname", data: "upper\n", mode: 0o640 },
  { name: "etc/os-release", typeflag: "2", linkname: "../usr/lib/os-release" },
  { name: "usr/lib/os-release", data: RELEASE },
);
const RUN = {
  Cmd: ["-l"],
  Entrypoint: ["/bin/sh"],
  Env: ["PATH=/bin", "A=b c"],
  ExposedPorts: { "80/tcp": {} },
  Labels: { x: "y" },
  StopSignal: "SIGQUIT",
  User: "app",
  Volumes: { "/data": {} },
  WorkingDir: "/srv",
};
const CONFIG = configOf([LOWER, UPPER], { config: RUN, created: "2026-01-31T12:00:00Z", history: [{ created_by: "one" }, { created_by: "two" }] }); // prettier-ignore
const ROOTFS: readonly EntrySketch[] = [
  { name: "etc/", typeflag: "5", mode: 0o755 },
  { name: "etc/hostname", data: "upper\n", mode: 0o640 },
  { name: "etc/os-release", typeflag: "2", linkname: "../usr/lib/os-release" },
  { name: "usr/lib/os-release", data: RELEASE },
  { name: "sbin/init", data: "#!/bin/sh\n", mode: 0o755 },
].map((entry) => ({ ...OWNER, ...entry }));

function ownLayer(...entries: EntrySketch[]): LayerSketch {
  return entriesLayer(...entries.map((entry) => ({ ...OWNER, ...entry })));
}

let scene: DirPoolScene;
/** The pool as the tests find it, and are to leave it. */
let before: string[] = [];
/** Where each form is. */
let files: Record<string, string> = {};

beforeAll(async () => {
  scene = await DirPoolScene.create();
  before = scene.inventory();
  const docker = sketchTar(...dockerEntries([LOWER, UPPER], { config: CONFIG, tags: ["app:1"] }));
  const sketch = new LayoutSketch();
  const layout = sketch.name(sketch.image([LOWER, UPPER], CONFIG).descriptor, "app:1", { "io.containerd.image.name": NAME });
  files = {
    "docker-archive": write("docker.tar", docker),
    "docker-archive, gzip": write("docker.tar.gz", gzipSync(docker)),
    "OCI layout": write("layout.tar", layout.tar()),
    "OCI layout, zstd": write("layout.tar.zst", zstdCompressSync(layout.tar())),
    "OCI layout, directory": scene.file("layout"),
    rootfs: write("My.Rootfs.tar", sketchTar(...ROOTFS)),
    "rootfs, gzip": write("rootfs.tgz", gzipSync(sketchTar(...ROOTFS))),
    "rootfs, zstd": write("rootfs.tar.zst", zstdCompressSync(sketchTar(...ROOTFS))),
    several: write("several.tar", severalImages()),
  };
  for (const { name, data } of layout.entries()) write(`layout/${name}`, data as Buffer);
});
afterAll(() => scene[Symbol.dispose]());

function write(name: string, bytes: Uint8Array): string {
  const file = scene.file(name);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, bytes);
  return file;
}

/** `one` for two platforms, and `two`. */
function severalImages(): Buffer {
  const sketch = new LayoutSketch();
  const image = (layer: LayerSketch, architecture: string): ReturnType<LayoutSketch["image"]> =>
    sketch.image([layer], configOf([layer], { architecture, config: {} }));
  const [amd64, arm64] = [image(LOWER, "amd64").descriptor, image(UPPER, "arm64").descriptor];
  const index = sketch.index([
    { ...amd64, platform: { os: "linux", architecture: "amd64" } },
    { ...arm64, platform: { os: "linux", architecture: "arm64" } },
  ]);
  sketch.name(index, "1", { "io.containerd.image.name": "example.org/one:1" });
  return sketch.name(image(UPPER, "amd64").descriptor, "2", { "io.containerd.image.name": "example.org/two:2" }).tar();
}

/** Imports a file, by its name or through a pipe. */
async function imported(file: string, args: readonly string[] = [], from: "file" | "pipe" = "file"): Promise<Finished> {
  if (from === "file") return await scene.run("import", [...args, file]);
  const child = scene.start("import", [...args, "-"], { stdio: ["pipe", "pipe", "pipe"] });
  child.stdin?.on("error", () => undefined);
  child.stdin?.end(fs.readFileSync(file));
  return await finish(child);
}

/** Removes what an import made, which must be all there is: the user's ids are given back by osctl only. */
function removeContainer(id: string): void {
  scene.removeContainer(id);
  fs.rmSync(scene.path(`conf/user/${id}.yml`));
  expect(scene.inventory()).toEqual(before);
}

function configText(id: string): string {
  return fs.readFileSync(scene.path(`conf/ct/${id}.yml`), "utf8");
}

function read(id: string, file: string): string {
  return fs.readFileSync(scene.path(`ct/${id}/private/${file}`), "utf8");
}

const IMAGES = ["docker-archive", "docker-archive, gzip", "OCI layout", "OCI layout, zstd", "OCI layout, directory"];
const ROOTS = ["rootfs", "rootfs, gzip", "rootfs, zstd"];
const fromBoth = (forms: readonly string[]): (readonly [string, "file" | "pipe"])[] =>
  forms.flatMap((form) => [[form, "file"] as const, ...(form.includes("directory") ? [] : [[form, "pipe"] as const])]);
const UNUSED = "environment, user, working directory, ports, volumes, stop signal";

describe("an image becomes a container", () => {
  test.each(fromBoth(IMAGES))(
    "%s, from a %s",
    async (form, from) => {
      const { exitCode, stdout, stderr } = await imported(files[form] ?? "", ["--spool-dir", scene.directory], from);
      const isKept = from === "pipe" || /gzip|zstd/.test(form);
      const lines = [
        ...(isKept ? [`note: the images are kept in "${scene.directory}" while they are read`] : []),
        `note: osctld has no such settings, they are kept for an export as an image: ${UNUSED}`,
        `imported container "app" to pool "${scene.name}" (image ${NAME} for linux/amd64, alpine 3.20)`,
      ];
      expect([exitCode, stdout, stderr]).toEqual([0, "", `${lines.join("\n")}\n`]);
      expect(fs.readdirSync(scene.path("ct/app/private"), { recursive: true, encoding: "utf8" }).toSorted()).toEqual(
        ["etc", "etc/hostname", "etc/os-release", "usr", "usr/lib", "usr/lib/os-release"], // prettier-ignore
      );
      expect([read("app", "etc/hostname"), read("app", "etc/os-release")]).toEqual(["upper\n", RELEASE]);
      expect(fs.statSync(scene.path("ct/app/private/etc/hostname")).mode & 0o7777).toBe(0o640);
      const [head] = configText("app").split("attrs:");
      expect(head).toBe(
        "---\nuser: app\ngroup: \"/default\"\ndistribution: alpine\nversion: '3.20'\narch: x86_64\nnet_interfaces: []\n" +
          'prlimits:\n  nofile:\n    soft: 1024\n    hard: 1048576\ninit_cmd:\n- "/bin/sh"\n- "-l"\n',
      );
      expect(fs.readFileSync(scene.path("conf/user/app.yml"), "utf8")).toMatch(/^---\nuid_map:\n- 0:\d+:65536\ngid_map:\n- 0:\d+:65536\n/);
      removeContainer("app");
    },
    TIMEOUT_MS,
  );

  test("whose configuration an export as an image gives back", async () => {
    expect((await imported(files["OCI layout"] ?? "")).exitCode).toBe(0);
    const exported = scene.file("exported.tar");
    expect((await scene.run("export", ["--format", "oci", "app", exported])).exitCode).toBe(0);
    const [image] = (await open(VirtualFile.of(fs.readFileSync(exported)))).images;
    expect(image?.config.json["config"]).toEqual(RUN);
    expect(image?.config.history.map(({ createdBy }) => createdBy)).toEqual(["one", "two", "ctar export"]);
    removeContainer("app");
  });
});

describe("a root filesystem becomes a container", () => {
  test.each(fromBoth(ROOTS))(
    "%s, from a %s, with the init that it has",
    async (form, from) => {
      const { exitCode, stdout, stderr } = await imported(files[form] ?? "", ["--as-id", "root"], from);
      expect([exitCode, stdout, stderr]).toEqual([0, "", `imported container "root" to pool "${scene.name}" (a root filesystem, alpine 3.20)\n`]); // prettier-ignore
      expect([read("root", "etc/hostname"), read("root", "sbin/init")]).toEqual(["upper\n", "#!/bin/sh\n"]);
      expect(configText("root")).toContain("distribution: alpine\nversion: '3.20'\n");
      expect(configText("root")).not.toContain("init_cmd");
      expect(configText("root")).toContain("attrs: {}\n");
      removeContainer("root");
    },
    TIMEOUT_MS,
  );

  test("for another platform, if that is said", async () => {
    expect((await imported(files["rootfs"] ?? "", ["--as-id", "root", "--platform", "linux/arm64"])).exitCode).toBe(0);
    expect(configText("root")).toContain("arch: aarch64\n");
    removeContainer("root");
  });

  test.skipIf(OWNER.uid !== 0)("with a warning about what it lacks", async () => {
    const bare = write("bare.tar", sketchTar({ name: "bin/sh", data: "sh", uid: 100_000 }));
    const { exitCode, stderr } = await imported(bare);
    expect([exitCode, stderr]).toEqual([0, expect.stringMatching(/no os-release .*\n.*no \/sbin\/init .*\n.*ids up to 100000, .*\n/)]);
    expect(configText("bare")).toContain("distribution: other\nversion: unknown\n");
    removeContainer("bare");
  });

  test("and what of it is no file is lost, exit code 3", async () => {
    const odd = write("odd.tar", sketchTar(...ROOTFS, { ...OWNER, name: "odd", typeflag: "Z" }));
    const { exitCode, stderr } = await imported(odd);
    expect([exitCode, stderr]).toEqual([3, expect.stringContaining('warning: entry of type "Z": no such type is known: odd\n')]);
    removeContainer("odd");
  });
});

describe("of several images", () => {
  test.each([
    ["--image", "example.org/two:2", "two", "upper\n", "x86_64"],
    ["--image", "example.org/one:1", "one", "lower\n", "x86_64"],
    ["--platform", "linux/arm64", "one", "upper\n", "aarch64"],
  ])("%s %s is container %s", async (option, value, id, hostname, arch) => {
    const { exitCode } = await imported(files["several"] ?? "", [option, value, ...(process.arch === "x64" ? [] : ["--platform", "linux/amd64"])]); // prettier-ignore
    expect([exitCode, read(id, "etc/hostname"), configText(id).includes(`arch: ${arch}\n`)]).toEqual([0, hostname, true]);
    removeContainer(id);
  });

  test.each([
    [
      [],
      2,
      /^error: Cannot choose: there are 3 images\n(.*\n)*.*example\.org\/one:1 for linux\/arm64\n.*example\.org\/two:2 for linux\/amd64\n$/,
    ],
    [["--image", "three"], 10, /^error: Cannot find image "three"\n(.*\n)*.*example\.org\/two:2/],
    [["--platform", "linux/s390x"], 10, /^error: Cannot find an image for linux\/s390x\n/],
  ])("%j is refused with what there is", async (args, expected, message) => {
    const { exitCode, stderr } = await imported(files["several"] ?? "", args);
    expect([exitCode, stderr]).toEqual([expected, expect.stringMatching(message)]);
    expect(scene.inventory()).toEqual(before);
  });
});

describe("the new container", () => {
  test("is called after the file, where an image has no name", async () => {
    expect((await imported(files["rootfs"] ?? "")).exitCode).toBe(0);
    removeContainer("my-rootfs");
    const unnamed = write("un_named-1.2.oci.tar", sketchTar(...dockerEntries([UPPER], { tags: null })));
    expect((await imported(unnamed)).exitCode).toBe(0);
    removeContainer("un_named-1-2");
  });

  test("needs an id where nothing says one", async () => {
    const { exitCode, stderr } = await imported(files["rootfs"] ?? "", [], "pipe");
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining("hint: Name one with --as-id\n")]);
    expect(scene.inventory()).toEqual(before);
  });

  test("takes nobody's place, and no layer is read to find that out", async () => {
    const broken = write("web01.tar", sketchTar(...dockerEntries([entriesLayer({ name: "../x" })], { tags: ["web01"] })));
    const { exitCode, stderr } = await imported(broken);
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining('error: Cannot import container "web01": it exists')]);
    expect(scene.inventory()).toEqual(before);
  });

  test("does not get a command that LXC would take apart", async () => {
    const run = { Entrypoint: ["nginx"], Cmd: ["-g", "daemon off;"] };
    const image = write("nginx.tar", sketchTar(...dockerEntries([UPPER], { config: configOf([UPPER], { config: run }), tags: ["nginx"] })));
    const { exitCode, stderr } = await imported(image);
    expect([exitCode, stderr]).toEqual([0, expect.stringContaining('apart at blanks: "nginx" "-g" "daemon off;"\n')]);
    expect(stderr).toContain("warning: there is no /sbin/init in it, nor a command");
    expect(configText("nginx")).not.toContain("init_cmd");
    removeContainer("nginx");
  });

  test("is only told of with --dry-run", async () => {
    const { exitCode, stdout } = await imported(files["docker-archive"] ?? "", ["--dry-run"]);
    const rows = stdout.trimEnd().split("\n").map((line) => line.split(/ {2,}/)); // prettier-ignore
    expect([exitCode, rows]).toEqual([
      0,
      [
        ["container", "app"],
        ["user", "app"],
        ["group", "/default"],
        ["pool", scene.name],
        ["dataset", "-"],
        ["format", "image"],
        ["image", NAME],
        ["platform", "linux/amd64"],
        ["layers", "2"],
        ["command", "/bin/sh -l"],
      ],
    ]);
    expect(scene.inventory()).toEqual(before);
  });
});

describe("nothing is left", () => {
  const cut = sketchTar(...ROOTFS).subarray(0, -1024);
  const wrong = dockerEntries([LOWER, UPPER], { config: configOf([UPPER, LOWER]), tags: ["app:1"] });
  const windows = dockerEntries([UPPER], { config: configOf([UPPER], { os: "windows" }) });
  test.each<[what: string, bytes: Uint8Array, exitCode: number, message: string]>([
    ["of an image whose layers are others than it says", sketchTar(...wrong), 12, "its digest is"],
    ["of a layer that leaves the tree", sketchTar(...dockerEntries([entriesLayer({ name: "../escape" })])), 12, '"../escape"'],
    [
      "of an image that lacks a layer",
      sketchTar(...dockerEntries([UPPER]).filter(({ name }) => !name.endsWith("layer.tar"))),
      12,
      "layer.tar",
    ],
    ["of an image for Windows", sketchTar(...windows), 1, "only Linux runs in one"],
    ["of a root filesystem that leaves the tree", sketchTar(...ROOTFS, { name: "../escape" }), 12, '"../escape"'],
    ["of a root filesystem that ends where an entry would begin", cut, 12, "the end blocks are missing"],
    ["of a root filesystem that is cut off within one", cut.subarray(0, -700), 12, "cut off"],
    ["of a gzip file that is cut off", gzipSync(sketchTar(...ROOTFS)).subarray(0, -6), 12, "cut off"],
    ["of an empty file", new Uint8Array(0), 12, 'it has no "metadata.yml"'],
    ["of what is no tar", json({ a: "b".repeat(2000) }), 12, "checksum"],
  ])("%s", async (_what, bytes, expected, message) => {
    const file = write("damaged.tar", bytes);
    const { exitCode, stderr } = await imported(file, ["--as-id", "damaged"]);
    expect([exitCode, stderr]).toEqual([expected, expect.stringContaining(message)]);
    expect(scene.inventory()).toEqual(before);
    expect(fs.existsSync(scene.file("escape"))).toBe(false);
  });

  test("but what there is of a root filesystem without an end, with --no-verify", async () => {
    expect((await imported(write("cut.tar", cut), ["--no-verify"])).exitCode).toBe(0);
    expect(read("cut", "sbin/init")).toBe("#!/bin/sh\n");
    removeContainer("cut");
  });

  test(
    "of a root filesystem that is interrupted on its way",
    async () => {
      const slow = write("slow.tar", sketchTar(...ROOTFS, { ...OWNER, name: "large", data: "x".repeat(4_000_000) }));
      const { child, finished } = await scene.startStalledImport(slow, "slow");
      process.kill(child.pid ?? 0, "SIGINT"); // Deno's child.kill() ends the child's input too
      expect((await finished).exitCode).toBe(130);
      expect(scene.inventory()).toEqual(before);
    },
    PATIENCE_MS,
  );

  test.each([
    ["--image", "rootfs"],
    ["--image", "archive"],
    ["--platform", "archive"],
  ])("if %s is asked of what has no images: %s", async (option, form) => {
    const archive = scene.file("web01-archive.tar");
    if (form === "archive") expect((await scene.run("export", ["--force", "web01", archive])).exitCode).toBe(0);
    const { exitCode, stderr } = await imported(form === "archive" ? archive : (files[form] ?? ""), [option, "linux"]);
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining(`Cannot use ${option}: the input holds no images`)]);
    expect(scene.inventory()).toEqual(before);
  });
});

test("an archive that is compressed as a whole is imported as it is otherwise", async () => {
  const archive = scene.file("whole.tar");
  expect((await scene.run("export", ["web01", archive])).exitCode).toBe(0);
  const { exitCode, stderr } = await imported(write("whole.tar.gz", gzipSync(fs.readFileSync(archive))), ["--as-id", "whole", "--as-user", "web01"]); // prettier-ignore
  expect([exitCode, stderr]).toEqual([0, expect.stringContaining("checked against its manifest")]);
  expect(read("whole", "etc/hostname")).toBe("web01\n");
  scene.removeContainer("whole");
  expect(scene.inventory()).toEqual(before);
});
