import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createWriteStream, linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { ToolError } from "../../src/errors.ts";
import type { ByteStream } from "../../src/stream/bytes.ts";
import { loadLibc } from "../../src/sys/libc.ts";
import { O_RDONLY } from "../../src/sys/linux.ts";
import { DirectoryCursor } from "../../src/tree/directory-cursor.ts";
import type { Loss } from "../../src/tree/loss.ts";
import { packTree, type EntryNames } from "../../src/tree/pack.ts";
import { run, shell } from "../support/platform.ts";
import { fillTree } from "../support/rich-tree.ts";
import { nameOf, readTar } from "../support/tar.ts";
import { listTree } from "../support/tree-listing.ts";

const IS_ROOT = process.getuid?.() === 0;
if (!IS_ROOT) console.warn("skipped: trees with owners and device nodes, as this is not root");

let scratch = "";
beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), "ctar-pack-"));
});
afterAll(async () => {
  await shell(`rm -rf '${scratch}'`); // node:fs cannot remove what is deeper than PATH_MAX
});

function directory(name: string): string {
  const path = join(scratch, name);
  mkdirSync(path);
  return path;
}

async function bytesOf(stream: ByteStream): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Makes directories in one another, each called `deep`. */
async function makeDeep(root: string, depth: number): Promise<void> {
  const libc = await loadLibc();
  const cursor = new DirectoryCursor(libc, root);
  for (let level = 0; level < depth; level++) {
    libc.makeDirectory(cursor.fd, Buffer.from("deep"), 0o755);
    cursor.enter(libc.open(cursor.fd, Buffer.from("deep"), O_RDONLY));
  }
  cursor.close();
}

/** What GNU tar has to say, except about times that it finds strange. */
function complaints(stderr: string): string {
  return stderr.replace(/.*(implausibly old time stamp|in the future).*\n/g, "");
}

function fail(loss: Loss): never {
  throw new Error(`lost: ${JSON.stringify(loss)}`);
}

