/** What a stranger's archive, or another process in the tree, tries while an archive is extracted as root. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, linkSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs"; // prettier-ignore
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ToolError } from "../../src/errors.ts";
import type { ByteStream } from "../../src/stream/bytes.ts";
import { ACLS } from "../../src/stream/tar/acl.ts";
import { encodePax } from "../../src/stream/tar/pax.ts";
import { extractTree } from "../../src/tree/extract.ts";
import type { Loss } from "../../src/tree/loss.ts";
import { shell } from "../support/platform.ts";
import { scriptArgv, start } from "../support/program.ts";
import { sketchEntry, sketchTar, streamOf, type EntrySketch } from "../support/tar.ts";
import { listTree } from "../support/tree-listing.ts";
import { TREE_PROGRAM } from "../support/tree-program.ts";

const IS_ROOT = process.getuid?.() === 0;
if (!IS_ROOT) console.warn("skipped: what only root could be made to do, as this is not root");
const OWN = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
const DIRECTORY = { typeflag: "5", mode: 0o755 };
const LINK = { name: "link", typeflag: "2", linkname: "../outside" };
const LONG = "n".repeat(256);

let scratch = "";
let count = 0;
beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), "ctar-hostile-"));
});
afterAll(async () => {
  await shell(`rm -rf '${scratch}'`);
}, 60_000);

/** An empty directory beside another that must stay as it is. */
function makeScene(): { root: string; outside: string; secret: string } {
  const scene = join(scratch, `${++count}`);
  const [root, outside] = [join(scene, "root"), join(scene, "outside")];
  for (const directory of [root, outside]) mkdirSync(directory, { recursive: true });
  writeFileSync(join(outside, "secret"), "before", { mode: 0o600 });
  return { root, outside, secret: join(outside, "secret") };
}

async function extract(stream: ByteStream, root: string): Promise<Loss[]> {
  const losses: Loss[] = [];
  await extractTree(stream, root, { onLoss: (loss) => losses.push(loss) });
  return losses;
}

/** Entries that belong to who runs the tests, so that nothing is lost. */
function archiveOf(...entries: EntrySketch[]): Buffer {
  return sketchTar(...entries.map((entry) => ({ ...OWN, ...entry })));
}

