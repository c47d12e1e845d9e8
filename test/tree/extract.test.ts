import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { accessSync, chmodSync, constants, existsSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs"; // prettier-ignore
import { spawnSync } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ToolError } from "../../src/errors.ts";
import { extractTree, type ExtractSummary } from "../../src/tree/extract.ts";
import type { Loss } from "../../src/tree/loss.ts";
import { packTree } from "../../src/tree/pack.ts";
import { run, shell } from "../support/platform.ts";
import { scriptArgv } from "../support/program.ts";
import { fillTree } from "../support/rich-tree.ts";
import { sketchTar, streamOf, type EntrySketch } from "../support/tar.ts";
import { listTree } from "../support/tree-listing.ts";
import { TREE_PROGRAM, type TreeReport } from "../support/tree-program.ts";

const IS_ROOT = process.getuid?.() === 0;
if (!IS_ROOT) console.warn("skipped: trees with owners and device nodes, as this is not root");
const DIRECTORY = { typeflag: "5", mode: 0o755 };

let scratch = "";
let count = 0;
beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), "ctar-extract-"));
  chmodSync(scratch, 0o755);
});
afterAll(async () => {
  await shell(`rm -rf '${scratch}'`);
});

/** An empty directory, alone in another, so that what gets out of it can be seen. */
function emptyRoot(): string {
  const root = join(scratch, `${++count}`, "root");
  mkdirSync(root, { recursive: true });
  return root;
}

function fail(loss: Loss): never {
  throw new Error(`lost: ${JSON.stringify(loss)}`);
}

async function extractBytes(archive: Uint8Array, root: string, losses?: Loss[]): Promise<ExtractSummary> {
  return await extractTree(streamOf(archive, [1000]), root, { onLoss: losses === undefined ? fail : (loss) => losses.push(loss) });
}

/** Entries that belong to who runs the tests, so that nothing is lost. */
function sketchOwn(...entries: EntrySketch[]): Buffer {
  const [uid, gid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0];
  return sketchTar(...entries.map((entry) => ({ uid, gid, ...entry })));
}

