/** `ctar convert`: the new archive is whole and says the same, or it is not there. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { containerArchive, treeStream } from "../support/container-stream.ts";
import { DirPoolScene } from "../support/dir-pool.ts";
import { diskFacts, withoutDirectorySizes } from "../support/disk-facts.ts";
import { finish, programArgv, runProgram, start, type Finished } from "../support/program.ts";
import { underPrivate } from "../support/stream-edit.ts";
import { fixtureFacts, fixtureStream } from "../support/stream-tree.ts";
import { exported } from "../support/verify.ts";

const IS_ROOT = process.getuid?.() === 0;
if (!IS_ROOT) console.warn("skipped: comparing owners and devices, as this is not root");
const TIMEOUT_MS = 60_000;
/** What GNU tar needs to be told to restore everything. */
const GNU_TAR = ["tar", "-x", "--numeric-owner", "--xattrs", "--xattrs-include=*", "-p"];

let scratch = "";
let count = 0;
beforeAll(() => {
  scratch = fs.mkdtempSync(path.join(os.tmpdir(), "ctar-convert-"));
});
afterAll(() => fs.rmSync(scratch, { recursive: true, force: true }));

/** A directory of its own with that archive in it. */
function scene(bytes: Uint8Array): { directory: string; input: string; output: string } {
  const directory = path.join(scratch, `${++count}`);
  fs.mkdirSync(directory);
  const input = path.join(directory, "input");
  fs.writeFileSync(input, bytes);
  return { directory, input, output: path.join(directory, "output") };
}

async function convert(...args: string[]): Promise<Finished> {
  return await runProgram("convert", ...args);
}

/** Converts what comes through a pipe into one, or into a file. */
async function convertPiped(bytes: Uint8Array, ...args: string[]): Promise<{ exitCode: number | null; stdout: Buffer; stderr: string }> {
  const child = start([...programArgv(), "convert", ...args], { stdio: ["pipe", "pipe", "pipe"] });
  const chunks: Buffer[] = [];
  child.stdout?.on("data", (chunk: Buffer) => chunks.push(chunk));
  child.stdin?.on("error", () => undefined);
  child.stdin?.end(bytes);
  const { exitCode, stderr } = await finish(child);
  return { exitCode, stdout: Buffer.concat(chunks), stderr };
}

/** Extracts a tar with GNU tar. */
async function untar(file: string, directory: string): Promise<void> {
  fs.mkdirSync(directory);
  const { exitCode, stderr } = await finish(start([...GNU_TAR, "-C", directory, "-f", file]));
  expect([exitCode, stderr]).toEqual([0, ""]);
}

async function expectWhole(file: string): Promise<void> {
  const { exitCode, stdout } = await runProgram("verify", file);
  expect([exitCode, stdout.split("\n")[0]]).toEqual([0, expect.stringContaining(" is whole: ")]);
}

describe("ctar convert of an archive of ZFS streams into another", () => {
  test(
    "gives one in pieces to a pipe, and the first again to a file",
    async () => {
      const { directory, input, output } = scene(await exported("piped"));
      const { exitCode, stdout, stderr } = await convert(input, output);
      expect([exitCode, stdout]).toEqual([0, ""]);
      expect(stderr).toBe(`converted "${input}" to format zfs, 570.0 KiB, checked against its manifest\n`);
      await expectWhole(output);
      const canonical = fs.readFileSync(output);
      const piped = await convertPiped(canonical, "-", "-", "--chunk-size", "20K");
      expect([piped.exitCode, piped.stdout.equals(canonical)]).toEqual([0, false]);
      const again = path.join(directory, "again");
      expect((await convertPiped(piped.stdout, "-", again)).exitCode).toBe(0);
      expect(fs.readFileSync(again).equals(canonical)).toBe(true);
      expect(fs.readdirSync(directory).toSorted()).toEqual(["again", "input", "output"]);
    },
    TIMEOUT_MS,
  );

  test(
    "compresses on any number of threads alike, and back",
    async () => {
      const { directory, input } = scene(await exported("file"));
      const file = (name: string): string => path.join(directory, name);
      const raw = file("raw");
      await convert(input, raw);
      for (const threads of ["1", "3"]) {
        const { exitCode } = await convert("-c", "gzip", "--level", "1", "--threads", threads, raw, file(`gzip${threads}`));
        expect(exitCode).toBe(0);
      }
      expect(fs.readFileSync(file("gzip1")).equals(fs.readFileSync(file("gzip3")))).toBe(true);
      await expectWhole(file("gzip1"));
      await convert("--compression", "off", file("gzip3"), file("back"));
      expect(fs.readFileSync(file("back")).equals(fs.readFileSync(raw))).toBe(true);
    },
    TIMEOUT_MS,
  );
});

