import * as fs from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { DirPoolScene } from "../support/dir-pool.ts";
import { configOf, dockerEntries, layer, LayoutSketch, OCI } from "../support/oci.ts";
import { readPlainTar } from "../support/plain-tar.ts";
import { finish } from "../support/program.ts";
import { sketchTar } from "../support/tar.ts";

const LAYERS = [layer("etc/app"), layer("bin/app", "gzip")];
const FOREIGN = { ...layer("Windows"), mediaType: `${OCI}.layer.nondistributable.v1.tar` };

let scene: DirPoolScene;

beforeAll(async () => {
  scene = await DirPoolScene.create();
  fs.writeFileSync(scene.file("app.tar"), sketchTar(...dockerEntries(LAYERS, { tags: ["app:1", "app:2"] })));
  const layout = new LayoutSketch();
  layout.name(layout.image([layer("other")]).descriptor, "other");
  fs.writeFileSync(scene.file("other.tar"), layout.tar());
  const multi = new LayoutSketch();
  const manifests = ["amd64", "arm64"].map((architecture) => {
    const layers = [layer(architecture), FOREIGN];
    return { ...multi.image(layers, configOf(layers, { architecture })).descriptor, platform: { os: "linux", architecture } };
  });
  fs.writeFileSync(scene.file("multi.tar"), multi.name(multi.index(manifests), "example.org/multi:1").tar());
});
afterAll(() => scene[Symbol.dispose]());
beforeEach(() => fs.rmSync(scene.path("image"), { recursive: true, force: true }));

async function image(verb: string, ...args: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await scene.run(`image ${verb}`, args);
  expect([exitCode, stderr.replaceAll(/^note: .*\n/gm, "")]).toEqual([0, ""]);
  return stdout;
}

async function refused(verb: string, ...args: readonly string[]): Promise<[exitCode: number | null, stderr: string]> {
  const { exitCode, stdout, stderr } = await scene.run(`image ${verb}`, args);
  expect(stdout).toBe("");
  return [exitCode, stderr];
}

async function names(): Promise<string[]> {
  return (await image("ls", "-q")).split("\n").filter(Boolean);
}

function memberNames(file: string): string[] {
  return readPlainTar(fs.readFileSync(file)).map(({ name }) => name);
}