describe("extractTree", () => {
  test.skipIf(!IS_ROOT)("undoes packTree, whatever the tree holds", async () => {
    const [source, root] = [join(scratch, "rich"), emptyRoot()];
    await fillTree(source);
    await shell(`cd '${source}'; truncate -s 3M all-hole; chmod 0500 deep/a/b; touch -d @1.000000009 deep/a/b; setfacl -d -m u:1234:rwx,m:r sticky; setfacl -m u:99:r plain/random; chown 7:8 .; chmod 0711 .; touch -d @5 .`); // prettier-ignore
    const summary = await extractTree(packTree(source, { onLoss: fail }), root, { onLoss: fail });
    const lines = await listTree(source);
    expect(await listTree(root)).toEqual(lines);
    for (const name of ["all-hole", "plain/sparse"])
      expect(lstatSync(join(root, name)).blocks * 512).toBeLessThan(lstatSync(join(root, name)).size / 2);
    expect(summary.entries).toBe(lines.length);
  });

  const OPTIONS = [
    ["v7", []],
    ["ustar", []],
    ["gnu", ["--sparse"]],
    ["oldgnu", ["--sparse"]],
    ["posix", ["--xattrs", "--xattrs-include=*"]],
    ["posix", ["--xattrs", "--xattrs-include=*", "--sparse", "--sparse-version=0.1"]],
    ["posix", ["--xattrs", "--xattrs-include=*", "--sparse", "--sparse-version=1.0"]],
  ] as const;

  test.skipIf(!IS_ROOT).each(OPTIONS)("restores what GNU tar wrote in format %s with %j", async (format, options) => {
    const [source, root] = [join(scratch, `gnu-${++count}`), emptyRoot()];
    await fillTree(source);
    if (format === "v7" || format === "ustar") await leaveOut(source, format);
    const archive = spawnSync("tar", ["-C", source, `--format=${format}`, ...options, "-cf", "-", "."], { maxBuffer: 1 << 28 });
    expect(archive.status).toBe(0);
    await extractBytes(archive.stdout, root);
    const comparable = (lines: string[]): string[] => (format === "posix" ? lines : lines.map((line) => withoutFineThings(line)));
    expect(comparable(await listTree(root))).toEqual(comparable(await listTree(source)));
  });

  test.skipIf(!IS_ROOT).each([["--acls"], ["--acls --xattrs --xattrs-include=*"]])(
    "restores the ACLs that GNU tar wrote with %s, names too",
    async (options) => {
      const [source, root] = [join(scratch, `acls-${++count}`), emptyRoot()];
      mkdirSync(source);
      await shell(
        `cd '${source}'; touch f; mkdir d; setfacl -m u:1234:rwx,u:daemon:r,g:daemon:x,m:rw f; setfacl -m u:7:rx d; setfacl -d -m u:99:r d`,
      );
      const archive = spawnSync("tar", ["-C", source, "--format=posix", ...options.split(" "), "-cf", "-", "."]);
      await extractBytes(archive.stdout, root);
      const lines = await listTree(source);
      expect(lines.filter((line) => line.includes("posix_acl_"))).toHaveLength(2);
      expect(await listTree(root)).toEqual(lines);
    },
  );

  test("makes directories that no entry tells of, and gives those that come late their times", async () => {
    const root = emptyRoot();
    const late = { name: "a", ...DIRECTORY, mode: 0o710, mtimeNs: 5_000_000_000n };
    await extractBytes(sketchOwn({ name: "a/b/c", data: "x" }, late, { name: "z" }, { name: "a/d" }), root);
    expect(readFileSync(join(root, "a/b/c"), "utf8")).toBe("x");
    expect(lstatSync(join(root, "a"))).toMatchObject({ mode: 0o40710, mtimeMs: 5000 });
    expect(lstatSync(join(root, "a/b")).mode).toBe(0o40755);
  });

  test("makes a tree deeper than a path may be long", async () => {
    const [root, copy, name] = [emptyRoot(), emptyRoot(), "deep/".repeat(1200)];
    await extractBytes(
      sketchOwn({ name: `${name}file`, data: "bottom" }, { name: `${name}link`, typeflag: "1", linkname: `${name}file` }),
      root,
    );
    const { entries } = await extractTree(packTree(root, { onLoss: fail }), copy, { onLoss: fail });
    expect(entries).toBe(1203);
  });

  test("fills a read-only directory, again when it is come back to", async () => {
    const root = emptyRoot();
    const closed = { name: "./closed/", ...DIRECTORY, mode: 0o555, mtimeNs: 7_000_000_000n };
    await extractBytes(
      sketchOwn({ name: "./", ...DIRECTORY }, closed, { name: "./closed/a" }, { name: "./b" }, { name: "./closed/c" }),
      root,
    );
    expect(readdirSync(join(root, "closed")).toSorted()).toEqual(["a", "c"]);
    expect(lstatSync(join(root, "closed"))).toMatchObject({ mode: 0o40555, mtimeMs: 7000 });
    chmodSync(join(root, "closed"), 0o755);
  });

  test("lets a later entry take the place of an earlier one", async () => {
    const root = emptyRoot();
    const links = [{ name: "link", typeflag: "2", linkname: "one" }, { name: "link", data: "file" }]; // prettier-ignore
    await extractBytes(sketchOwn({ name: "one", data: "1" }, ...links, { name: "one", ...DIRECTORY }, { name: "one/in" }), root);
    expect(readFileSync(join(root, "link"), "utf8")).toBe("file");
    expect(readdirSync(join(root, "one"))).toEqual(["in"]);
  });

  test("leaves a root alone that no entry tells of", async () => {
    const root = emptyRoot();
    chmodSync(root, 0o2750);
    await extractBytes(sketchOwn({ name: "a" }), root);
    expect(lstatSync(root).mode & 0o7777).toBe(0o2750);
  });

  test("reads its input to the end, so that a check there is made", async () => {
    async function* checked(): AsyncGenerator<Uint8Array> {
      yield* streamOf(sketchOwn({ name: "a", data: "x" }));
      yield Buffer.alloc(9000);
      throw new ToolError("damaged", "Cannot read: a checksum is wrong");
    }
    await expect(extractTree(checked(), emptyRoot(), { onLoss: fail })).rejects.toThrow("a checksum is wrong");
  });

  test("fails on an archive that is cut, and lets the stream clean up", async () => {
    let cleaned = false;
    async function* cut(): AsyncGenerator<Uint8Array> {
      try {
        yield* streamOf(sketchOwn({ name: "a", data: Buffer.alloc(5000) }).subarray(0, 3000));
      } finally {
        cleaned = true;
      }
    }
    await expect(extractTree(cut(), emptyRoot(), { onLoss: fail })).rejects.toMatchObject({ code: "damaged", facts: { offset: 3000 } });
    expect(cleaned).toBe(true);
  });

  test("says that there is no such directory", async () => {
    const outcome = extractTree(streamOf(sketchOwn()), join(scratch, "missing"), { onLoss: fail });
    await expect(outcome).rejects.toMatchObject({
      code: "failed",
      message: expect.stringContaining(`missing": no such file or directory`),
    });
  });

  test("fails on a full disk", async () => {
    const mounted =
      IS_ROOT &&
      spawnSync("bash", ["-c", `mkdir '${scratch}/small' && mount -t tmpfs -o size=1M ctar-test '${scratch}/small'`]).status === 0;
    if (!mounted) return console.warn("skipped: a full disk, as nothing can be mounted here");
    try {
      const outcome = extractBytes(sketchOwn({ name: "big", data: Buffer.alloc(2 << 20, "x") }), join(scratch, "small"));
      await expect(outcome).rejects.toMatchObject({ code: "failed", message: `Cannot extract "big": no space left on device` });
    } finally {
      await shell(`umount '${scratch}/small'`);
    }
  });
});

