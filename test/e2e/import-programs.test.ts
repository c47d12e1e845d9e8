/** `ctar import` of what podman, skopeo and umoci write: the container's files are those that podman mounts, and that umoci unpacks. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import * as fs from "node:fs";
import { adversarialImage } from "../oci/layers/adversarial-image.ts";
import { comparable } from "../oci/layers/programs.ts";
import { DirPoolScene } from "../support/dir-pool.ts";
import { Podman, succeed, whyNot } from "../support/image-programs.ts";
import { configOf, dockerEntries, entriesLayer } from "../support/oci.ts";
import { sketchTar } from "../support/tar.ts";
import { listTree } from "../support/tree-listing.ts";

const TIMEOUT_MS = 120_000;
const RELEASE = { name: "usr/lib/os-release", data: 'ID="debian"\nVERSION_ID="12"\n' };
/** podman does not keep all hard links of what lies in lower layers, so what is added to the image is in its last one. */
const LAYERS = adversarialImage().map((entries, index, { length }) => (index === length - 1 ? [...entries, RELEASE] : entries));
const HARD = LAYERS.map((entries) => entriesLayer(...entries));
/** Without the files below symbolic links, which podman reads, but cannot write. */
const SAVED = LAYERS.map((entries) => entriesLayer(...entries.filter(({ name }) => !name.startsWith("sym/"))));
const PLAIN = [entriesLayer({ name: "etc/plain", data: "plain\n" })];
const RUN = { Cmd: ["/bin/sh"], Env: ["PATH=/bin"], WorkingDir: "/srv" };

const why = whyNot("podman", "skopeo", "umoci");
const testPrograms = test.skipIf(why !== "");
if (why !== "") console.warn(why);

let scene: DirPoolScene;
let podman: Podman;
/** The files of the images as podman has them, and when it had not yet begun. */
const mounted: Record<string, string[]> = {};
let since: bigint;

beforeAll(async () => {
  scene = await DirPoolScene.create();
  if (why !== "") return;
  podman = new Podman(scene.file("podman"));
  since = BigInt(Date.now()) * 1_000_000n;
  for (const [name, layers] of Object.entries({ hard: HARD, saved: SAVED, plain: PLAIN })) {
    const config = configOf(layers, { config: RUN });
    fs.writeFileSync(scene.file(`${name}.tar`), sketchTar(...dockerEntries(layers, { config, tags: [`example.org/${name}:1`] })));
    await podman.run("load", "--quiet", "--input", scene.file(`${name}.tar`));
    mounted[name] = await listTree((await podman.run("image", "mount", `example.org/${name}:1`)).trim());
  }
  const save = ["save", "--quiet", "--format"];
  await podman.run(...save, "docker-archive", "--output", scene.file("docker-archive"), "example.org/saved:1");
  await podman.run(...save, "oci-archive", "--output", scene.file("oci-archive"), "example.org/saved:1");
  await podman.run(
    "save",
    "--quiet",
    "--multi-image-archive",
    "--output",
    scene.file("multi"),
    "example.org/saved:1",
    "example.org/plain:1",
  );
  await succeed("skopeo", "copy", "--quiet", `docker-archive:${scene.file("hard.tar")}`, `oci:${scene.file("layout")}:hard`);
}, TIMEOUT_MS);
afterAll(async () => {
  if (why === "") {
    await podman.run("image", "umount", "--all");
    await podman.run("system", "reset", "--force").catch(() => undefined);
  }
  scene[Symbol.dispose]();
}, TIMEOUT_MS);

async function imported(id: string, ...args: readonly string[]): Promise<string[]> {
  const { exitCode, stderr } = await scene.run("import", ["--as-id", id, ...args]);
  expect([exitCode, stderr]).toEqual([0, expect.stringContaining(`imported container "${id}"`)]);
  return await listTree(scene.path(`ct/${id}/private`));
}

