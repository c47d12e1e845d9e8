import * as fs from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { DirPoolScene } from "../support/dir-pool.ts";
import { readPlainTar } from "../support/plain-tar.ts";
import { finish, programArgv, runProgram, start } from "../support/program.ts";
import { example } from "../support/archive.ts";
import { sketchTar } from "../support/tar.ts";
import { listTree } from "../support/tree-listing.ts";

const TIMEOUT_MS = 60_000;
const MEMBERS = [
  "metadata.yml",
  "config",
  "config/user.yml",
  "config/group.yml",
  "config/container.yml",
  "hooks",
  "hooks/pre-start",
  "hooks/post-stop.d",
  "hooks/post-stop.d/10-notify",
  "rootfs",
  "rootfs/base.tar.gz",
  "ctar/manifest.json",
];

let scene: DirPoolScene;
let archive = "";
/** The pool as the tests find it; each has to leave it like this but for what it imports. */
let before: string[] = [];

beforeAll(async () => {
  scene = await DirPoolScene.create();
  archive = scene.file("web01.tar");
  const { exitCode, stdout, stderr } = await scene.run("export", ["web01", archive]);
  expect([exitCode, stdout]).toEqual([0, ""]);
  expect(stderr).toMatch(/^exported container "web01" to ".*web01\.tar": 1\d\d\.\d KiB of data\n$/);
  before = scene.inventory();
});
afterAll(() => scene[Symbol.dispose]());

/** Removes what an import made. */
function removeContainer(id: string): void {
  scene.removeContainer(id);
  expect(scene.inventory()).toEqual(before);
}

function namesOf(bytes: Buffer): string[] {
  return readPlainTar(bytes).map(({ name }) => name);
}

