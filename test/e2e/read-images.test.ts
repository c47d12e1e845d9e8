/** `ctar ls`, `cat`, `extract`, `inspect` and `verify` of images and root filesystems, however they are stored. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { containerArchive, treeStream } from "../support/container-stream.ts";
import { Podman, succeed, whyNot } from "../support/image-programs.ts";
import { configOf, dockerEntries, layer, LayoutSketch, sha256, type LayerSketch } from "../support/oci.ts";
import { runProgram, runProgramOn, type Finished } from "../support/program.ts";
import { sketchTar } from "../support/tar.ts";
import { listTree } from "../support/tree-listing.ts";

const TIMEOUT_MS = 120_000;
const IS_ROOT = process.getuid?.() === 0;
const LOWER: LayerSketch = sketched(
  { name: "etc/", typeflag: "5", mode: 0o755 },
  { name: "etc/hostname", data: "lower\n" },
  { name: "etc/gone", data: "gone\n" },
);
const UPPER: LayerSketch = sketched({ name: "etc/.wh.gone" }, { name: "etc/motd", data: "upper\n", mode: 0o600, uid: 7 });
const LISTING = [".", "etc", "etc/hostname", "etc/motd"];
const CONFIG = {
  created: "2026-01-31T12:00:00Z",
  author: "somebody",
  config: {
    Entrypoint: ["/init"],
    Cmd: ["a b"],
    Env: ["PATH=/bin"],
    Labels: { x: "y" },
    WorkingDir: "/srv",
    ExposedPorts: { "80/tcp": {} },
  },
  history: [
    { created: "2026-01-31T11:00:00Z", created_by: "COPY . /" },
    { created_by: "ENV A=1", empty_layer: true },
    { created_by: "RUN x" },
  ],
};

let scratch = "";
/** Where each form of the same image is; each once more through a pipe. */
let files: Record<string, string> = {};
beforeAll(() => {
  scratch = fs.mkdtempSync(path.join(os.tmpdir(), "ctar-images-"));
  const sketch = new LayoutSketch();
  const image = sketch.image([LOWER, UPPER], configOf([LOWER, UPPER], CONFIG));
  const layout = sketch.name(image.descriptor, "example.org/app:1");
  const docker = sketchTar(...dockerEntries([LOWER, UPPER], { config: configOf([LOWER, UPPER], CONFIG), tags: ["example.org/app:1"] }));
  const rootfs = sketchTar({ name: "etc/", typeflag: "5", mode: 0o755 }, { name: "etc/hostname", data: "lower\n" }, { name: "etc/motd", data: "upper\n", mode: 0o600, uid: 7 }); // prettier-ignore
  files = {
    "docker-archive": write("docker.tar", docker),
    "OCI layout": write("layout.tar", layout.tar()),
    "OCI layout, gzip": write("layout.tar.gz", gzipSync(layout.tar())),
    "docker-archive, zstd": write("docker.tar.zst", zstdCompressSync(docker)),
    directory: path.join(scratch, "layout"),
    rootfs: write("rootfs.tar", rootfs),
    "rootfs, gzip": write("rootfs.tar.gz", gzipSync(rootfs)),
    "rootfs, zstd": write("rootfs.tar.zst", zstdCompressSync(rootfs)),
  };
  for (const { name, data } of layout.entries()) write(`layout/${name}`, data as Buffer);
});
afterAll(() => fs.rmSync(scratch, { recursive: true, force: true }));

function sketched(...entries: Parameters<typeof sketchTar>): LayerSketch {
  const tar = sketchTar(...entries);
  return { ...layer("x"), tar, stored: tar };
}

function write(name: string, bytes: Uint8Array): string {
  const file = path.join(scratch, name);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, bytes);
  return file;
}

