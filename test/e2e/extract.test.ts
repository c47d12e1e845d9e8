/** `ctar extract`: what comes out is what was in the dataset, and goes nowhere else. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { gzipSync } from "node:zlib";
import { containerArchive, treeStream } from "../support/container-stream.ts";
import { DirPoolScene } from "../support/dir-pool.ts";
import { diskFacts, withoutDirectorySizes } from "../support/disk-facts.ts";
import { runProgram, type Finished } from "../support/program.ts";
import { fixtureFacts, fixtureStream } from "../support/stream-tree.ts";
import { fileSystemHead, FIRST_FILE, OBJECT, znode } from "../support/synthetic-stream.ts";
import { dirent } from "../support/zpl-files.ts";
import { OT, ZplStream } from "../support/zpl-stream.ts";

const IS_ROOT = process.getuid?.() === 0;
if (!IS_ROOT) console.warn("skipped: comparing owners and devices, as this is not root");
const TREE = {
  private: { etc: { hostname: "web01\n", passwd: "root\n" }, "back\\slash": "b", "caf\xe9": "no UTF-8", bin: { link: "/etc" } },
};

let scratch = "";
let count = 0;
beforeAll(() => {
  scratch = fs.mkdtempSync(path.join(os.tmpdir(), "ctar-extract-"));
});
afterAll(() => fs.rmSync(scratch, { recursive: true, force: true }));

/** A file with those bytes, and a directory that is not there yet. */
function scene(bytes: Uint8Array): { file: string; root: string } {
  const directory = path.join(scratch, `${++count}`);
  fs.mkdirSync(directory);
  const file = path.join(directory, "input");
  fs.writeFileSync(file, bytes);
  return { file, root: path.join(directory, "root") };
}

function names(directory: string): string[] {
  return fs.readdirSync(directory, { recursive: true, encoding: "utf8" }).toSorted();
}

async function extract(...args: string[]): Promise<Finished> {
  return await runProgram("extract", ...args);
}

describe("all of a dataset", () => {
  const STATES: readonly [state: string, streams: string, gzip: boolean][] = [
    ["p.s1", "p.full.s1", false],
    ["p.s3", "p.full.s1 p.incr-I.s1-s3", false],
    ["p.s3", "p.full.s1 p.incr-I.s1-s3", true],
    ["lz4.s2", "lz4.full-e.s1 lz4.incr-c-i.s1-s2", false],
    ["zstd.s1", "zstd.full-ec.s1", true],
    ["L.s1", "L.full-Lec.s1", false],
    ["rs4k.s1", "rs4k.full-c.s1", false],
    ["xdir.s1", "xdir.full.s1", false],
    ["xdir.s1", "xdir.full.s1", true],
  ];
  test.skipIf(!IS_ROOT).each(STATES)("is %s, from %s in an archive (gzipped: %p)", async (state, streams, gzip) => {
    const [base = "", incremental] = streams.split(" ");
    const rest = incremental === undefined ? {} : { incremental: fixtureStream(incremental) };
    const { file, root } = scene(await containerArchive({ datasets: { "": fixtureStream(base) }, gzip, kind: "pipe", ...rest }));
    const { exitCode, stdout, stderr } = await extract("--dataset-root", file, "-C", root);
    expect([exitCode, stdout, stderr.split(" ").slice(0, 1)]).toEqual([0, "", ["extracted"]]);
    expect(await diskFacts(root)).toEqual(withoutDirectorySizes(fixtureFacts(state)));
  });

  test.skipIf(!IS_ROOT)("is what a gzipped bare stream says", async () => {
    const { file, root } = scene(gzipSync(fixtureStream("p.full.s1")));
    expect((await extract(file, "-C", root)).exitCode).toBe(0);
    expect(await diskFacts(root)).toEqual(withoutDirectorySizes(fixtureFacts("p.s1")));
  });

  test.skipIf(!IS_ROOT)("keeps holes", async () => {
    const { file, root } = scene(fixtureStream("p.full.s1"));
    await extract(file, "hole", "-C", root);
    const { size, blocks } = fs.statSync(path.join(root, "hole"));
    expect([size, blocks * 512 < size / 2]).toEqual([1_048_579, true]);
  });
});

test("a socket is made, though no tar could hold it", async () => {
  const stream = new ZplStream(true);
  const socket = stream.object({
    object: FIRST_FILE,
    type: OT.file,
    blockSize: 512,
    bonus: znode(true, { MODE: 0o140750, PARENT: OBJECT.root }),
  });
  const head = fileSystemHead(stream, [{ name: "sock", value: dirent(FIRST_FILE) }]);
  const { file, root } = scene(Buffer.concat([stream.begin({ toGuid: 1n }), ...head, socket, stream.end()]));
  const { stderr } = await extract(file, "-C", root);
  const made = fs.lstatSync(path.join(root, "sock"));
  expect([made.isSocket(), made.mode & 0o7777, stderr.includes("warning")]).toEqual([true, 0o750, !IS_ROOT]);
});