/** Takes from a tree what an old format cannot hold: long names and targets, large owners, times before 1970; V7 knows no devices either. */
async function leaveOut(tree: string, format: "v7" | "ustar"): Promise<void> {
  const devices = format === "v7" ? "fifo character block old-device" : "";
  await shell(
    `cd '${tree}/plain'; rm -r $'\\xff\\xfe' n* long-symlink ${devices}; chown -hR 5:6 ..; chmod 4755 random; find .. -exec touch -h -d @1000000000 {} +`,
  );
}

/** A listing's line without what old formats do not keep: fractions of seconds, extended attributes. */
function withoutFineThings(line: string): string {
  const wholeSeconds = line.replace(/(-?\d+)ns/, (_, time: string) => `${Math.floor(Number(time) / 1e9)}s`);
  return wholeSeconds.replace(/ "(user|security|trusted|system)\.[^"]*"=[0-9a-f]*/g, "");
}

describe("extractTree does not let an archive out of the root:", () => {
  const OUTSIDE = "out/side";

  test.each<[string, EntrySketch[]]>([
    ["..", [{ name: "../evil", data: "x" }]],
    [
      ".. in the middle",
      [
        { name: "a", ...DIRECTORY },
        { name: "a/../../evil", data: "x" },
      ],
    ],
    [".. as a directory", [{ name: "..", ...DIRECTORY, mode: 0 }]],
    ["an absolute name", [{ name: `/tmp/ctar-evil-${process.pid}`, data: "x" }]],
    ["a NUL in a name", [{ name: `a${"\0".repeat(2)}${"b".repeat(300)}`, data: "x" }]],
    [
      "a symbolic link written through",
      [
        { name: "link", typeflag: "2", linkname: "../out" },
        { name: "link/evil", data: "x" },
      ],
    ],
    [
      "a symbolic link as a directory",
      [{ name: "link", typeflag: "2", linkname: "../out" }, { name: "link/", ...DIRECTORY, mode: 0o777 }, { name: "link/../../out/evil" }],
    ],
    [
      "a link to a link",
      [
        { name: "a", ...DIRECTORY },
        { name: "a/up", typeflag: "2", linkname: ".." },
        { name: "a/up/up", ...DIRECTORY },
        { name: "a/up/up/evil" },
      ],
    ],
    ["a hard link with ..", [{ name: "hard", typeflag: "1", linkname: "../out/side" }]],
    ["a hard link to an absolute name", [{ name: "hard", typeflag: "1", linkname: "/etc/passwd" }]],
    [
      "a hard link through a symbolic link",
      [
        { name: "link", typeflag: "2", linkname: "../out" },
        { name: "hard", typeflag: "1", linkname: "link/side" },
      ],
    ],
    ["a hard link to the root", [{ name: "hard", typeflag: "1", linkname: "." }]],
    [
      "a file in place of a directory with files",
      [
        { name: "a/b", data: "x" },
        { name: "a", data: "y" },
      ],
    ],
    ["a file as the root", [{ name: ".", data: "x" }]],
    [
      "a device below a file",
      [
        { name: "a", data: "x" },
        { name: "a/b", typeflag: "3", devmajor: 1, devminor: 3 },
      ],
    ],
    ["a symbolic link without a target", [{ name: "a", typeflag: "2", linkname: "" }]],
  ])("%s", async (_, entries) => {
    const root = emptyRoot();
    const around = join(root, "..");
    mkdirSync(join(around, "out"));
    writeFileSync(join(around, OUTSIDE), "before", { mode: 0o600 });
    const before = await listTree(join(around, "out"));
    await expect(extractBytes(sketchOwn(...entries), root, [])).rejects.toMatchObject({
      code: "damaged",
      facts: { offset: expect.any(Number) },
    });
    expect(await listTree(join(around, "out"))).toEqual(before);
    expect(readdirSync(around).toSorted()).toEqual(["out", "root"]);
    expect(existsSync(`/tmp/ctar-evil-${process.pid}`)).toBe(false);
  });

  test("a file over a symbolic link replaces the link", async () => {
    const root = emptyRoot();
    const outside = join(root, "../outside");
    writeFileSync(outside, "before");
    const attack = [{ name: "link", typeflag: "2", linkname: "../outside" }, { name: "link", data: "after", mode: 0o4777 }]; // prettier-ignore
    await extractBytes(sketchOwn(...attack), root);
    expect([readFileSync(outside, "utf8"), readFileSync(join(root, "link"), "utf8")]).toEqual(["before", "after"]);
  });

  test("owner, mode and times of a symbolic link are not given to its target", async () => {
    const root = emptyRoot();
    const outside = join(root, "../outside");
    writeFileSync(outside, "", { mode: 0o600 });
    const before = await listTree(join(root, ".."));
    await extractBytes(sketchTar({ name: "link", typeflag: "2", linkname: "../outside", mode: 0o777, uid: 1234, mtimeNs: 9n }), root, []);
    expect((await listTree(join(root, "..")))[1]).toBe(before[1] as string);
    expect(readlinkSync(join(root, "link"))).toBe("../outside");
  });
});