describe("extractTree contains", () => {
  test.each<[what: string, entries: EntrySketch[], left: string[]]>([
    [
      "a file written over a hard link to a symbolic link",
      [LINK, { name: "hard", typeflag: "1", linkname: "link" }, { name: "hard", data: "x", mode: 0o4777 }],
      ["hard", "link@"],
    ],
    ["a hard link to what a link leads to, by a dot", [LINK, { name: "hard", typeflag: "1", linkname: "link/." }], ["hard@", "link@"]],
    ["a directory over a link, by a dot", [LINK, { name: "link/.", ...DIRECTORY }, { name: "link/x" }], ["link/", "link/x"]],
    ["a directory over a link, by slashes", [LINK, { name: "link//", ...DIRECTORY }, { name: ".//link/./x" }], ["link/", "link/x"]],
    [
      "a directory that turns into a link and back",
      [{ name: "link", ...DIRECTORY }, LINK, { name: "link", ...DIRECTORY }, { name: "link/x", data: "x" }],
      ["link/", "link/x"],
    ],
    ["a file over a FIFO, which is not opened", [{ name: "a", typeflag: "6" }, { name: "a", data: "x" }], ["a"]], // prettier-ignore
    [
      "a file over a hard link to a FIFO",
      [
        { name: "a", typeflag: "6" },
        { name: "b", typeflag: "1", linkname: "a" },
        { name: "b", data: "x" },
      ],
      ["a|", "b"],
    ],
    ["slashes and dots behind a file", [{ name: "./a/.", data: "x" }, { name: "b/./", data: "" }], ["a", "b/"]], // prettier-ignore
    ["a root without a name", [{ name: "", ...DIRECTORY, mode: 0o700 }, { name: "a" }], ["a"]],
  ])("%s", async (_, entries, left) => {
    const { root, outside } = makeScene();
    const before = await listTree(outside);
    expect(await extract(streamOf(archiveOf(...entries)), root)).toEqual([]);
    expect(namesIn(root)).toEqual(left);
    expect(await listTree(outside)).toEqual(before);
  });

  test.skipIf(!IS_ROOT)("a file over a device and over a hard link to it, neither of which is opened", async () => {
    const { root } = makeScene();
    // major 1, minor 5 is /dev/zero, which would swallow what is written
    const device = { name: "a", typeflag: "3", devmajor: 1, devminor: 5 };
    const entries = [device, { name: "b", typeflag: "1", linkname: "a" }, { name: "a", data: "x" }, { name: "b", data: "y" }];
    await extract(streamOf(archiveOf(...entries)), root);
    expect([readFileSync(join(root, "a"), "utf8"), readFileSync(join(root, "b"), "utf8")]).toEqual(["x", "y"]);
  });

  test("a set-user-ID file that is written anew under another name's feet", async () => {
    const { root } = makeScene();
    const entries = [{ name: "a", data: "trusted", mode: 0o4755 }, { name: "b", typeflag: "1", linkname: "a" }, { name: "a", data: "evil", mode: 0o755 }]; // prettier-ignore
    await extract(streamOf(archiveOf(...entries)), root);
    expect([readFileSync(join(root, "b"), "utf8"), lstatSync(join(root, "b")).mode & 0o7777]).toEqual(["trusted", 0o4755]);
    expect([readFileSync(join(root, "a"), "utf8"), lstatSync(join(root, "a")).mode & 0o7777]).toEqual(["evil", 0o755]);
  });

  test("a name of as many directories as it has room for", async () => {
    const { root } = makeScene();
    const name = `${"d/".repeat(8191)}f`;
    expect(await extract(streamOf(archiveOf({ name }, { name: "z" })), root)).toEqual([]);
    expect(existsSync(join(root, "z"))).toBe(true);
  }, 60_000);

  test("a file that says to be larger than a disk", async () => {
    const { root } = makeScene();
    const sparse = { size: Number.MAX_SAFE_INTEGER, segments: [{ offset: 0, length: 1 }] };
    try {
      await extract(streamOf(archiveOf({ name: "a", data: "x", sparse })), root);
      expect(lstatSync(join(root, "a")).blocks).toBeLessThan(1000);
    } catch (error) {
      expect(error).toMatchObject({ code: "failed", message: `Cannot extract "a": file too large` });
    }
  });
});

describe("extractTree refuses", () => {
  const sparse = (size: number, ...segments: [number, number][]): EntrySketch => ({
    name: "a",
    data: "x".repeat(4096),
    sparse: { size, segments: segments.map(([offset, length]) => ({ offset, length })) },
  });

  test.each<[what: string, entry: EntrySketch]>([
    ["a file of 256 bytes' name", { name: LONG, data: "x" }],
    ["a directory of such a name", { name: `${LONG}/`, ...DIRECTORY }],
    ["something below it", { name: `${LONG}/a` }],
    ["a FIFO of such a name", { name: LONG, typeflag: "6" }],
    ["a link to a path that no path can be", { name: "a", typeflag: "2", linkname: "x".repeat(5000) }],
    ["a hard link to such a name", { name: "a", typeflag: "1", linkname: LONG }],
    ["a hundred thousand directories in one another", { name: "d/".repeat(100_000), ...DIRECTORY }],
    ["a hard link to as many", { name: "a", typeflag: "1", linkname: "d/".repeat(100_000) }],
    ["pieces of a file that overlap", sparse(4096, [0, 2048], [1024, 2048])],
    ["pieces in the wrong order", sparse(8192, [4096, 2048], [0, 2048])],
    ["a piece beyond the end", sparse(4096, [4000, 4096])],
    ["more pieces than data", sparse(1 << 20, [0, 4096], [8192, 4096])],
    ["a piece at 2^63", sparse(2 ** 63, [2 ** 63 - 4096, 4096])],
    ["a file of 2^63 bytes, all hole", { ...sparse(2 ** 63), data: "" }],
    ["a file of 2^53 - 1 bytes, which are not there", { name: "a", size: Number.MAX_SAFE_INTEGER }],
    ["a file of 2^63 - 1 bytes", { name: "a", size: 2 ** 63 }],
    ["the root as a file", { name: "./.", data: "x" }],
    ["the root as a link", { name: "./", typeflag: "2", linkname: "/etc" }],
    ["the root as a hard link", { name: ".", typeflag: "1", linkname: "a" }],
    ["no name at all", { name: "", data: "x" }],
    ["the root as a device", { name: "././", typeflag: "3", devmajor: 1, devminor: 3 }],
  ])("%s", async (_, entry) => {
    const { root } = makeScene();
    await expect(extract(streamOf(archiveOf(entry)), root)).rejects.toMatchObject({
      code: "damaged",
      facts: { offset: expect.any(Number) },
    });
    expect(readdirSync(root).filter((name) => lstatSync(join(root, name)).size > 4096)).toEqual([]);
  });

  test("what follows a global name that leads out", async () => {
    const { root } = makeScene();
    const records = encodePax([["path", "../evil"]]);
    const archive = Buffer.concat([sketchEntry({ name: "g", typeflag: "g", data: records }), archiveOf({ name: "a", data: "x" })]);
    await expect(extract(streamOf(archive), root)).rejects.toMatchObject({ code: "damaged" });
    expect(readdirSync(join(root, "..")).toSorted()).toEqual(["outside", "root"]);
  });

  test("more attributes than a file can have", async () => {
    const { root } = makeScene();
    const xattrs = Array.from({ length: 8000 }, (_, index) => [Buffer.from(`user.${index}`), Buffer.alloc(0)] as const);
    const outcome = extract(streamOf(archiveOf({ name: "a", xattrs })), root);
    await expect(outcome).rejects.toMatchObject({ code: "damaged", facts: { offset: expect.any(Number) } });
  });

  test("more ACLs on directories in one another than it would keep in mind", async () => {
    const { root } = makeScene();
    const acl = Buffer.from(ACLS[1]?.attribute ?? "");
    const directories = Array.from({ length: 300 }, (_, depth) => ({
      name: "d/".repeat(depth + 1),
      ...DIRECTORY,
      xattrs: [[acl, Buffer.alloc(64 * 1024)] as const],
    }));
    await expect(extract(streamOf(archiveOf(...directories)), root)).rejects.toMatchObject({ code: "damaged" });
  });
});