describe("packTree", () => {
  test("names entries as tar -C root . does, in the order of bytes, depth first", async () => {
    const root = directory("names");
    for (const name of ["b", "a", "Z"]) mkdirSync(join(root, name));
    for (const name of ["a-b", "a/z"]) writeFileSync(join(root, name), "");
    const { entries, end } = await readTar(await bytesOf(packTree(root, { onLoss: fail })));
    expect(entries.map(nameOf)).toEqual(["./", "./Z/", "./a/", "./a/z", "./a-b", "./b/"]);
    expect(end).toBe("blocks");
  });

  test.each<[EntryNames, string[]]>([
    ["layer", ["./", "a/", "a/z", "b -> a/z"]],
    ["rootfs", ["a/", "a/z", "b -> a/z"]],
  ])("names entries as a %s has them", async (names, expected) => {
    const root = directory(`names-${names}`);
    mkdirSync(join(root, "a"));
    writeFileSync(join(root, "a/z"), "");
    linkSync(join(root, "a/z"), join(root, "b"));
    const { entries } = await readTar(await bytesOf(packTree(root, { names, onLoss: fail })));
    const shown = entries.map(
      (read) => nameOf(read) + (read.entry.typeflag === "1" ? ` -> ${Buffer.from(read.entry.linkname).toString()}` : ""),
    );
    expect(shown).toEqual(expected);
  });

  test("leaves out of a layer, and reports, what would be a mark there", async () => {
    const root = directory("marks");
    for (const name of [".wh.a", ".wh", "b"]) mkdirSync(join(root, name));
    writeFileSync(join(root, ".wh.a/inside"), "");
    writeFileSync(join(root, "b/.wh..wh..opq"), "");
    const losses: Loss[] = [];
    const pack = async (names: EntryNames): Promise<string[]> => {
      const { entries } = await readTar(await bytesOf(packTree(root, { names, onLoss: (loss) => losses.push(loss) })));
      return entries.map(nameOf);
    };
    expect(await pack("rootfs")).toEqual([".wh/", ".wh.a/", ".wh.a/inside", "b/", "b/.wh..wh..opq"]);
    expect(losses).toEqual([]);
    expect(await pack("layer")).toEqual(["./", ".wh/", "b/"]);
    expect(losses.map(({ path }) => path)).toEqual([".wh.a", "b/.wh..wh..opq"]);
  });

  test("gives the same bytes for the same tree", async () => {
    const root = directory("same");
    writeFileSync(join(root, "file"), "hello");
    const [once, again] = [await bytesOf(packTree(root, { onLoss: fail })), await bytesOf(packTree(root, { onLoss: fail }))];
    expect(Buffer.compare(once, again)).toBe(0);
  });

  test("says once what a file with several names holds", async () => {
    const root = directory("links");
    writeFileSync(join(root, "b"), "hello");
    linkSync(join(root, "b"), join(root, "c"));
    linkSync(join(root, "b"), join(root, "a"));
    const { entries } = await readTar(await bytesOf(packTree(root, { onLoss: fail })));
    const shown = entries.slice(1).map(({ entry, data }) => [entry.typeflag, Buffer.from(entry.linkname).toString(), data.toString()]);
    expect(shown).toEqual([["0", "", "hello"], ["1", "./a", ""], ["1", "./a", ""]]); // prettier-ignore
  });

  test("stores no holes", async () => {
    const root = directory("holes");
    writeFileSync(join(root, "hole"), "");
    truncateSync(join(root, "hole"), 2 ** 36);
    const archive = await bytesOf(packTree(root, { onLoss: fail }));
    expect(archive.length).toBeLessThan(10_000);
    expect((await readTar(archive)).entries[1]?.entry.sparse).toEqual({ size: 2 ** 36, segments: [{ offset: 2 ** 36, length: 0 }] });
  });

  test("packs a tree deeper than a path may be long, and than descriptors may be open", async () => {
    const root = directory("deep");
    const depth = 1200;
    await makeDeep(root, depth);
    const { entries } = await readTar(await bytesOf(packTree(root, { onLoss: fail })));
    expect(entries).toHaveLength(depth + 1);
    expect(nameOf(entries.at(-1) as (typeof entries)[0])).toBe(`./${"deep/".repeat(depth)}`);
  });

  test("reports sockets, and leaves them out", async () => {
    const root = directory("socket");
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(join(root, "s"), resolve));
    const losses: Loss[] = [];
    const { entries } = await readTar(await bytesOf(packTree(root, { onLoss: (loss) => losses.push(loss) })));
    server.close();
    expect(entries.map(nameOf)).toEqual(["./"]);
    expect(losses).toEqual([{ path: "./s", what: "socket", reason: "tar has no sockets" }]);
  });

  test("fills up a file that shrinks, and reports it", async () => {
    const root = directory("shrinking");
    const file = join(root, "file");
    writeFileSync(file, Buffer.alloc(8 << 20, "x"));
    writeFileSync(join(root, "next"), "next");
    const losses: Loss[] = [];
    const chunks: Uint8Array[] = [];
    for await (const chunk of packTree(root, { onLoss: (loss) => losses.push(loss) })) {
      if (chunks.length === 0) truncateSync(file, 1000);
      chunks.push(chunk);
    }
    const { entries } = await readTar(Buffer.concat(chunks));
    expect(entries.map(({ data }) => data.length)).toEqual([0, 8 << 20, 4]);
    expect(entries[1]?.data.at(-1)).toBe(0);
    expect(losses).toEqual([{ path: "./file", what: "contents", reason: "changed while they were read" }]);
  });

  test("reports names that vanish", async () => {
    const root = directory("vanishing");
    writeFileSync(join(root, "a"), Buffer.alloc(1 << 20, "x"));
    for (const name of ["b", "c"]) writeFileSync(join(root, name), "");
    mkdirSync(join(root, "d"));
    const losses: Loss[] = [];
    for await (const _ of packTree(root, { onLoss: (loss) => losses.push(loss) })) {
      for (const name of ["b", "d"]) rmSync(join(root, name), { recursive: true, force: true });
    }
    expect(losses.map(({ path, reason }) => [path, reason])).toEqual([
      ["./b", "no such file or directory"],
      ["./d", "no such file or directory"],
    ]);
  });

  test("says that there is no such directory", async () => {
    const outcome = bytesOf(packTree(join(scratch, "missing"), { onLoss: fail }));
    await expect(outcome).rejects.toMatchObject({
      code: "not-found",
      message: expect.stringContaining(`missing": no such file or directory`),
    });
    await expect(bytesOf(packTree("/dev/null", { onLoss: fail }))).rejects.toBeInstanceOf(ToolError);
  });

  test.skipIf(!IS_ROOT)("is extracted by GNU tar to the same tree", async () => {
    const [root, copy] = [join(scratch, "rich"), directory("copy")];
    await fillTree(root);
    symlinkSync("x".repeat(4000), join(root, "longest-link"));
    const archive = join(scratch, "rich.tar");
    await pipeline(packTree(root, { onLoss: fail }), createWriteStream(archive));

    const listed = await run(["tar", "-tvf", archive]);
    expect([listed.code, complaints(listed.stderr)]).toEqual([0, ""]);
    const options = ["--numeric-owner", "--same-owner", "-p", "--xattrs", "--xattrs-include=*"];
    const extracted = await run(["tar", "-C", copy, ...options, "-xf", archive]);
    expect([extracted.code, complaints(extracted.stderr)]).toEqual([0, ""]);
    expect(await listTree(copy)).toEqual(await listTree(root));
  });

  test.skipIf(!IS_ROOT).each([["--acls"], ["--xattrs --xattrs-include=*"], ["--acls --xattrs --xattrs-include=*"]])(
    "gives GNU tar its ACLs with %s",
    async (options) => {
      const [root, copy] = [directory(`acls ${options}`), directory(`acls copied ${options}`)];
      await shell(
        `cd '${root}'; touch f; mkdir d; setfacl -m u:1234:rwx,u:0:r,g:4294967294:x,m:rw f; setfacl -m u:7:rx d; setfacl -d -m u:99:r d`,
      );
      const archive = await bytesOf(packTree(root, { onLoss: fail }));
      const extracted = await run(["tar", "-C", copy, "-p", ...options.split(" "), "-xf", "-"], { input: archive });
      expect([extracted.code, extracted.stderr]).toEqual([0, ""]);
      const lines = await listTree(root);
      expect(lines.filter((line) => line.includes("posix_acl_"))).toHaveLength(2);
      expect(await listTree(copy)).toEqual(lines);
    },
  );
});