describe("some of a container", () => {
  let archive = "";
  beforeAll(async () => {
    archive = path.join(scratch, "container.tar");
    fs.writeFileSync(archive, await containerArchive({ datasets: { "": treeStream(TREE) } }));
  });
  const newRoot = (): string => scene(new Uint8Array(0)).root;

  test.each([
    [["etc/hostname"], ["etc", "etc/hostname"]],
    [["etc"], ["etc", "etc/hostname", "etc/passwd"]],
    [["*/h*"], ["etc", "etc/hostname"]],
    [
      ["--strip-components", "1", "etc"],
      ["hostname", "passwd"],
    ],
    [["back\\slash"], ["back\\slash"]],
  ])("%j makes %j", async (args, expected) => {
    const root = newRoot();
    const { exitCode } = await extract(...args.slice(0, -1), archive, args.at(-1) ?? "", "-C", root);
    expect([0, 3]).toContain(exitCode ?? -1);
    expect(names(root)).toEqual(expected);
  });

  test("makes nothing with --dry-run", async () => {
    const root = newRoot();
    const { exitCode, stdout } = await extract("--dry-run", archive, "etc", "-C", root);
    expect([exitCode, stdout, fs.existsSync(root)]).toEqual([0, "etc\netc/hostname\netc/passwd\n", false]);
  });

  test("fails for a path that is not there", async () => {
    const { exitCode, stderr } = await extract(archive, "etc/none", "-C", newRoot());
    expect([exitCode, stderr]).toEqual([10, 'error: Cannot find "etc/none": there is no such file\n']);
  });

  test("leaves files alone that are there and names them, unless it is told to replace them", async () => {
    const root = newRoot();
    fs.mkdirSync(path.join(root, "etc"), { recursive: true, mode: 0o700 });
    fs.writeFileSync(path.join(root, "etc/hostname"), "mine");
    const { exitCode, stderr } = await extract(archive, "-C", root);
    expect([exitCode, stderr.includes('Cannot extract "etc/hostname": there is something of that name')]).toEqual([1, true]);
    expect(fs.readFileSync(path.join(root, "etc/hostname"), "utf8")).toBe("mine");
    expect(fs.readFileSync(path.join(root, "etc/passwd"), "utf8")).toBe("root\n");
    await extract("--force", archive, "-C", root);
    expect(fs.readFileSync(path.join(root, "etc/hostname"), "utf8")).toBe("web01\n");
  });

  test.each([[[]], [["--force"]]])("never goes through a link in the directory (%j)", async (options) => {
    const root = newRoot();
    const outside = path.join(root, "../outside");
    for (const directory of [root, outside]) fs.mkdirSync(directory);
    fs.symlinkSync(outside, path.join(root, "etc"));
    await extract(...options, archive, "etc/hostname", "-C", root);
    expect(fs.readdirSync(outside)).toEqual([]);
  });

  test("says that an input is empty", async () => {
    const { exitCode, stderr } = await extract("/dev/null", "-C", newRoot());
    expect([exitCode, stderr.includes("it is empty")]).toEqual([12, true]);
  });
});

describe("a hostile stream", () => {
  test.each([[".."], ["a/b"], ["../outside"], ["."]])("with the name %j in a directory makes nothing of it, exit code 12", async (name) => {
    const { file, root } = scene(await containerArchive({ datasets: { "": treeStream({ private: { [name]: "x" } }) } }));
    const { exitCode, stderr } = await extract(file, "-C", root);
    expect([exitCode, stderr.includes("it has an entry with the name")]).toEqual([12, true]);
    expect([names(root), fs.readdirSync(path.dirname(root)).toSorted()]).toEqual([[], ["input", "root"]]);
  });

  test("with links to everywhere has them as links only", async () => {
    const tree = { private: { a: { link: "/" }, b: { link: "../outside" }, c: { inside: "x" } } };
    const { file, root } = scene(await containerArchive({ datasets: { "": treeStream(tree) } }));
    await extract(file, "-C", root);
    expect([fs.readlinkSync(path.join(root, "a")), fs.readlinkSync(path.join(root, "b"))]).toEqual(["/", "../outside"]);
    expect(fs.readdirSync(path.dirname(root)).toSorted()).toEqual(["input", "root"]);
  });

  test.each([0.3, 0.9])("that is cut off at %p fails with exit code 12", async (part) => {
    const bytes = await containerArchive({ datasets: { "": treeStream(TREE) } });
    const { file, root } = scene(bytes.subarray(0, Math.floor(bytes.length * part)));
    expect((await extract(file, "-C", root)).exitCode).toBe(12);
  });
});

describe("an archive of format tar", () => {
  test("gives the same files, all or some, and prints and lists them", async () => {
    using pool = await DirPoolScene.create();
    const archive = pool.file("web01.tar");
    expect((await pool.run("export", ["web01", archive])).exitCode).toBe(0);
    const root = pool.file("root");
    expect([0, 3]).toContain((await extract(archive, "-C", root)).exitCode ?? -1);
    expect(names(root)).toEqual(names(pool.path("ct/web01/private")));
    expect((await runProgram("cat", archive, "bin/hello-again")).stdout).toBe("#!/bin/sh\necho hello\n");
    expect((await runProgram("ls", archive)).stdout).toBe("bin\ndata\netc\nrun\n");
    expect((await runProgram("ls", archive, "bin")).stdout).toBe("bin/hello\nbin/hello-again\n");
    const some = pool.file("some");
    await extract(archive, "bin/hello", "-C", some);
    expect(names(some)).toEqual(["bin", "bin/hello"]);
    const missing = await runProgram("ls", archive, "none");
    expect([missing.exitCode, missing.stdout]).toEqual([10, ""]);
  });
});