describe("extractTree gives no rights away:", () => {
  test.each([
    ["2^32 - 1, which means to leave the owner", 2 ** 32 - 1],
    ["2^32", 2 ** 32],
    ["2^53 - 1", Number.MAX_SAFE_INTEGER],
  ])("a set-user-ID file of the owner %s", async (_, id) => {
    for (const owner of [{ uid: id }, { gid: id }]) {
      const { root } = makeScene();
      const losses = await extract(streamOf(archiveOf({ name: "s", mode: 0o6755, ...owner })), root);
      expect(losses.map(({ what }) => what)).toEqual(["owner", "set-user-ID and set-group-ID bits"]);
      expect(lstatSync(join(root, "s")).mode & 0o7777).toBe(0o755);
    }
  });

  test("an ACL that cannot be set leaves the group what the ACL gave it, not what its mask did", async () => {
    const { root } = makeScene();
    // a named entry without a mask is refused by the kernel
    const acl = "user::rw-,user:5:rwx,group::---,other::---";
    const records = encodePax([["SCHILY.acl.access", acl]]);
    const archive = Buffer.concat([sketchEntry({ name: "x", typeflag: "x", data: records }), archiveOf({ name: "a", mode: 0o660 })]);
    const losses = await extract(streamOf(archive), root);
    expect(losses).toEqual([{ path: "a", what: "xattr system.posix_acl_access", reason: expect.any(String) }]);
    expect(lstatSync(join(root, "a")).mode & 0o777).toBe(0o600);
  });

  test("names in an ACL are shown without what a terminal would obey, and what is none is told", async () => {
    for (const [acl, loss] of [
      ["user::rw-,user:\x1b[2Jno:rwx,group::r--,other::r--", { what: "ACL entry", reason: "no such account here: user:\\x1b[2Jno:rwx" }],
      ["user::rw-,user:\0:rwx", { what: "ACL", reason: "its text is malformed" }],
    ] as const) {
      const { root } = makeScene();
      const records = encodePax([["SCHILY.acl.access", acl]]);
      const archive = Buffer.concat([sketchEntry({ name: "x", typeflag: "x", data: records }), archiveOf({ name: "a" })]);
      expect(await extract(streamOf(archive), root)).toEqual([{ path: "a", ...loss }]);
    }
  });

  test("a device of numbers that there are not", async () => {
    for (const [devmajor, devminor] of [
      [4097, 3],
      [1, 1 << 20],
    ] as const) {
      // prettier-ignore
      const { root } = makeScene();
      const losses = await extract(streamOf(archiveOf({ name: "d", typeflag: "3", devmajor, devminor })), root);
      expect(losses).toEqual([{ path: "d", what: "device node", reason: "there are no such numbers" }]);
      expect(readdirSync(root)).toEqual([]);
    }
  });

  test("a file that comes late to a directory inherits nothing from its ACL", async () => {
    const { root } = makeScene();
    const records = encodePax([["SCHILY.acl.default", "user::rwx,user:5:rwx,group::r-x,mask::rwx,other::---"]]);
    const directory = Buffer.concat([sketchEntry({ name: "x", typeflag: "x", data: records }), sketchEntry({ ...OWN, name: "d/", ...DIRECTORY })]); // prettier-ignore
    const archive = Buffer.concat([directory, archiveOf({ name: "z" }, { name: "d/file" }, { name: "d/e/", ...DIRECTORY })]);
    const losses = await extract(streamOf(archive), root);
    if (losses.some(({ reason }) => reason === "operation not supported")) return console.warn("skipped: no ACLs here");
    const lines = (await listTree(root)).map((line) => [line.split(" ")[0], line.includes("posix_acl_default"), line.includes("posix_acl_access")]); // prettier-ignore
    expect(lines).toEqual([
      [`"."`, false, false],
      [`"./d"`, true, false],
      [`"./d/e"`, false, false],
      [`"./d/file"`, false, false],
      [`"./z"`, false, false],
    ]);
  });
});