describe("ctar export", () => {
  test("to a file writes every member once", () => {
    expect(namesOf(fs.readFileSync(archive))).toEqual(MEMBERS);
    expect(fs.readdirSync(scene.directory).toSorted()).toEqual(["pool", "web01.tar"]);
  });

  test("leaves momentary state out", () => {
    const config = readPlainTar(fs.readFileSync(archive)).find(({ name }) => name === "config/container.yml");
    expect(config?.content.toString()).toBe("---\nuser: web01\ngroup: \"/default\"\ndistribution: debian\nversion: '12'\narch: x86_64\n");
  });

  test("to a pipe writes the stream in pieces of --chunk-size", async () => {
    const child = scene.start("export", ["--chunk-size", "64K", "web01", "-"]);
    const chunks: Buffer[] = [];
    child.stdout?.on("data", (chunk: Buffer) => chunks.push(chunk));
    expect(await new Promise((resolve) => child.once("close", resolve))).toBe(0);
    const members = readPlainTar(Buffer.concat(chunks));
    expect([...new Set(members.map(({ name }) => name))]).toEqual(MEMBERS);
    const sizes = members.filter(({ name }) => name === "rootfs/base.tar.gz").map(({ content }) => content.length);
    expect(sizes.slice(0, -1)).toEqual([65536, 65536, 65536]);
  });

  test.each([
    ["w", 1],
    ["a", 4],
  ])("to a redirected stdout opened with %j writes %p member(s) behind what is there", async (flags, count) => {
    const file = scene.file("redirected.tar");
    const fd = fs.openSync(file, flags);
    fs.writeSync(fd, "head");
    const { exitCode } = await scene.run("export", ["--chunk-size", "64K", "web01"], { stdio: ["ignore", fd, "pipe"] });
    fs.closeSync(fd);
    const bytes = fs.readFileSync(file);
    fs.rmSync(file);
    expect([exitCode, bytes.toString("latin1", 0, 4)]).toEqual([0, "head"]);
    const names = namesOf(bytes.subarray(4));
    expect([...new Set(names)]).toEqual(MEMBERS);
    expect(names.filter((name) => name === "rootfs/base.tar.gz").length).toBe(count);
  });

  test("refuses an existing file, replaces it with --force, always by the same bytes under SOURCE_DATE_EPOCH", async () => {
    const file = scene.file("existing.tar");
    fs.writeFileSync(file, "mine");
    const refused = await scene.run("export", ["web01", file]);
    expect([refused.exitCode, refused.stdout]).toEqual([1, ""]);
    expect(refused.stderr).toBe(`error: Cannot create "${file}": file exists\n\nhint: Use --force to replace it\n`);
    expect(fs.readFileSync(file, "utf8")).toBe("mine");
    const versions: string[] = [];
    for (let count = 0; count < 2; count++) {
      const { exitCode } = await scene.run("export", ["--force", "web01", file], { env: { SOURCE_DATE_EPOCH: "1729850400" } });
      expect(exitCode).toBe(0);
      versions.push(fs.readFileSync(file, "latin1"));
    }
    expect(versions[0] === versions[1]).toBe(true);
    expect(readPlainTar(fs.readFileSync(file))[0]?.content.toString()).toContain("exported_at: 1729850400\n");
    fs.rmSync(file);
  });

  test("--dry-run says what would be done and writes nothing", async () => {
    const { exitCode, stdout } = await scene.run("export", ["--dry-run", "web01", scene.file("dry.tar")]);
    expect([exitCode, stdout]).toEqual([
      0,
      "container    web01\nformat       tar\ndatasets     /\nhooks        2\nconsistent   the container is not stopped\ncompression  gzip\n",
    ]);
    expect(fs.existsSync(scene.file("dry.tar"))).toBe(false);
  });

  test("of an unknown container exits 10", async () => {
    const { exitCode, stderr } = await scene.run("export", ["web99", scene.file("web99.tar")]);
    expect([exitCode, stderr]).toEqual([
      10,
      `error: Cannot find container "web99" on pool "${scene.name}"\n\nhint: ctar list --pool ${scene.name}\n`,
    ]);
    expect(fs.existsSync(scene.file("web99.tar"))).toBe(false);
  });

  test.each(["../web01", "web01/..", ".", ""])("refuses the id %j", async (id) => {
    expect((await scene.run("export", [id, scene.file("x.tar")])).exitCode).toBe(2);
  });

  test("from a pool that is none exits 10", async () => {
    const { exitCode, stderr } = await runProgram("export", "--pool", `dir:${scene.file("none")}`, "web01", scene.file("x.tar"));
    expect([exitCode, stderr]).toEqual([
      10,
      `error: Cannot use "dir:${scene.file("none")}": it is no pool\n\nhint: ctar init dir:${scene.file("none")}\n`,
    ]);
  });

  test("into a directory that is not there exits 10", async () => {
    const { exitCode, stderr } = await scene.run("export", ["web01", scene.file("none/web01.tar")]);
    expect([exitCode, stderr]).toEqual([10, `error: Cannot create "${scene.file("none/web01.tar")}": no such file or directory\n`]);
    expect(scene.inventory()).toEqual(before);
  });

  test("to a pipe that nobody reads exits 1 and leaves nothing", async () => {
    const child = scene.start("export", ["--chunk-size", "64K", "web01", "-"]);
    child.stdout?.destroy();
    child.stderr?.resume();
    expect(await new Promise((resolve) => child.once("close", resolve))).toBe(1);
    expect(scene.inventory()).toEqual(before);
  });
});

