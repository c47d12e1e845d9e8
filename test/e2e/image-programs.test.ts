/** Images go to and from podman, containerd, skopeo and umoci, and are the same ones there and here. */
import * as fs from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { DirPoolScene } from "../support/dir-pool.ts";
import { Containerd, Podman, succeed, whyNot } from "../support/image-programs.ts";
import { configOf, dockerEntries, layer, LayoutSketch, sha256 } from "../support/oci.ts";
import { sketchTar } from "../support/tar.ts";

const TIMEOUT_MS = 120_000;
const ONE = [layer("etc/one"), layer("bin/one", "gzip")];
const TWO = [layer("etc/one"), layer("etc/two")];
const CONFIG = { created: "2026-01-31T12:00:00Z", history: [{ created_by: "one" }, { created_by: "two" }] };
const ID_ONE = sha256(Buffer.from(JSON.stringify(configOf(ONE, CONFIG))));
const ID_TWO = sha256(Buffer.from(JSON.stringify(configOf(TWO, CONFIG))));

const why = whyNot("podman", "containerd", "ctr", "skopeo", "umoci");
const testPrograms = test.skipIf(why !== "");

let scene: DirPoolScene;
let podman: Podman;
let containerd: Containerd;

beforeAll(async () => {
  scene = await DirPoolScene.create();
  if (why !== "") return;
  podman = new Podman(scene.file("podman"));
  fs.mkdirSync(scene.file("containerd"));
  containerd = await Containerd.start(scene.file("containerd"));
  fs.writeFileSync(
    scene.file("one.tar"),
    sketchTar(...dockerEntries(ONE, { config: configOf(ONE, CONFIG), tags: ["example.org/one:1", "example.org/one:latest"] })),
  );
  fs.writeFileSync(scene.file("two.tar"), sketchTar(...dockerEntries(TWO, { config: configOf(TWO, CONFIG), tags: ["alpine:latest"] })));
  for (const name of ["one", "two"]) await podman.run("load", "--input", scene.file(`${name}.tar`));
}, TIMEOUT_MS);
afterAll(async () => {
  if (why === "") {
    await containerd[Symbol.asyncDispose]();
    await podman.run("system", "reset", "--force").catch(() => undefined);
  }
  scene[Symbol.dispose]();
}, TIMEOUT_MS);

async function image(verb: string, ...args: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await scene.run(`image ${verb}`, args);
  expect([exitCode, stderr.replaceAll(/^note: .*\n/gm, "")]).toEqual([0, ""]);
  return stdout;
}

interface Listed {
  name: string;
  digest: string;
  platforms: string[];
  absent: string[];
}

async function images(): Promise<Record<string, string>> {
  const list = JSON.parse(await image("ls", "--json")) as Listed[];
  return Object.fromEntries(list.map(({ name, digest }) => [name, digest]));
}

/** Names and what podman and Docker call the id. */
async function ids(...names: readonly string[]): Promise<Record<string, string>> {
  const list = JSON.parse(await image("inspect", "--json", ...names)) as { name: string; manifests: { configDigest: string }[] }[];
  return Object.fromEntries(list.map(({ name, manifests }) => [name, manifests[0]?.configDigest ?? ""]));
}

/** The same as skopeo sees it. */
async function idIn(source: string): Promise<string> {
  const { config } = JSON.parse(await succeed("skopeo", "inspect", "--raw", source)) as { config: { digest: string } };
  return config.digest;
}

async function empty(): Promise<void> {
  fs.rmSync(scene.path("image"), { recursive: true, force: true });
  await Promise.resolve();
}

describe("podman", () => {
  testPrograms.each([["docker-archive"], ["oci-archive"]])(
    `podman save (%s) is imported${why}`,
    async (format) => {
      await empty();
      const file = scene.file("saved.tar");
      fs.rmSync(file, { force: true });
      await podman.run("save", "--format", format, "--output", file, "example.org/one:1");
      await image("import", file);
      expect(Object.keys(await images())).toEqual(["example.org/one:1"]);
      expect(await ids("example.org/one:1")).toEqual({ "example.org/one:1": await idIn(`${format}:${file}`) });
      expect(await image("check")).toBe("example.org/one:1: whole\n");
    },
    TIMEOUT_MS,
  );

  testPrograms(
    `podman save of several images is imported, and what is exported is loaded again${why}`,
    async () => {
      await empty();
      const expected = { "docker.io/library/alpine:latest": ID_TWO, "example.org/one:1": ID_ONE, "example.org/one:latest": ID_ONE };
      const saved = scene.file("several.tar");
      await podman.run("tag", "localhost/alpine", "docker.io/library/alpine:latest");
      await podman.run(
        "save",
        "--multi-image-archive",
        "--output",
        saved,
        "docker.io/library/alpine:latest",
        "example.org/one:1",
        "example.org/one:latest",
      );
      const loaded = await image("load", "-i", saved);
      expect(loaded.split("\n").toSorted().filter(Boolean)).toEqual(Object.keys(expected).map((name) => `Loaded image: ${name}`));
      expect(await ids(...Object.keys(expected))).toEqual(expected);

      await image("save", "-o", scene.file("again.tar"), "alpine", "example.org/one");
      const other = new Podman(scene.file("podman-2"));
      await other.run("load", "--input", scene.file("again.tar"));
      const there = await other.images();
      await other.run("system", "reset", "--force").catch(() => undefined);
      expect(there).toEqual(expected);
    },
    TIMEOUT_MS,
  );
});