/** Forms, and whether they come through a pipe. */
const FORMS = [
  "docker-archive",
  "OCI layout",
  "OCI layout, gzip",
  "docker-archive, zstd",
  "directory",
  "rootfs",
  "rootfs, gzip",
  "rootfs, zstd",
];
const WAYS = [...FORMS.map((form) => [form, "file"] as const), ...FORMS.filter((form) => form !== "directory").map((form) => [form, "pipe"] as const)]; // prettier-ignore

/** Runs the program on a file, or on what a pipe brings. @param args with `ARCHIVE` where that is named */
async function run(form: string, way: "file" | "pipe", ...args: string[]): Promise<Finished> {
  const file = files[form] ?? "";
  const words = args.map((word) => (word === "ARCHIVE" ? (way === "file" ? file : "-") : word));
  return way === "file" ? await runProgram(...words) : await runProgramOn(fs.readFileSync(file), ...words);
}

describe.each(WAYS)("%s from a %s", (form, way) => {
  const isRootfs = form.startsWith("rootfs");
  const listing = isRootfs ? LISTING.slice(1) : LISTING;

  test("ls lists the files, cat prints one, extract makes them", async () => {
    const listed = await run(form, way, "ls", "-R", "ARCHIVE");
    expect([listed.exitCode, listed.stdout.trimEnd().split("\n").toSorted()]).toEqual([0, listing]);
    const json = await run(form, way, "ls", "--json", "ARCHIVE", "etc/motd");
    expect(JSON.parse(json.stdout)).toEqual({ path: "etc/motd", type: "file", mode: "0600", uid: 7, gid: 0, size: 6, mtime: "0" });
    expect(await run(form, way, "cat", "ARCHIVE", "etc/motd")).toMatchObject({ exitCode: 0, stdout: "upper\n" });
    expect((await run(form, way, "cat", "ARCHIVE", "etc/gone")).exitCode).toBe(10);
    const directory = fs.mkdtempSync(path.join(scratch, "x-"));
    const extracted = await run(form, way, "extract", "ARCHIVE", "etc/motd", "-C", directory);
    expect(extracted.exitCode).toBe(IS_ROOT ? 0 : 3);
    expect([fs.readdirSync(path.join(directory, "etc")), fs.readFileSync(path.join(directory, "etc/motd"), "utf8")]).toEqual([
      ["motd"],
      "upper\n",
    ]);
  });

  test("verify finds it whole, and what is wrong with one that is cut or changed", async () => {
    const { exitCode, stdout } = await run(form, way, "verify", "ARCHIVE");
    expect([exitCode, stdout.split("\n")[0]]).toEqual([0, expect.stringMatching(/ is whole: /)]);
    if (form === "directory") return;
    const bytes = fs.readFileSync(files[form] ?? "");
    const cut = write("cut", bytes.subarray(0, (bytes.length >> 1) | 1));
    const refused = await runProgram("verify", cut);
    expect([refused.exitCode, refused.stdout]).toEqual([12, expect.stringMatching(/cut off/)]);
  });

  test("inspect says what it is", async () => {
    const { exitCode, stdout } = await run(form, way, "inspect", "--json", "ARCHIVE");
    expect(exitCode).toBe(0);
    const { images, rootfs, compression } = JSON.parse(stdout) as { images?: object[]; rootfs?: object; compression: string };
    expect(compression).toBe(/gzip|zstd/.exec(form)?.[0] ?? "none");
    if (isRootfs) return expect(rootfs).toEqual({ entries: 3, dataBytes: 12 });
    expect(images).toMatchObject([
      {
        names: ["example.org/app:1"],
        platform: "linux/amd64",
        created: "2026-01-31T12:00:00Z",
        layers: [LOWER, UPPER].map(({ stored }) => ({ digest: sha256(stored), size: stored.length })),
        run: { entrypoint: ["/init"], cmd: ["a b"], env: ["PATH=/bin"], labels: { x: "y" }, workingDir: "/srv", exposedPorts: ["80/tcp"] },
        config: CONFIG,
      },
    ]);
  });
});

