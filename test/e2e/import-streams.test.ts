/** `ctar import` of ZFS streams where there is no ZFS: the files are those of the last snapshot, subdatasets in place, or nothing is there. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import * as fs from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { containerArchive, treeStream, type ContainerSketch, type DirectorySketch } from "../support/container-stream.ts";
import { DirPoolScene } from "../support/dir-pool.ts";
import { diskFacts, withoutDirectorySizes } from "../support/disk-facts.ts";
import { finish, type Finished } from "../support/program.ts";
import { underPrivate } from "../support/stream-edit.ts";
import { fixtureFacts, fixtureStream } from "../support/stream-tree.ts";
import { streamBytes } from "../support/zpl-files.ts";

const IS_ROOT = process.getuid?.() === 0;
if (!IS_ROOT) console.warn("skipped: comparing owners and devices, as this is not root");
const TIMEOUT_MS = 60_000;
const PATIENCE_MS = 30_000;
const ROOT_TREE = { private: { etc: { hostname: "web01\n" }, srv: {}, data: { old: "covered" } } };
const SRV_TREE = { private: { "index.html": "hello", www: { a: "a" } } };

let scene: DirPoolScene;
/** The pool as the tests find it, and are to leave it. */
let before: string[] = [];

beforeAll(async () => {
  scene = await DirPoolScene.create();
  before = scene.inventory();
});
afterAll(() => scene[Symbol.dispose]());

/** Imports an archive as "copy", from a file or a pipe. */
async function imported(sketch: ContainerSketch, from: "file" | "pipe" = "file"): Promise<Finished> {
  const file = scene.file("archive.tar");
  fs.writeFileSync(file, await containerArchive(sketch));
  const args = ["--as-id", "copy", "--as-user", "web01"];
  try {
    if (from === "file") return await scene.run("import", [...args, file]);
    const child = scene.start("import", [...args, "-"], { stdio: ["pipe", "pipe", "pipe"] });
    child.stdin?.on("error", () => undefined);
    child.stdin?.end(fs.readFileSync(file));
    return await finish(child);
  } finally {
    fs.rmSync(file);
  }
}

/** Removes what an import made, which must be all there is. */
function removeCopy(): void {
  scene.removeContainer("copy");
  expect(scene.inventory()).toEqual(before);
}

function configOfCopy(): string {
  return fs.readFileSync(scene.path("conf/ct/copy.yml"), "utf8");
}

describe("the files of a dataset", () => {
  const STATES: readonly [state: string, base: string, incremental: string | undefined, from: "file" | "pipe", gzip: boolean][] = [
    ["p.s1", "p.full.s1", undefined, "file", false],
    ["p.s1", "p.full.s1", undefined, "file", true],
    ["p.s2", "p.full.s1", "p.incr-i.s1-s2", "pipe", false],
    ["p.s3", "p.full.s1", "p.incr-I.s1-s3", "pipe", true],
    ["p.s3", "p.full.s1", "p.incr-I.s1-s3", "file", false],
    ["lz4.s2", "lz4.full-e.s1", "lz4.incr-c-i.s1-s2", "pipe", false],
    ["zstd.s1", "zstd.full-ec.s1", undefined, "pipe", true],
    ["L.s1", "L.full-Lec.s1", undefined, "file", false],
    ["xdir.s1", "xdir.full.s1", undefined, "pipe", false],
  ];
  test.skipIf(!IS_ROOT).each(STATES)(
    "are %s, from %s and %p (a %s, gzipped: %p)",
    async (state, base, incremental, from, gzip) => {
      const rest = incremental === undefined ? {} : { incremental: fixtureStream(incremental) };
      const sketch = { datasets: { "": underPrivate(base) }, gzip, kind: from, ...rest };
      const { exitCode, stdout, stderr } = await imported(sketch, from);
      const told = `imported container "copy" to pool "${scene.name}" (checked against its manifest)\n`;
      expect([exitCode, stdout, stderr]).toEqual([0, "", told]);
      expect(await diskFacts(scene.path("ct/copy/private"))).toEqual(withoutDirectorySizes(fixtureFacts(state)));
      expect(fs.readdirSync(scene.path("ct/copy"))).toEqual(["private"]);
      removeCopy();
    },
    TIMEOUT_MS,
  );
});