/** Compares our files with those of another program. */
function expectSame(lines: readonly string[], their: readonly string[]): void {
  const { ours, theirs } = comparable(lines, their, since);
  expect(ours).toEqual(theirs);
  expect(ours.length).toBeGreaterThan(50);
}

describe("an image of 30 layers is what podman has", () => {
  testPrograms.each([
    ["docker-archive", [], "saved"],
    ["oci-archive", [], "saved"],
    ["multi", ["--image", "example.org/saved:1"], "saved"],
    ["layout", [], "hard"],
  ])(
    "from %s %j",
    async (form, choice, name) => {
      expectSame(await imported(`from-${form}`, ...choice, scene.file(form)), mounted[name] ?? []);
      const config = fs.readFileSync(scene.path(`conf/ct/from-${form}.yml`), "utf8");
      expect(config).toContain("distribution: debian\nversion: '12'\n");
      expect(config).toContain('\ninit_cmd:\n- "/bin/sh"\nattrs:\n  ctar:image-config: ');
    },
    TIMEOUT_MS,
  );
});

testPrograms(
  "the other image of an archive with two, which is refused as long as none is chosen",
  async () => {
    const { exitCode, stderr } = await scene.run("import", [scene.file("multi")]);
    expect([exitCode, stderr]).toEqual([2, expect.stringMatching(/example\.org\/saved:1 .*\n.*example\.org\/plain:1 /)]);
    const lines = await imported("plain", "--image", "example.org/plain:1", scene.file("multi"));
    expect(lines.map((line) => line.split(" ")[0])).toEqual(['"."', '"./etc"', '"./etc/plain"']);
  },
  TIMEOUT_MS,
);

testPrograms(
  "a layout of umoci is what umoci unpacks of it",
  async () => {
    const [layout, bundle] = [scene.file("umoci"), scene.file("bundle")];
    await succeed("umoci", "init", "--layout", layout);
    await succeed("umoci", "new", "--image", `${layout}:tag`);
    await succeed("umoci", "unpack", "--image", `${layout}:tag`, bundle);
    fs.cpSync(scene.path("ct/web01/private"), `${bundle}/rootfs`, { recursive: true, verbatimSymlinks: true });
    await succeed("umoci", "repack", "--image", `${layout}:tag`, bundle);
    fs.rmSync(`${bundle}/rootfs/data`);
    await succeed("umoci", "repack", "--image", `${layout}:tag`, "--refresh-bundle", bundle);
    const again = scene.file("again");
    await succeed("umoci", "unpack", "--image", `${layout}:tag`, again);
    const { ours, theirs } = comparable(await imported("umoci", layout), await listTree(`${again}/rootfs`), since);
    expect(ours).toEqual(theirs);
    expect([fs.existsSync(`${again}/rootfs/etc/hostname`), fs.existsSync(`${again}/rootfs/data`)]).toEqual([true, false]);
  },
  TIMEOUT_MS,
);

testPrograms(
  "what podman export writes is the container's files, from a file and through a pipe",
  async () => {
    const container = (await podman.run("create", "example.org/saved:1")).trim();
    await podman.run("export", "--output", scene.file("exported.tar"), container);
    const its = await listTree((await podman.run("mount", container)).trim());
    await podman.run("umount", container);
    const inSeconds = its.map((line) =>
      line.replace(/ (\d+)ns/, (_, time: string) => ` ${BigInt(time) - (BigInt(time) % 1_000_000_000n)}ns`),
    );
    expectSame(await imported("exported", scene.file("exported.tar")), inSeconds);
    const child = scene.start("import", ["--as-id", "piped", "-"], { stdio: [fs.openSync(scene.file("exported.tar"), "r"), "ignore", "ignore"] }); // prettier-ignore
    expect(await new Promise((resolve) => child.once("close", resolve))).toBe(0);
    expectSame(await listTree(scene.path("ct/piped/private")), inSeconds);
  },
  TIMEOUT_MS,
);