test("inspect shows people an image", async () => {
  const { stdout } = await runProgram("inspect", files["OCI layout"] ?? "");
  const lines = stdout.trimEnd().split("\n");
  expect(lines.filter((line) => !/sha256:/.test(line))).toEqual([
    "image       example.org/app:1",
    "platform    linux/amd64",
    "created     2026-01-31T12:00:00Z",
    "author      somebody",
    expect.stringMatching(/^size {8}\d+\.\d KiB$/),
    'entrypoint  ["/init"]',
    'cmd         ["a b"]',
    "env         PATH=/bin",
    "workdir     /srv",
    "ports       80/tcp",
    "labels      x=y",
    "history     2026-01-31T11:00:00Z  COPY . /",
    "            -  ENV A=1  (no layer)",
    "            -  RUN x",
  ] as string[]);
  expect(lines.filter((line) => /^layers|^ {12}sha256/.test(line)).length).toBe(2);
});

describe("of several images", () => {
  let several = "";
  beforeAll(() => {
    const sketch = new LayoutSketch();
    const [amd, arm] = [sketch.image([LOWER, UPPER]), sketch.image([LOWER], configOf([LOWER], { architecture: "arm64" }))];
    const index = sketch.index([
      { ...amd.descriptor, platform: { os: "linux", architecture: "amd64" } },
      { ...arm.descriptor, platform: { os: "linux", architecture: "arm64" } },
    ]);
    const other = sketch.image([UPPER]);
    several = write("several.tar", sketch.name(index, "example.org/app:1").name(other.descriptor, "example.org/other:2").tar());
  });

  test.each([
    [["--image", "example.org/app:1", "--platform", "linux/arm64"], "etc/gone\netc/hostname\n"],
    [["--image", "example.org/other:2"], "etc/motd\n"],
    [["--image", "example.org/app:1", "--platform", "linux/amd64"], "etc/hostname\netc/motd\n"],
  ])("%j chooses one", async (options, listing) => {
    const { stdout } = await runProgram("ls", ...options, several, "etc");
    expect(`${stdout.trimEnd().split("\n").toSorted().join("\n")}\n`).toBe(listing);
  });

  test("what is not chosen is refused with a list, what is not there too", async () => {
    const vague = await runProgram("ls", "--platform", "linux/amd64", several);
    expect([vague.exitCode, vague.stderr]).toEqual([2, expect.stringContaining("There is example.org/other:2 for linux/amd64")]);
    const missing = await runProgram("cat", "--image", "nothing", several, "a");
    expect([missing.exitCode, missing.stderr]).toEqual([10, expect.stringContaining("There is example.org/app:1 for linux/arm64")]);
  });

  test("inspect shows all, or the one that is chosen", async () => {
    const all = JSON.parse((await runProgram("inspect", "--json", several)).stdout) as { images: { platform: string }[] };
    expect(all.images.map(({ platform }) => platform)).toEqual(["linux/amd64", "linux/arm64", "linux/amd64"]);
    const one = JSON.parse((await runProgram("inspect", "--json", "--platform", "linux/arm64", several)).stdout) as { images: object[] };
    expect(one.images.length).toBe(1);
  });
});

test.each([
  ["ls", "--image", "x"],
  ["cat", "--platform", "linux/arm64"],
  ["inspect", "--image", "x"],
])("%s refuses %s for what holds no images", async (verb, option, value) => {
  const { exitCode, stderr } = await runProgram(verb, option, value, files["rootfs"] ?? "", ...(verb === "cat" ? ["a"] : []));
  expect([exitCode, stderr]).toEqual([2, `error: Cannot use ${option}: the input holds no images\n`]);
});

test("datasets are chosen of containers alone", async () => {
  for (const form of ["rootfs", "OCI layout"]) {
    const { exitCode, stderr } = await runProgram("ls", "--dataset", "srv", files[form] ?? "");
    expect([exitCode, stderr]).toEqual([2, expect.stringMatching(/^error: Cannot choose a dataset: the input holds /)]);
  }
});