describe("extractTree reports", () => {
  test.each<[string, EntrySketch, Partial<Loss>]>([
    ["an entry of a type it does not know", { name: "v", typeflag: "V" }, { path: "v", what: `entry of type "V"` }],
    [
      "a hard link whose target is not there",
      { name: "h", typeflag: "1", linkname: "gone" },
      { path: "h", what: "hard link", reason: "its target is not there" },
    ],
    [
      "an attribute that no file can have",
      { name: "x", xattrs: [[Buffer.from("nonsense.a"), Buffer.from("1")]] },
      { path: "x", what: "xattr nonsense.a", reason: "operation not supported" },
    ],
    [
      "an attribute of a name with a NUL",
      { name: "x", xattrs: [[Buffer.from("user.a\0b"), Buffer.from("1")]] },
      { what: "xattr user.a\\x00b" },
    ],
    ["an owner that is no id", { name: "o", uid: 2 ** 32 - 1 }, { path: "o", what: "owner", reason: "it is no valid id" }],
  ])("%s", async (_, entry, loss) => {
    const [root, losses] = [emptyRoot(), [] as Loss[]];
    await extractBytes(sketchOwn(entry), root, losses);
    expect(losses).toEqual([expect.objectContaining(loss) as unknown as Loss]);
  });

  test("that a file which could not get its owner gets no set-user-ID bit", async () => {
    const [root, losses] = [emptyRoot(), [] as Loss[]];
    await extractBytes(sketchOwn({ name: "s", uid: 2 ** 32, mode: 0o6755 }), root, losses);
    expect(lstatSync(join(root, "s")).mode & 0o7777).toBe(0o755);
    expect(losses.map(({ what }) => what)).toEqual(["owner", "set-user-ID and set-group-ID bits"]);
  });
});