describe("packTree with grafts", () => {
  function tree(name: string, files: Readonly<Record<string, string>>): string {
    const root = directory(name);
    for (const [file, content] of Object.entries(files)) {
      mkdirSync(join(root, file, ".."), { recursive: true });
      writeFileSync(join(root, file), content);
    }
    return root;
  }

  test.each<[EntryNames]>([["layer"], ["rootfs"]])("finds its place in a %s, too", async (names) => {
    const [root, graft] = [directory(`graft-${names}`), directory(`grafted-${names}`)];
    mkdirSync(join(root, "srv/data"), { recursive: true });
    writeFileSync(join(graft, "file"), "");
    const { entries } = await readTar(await bytesOf(packTree(root, { names, grafts: [{ path: "srv/data", root: graft }], onLoss: fail })));
    expect(entries.map(nameOf).filter((name) => name !== "./")).toEqual(["srv/", "srv/data/", "srv/data/file"]);
  });

  test("packs another tree in place of what lies below its mount point, one graft in another too", async () => {
    const root = tree("grafted", { "srv/hidden": "h", "srv/data/hidden": "h", after: "a" });
    const srv = tree("graft-srv", { www: "w", "data/covered": "c" });
    const data = tree("graft-data", { db: "d" });
    const losses: Loss[] = [];
    const grafts = [
      { path: "srv", root: srv },
      { path: "srv/data", root: data },
    ];
    const { entries } = await readTar(await bytesOf(packTree(root, { grafts, onLoss: (loss) => losses.push(loss) })));
    expect(entries.map(nameOf)).toEqual(["./", "./after", "./srv/", "./srv/data/", "./srv/data/db", "./srv/www"]);
    expect(losses).toEqual([]);
  });

  test("loses a graft whose mount point is no directory, and follows no link on the way to it", async () => {
    const root = tree("ungrafted", { file: "f" });
    symlinkSync("/etc", join(root, "link"));
    const graft = tree("graft-lost", { www: "w" });
    const losses: Loss[] = [];
    const grafts = ["file", "link", "link/ssl", "missing"].map((path) => ({ path, root: graft }));
    const { entries } = await readTar(await bytesOf(packTree(root, { grafts, onLoss: (loss) => losses.push(loss) })));
    expect(entries.map(nameOf)).toEqual(["./", "./file", "./link"]);
    expect(losses.map(({ path, what }) => [path, what])).toEqual([
      ["./file/", "subdataset"],
      ["./link/", "subdataset"],
      ["./link/ssl/", "subdataset"],
      ["./missing/", "subdataset"],
    ]);
  });

  test("takes a path as an administrator may write it, the later of two, and leaves the tree by none", async () => {
    const root = tree("graft-paths", { "a/b/hidden": "h", "c/hidden": "h", "sp\u00e4t/hidden": "h" });
    const [one, two] = [tree("graft-one", { one: "1" }), tree("graft-two", { two: "2" })];
    const losses: Loss[] = [];
    const grafts = ["/a//./b/", "c", "sp\u00e4t", "../c", "c/..", "", "c"].map((path, index) => ({ path, root: index === 6 ? two : one }));
    const { entries } = await readTar(await bytesOf(packTree(root, { grafts, onLoss: (loss) => losses.push(loss) })));
    expect(entries.map(nameOf)).toEqual(["./", "./a/", "./a/b/", "./a/b/one", "./c/", "./c/two", "./sp\u00e4t/", "./sp\u00e4t/one"]);
    expect(losses.map(({ path, reason }) => [path, reason])).toEqual([
      ["./c/", "another is mounted over it"],
      ["./../c/", "its mount point is no directory of the root filesystem"],
      ["./c/../", "its mount point is no directory of the root filesystem"],
      ["./", "its mount point is no directory of the root filesystem"],
    ]);
  });

  test("gives the directory the owner, mode and time of the tree's own root", async () => {
    const root = tree("graft-own", { "srv/hidden": "h" });
    const graft = tree("graft-own-root", { www: "w" });
    await shell(`chmod 1711 '${graft}'; touch -d @5 '${graft}'`);
    const { entries } = await readTar(await bytesOf(packTree(root, { grafts: [{ path: "srv", root: graft }], onLoss: fail })));
    expect(entries[1]?.entry).toMatchObject({ mode: 0o1711, mtimeNs: 5_000_000_000n });
  });

  test("says which tree is not there", async () => {
    const root = tree("graft-nowhere", { "srv/hidden": "h" });
    const outcome = bytesOf(packTree(root, { grafts: [{ path: "srv", root: join(scratch, "nowhere") }], onLoss: fail }));
    await expect(outcome).rejects.toMatchObject({ code: "not-found", message: expect.stringContaining(`nowhere": no such file`) });
  });
});