describe("ctar convert of a container's files", () => {
  const STATES: readonly [state: string, base: string, incremental: string | undefined, gzip: boolean][] = [
    ["p.s3", "p.full.s1", "p.incr-I.s1-s3", false],
    ["p.s1", "p.full.s1", undefined, true],
    ["lz4.s2", "lz4.full-e.s1", "lz4.incr-c-i.s1-s2", false],
    ["L.s1", "L.full-Lec.s1", undefined, false],
    ["xdir.s1", "xdir.full.s1", undefined, false],
  ];

  test.skipIf(!IS_ROOT).each(STATES)(
    "into a tar that ctar import takes gives %s, from %s and %p (gzipped: %p)",
    async (state, base, incremental, gzip) => {
      const rest = incremental === undefined ? {} : { incremental: fixtureStream(incremental) };
      const { input, output } = scene(await containerArchive({ datasets: { "": underPrivate(base) }, gzip, ...rest }));
      const converted = await convert("--format", "tar", input, output);
      expect([converted.exitCode, converted.stderr.split("\n").slice(1)]).toEqual([0, [""]]);
      await expectWhole(output);
      using pool = await DirPoolScene.create();
      const { exitCode } = await pool.run("import", ["--as-id", "copy", "--as-user", "web01", output]);
      expect(exitCode).toBe(0);
      expect(await diskFacts(pool.path("ct/copy/private"))).toEqual(withoutDirectorySizes(fixtureFacts(state)));
    },
    TIMEOUT_MS,
  );

  test.skipIf(!IS_ROOT).each(STATES)(
    "into a root filesystem gives %s to GNU tar as to ctar extract, from %s and %p (gzipped: %p)",
    async (_state, base, incremental, gzip) => {
      const rest = incremental === undefined ? {} : { incremental: fixtureStream(incremental) };
      const { directory, input, output } = scene(await containerArchive({ datasets: { "": underPrivate(base) }, gzip, ...rest }));
      expect((await convert("--format", "rootfs", input, output)).exitCode).toBe(0);
      const [untarred, extracted] = [path.join(directory, "untarred"), path.join(directory, "extracted")];
      await untar(output, untarred);
      await runProgram("extract", input, "-C", extracted);
      const [tarFacts, facts] = [await diskFacts(untarred), await diskFacts(extracted)];
      for (const { tree } of [tarFacts, facts]) delete tree["."]; // docker export has no entry for it
      expect(tarFacts).toEqual(facts);
      expect(Object.keys(facts.tree).length).toBeGreaterThan(10);
      await listsFlatNames(output);
    },
    TIMEOUT_MS,
  );

  async function listsFlatNames(file: string): Promise<void> {
    const { exitCode, stdout } = await finish(start(["tar", "-tf", file]));
    const names = stdout.trimEnd().split("\n");
    expect([exitCode, names.filter((name) => name.startsWith(".") || name.startsWith("/"))]).toEqual([0, []]);
    expect(names).toContain("dir/");
  }

  test("tells of what a tar cannot hold, exit code 3", async () => {
    const datasets = { "": treeStream({ private: { a: "a" } }), srv: treeStream({ private: {} }, 2n) };
    const { input, output } = scene(await containerArchive({ datasets }));
    for (const format of ["tar", "rootfs"]) {
      const { exitCode, stderr } = await convert("--format", format, input, `${output}.${format}`);
      expect([exitCode, stderr]).toEqual([3, expect.stringContaining("\nwarning: subdataset: the container mounts it nowhere: srv\n")]);
    }
  });

  test.each([false, true])("comes through a pipe too, and leaves nothing else (gzipped: %p)", async (gzip) => {
    const datasets = { "": treeStream({ private: { etc: { hostname: "web01\n" } } }) };
    const { directory, input, output } = scene(await containerArchive({ datasets, gzip }));
    const read = fs.readFileSync(input);
    for (const format of ["tar", "rootfs"]) {
      const [filed, piped] = [`${output}.filed`, `${output}.piped`];
      expect((await convert("--format", format, input, filed)).exitCode).toBe(0);
      expect((await convertPiped(read, "--format", format, "-", piped)).exitCode).toBe(0);
      expect(fs.readFileSync(piped).equals(fs.readFileSync(filed))).toBe(true);
      expect(fs.readdirSync(directory).toSorted()).toEqual(["input", "output.filed", "output.piped"]);
      for (const file of [filed, piped]) fs.rmSync(file);
    }
  });

  test("goes to a pipe, gzipped", async () => {
    const { input } = scene(await containerArchive({ datasets: { "": treeStream({ private: { etc: { hostname: "web01\n" } } }) } }));
    const { exitCode, stdout } = await convertPiped(Buffer.alloc(0), "--format", "rootfs", "-c", "gzip", input, "-");
    expect([exitCode, gunzipSync(stdout).toString("latin1").includes("web01\n")]).toEqual([0, true]);
  });
});