test("images that come through a pipe are kept in --spool-dir, which is said, and nothing of them is left", async () => {
  const spool = fs.mkdtempSync(path.join(scratch, "spool-"));
  const { stderr, exitCode } = await runProgramOn(fs.readFileSync(files["OCI layout"] ?? ""), "ls", "--spool-dir", spool, "-");
  expect([exitCode, stderr, fs.readdirSync(spool)]).toEqual([0, `note: the images are kept in "${spool}" while they are read\n`, []]);
  const missing = await runProgramOn(fs.readFileSync(files["OCI layout"] ?? ""), "ls", "--spool-dir", path.join(spool, "no"), "-");
  expect([missing.exitCode, missing.stderr]).toEqual([1, expect.stringContaining("Cannot create a file in")]);
});

test.each([
  ["gzip", gzipSync],
  ["zstd", zstdCompressSync],
] as const)("archives and ZFS streams may be compressed as a whole (%s)", async (compression, pack) => {
  const stream = treeStream({ private: { etc: { hostname: "web01\n" } } });
  for (const bytes of [stream, await containerArchive({ datasets: { "": stream } })]) {
    const file = write("packed", pack(bytes));
    const isStream = bytes === stream;
    expect(await runProgram("cat", file, isStream ? "private/etc/hostname" : "etc/hostname")).toMatchObject({
      exitCode: 0,
      stdout: "web01\n",
    });
    for (const verb of ["verify", "inspect"]) {
      for (const result of [await runProgram(verb, "--json", file), await runProgramOn(pack(bytes), verb, "--json", "-")]) {
        expect([result.exitCode, JSON.parse(result.stdout)]).toEqual([0, expect.objectContaining({ compression })]);
      }
    }
  }
});

const why = whyNot("podman", "umoci", "skopeo");
test.skipIf(why !== "")(
  `what podman saves and exports is read, and extracted as umoci unpacks it${why}`,
  async () => {
    const podman = new Podman(path.join(scratch, "podman"));
    await podman.run("load", "--input", files["docker-archive"] ?? "");
    const at = (name: string): string => path.join(scratch, name);
    for (const format of ["docker-archive", "oci-archive", "oci-dir"]) {
      await podman.run("save", "--format", format, "--output", at(format), "example.org/app:1");
      const verified = await runProgram("verify", at(format));
      expect([verified.exitCode, verified.stdout]).toEqual([
        0,
        expect.stringContaining("example.org/app:1: linux/amd64, 2 layers, 3 files"),
      ]);
      expect((await runProgram("extract", at(format), "-C", at(`${format}-x`))).exitCode).toBe(0);
    }
    await succeed("skopeo", "copy", "--quiet", `oci-archive:${at("oci-archive")}`, `oci:${at("skopeo")}:1`);
    await succeed("umoci", "unpack", "--image", `${at("skopeo")}:1`, at("bundle"));
    const unpacked = await listTree(at("bundle/rootfs"));
    // the root has no entry in the layers
    for (const format of ["docker-archive", "oci-archive", "oci-dir"])
      expect((await listTree(at(`${format}-x`))).slice(1)).toEqual(unpacked.slice(1));
    const container = (await podman.run("create", "example.org/app:1", "/x")).trim();
    await podman.run("export", "--output", at("exported.tar"), container);
    const listed = await runProgram("ls", "-R", at("exported.tar"));
    expect(listed.stdout.split("\n")).toEqual(expect.arrayContaining(LISTING.slice(1)) as string[]);
    expect((await runProgram("verify", at("exported.tar"))).exitCode).toBe(0);
    await podman.run("rm", container);
    await podman.run("system", "reset", "--force").catch(() => "");
  },
  TIMEOUT_MS,
);
