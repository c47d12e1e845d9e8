/** A container becomes an image for podman, containerd, skopeo and umoci, and a flat tar, and is there what it was here. */
import * as fs from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { comparable } from "../oci/layers/programs.ts";
import { DirPoolScene } from "../support/dir-pool.ts";
import { Containerd, Podman, succeed, whyNot } from "../support/image-programs.ts";
import { shell } from "../support/platform.ts";
import { readPlainTar } from "../support/plain-tar.ts";
import { fillTree } from "../support/rich-tree.ts";
import { listTree } from "../support/tree-listing.ts";

const TIMEOUT_MS = 120_000;
const NAME = "example.org/web:1";
const CHANGES = ['CMD ["nginx", "-g", "daemon off;"]', "ENV PATH=/usr/bin A='b c'", "EXPOSE 80 53/udp", "LABEL version=1", "USER 1000:1001", "VOLUME /data", "WORKDIR /srv", "STOPSIGNAL SIGQUIT", 'ENTRYPOINT ["/init"]']; // prettier-ignore
const CONFIG = {
  Cmd: ["nginx", "-g", "daemon off;"],
  Entrypoint: ["/init"],
  Env: ["PATH=/usr/bin", "A=b c"],
  ExposedPorts: { "53/udp": {}, "80/tcp": {} },
  Labels: { version: "1" },
  StopSignal: "SIGQUIT",
  User: "1000:1001",
  Volumes: { "/data": {} },
  WorkingDir: "/srv",
};

const why = whyNot("podman", "containerd", "ctr", "skopeo", "umoci");
const testPrograms = test.skipIf(why !== "");

let scene: DirPoolScene;
let podman: Podman;
/** The tree, and when it was there. */
let tree: string[];
let since: bigint;

beforeAll(async () => {
  scene = await DirPoolScene.create();
  if (why !== "") return;
  podman = new Podman(scene.file("podman"));
  const root = scene.path("ct/web01/private");
  await fillTree(`${root}/rich`);
  // times that those programs do not keep, and an attribute that containerd does not
  await shell(`cd ${root}/rich; touch -h -d '2038-01-19 01:02:03.000000004 UTC' plain/file plain/symlink
    touch -h -d '1999-01-02 03:04:05.000000006 UTC' plain/long-symlink plain/character deep/a/b; setfattr -h -x trusted.on-symlink plain/symlink`);
  tree = await listTree(root);
  since = BigInt(Date.now()) * 1_000_000n;
  const changes = CHANGES.flatMap((change) => ["--change", change]);
  for (const format of ["docker", "oci"]) await exported(format, "--tag", NAME, ...changes);
  await exported("rootfs");
}, TIMEOUT_MS);
afterAll(async () => {
  if (why === "") await podman.run("system", "reset", "--force").catch(() => undefined);
  scene[Symbol.dispose]();
}, TIMEOUT_MS);

/** Exports to a file that is called after the format. */
async function exported(format: string, ...args: readonly string[]): Promise<Buffer> {
  const file = scene.file(`${format}.tar`);
  const { exitCode, stderr } = await scene.run("export", ["--force", "--format", format, ...args, "web01", file]);
  expect([exitCode, stderr.replace(/^exported .*\n$/, "")]).toEqual([0, ""]);
  return fs.readFileSync(file);
}

function expectSame(lines: readonly string[]): void {
  const { ours, theirs } = comparable(tree, lines, since);
  expect(theirs).toEqual(ours);
}

async function mounted(image: string): Promise<string[]> {
  const lines = await listTree((await podman.run("image", "mount", image)).trim());
  await podman.run("image", "umount", image);
  return lines;
}