describe("ctar import", () => {
  test("makes a container with the same tree, hooks and configuration", async () => {
    const { exitCode, stderr } = await scene.run("import", ["--as-id", "web02", archive]);
    expect([exitCode, stderr]).toEqual([0, `imported container "web02" to pool "${scene.name}" (checked against its manifest)\n`]);
    expect(await listTree(scene.path("ct/web02/private"))).toEqual(await listTree(scene.path("ct/web01/private")));
    const hooks = scene.path("hook/ct/web02");
    expect(fs.readFileSync(`${hooks}/pre-start`, "utf8")).toBe("#!/bin/sh\nexit 0\n");
    expect(fs.readFileSync(`${hooks}/post-stop.d/10-notify`, "utf8")).toBe("#!/bin/sh\nexit 1\n");
    expect([fs.statSync(`${hooks}/pre-start`).mode, fs.statSync(`${hooks}/post-stop.d/10-notify`).mode]).toEqual([0o100755, 0o100700]);
    expect(fs.readFileSync(scene.path("conf/ct/web02.yml"), "utf8")).toContain('user: web01\ngroup: "/default"\n');
    removeContainer("web02");
  });

  test("reads a pipe of pieces", async () => {
    const child = scene.start("export", ["--chunk-size", "1K", "web01", "-"]);
    const importer = scene.start("import", ["--as-id", "web02", "-"], { stdio: ["pipe", "pipe", "pipe"] });
    if (importer.stdin !== null) child.stdout?.pipe(importer.stdin);
    importer.stderr?.resume();
    child.stderr?.resume();
    expect(await new Promise((resolve) => importer.once("close", resolve))).toBe(0);
    expect(await listTree(scene.path("ct/web02/private"))).toEqual(await listTree(scene.path("ct/web01/private")));
    removeContainer("web02");
  });

  test("refuses a container that exists", async () => {
    const { exitCode, stderr } = await scene.run("import", [archive]);
    expect([exitCode, stderr]).toEqual([
      1,
      `error: Cannot import container "web01": it exists on pool "${scene.name}"\n\nhint: Choose another id with --as-id\n`,
    ]);
    expect(scene.inventory()).toEqual(before);
  });

  test("--dry-run says what would be done and changes nothing", async () => {
    const { exitCode, stdout } = await scene.run("import", ["--dry-run", "--as-id", "web02", archive]);
    expect([exitCode, stdout.split("\n").slice(0, 3)]).toEqual([0, ["container    web02", "user         web01", "group        /default"]]);
    expect(scene.inventory()).toEqual(before);
  });

  test("makes user and group of the archive where the pool has none, but not where hooks are in the way", async () => {
    using other = await DirPoolScene.create();
    for (const part of ["conf/user/web01.yml", "conf/ct/web01.yml", "hook/ct/web01", "ct/web01"])
      fs.rmSync(other.path(part), { recursive: true });
    const empty = other.inventory();
    other.write("hook/ct/web01/in-the-way", "");
    const failed = await other.run("import", [archive]);
    expect(failed.exitCode).toBe(1);
    expect(failed.stderr).toMatch(/^error: Cannot import container "web01": ".*\/hook\/ct\/web01" exists\n/);
    fs.rmSync(other.path("hook/ct/web01"), { recursive: true });
    expect(other.inventory()).toEqual(empty);
    expect((await other.run("import", [archive])).exitCode).toBe(0);
    expect(fs.readFileSync(other.path("conf/user/web01.yml"))).toEqual(fs.readFileSync(scene.path("conf/user/web01.yml")));
  });

  test.each([
    ["cut in half", (bytes: Buffer) => bytes.subarray(0, bytes.length / 2)],
    ["with a flipped bit in its data", (bytes: Buffer) => flip(bytes, bytes.length - 30_000)],
    ["with a flipped bit in a header", (bytes: Buffer) => flip(bytes, 512 + 512 + 3)],
    ["of text", () => Buffer.from("hello")],
    ["of nothing", () => Buffer.alloc(0)],
  ])("of an archive %s exits 12 and leaves nothing", async (_what, damage) => {
    const file = scene.file("damaged.tar");
    fs.writeFileSync(file, damage(fs.readFileSync(archive)));
    const { exitCode, stderr } = await scene.run("import", ["--as-id", "web02", file]);
    fs.rmSync(file);
    expect([exitCode, stderr.slice(0, 13)]).toEqual([12, "error: Cannot"]);
    expect(scene.inventory()).toEqual(before);
  });

  test.each(["../../../evil", "pre-start.d/../../../../evil", "pre-start.d/..", "pre-start.d/a/b", "evil", "pre-start/x"])(
    "refuses an archive with the hook %j",
    async (hook) => {
      const file = scene.file("hostile.tar");
      const texts = ["metadata.yml", "config/container.yml"].map((name) => ({ name, data: example(`04-repository-image-tar/${name}`) }));
      fs.writeFileSync(
        file,
        sketchTar(...texts, { name: `hooks/${hook}`, mode: 0o755, data: "#!/bin/sh\n" }, { name: "rootfs/base.tar.gz" }),
      );
      const accounts = ["--as-user", "web01", "--as-group", "/default"];
      const { exitCode, stderr } = await scene.run("import", ["--as-id", "web02", ...accounts, file]);
      fs.rmSync(file);
      expect(exitCode).toBe(12);
      expect(stderr).toMatch(/^error: Cannot import hook "/);
      expect(scene.inventory()).toEqual(before);
      expect(fs.readdirSync(scene.directory).toSorted()).toEqual(["pool", "web01.tar"]);
    },
  );

  test.each([[["--dataset", "tank/ct/x"]], [["--zfs-property", "quota=1G"]]])("refuses %j, having no ZFS", async (options) => {
    const { exitCode, stderr } = await scene.run("import", ["--as-id", "web02", ...options, archive]);
    expect([exitCode, stderr]).toEqual([2, `error: Cannot use --dataset or --zfs-property: pool "${scene.name}" has no ZFS\n`]);
  });

  test("of a file that is not there exits 10", async () => {
    const { exitCode, stderr } = await scene.run("import", [scene.file("none.tar")]);
    expect([exitCode, stderr]).toEqual([10, `error: Cannot read "${scene.file("none.tar")}": no such file or directory\n`]);
  });
});

test("ctar import refuses a pool that is none before its pipe has given anything", async () => {
  const child = start([...programArgv(), "import", "--pool", `dir:${scene.file("none")}`, "-"], { stdio: ["pipe", "pipe", "pipe"] });
  child.stdin?.on("error", () => undefined);
  expect((await finish(child)).exitCode).toBe(10);
});

describe("ctar import, interrupted while its input stalls", () => {
  test.each(["SIGINT", "SIGTERM"] as const)(
    "by %s exits 130 and leaves nothing",
    async (signal) => {
      const { child, finished } = await scene.startStalledImport(archive, "web02");
      process.kill(child.pid ?? 0, signal); // Deno's child.kill() ends the child's input too
      expect((await finished).exitCode).toBe(130);
      expect(scene.inventory()).toEqual(before);
    },
    TIMEOUT_MS,
  );

  test(
    "by SIGKILL leaves what ctar doctor finds and cleans",
    async () => {
      const { child, finished } = await scene.startStalledImport(archive, "web02");
      const busy = await scene.run("doctor", ["--json"]);
      expect([busy.stderr, busy.exitCode]).toEqual(["", 0]);
      expect(leftoversOf(busy.stdout)).toEqual([]); // it is running
      process.kill(child.pid ?? 0, "SIGKILL");
      await finished;
      const staging = fs.readdirSync(scene.path("ct")).find((name) => name.startsWith("web02.ctar-"));
      const left = [`unfinished "${scene.path(`ct/${staging}`)}"`];
      const leftover = { pool: scene.name, command: `ctar import --pool ${scene.name} --as-id web02 -`, left };

      const found = await scene.run("doctor", ["--json"]);
      expect([found.exitCode, leftoversOf(found.stdout)]).toEqual([1, [{ ...leftover, cleaned: false }]]);
      const told = await scene.run("doctor", []);
      expect(told.exitCode).toBe(1);
      expect(told.stdout).toContain(`left over  on ${scene.name}, by: ${leftover.command}\n             ${left[0]}\n`);
      expect(told.stderr).toBe("hint: ctar doctor --clean\n");

      const cleaned = await scene.run("doctor", ["--clean", "--json"]);
      expect([cleaned.exitCode, leftoversOf(cleaned.stdout)]).toEqual([0, [{ ...leftover, cleaned: true }]]);
      expect(scene.inventory()).toEqual(before);
      expect((await scene.run("doctor", [])).exitCode).toBe(0);
    },
    TIMEOUT_MS,
  );
});

describe("ctar doctor", () => {
  test("finds and removes files that a killed run had not yet given their names, but not those of a run at work", async () => {
    const [old, fresh] = ["conf/ct/.web09.yml.ctar-0a1b2c", "conf/group/default/.config.yml.ctar-3d4e5f"] as const;
    scene.write(old, "half");
    scene.write(fresh, "half");
    scene.write("conf/ct/.keep", "not ours");
    scene.write("conf/.ctar/mounted/.x.ctar-0a1b2c", "in a root filesystem that is mounted there");
    fs.utimesSync(scene.path("conf/.ctar/mounted/.x.ctar-0a1b2c"), 1_700_000_000, 1_700_000_000);
    fs.utimesSync(scene.path(old), 1_700_000_000, 1_700_000_000);
    const found = await scene.run("doctor", ["--json"]);
    expect([found.exitCode, leftoversOf(found.stdout)]).toEqual([
      1,
      [{ pool: scene.name, command: null, left: [`unfinished "${scene.path(old)}"`], cleaned: false }],
    ]);
    expect((await scene.run("doctor", ["--clean"])).exitCode).toBe(0);
    expect([old, fresh, "conf/ct/.keep"].map((file) => fs.existsSync(scene.path(file)))).toEqual([false, true, true]);
    expect(fs.existsSync(scene.path("conf/.ctar/mounted/.x.ctar-0a1b2c"))).toBe(true);
    fs.rmSync(scene.path("conf/.ctar/mounted"), { recursive: true });
    fs.rmSync(scene.path(fresh));
    fs.rmSync(scene.path("conf/ct/.keep"));
    expect(scene.inventory()).toEqual(before);
  });
});

describe("ctar list", () => {
  test("--json tells each container", async () => {
    const { exitCode, stdout } = await scene.run("list", ["--json"]);
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toEqual([
      { id: "web01", user: "web01", group: "/default", distribution: "debian", version: "12", dataset: null },
    ]);
  });

  test("prints a table, and warns of what it cannot read", async () => {
    scene.write("conf/ct/broken.yml", "user: [\n");
    const { exitCode, stdout, stderr } = await scene.run("list", []);
    fs.rmSync(scene.path("conf/ct/broken.yml"));
    expect([exitCode, stdout]).toEqual([
      0,
      "ID     USER   GROUP     DISTRIBUTION  VERSION  DATASET\nweb01  web01  /default  debian        12       -\n",
    ]);
    expect(stderr).toMatch(/^warning: .*broken\.yml/);
  });
});

describe("ctar inspect", () => {
  test("--json tells what the archive is", async () => {
    const { exitCode, stdout } = await runProgram("inspect", "--json", archive);
    const { metadata, hooks, streams, manifest, ended } = JSON.parse(stdout);
    expect(exitCode).toBe(0);
    expect([metadata.container, metadata.format, metadata.user]).toEqual(["web01", "tar", "web01"]);
    expect(hooks).toEqual(["pre-start", "post-stop.d/10-notify"]);
    expect(streams.length).toBe(1);
    expect(streams[0].rawBytes).toBe(manifest.streams[0].raw.bytes);
    expect(ended).toBe(true);
  });

  test("prints it for people", async () => {
    const { exitCode, stdout } = await runProgram("inspect", archive);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^container {3}web01\nuser {8}web01\n/);
    expect(stdout).toMatch(/\nrootfs\/base\.tar\.gz {2}\d+\.\d KiB, \d+\.\d KiB raw\n$/);
  });
});

describe("ctar ct, osctl's spelling", () => {
  test("export replaces a file, import makes a container", async () => {
    const file = scene.file("osctl.tar");
    fs.writeFileSync(file, "old");
    expect((await scene.run("ct export", ["--compression", "gzip", "web01", file])).exitCode).toBe(0);
    expect(namesOf(fs.readFileSync(file))).toEqual(MEMBERS);
    expect((await scene.run("ct import", ["--as-id", "web02", file])).exitCode).toBe(0);
    fs.rmSync(file);
    removeContainer("web02");
  });
});

function leftoversOf(report: string): unknown[] {
  return (JSON.parse(report) as { leftovers: unknown[] }).leftovers;
}

function flip(bytes: Buffer, at: number): Buffer {
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  return bytes;
}