describe("as somebody who is not root,", () => {
  const program = scriptArgv(TREE_PROGRAM);
  const asNobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", ...program];
  const mayRead = IS_ROOT && canNobodyRun(program);
  if (!mayRead) console.warn("skipped: packing and extracting as nobody, who cannot run this program here");

  test.skipIf(!mayRead)("extractTree restores what it may and reports the rest", async () => {
    const root = emptyRoot();
    await shell(`chown 65534:65534 '${root}'`);
    const archive = sketchTar(
      { name: "./", ...DIRECTORY, uid: 65534, gid: 65534, mtimeNs: 3_000_000_000n },
      { name: "./closed/", ...DIRECTORY, mode: 0o100, uid: 65534, gid: 65534 },
      { name: "./closed/mine", data: "x", mode: 0o400, uid: 65534, gid: 65534, mtimeNs: 4_000_000_000n },
      { name: "./device", typeflag: "3", devmajor: 1, devminor: 3, uid: 65534, gid: 65534 },
      { name: "./closed/setuid", mode: 0o4755, uid: 0, gid: 0 },
    );
    const finished = await run([...asNobody, "extract", root], { input: archive, env: { HOME: "/tmp" } });
    expect(finished.code).toBe(0);
    expect((JSON.parse(finished.stderr) as TreeReport).losses).toEqual([
      { path: "./device", what: "device node", reason: "operation not permitted" },
      { path: "./closed/setuid", what: "owner", reason: "operation not permitted" },
      { path: "./closed/setuid", what: "set-user-ID and set-group-ID bits", reason: "the owner could not be set" },
    ]);
    expect(lstatSync(join(root, "closed")).mode & 0o7777).toBe(0o100);
    expect(lstatSync(join(root, "closed/mine"))).toMatchObject({ uid: 65534, mtimeMs: 4000 });
    expect(lstatSync(root).mtimeMs).toBe(3000);
  });

  test.skipIf(!mayRead)("packTree reports what it may not read", async () => {
    const root = emptyRoot();
    writeFileSync(join(root, "secret"), "x", { mode: 0o600 });
    writeFileSync(join(root, "open"), "x", { mode: 0o644 });
    mkdirSync(join(root, "locked"), { mode: 0o700 });
    const finished = await run([...asNobody, "pack", root], { env: { HOME: "/tmp" } });
    expect(finished.code).toBe(0);
    expect((JSON.parse(finished.stderr) as TreeReport).losses).toEqual([
      { path: "./locked/", what: "directory contents", reason: "permission denied" },
      { path: "./secret", what: "file", reason: "permission denied" },
    ]);
  });
});

function canNobodyRun([program = "", ...files]: readonly string[]): boolean {
  try {
    accessSync(program, constants.X_OK);
    const script = files.at(-1) ?? "";
    return (
      spawnSync("setpriv", [
        "--reuid=65534",
        "--regid=65534",
        "--clear-groups",
        "bash",
        "-c",
        `test -x '${program}' && test -r '${script}'`,
      ]).status === 0
    );
  } catch {
    return false;
  }
}