describe("subdatasets", () => {
  const datasets = { "": treeStream(ROOT_TREE), srv: treeStream(SRV_TREE, 2n) };

  test.each(["file", "pipe"] as const)("appear where the container mounts them, which it does no more (from a %s)", async (from) => {
    const { exitCode, stderr } = await imported({ datasets, mounts: { srv: "/srv" }, kind: from }, from);
    expect([[0, 3].includes(exitCode ?? -1), stderr.includes("subdataset")]).toEqual([true, false]);
    const read = (file: string): string => fs.readFileSync(scene.path(`ct/copy/private/${file}`), "utf8");
    expect(["etc/hostname", "srv/index.html", "srv/www/a", "data/old"].map(read)).toEqual(["web01\n", "hello", "a", "covered"]);
    expect(configOfCopy()).not.toContain("srv");
    removeCopy();
  });

  test.each<[what: string, mounts: Record<string, string>, trees: Record<string, DirectorySketch>, reason: string]>([
    ["is mounted nowhere", {}, { srv: SRV_TREE }, "the container mounts it nowhere"],
    [
      "is mounted where there is no directory",
      { srv: "/none" },
      { srv: SRV_TREE },
      "its mount point is no directory of the root filesystem",
    ],
    ["has no files of a container", { srv: "/srv" }, { srv: { other: {} } }, 'it has no directory "private"'],
    ["lies below another", { srv: "/srv", top: "/srv/" }, { srv: SRV_TREE, top: SRV_TREE }, "another is mounted over it"],
  ])("one that %s is told of, exit code 3", async (_what, mounts, trees, reason) => {
    const streams = Object.entries(trees).map(([name, tree], index) => [name, treeStream(tree, BigInt(index + 2))] as const);
    const { exitCode, stderr } = await imported({ datasets: { "": treeStream(ROOT_TREE), ...Object.fromEntries(streams) }, mounts });
    expect([exitCode, stderr]).toEqual([3, expect.stringContaining(`\nwarning: subdataset: ${reason}: srv\n`)]);
    removeCopy();
  });
});

describe("an archive is refused, and nothing is made", () => {
  const raw = fixtureStream("w.full-w.s1");
  const volume = streamBytes({ begin: { objsetType: 3 }, records: () => [] });
  const good = treeStream(ROOT_TREE);
  test.each<[what: string, datasets: Record<string, Uint8Array>, exitCode: number, reason: string]>([
    ["that was sent raw", { "": raw }, 1, "it is encrypted: sent raw"],
    ["of a volume", { "": volume }, 1, "it is a volume"],
    ["with a subdataset that was sent raw", { "": good, srv: raw }, 1, "it is encrypted: sent raw"],
    ["with a subdataset that is a volume", { "": good, srv: volume }, 1, "it is a volume"],
    ["of no container", { "": treeStream({ other: {} }) }, 12, 'its root dataset has no directory "private"'],
    ["of nothing", { "": new Uint8Array(0) }, 12, "it is empty"],
  ])("%s", async (_what, datasets, exitCode, reason) => {
    for (const kind of ["file", "pipe"] as const) {
      const result = await imported({ datasets, gzip: kind === "pipe", kind }, kind);
      expect([result.exitCode, result.stderr]).toEqual([exitCode, expect.stringContaining(reason)]);
      expect(scene.inventory()).toEqual(before);
    }
  });
});

describe("ctar import, stopped", () => {
  /** Imports from a pipe that goes on when all that is in front of the last `rest` bytes has been read, and waits for a directory. */
  async function startImport(rest: number, staged: string): Promise<{ pid: number; finished: Promise<Finished>; staging: string }> {
    const files = Object.fromEntries(Array.from({ length: 400 }, (_, index) => [`f${index}`, "x".repeat(600)]));
    const tree = Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`d${index}`, files]));
    const archive = await containerArchive({ datasets: { "": treeStream({ private: tree }) }, kind: "pipe" });
    const child = scene.start("import", ["--as-id", "copy", "--as-user", "web01", "-"], { stdio: ["pipe", "pipe", "pipe"] });
    child.stdin?.on("error", () => undefined);
    child.stdin?.write(archive.subarray(0, archive.length - rest));
    if (rest === 0) child.stdin?.end();
    const finished = finish(child);
    const until = Date.now() + PATIENCE_MS;
    for (;;) {
      const staging = fs.readdirSync(scene.path("ct")).find((name) => name.startsWith("copy.ctar-"));
      if (staging !== undefined && fs.existsSync(scene.path(`ct/${staging}/${staged}`))) return { pid: child.pid ?? 0, finished, staging };
      if (Date.now() > until || child.exitCode !== null) throw new Error("the import did not come there");
      await sleep(5);
    }
  }

  const POINTS: readonly [point: string, rest: number, staged: string][] = [
    ["while streams come", 40_000, "."],
    ["while files are made", 0, "private"],
  ];

  test.each(
    POINTS.flatMap(([point, rest, staged]) => (["SIGINT", "SIGTERM"] as const).map((signal) => [point, signal, rest, staged] as const)),
  )(
    "%s, by %s exits 130 and leaves nothing",
    async (_point, signal, rest, staged) => {
      const { pid, finished } = await startImport(rest, staged);
      process.kill(pid, signal);
      expect((await finished).exitCode).toBe(130);
      expect(scene.inventory()).toEqual(before);
    },
    TIMEOUT_MS,
  );

  test.each(POINTS)(
    "%s, by SIGKILL leaves what ctar doctor cleans",
    async (_point, rest, staged) => {
      const { pid, finished, staging } = await startImport(rest, staged);
      process.kill(pid, "SIGKILL");
      await finished;
      const found = await scene.run("doctor", []);
      expect([found.exitCode, found.stdout.includes(`unfinished "${scene.path(`ct/${staging}`)}"`)]).toEqual([1, true]);
      expect((await scene.run("doctor", ["--clean"])).exitCode).toBe(0);
      expect(scene.inventory()).toEqual(before);
    },
    TIMEOUT_MS,
  );
});