describe("ctar export", () => {
  testPrograms.each([["docker"], ["oci"]])(
    `--format %s is loaded by podman, which runs it as it is told and finds the same files${why}`,
    async (format) => {
      await podman.run("load", "--input", scene.file(`${format}.tar`));
      expect(Object.keys(await podman.images())).toContain(NAME);
      expectSame(await mounted(NAME));
      const [inspected] = JSON.parse(await podman.run("image", "inspect", NAME)) as { Config: unknown; Architecture: string; Os: string }[];
      expect(inspected).toMatchObject({ Config: CONFIG, Architecture: "amd64", Os: "linux" });
      const [container] = (await podman.run("create", NAME)).trim().split("\n");
      await podman.run("export", "--output", scene.file("again.tar"), container ?? "");
      expect(await succeed("tar", "-xOf", scene.file("again.tar"), "etc/hostname")).toBe("web01\n");
      await podman.run("rm", container ?? "");
      await podman.run("rmi", "--all", "--force");
    },
    TIMEOUT_MS,
  );

  testPrograms(
    `--format rootfs is imported by podman${why}`,
    async () => {
      await podman.run("import", scene.file("rootfs.tar"), "example.org/flat:1");
      const lines = await mounted("example.org/flat:1");
      // no entry tells of the root
      const { ours, theirs } = comparable(tree.slice(1), lines.slice(1), since);
      expect(theirs).toEqual(ours);
      const names = (await succeed("tar", "-tf", scene.file("rootfs.tar"))).split("\n");
      expect(names).toContain("etc/hostname");
      expect(names.filter((name) => name.startsWith("."))).toEqual([]);
    },
    TIMEOUT_MS,
  );

  testPrograms(
    `is seen and copied by skopeo, under the same digests${why}`,
    async () => {
      fs.rmSync(scene.file("copy"), { recursive: true, force: true });
      const config = await succeed("skopeo", "inspect", "--config", `oci-archive:${scene.file("oci.tar")}:1`);
      expect(JSON.parse(config)).toMatchObject({ config: CONFIG, architecture: "amd64", history: [{ created_by: "ctar export" }] });
      const { Digest } = JSON.parse(await succeed("skopeo", "inspect", `oci-archive:${scene.file("oci.tar")}:1`)) as { Digest: string };
      await succeed("skopeo", "copy", `oci-archive:${scene.file("oci.tar")}:1`, `oci:${scene.file("copy")}:1`);
      const copied = JSON.parse(await succeed("skopeo", "inspect", `oci:${scene.file("copy")}:1`)) as { Digest: string };
      expect(copied.Digest).toBe(Digest);
      await succeed("skopeo", "copy", `docker-archive:${scene.file("docker.tar")}:${NAME}`, `oci:${scene.file("copy")}:docker`);
    },
    TIMEOUT_MS,
  );

  testPrograms(
    `is unpacked by umoci${why}`,
    async () => {
      await shell(`mkdir ${scene.file("layout")}; tar -C ${scene.file("layout")} -xf ${scene.file("oci.tar")}`);
      await succeed("umoci", "unpack", "--image", `${scene.file("layout")}:1`, scene.file("bundle"));
      expectSame(await listTree(scene.file("bundle/rootfs")));
    },
    TIMEOUT_MS,
  );

  testPrograms.each([["docker"], ["oci"]])(
    `--format %s is imported by ctr, and by ctar image import, under the same digest${why}`,
    async (format) => {
      for (const name of ["containerd", "mounted"]) fs.mkdirSync(scene.file(`${name}-${format}`));
      await using containerd = await Containerd.start(scene.file(`containerd-${format}`));
      await containerd.ctr("x", "images", "import", "--snapshotter", "native", scene.file(`${format}.tar`));
      const images = await containerd.images("x");
      expect(Object.keys(images)).toEqual([NAME]);
      const mount = scene.file(`mounted-${format}`);
      await containerd.ctr("x", "images", "mount", "--snapshotter", "native", NAME, mount);
      const lines = await listTree(mount);
      await containerd.ctr("x", "images", "unmount", mount);
      expectSame(lines);
      expect((await scene.run("image import", [scene.file(`${format}.tar`)])).exitCode).toBe(0);
      const [listed] = JSON.parse((await scene.run("image ls", ["--json"])).stdout) as { name: string; digest: string }[];
      expect({ [listed?.name ?? ""]: listed?.digest ?? "" }).toEqual(images);
    },
    TIMEOUT_MS,
  );

  test.each([["docker"], ["oci"], ["rootfs"]])("--format %s gives the same bytes again, through a pipe too", async (format) => {
    const env = { SOURCE_DATE_EPOCH: "1700000000" };
    const file = scene.file("same.tar");
    const first = await scene.run("export", ["--force", "--format", format, "web01", file], { env });
    expect(first.exitCode).toBe(0);
    const output = fs.openSync(scene.file("piped.tar"), "w");
    const piped = scene.start("export", ["--format", format, "web01", "-"], { env, stdio: ["ignore", "pipe", "ignore"] });
    piped.stdout?.on("data", (chunk: Buffer) => fs.writeSync(output, chunk));
    expect(await new Promise((resolve) => piped.once("close", resolve))).toBe(0);
    fs.closeSync(output);
    expect(fs.readFileSync(scene.file("piped.tar")).equals(fs.readFileSync(file))).toBe(true);
  });

  test("writes layers as they are with --compression off, gzips a flat tar with gzip", async () => {
    const members = readPlainTar(await exported("oci", "--compression", "off"));
    const text = members.map(({ content }) => content.toString()).find((content) => content.includes('"layers":['));
    const { layers } = JSON.parse(text ?? "") as { layers: { mediaType: string; digest: string }[] };
    expect(layers.map(({ mediaType }) => mediaType)).toEqual(["application/vnd.oci.image.layer.v1.tar"]);
    const layer = members.find(({ name }) => name === `blobs/${layers[0]?.digest.replace(":", "/")}`);
    expect(readPlainTar(layer?.content ?? Buffer.alloc(0)).map(({ name }) => name)).toContain("etc/hostname");
    expect([...(await exported("rootfs", "--compression", "gzip")).subarray(0, 2)]).toEqual([0x1f, 0x8b]);
  });

  test("of an image that it was made of keeps the configuration, and what the container is started with otherwise", async () => {
    const file = scene.path("conf/ct/web01.yml");
    const before = fs.readFileSync(file, "utf8");
    const kept = { architecture: "arm64", os: "linux", variant: "v8", config: { Cmd: ["app"], Env: ["A=1"] }, rootfs: { type: "layers", diff_ids: [] } }; // prettier-ignore
    const attrs = `attrs:\n  ctar:image-config: '${JSON.stringify(kept)}'\n`;
    const configBy = async (container: string): Promise<object> => {
      fs.writeFileSync(file, container);
      const members = readPlainTar(await exported("oci", "--change", "ENV B=$A"));
      const found = members.map(({ content }) => content.toString()).find((text) => text.includes('"diff_ids"'));
      const { architecture, variant, config } = JSON.parse(found ?? "{}") as Record<string, unknown>;
      return { architecture, variant, config };
    };
    try {
      expect(await configBy(`${before.replace("x86_64", "aarch64")}${attrs}`)).toEqual({ architecture: "arm64", config: { Cmd: ["app"], Env: ["A=1", "B=1"] } }); // prettier-ignore
      expect(await configBy(`${before}init_cmd:\n- /sbin/init\n- --test\n`)).toEqual({ architecture: "amd64", config: { Cmd: ["/sbin/init", "--test"], Env: ["B="] } }); // prettier-ignore
    } finally {
      fs.writeFileSync(file, before);
    }
  });

  test("of a container that was imported from an image makes the image again, but for its history", async () => {
    const configIn = (image: Buffer): { config: unknown; rootfs: unknown; history: unknown[] } => {
      const text = readPlainTar(image).map(({ content }) => content.toString()).find((content) => content.includes('"diff_ids"')); // prettier-ignore
      return JSON.parse(text ?? "{}") as ReturnType<typeof configIn>;
    };
    const { config, rootfs, history } = configIn(
      await exported("oci", "--tag", NAME, ...CHANGES.flatMap((change) => ["--change", change])),
    );
    expect(config).toEqual(CONFIG);
    const { exitCode } = await scene.run("import", ["--as-id", "again01", scene.file("oci.tar")]);
    expect(exitCode).toBe(0);
    await scene.run("export", ["--force", "--format", "oci", "again01", scene.file("again.tar")]);
    const again = configIn(fs.readFileSync(scene.file("again.tar")));
    expect([again.config, again.rootfs]).toEqual([config, rootfs]);
    expect(again.history[0]).toEqual({ ...(history[0] as object), empty_layer: true });
  });

  test("reports what an image cannot hold, exit code 3", async () => {
    scene.write("ct/web01/private/.wh.gone", "");
    const { exitCode, stderr } = await scene.run("export", ["--force", "--format", "oci", "web01", scene.file("lossy.tar")]);
    fs.rmSync(scene.path("ct/web01/private/.wh.gone"));
    expect(exitCode).toBe(3);
    expect(stderr).toContain("its name is a mark in a layer: .wh.gone");
  });

  test("says what it would write", async () => {
    const { stdout } = await scene.run("export", [
      "--dry-run",
      "--format",
      "docker",
      "--tag",
      "web",
      "--platform",
      "linux/arm/v7",
      "web01",
    ]);
    expect(stdout.split("\n").map((line) => line.split(/ {2,}/))).toEqual([
      ["container", "web01"],
      ["format", "docker"],
      ["names", "docker.io/library/web:latest"],
      ["platform", "linux/arm/v7"],
      ["layers", "1"],
      ["consistent", "the container is not stopped"],
      [""],
    ]);
  });

  test.each<[string, string[], string]>([
    ["an instruction that is none", ["--format", "oci", "--change", "RUN x"], 'there is no instruction "RUN" here'],
    ["a name that is none", ["--format", "oci", "--tag", "example.org/UPPER"], "is in lower case"],
    ["a name by digest", ["--format", "oci", "--tag", `web@sha256:${"0".repeat(64)}`], "an image gets its digest when it is made"],
    ["a platform that is none", ["--format", "oci", "--platform", "a/b/c/d"], "it is not OS/ARCHITECTURE"],
    ["layers where there are no snapshots", ["--format", "oci", "--layers"], "has no ZFS, and so no snapshots"],
    ["a name for a flat tar", ["--format", "rootfs", "--tag", "web"], "Cannot use --tag: it is for --format docker and --format oci"],
    ["a change for an archive", ["--change", "USER web"], "Cannot use --change: it is for --format docker and --format oci"],
  ])("refuses %s", async (_, args, message) => {
    const { exitCode, stderr } = await scene.run("export", [...args, "web01", scene.file("refused.tar")]);
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining(message) as unknown as string]);
    expect(fs.existsSync(scene.file("refused.tar"))).toBe(false);
  });
});