describe("ctar image", () => {
  test("import says what is new, unchanged, or was another one", async () => {
    const [first = "", second = ""] = (await image("import", scene.file("app.tar"))).split("\n");
    const digest = first.split("  ")[1];
    expect([first, second]).toEqual(["1", "2"].map((tag) => `docker.io/library/app:${tag}  ${digest}  new`));
    expect(await image("import", scene.file("app.tar"))).toBe(`${first}\n${second}\n`.replaceAll("new", "unchanged"));
    const json = JSON.parse(await image("import", "--json", "--tag", "app:1", scene.file("other.tar"))) as Record<string, string>[];
    expect(json).toEqual([{ name: "docker.io/library/app:1", digest: expect.stringMatching(/^sha256:/) as string, before: digest ?? "" }]);
    expect(fs.statSync(scene.path("image")).mode & 0o777).toBe(0o700);
  });

  test.each([
    ["plain", (bytes: Buffer): Buffer => bytes],
    ["gzip", (bytes: Buffer): Buffer => gzipSync(bytes)],
    ["zstd", (bytes: Buffer): Buffer => zstdCompressSync(bytes)],
  ])("load reads standard input, %s", async (_, compress) => {
    const child = scene.start("image load", [], { stdio: ["pipe", "pipe", "pipe"] });
    child.stdin?.end(compress(fs.readFileSync(scene.file("app.tar"))));
    expect(await finish(child)).toEqual({
      exitCode: 0,
      stdout: "Loaded image: docker.io/library/app:1\nLoaded image: docker.io/library/app:2\n",
      stderr: "",
    });
    expect(await image("load", "-q", "-i", scene.file("app.tar"))).toBe("");
    expect(await image("check")).toBe("docker.io/library/app:1: whole\ndocker.io/library/app:2: whole\n");
  });

  test("a pipe that ends early stores nothing", async () => {
    const child = scene.start("image import", ["-"], { stdio: ["pipe", "pipe", "pipe"] });
    child.stdin?.end(fs.readFileSync(scene.file("app.tar")).subarray(0, 5000));
    const { exitCode, stderr } = await finish(child);
    expect([exitCode, stderr]).toEqual([12, expect.stringContaining("cut off") as never]);
    expect(fs.readdirSync(scene.path("image")).toSorted()).toEqual([".ctar", "blobs", "oci-layout"]);
    expect(fs.readdirSync(scene.path("image/.ctar"))).toEqual([]);
  });

  test("tag gives another name, and takes one from another image only by force", async () => {
    await image("import", scene.file("app.tar"));
    await image("import", "--tag", "other", scene.file("other.tar"));
    await image("tag", "app:1", "example.org/app:stable", "app");
    expect(await names()).toEqual(["docker.io/library/app:1", "docker.io/library/app:2", "docker.io/library/app:latest", "docker.io/library/other:latest", "example.org/app:stable"]); // prettier-ignore
    const [exitCode, stderr] = await refused("tag", "app:1", "other");
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining("docker.io/library/other:latest") as never]);
    await image("tag", "--force", "app:1", "other");
    const list = JSON.parse(await image("ls", "--json")) as { digest: string }[];
    expect(new Set(list.map(({ digest }) => digest)).size).toBe(1);
  });

  test("rm removes names, and the data that no other name needs", async () => {
    await image("import", scene.file("app.tar"));
    const blobs = fs.readdirSync(scene.path("image/blobs/sha256"));
    await image("rm", "app:1");
    expect(fs.readdirSync(scene.path("image/blobs/sha256"))).toEqual(blobs);
    await image("rm", "--no-prune", "app:2");
    expect(fs.readdirSync(scene.path("image/blobs/sha256"))).toEqual(blobs);
    expect(await image("prune", "--dry-run")).toContain(`blob sha256:${blobs[0]}`);
    expect(await image("prune")).toContain("freed ");
    expect(fs.readdirSync(scene.path("image/blobs/sha256"))).toEqual([]);
  });

  test("export writes a file that is complete or not there, or a pipe, the same bytes", async () => {
    await image("import", scene.file("app.tar"));
    await image("export", "app", scene.file("out.tar"));
    const child = scene.start("image save", ["app"]);
    const chunks: Buffer[] = [];
    child.stdout?.on("data", (chunk: Buffer) => chunks.push(chunk));
    expect(await new Promise((resolve) => child.once("close", resolve))).toBe(0);
    expect(Buffer.concat(chunks)).toEqual(fs.readFileSync(scene.file("out.tar")));
    expect((await refused("export", "app", scene.file("out.tar")))[0]).toBe(1);
    await image("export", "--force", "--skip-manifest-json", "app:1", scene.file("out.tar"));
    expect(memberNames(scene.file("out.tar"))).not.toContain("manifest.json");
    fs.rmSync(scene.path(`image/blobs/sha256/${fs.readdirSync(scene.path("image/blobs/sha256"))[0]}`));
    expect((await refused("export", "app", scene.file("never.tar")))[0]).toBe(12);
    expect(fs.readdirSync(scene.directory).filter((name) => name.includes("never"))).toEqual([]);
    fs.rmSync(scene.file("out.tar"));
  });

  test("--platform and --skip-non-distributable leave the rest out of an export", async () => {
    await image("import", scene.file("multi.tar"));
    const blobsOf = async (...options: string[]): Promise<number> => {
      await image("export", "--force", ...options, "example.org/multi:1", scene.file("part.tar"));
      return memberNames(scene.file("part.tar")).filter((name) => /^blobs\/sha256\/\w/.test(name)).length;
    };
    expect([await blobsOf(), await blobsOf("--all-platforms"), await blobsOf("--platform", "linux/arm64")]).toEqual([8, 8, 5]);
    expect(await blobsOf("--skip-non-distributable")).toBe(7);
    expect((await refused("export", "--platform", "linux/s390x", "example.org/multi:1", scene.file("part.tar")))[0]).toBe(10);
    await image("import", scene.file("part.tar"));
    await image("rm", "example.org/multi:1");
    await image("import", "--platform", "linux/arm64", scene.file("multi.tar"));
    expect((await refused("export", "--all-platforms", "example.org/multi:1", scene.file("all.tar")))[0]).toBe(10);
    fs.rmSync(scene.file("part.tar"));
  });

  test("names by digest and of the day are given when asked for", async () => {
    await image("import", "--digests", "--skip-digest-for-named", "--base-name", "example.org/base", scene.file("other.tar"));
    expect(await names()).toEqual(["example.org/base:other"]);
    await image("import", "--digests", "--base-name", "example.org/base", scene.file("other.tar"));
    expect(await names()).toEqual(["example.org/base:other", expect.stringMatching(/^example\.org\/base@sha256:/) as never]);
  });

  test("inspect shows platforms, configuration and layers", async () => {
    await image("import", scene.file("app.tar"));
    const [shown] = JSON.parse(await image("inspect", "--json", "app:1")) as { manifests: { config: object; layers: object[] }[] }[];
    expect(JSON.stringify(shown?.manifests[0]?.config)).toBe(JSON.stringify(configOf(LAYERS)));
    expect(shown?.manifests[0]?.layers).toHaveLength(2);
    expect(await image("inspect", "app:1")).toContain("linux/amd64");
  });

  test.each([
    ["import", "--index-name=app"],
    ["import", "--no-unpack"],
    ["import", "--discard-unpacked-layers"],
    ["import", "--snapshotter=native"],
    ["import", "--compress-blobs"],
    ["import", "--local"],
    ["export", "--local"],
  ])("%s refuses options that do not apply: %s", async (verb, option) => {
    const [exitCode, stderr] = await refused(verb, option, "app", scene.file("app.tar"));
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining("Unknown option") as never]);
  });

  test.each([
    ["ls", [], 10],
    ["export", ["app", "out.tar"], 10],
    ["import", ["/does/not/exist.tar"], 10],
  ] as const)("%s of what is not there: %j, exit code %p", async (verb, args, code) => {
    expect((await refused(verb, ...args))[0]).toBe(code);
  });
});