describe("ctar convert leaves nothing of", () => {
  test.each([
    ["an archive that is cut", 0.7, []],
    ["a tar of an archive that is cut", 0.7, ["--format", "tar"]],
    ["a root filesystem of an archive that is cut", 0.7, ["--format", "rootfs"]],
  ] as const)("%s, exit code 12", async (_what, part, options) => {
    const bytes = await exported("gzip");
    const { directory, input, output } = scene(bytes.subarray(0, Math.floor(bytes.length * part)));
    const { exitCode, stderr } = await convert(...options, input, output);
    expect([exitCode, stderr]).toEqual([12, expect.stringMatching(/^error: Cannot /)]);
    expect(fs.readdirSync(directory)).toEqual(["input"]);
    if (options.length > 0) return;
    expect((await convertPiped(fs.readFileSync(input), "-", output)).exitCode).toBe(12);
    expect(fs.readdirSync(directory)).toEqual(["input"]);
  });

  test("an archive with a changed byte, whose place is named", async () => {
    const bytes = Buffer.from(await exported("file"));
    bytes[200_000] = (bytes[200_000] as number) ^ 1;
    const { directory, input, output } = scene(bytes);
    const { exitCode, stderr } = await convert(input, output);
    expect([exitCode, stderr]).toEqual([
      12,
      expect.stringMatching(/^error: Cannot convert "rootfs\/base.dat": .* \(at byte \d+ of the stream\)\n/),
    ]);
    expect(fs.readdirSync(directory)).toEqual(["input"]);
  });

  test("a run that is interrupted", async () => {
    const bytes = await exported("piped");
    const { directory, output } = scene(new Uint8Array(0));
    const child = start([...programArgv(), "convert", "-", output], { stdio: ["pipe", "pipe", "pipe"] });
    child.stdin?.on("error", () => undefined);
    const finished = finish(child);
    child.stdin?.write(bytes.subarray(0, bytes.length >> 1));
    const hasBegun = (): boolean => fs.readdirSync(directory).some((name) => fs.statSync(path.join(directory, name)).size > 0);
    while (!hasBegun()) await new Promise((resolve) => setTimeout(resolve, 10));
    process.kill(child.pid ?? 0, "SIGINT"); // Deno's child.kill() ends the child's input too
    expect((await finished).exitCode).toBe(130);
    expect(fs.readdirSync(directory)).toEqual(["input"]);
  });

  test("what would take the place of another file", async () => {
    const { input, output } = scene(await exported("file"));
    fs.writeFileSync(output, "mine");
    for (const target of [output, input]) {
      const { exitCode, stderr } = await convert(input, target);
      expect([exitCode, stderr]).toEqual([
        1,
        `error: Cannot create "${target}": file exists\n\nhint: Choose another name, or remove it first\n`,
      ]);
    }
    expect([fs.readFileSync(output, "utf8"), fs.readFileSync(input).equals(await exported("file"))]).toEqual(["mine", true]);
  });
});

describe("ctar convert refuses", () => {
  test.each([
    [["--format", "cpio"], 2, "--format"],
    [["--compression", "zstd"], 2, "--compression"],
    [["--level", "13"], 2, 'Cannot use --level "13": it is 1 to 12'],
    [["--chunk-size", "9G"], 2, 'Cannot use --chunk-size "9G": it is at most 8 GiB - 1'],
    [["--force"], 2, "--force"],
  ])("%j", async (options, exitCode, message) => {
    const { directory, input, output } = scene(gzipSync(await exported("file")));
    const result = await convert(...options, input, output);
    expect([result.exitCode, result.stderr]).toEqual([exitCode, expect.stringContaining(message)]);
    expect(fs.readdirSync(directory)).toEqual(["input"]);
  });

  test("an input that is not there, and one that is no archive", async () => {
    const { directory, input, output } = scene(Buffer.from("hello\n".repeat(1000)));
    expect((await convert(path.join(directory, "none"), output)).exitCode).toBe(10);
    expect((await convert(input, output)).exitCode).toBe(12);
    expect(fs.readdirSync(directory)).toEqual(["input"]);
  });
});