describe("extractTree reports", () => {
  test.each<[what: string, entry: EntrySketch, loss: string]>([
    ["a capability that is none", { name: "a", xattrs: [[Buffer.from("security.capability"), Buffer.from("evil")]] }, "xattr security.capability"], // prettier-ignore
    ["an ACL that is none", { name: "a", xattrs: [[Buffer.from("system.posix_acl_access"), Buffer.from("x")]] }, "xattr system.posix_acl_access"], // prettier-ignore
    ["an attribute of the system's", { name: "a", xattrs: [[Buffer.from("system.made-up"), Buffer.from("x")]] }, "xattr system.made-up"],
    ["an attribute of a long name", { name: "a", xattrs: [[Buffer.from(`user.${"x".repeat(256)}`), Buffer.from("x")]] }, "xattr user.x"],
    ["an attribute of 100 KB", { name: "a", xattrs: [[Buffer.from("user.big"), Buffer.alloc(100_000)]] }, "xattr user.big"],
    ["a user's attribute on a link", { name: "a", typeflag: "2", linkname: "b", xattrs: [[Buffer.from("user.a"), Buffer.from("x")]] }, "xattr user.a"], // prettier-ignore
    ["a hard link to itself that is not there", { name: "a", typeflag: "1", linkname: "./a" }, "hard link"],
  ])("%s", async (_, entry, what) => {
    const { root } = makeScene();
    const losses = await extract(streamOf(archiveOf(entry)), root);
    expect(losses).toHaveLength(1);
    expect(losses[0]?.what).toContain(what);
  });

  test.each([10n ** 27n - 1n, -(10n ** 27n) + 1n, 2n ** 63n * 1_000_000_000n - 1n])(
    "a time of %d ns if it is not kept",
    async (mtimeNs) => {
      const { root } = makeScene();
      let losses: Loss[] = [];
      try {
        losses = await extract(streamOf(archiveOf({ name: "a", mtimeNs })), root);
      } catch (error) {
        return expect(error).toMatchObject({ code: "damaged" }); // more digits than seconds can have
      }
      const kept = lstatSync(join(root, "a"), { bigint: true }).mtimeNs === mtimeNs;
      expect(losses.map(({ what }) => what)).toEqual(kept ? [] : ["times"]);
    },
  );
});