test("ctar doctor finds what a killed import of images left, and cleans it", async () => {
  await image("import", "--tag", "other", scene.file("other.tar"));
  const child = scene.start("image import", ["-"], { stdio: ["pipe", "pipe", "pipe"] });
  const finished = finish(child);
  child.stdin?.on("error", () => undefined);
  child.stdin?.write(fs.readFileSync(scene.file("app.tar")).subarray(0, 3000));
  const leases = (): string[] => fs.readdirSync(scene.path("image/.ctar"));
  for (let patience = 400; leases().length === 0 && patience > 0; patience--) await sleep(20);
  expect((await scene.run("doctor", [])).exitCode).toBe(0); // it is running
  process.kill(child.pid ?? 0, "SIGKILL");
  await finished;

  const [lease = ""] = leases();
  const found = await scene.run("doctor", []);
  expect([found.exitCode, found.stderr]).toEqual([1, "hint: ctar doctor --clean\n"]);
  expect(found.stdout).toContain(`left over  on ${scene.name}\n             unfinished "${scene.path(`image/.ctar/${lease}`)}"\n`);
  expect((await scene.run("doctor", ["--clean"])).exitCode).toBe(0);
  expect(leases()).toEqual([]);
  expect(await image("check")).toBe("docker.io/library/other:latest: whole\n");
});