describe("containerd", () => {
  testPrograms.each([["one"], ["two"]])(
    `a docker-archive has the digest that ctr gives it: %s${why}`,
    async (name) => {
      await empty();
      await containerd.ctr(`digest-${name}`, "images", "import", "--no-unpack", scene.file(`${name}.tar`));
      await image("import", scene.file(`${name}.tar`));
      expect(await images()).toEqual(await containerd.images(`digest-${name}`));
    },
    TIMEOUT_MS,
  );

  testPrograms(
    `from ctr to ctar to ctr the digests stay the same${why}`,
    async () => {
      await empty();
      for (const name of ["one", "two"])
        await containerd.ctr("from", "images", "import", "--snapshotter", "native", scene.file(`${name}.tar`));
      const expected = await containerd.images("from");
      expect(Object.keys(expected)).toHaveLength(3);
      await containerd.ctr("from", "images", "export", scene.file("ctr.tar"), ...Object.keys(expected));
      await image("import", scene.file("ctr.tar"));
      expect(await images()).toEqual(expected);
      await image("export", ...Object.keys(expected), scene.file("back.tar"));
      await containerd.ctr("to", "images", "import", "--snapshotter", "native", scene.file("back.tar"));
      expect(await containerd.images("to")).toEqual(expected);
      await containerd.ctr("to", "images", "check");
    },
    TIMEOUT_MS,
  );

  testPrograms(
    `an index of which ctr exports one platform keeps its digest${why}`,
    async () => {
      await empty();
      const layout = new LayoutSketch();
      const manifests = ["amd64", "arm64"].map((architecture) => {
        const layers = [layer("common"), layer(architecture)];
        return { ...layout.image(layers, configOf(layers, { architecture })).descriptor, platform: { os: "linux", architecture } };
      });
      const index = layout.index(manifests);
      fs.writeFileSync(scene.file("multi.tar"), layout.name(index, "example.org/multi:1").tar());
      await containerd.ctr("multi", "images", "import", "--no-unpack", "--all-platforms", scene.file("multi.tar"));
      await containerd.ctr("multi", "images", "export", "--platform", "linux/arm64", scene.file("arm64.tar"), "example.org/multi:1");
      await image("import", scene.file("arm64.tar"));
      const [listed] = JSON.parse(await image("ls", "--json")) as Listed[];
      expect(listed).toEqual(expect.objectContaining({ digest: index.digest, platforms: ["linux/arm64"], absent: [manifests[0]?.digest] }));
      await image("export", "example.org/multi:1", scene.file("arm64-again.tar"));
      await containerd.ctr("multi-2", "images", "import", "--no-unpack", "--platform", "linux/arm64", scene.file("arm64-again.tar"));
      expect(await containerd.images("multi-2")).toEqual({ "example.org/multi:1": index.digest });
    },
    TIMEOUT_MS,
  );
});

describe("skopeo and umoci", () => {
  testPrograms(
    `skopeo copies from an export, as a docker-archive and as a layout, and ctar imports the copy${why}`,
    async () => {
      await empty();
      fs.rmSync(scene.file("layout"), { recursive: true, force: true });
      await podman.run("save", "--format", "oci-archive", "--output", scene.file("oci.tar"), "example.org/one:1");
      await image("import", scene.file("oci.tar"));
      const { "example.org/one:1": digest } = await images();
      await image("export", "example.org/one:1", scene.file("out.tar"));
      const { Digest } = JSON.parse(await succeed("skopeo", "inspect", `oci-archive:${scene.file("out.tar")}`)) as { Digest: string };
      expect(Digest).toBe(digest ?? "");
      await succeed("skopeo", "copy", `oci-archive:${scene.file("out.tar")}:1`, `oci:${scene.file("layout")}:layout`);
      await succeed("skopeo", "copy", `docker-archive:${scene.file("out.tar")}:example.org/one:1`, `oci:${scene.file("layout")}:docker`);
      // the store itself is a layout, too
      await succeed("skopeo", "copy", `oci:${scene.path("image")}:example.org/one:1`, `oci:${scene.file("layout")}:store`);
      await image("import", "--base-name", "example.org/copy", scene.file("layout"));
      const found = await images();
      expect(Object.keys(found)).toEqual(["docker", "layout", "store"].map((tag) => `example.org/copy:${tag}`).concat("example.org/one:1"));
      expect([found["example.org/copy:layout"], found["example.org/copy:store"]]).toEqual([digest, digest]);
      expect(await ids("example.org/copy:docker")).toEqual({
        "example.org/copy:docker": await idIn(`oci-archive:${scene.file("out.tar")}`),
      });
      await image("check");
    },
    TIMEOUT_MS,
  );

  testPrograms(
    `what umoci makes is imported, and umoci unpacks what is exported${why}`,
    async () => {
      await empty();
      const layout = scene.file("umoci");
      await succeed("umoci", "init", "--layout", layout);
      await succeed("umoci", "new", "--image", `${layout}:tag`);
      fs.writeFileSync(scene.file("hello"), "hello\n");
      await succeed("umoci", "insert", "--image", `${layout}:tag`, scene.file("hello"), "/srv/hello");
      await image("import", "--base-name", "example.org/umoci", layout);
      await image("export", "example.org/umoci", scene.file("umoci.tar"));
      fs.mkdirSync(scene.file("unpacked"));
      await succeed("tar", "-C", scene.file("unpacked"), "-xf", scene.file("umoci.tar"));
      await succeed("umoci", "unpack", "--image", `${scene.file("unpacked")}:tag`, scene.file("bundle"));
      expect(fs.readFileSync(`${scene.file("bundle")}/rootfs/srv/hello`, "utf8")).toBe("hello\n");
    },
    TIMEOUT_MS,
  );
});