describe("while somebody else is in the tree,", () => {
  /** An archive that is interrupted at a byte, for somebody to do something. */
  async function* interrupted(archive: Uint8Array, at: number, action: () => void): ByteStream {
    yield archive.slice(0, at);
    action();
    yield archive.slice(at);
  }

  test("what takes the name of a file that is written gets neither its owner nor its mode", async () => {
    const { root, secret } = makeScene();
    const archive = archiveOf({ name: "a", data: Buffer.alloc(2000, "x"), mode: 0o4777, ...(IS_ROOT ? { uid: 1234 } : {}) });
    const before = lstatSync(secret);
    const swap = (): void => {
      renameSync(join(root, "a"), join(root, "away"));
      linkSync(secret, join(root, "a"));
    };
    await extract(interrupted(archive, 1000, swap), root);
    const { mode, uid, mtimeMs } = lstatSync(secret);
    expect({ mode, uid, mtimeMs }).toEqual({ mode: before.mode, uid: before.uid, mtimeMs: before.mtimeMs });
    expect(lstatSync(join(root, "away")).mode & 0o7777).toBe(0o4777);
    expect(readFileSync(secret, "utf8")).toBe("before");
  });

  test("a directory that turns into a link leads nowhere", async () => {
    const { root, outside } = makeScene();
    const before = await listTree(outside);
    const head = sketchEntry({ ...OWN, name: "d/", ...DIRECTORY });
    const tail = archiveOf({ name: "d/a", data: "x" }, { name: "e" }, { name: "d/secret", data: "evil" });
    const swap = (): void => {
      renameSync(join(root, "d"), join(root, "away"));
      symlinkSync(outside, join(root, "d"));
    };
    const outcome = extract(interrupted(Buffer.concat([head, tail]), head.length, swap), root);
    await expect(outcome).rejects.toMatchObject({ code: "damaged", message: expect.stringContaining(`"./d" is no directory`) });
    expect(await listTree(outside)).toEqual(before);
    expect([readlinkSync(join(root, "d")), readdirSync(join(root, "away"))]).toEqual([outside, ["a"]]);
  });

  test("a directory that is moved out takes nothing but itself along", async () => {
    const { root, outside } = makeScene();
    const head = sketchEntry({ ...OWN, name: "d/", ...DIRECTORY });
    const tail = archiveOf({ name: "d/e/", ...DIRECTORY }, { name: "f", data: "x" });
    const swap = (): void => renameSync(join(root, "d"), join(outside, "d"));
    const outcome = extract(interrupted(Buffer.concat([head, tail]), head.length, swap), root);
    await expect(outcome).rejects.toThrow("a directory was moved elsewhere meanwhile");
    expect(readdirSync(outside).toSorted()).toEqual(["d", "secret"]);
  });

  test("nothing outside changes, however fast names are swapped", async () => {
    const { root, outside } = makeScene();
    const before = await listTree(outside);
    const numbers = Array.from({ length: 40 }, (_, index) => index);
    const archive = archiveOf(
      { name: "d/", ...DIRECTORY },
      ...numbers.flatMap((index) => [
        { name: "d/secret", data: "evil", mode: 0o4777 },
        { name: `d/e${index}/secret`, data: "evil", mode: 0o4777 },
        { name: "d/hard", typeflag: "1", linkname: "d/secret" },
        { name: "d/hard", data: "evil" },
        { name: `f${index}`, typeflag: "2", linkname: "d" },
      ]),
    );
    const swapper = start([...scriptArgv(TREE_PROGRAM), "swap", root], { stdio: ["ignore", "pipe", "inherit"] });
    const ended = new Promise((resolve) => swapper.once("close", resolve));
    await new Promise((resolve) => swapper.stdout?.once("data", resolve));
    try {
      for (let round = 0; round < 60; round++) {
        await extract(streamOf(archive), root).catch((error: unknown) => expect(error).toBeInstanceOf(ToolError));
        expect(await listTree(outside)).toEqual(before);
      }
    } finally {
      swapper.kill();
      await ended;
    }
    rmSync(root, { recursive: true });
  });
});

/** The names in a tree, with a mark of their type. */
function namesIn(directory: string, above = ""): string[] {
  return readdirSync(directory)
    .toSorted()
    .flatMap((name) => {
      const status = lstatSync(join(directory, name));
      if (status.isDirectory()) return [`${above}${name}/`, ...namesIn(join(directory, name), `${above}${name}/`)];
      return `${above}${name}${status.isSymbolicLink() ? "@" : status.isFIFO() ? "|" : ""}`;
    });
}
