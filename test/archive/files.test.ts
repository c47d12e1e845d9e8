/** The files of archives and streams: named, printed, put together from datasets. */
import { describe, expect, test } from "bun:test";
import { gzipSync } from "node:zlib";
import { catFile } from "../../src/archive/cat.ts";
import { openFiles, type FilesOptions, type TreeFiles } from "../../src/archive/files.ts";
import { ToolError } from "../../src/errors.ts";
import type { ByteSource } from "../../src/stream/bytes.ts";
import { PathPattern } from "../../src/tree/path-pattern.ts";
import { containerArchive, treeStream, type ContainerSketch } from "../support/container-stream.ts";
import { pipeOf, VirtualFile } from "../support/virtual-file.ts";
import { zfsStream } from "../support/zfs-stream.ts";

const ROOT = treeStream(
  { private: { etc: { hostname: "web01\n" }, srv: { hidden: "beneath the mount" }, up: { link: ".." } }, outside: "x" },
  1n,
);
const DATA = treeStream({ private: { db: { table: "rows" }, empty: "" } }, 2n);
const MORE = treeStream({ private: { more: "more" } }, 3n);
const CONTAINER: ContainerSketch = {
  datasets: { "": ROOT, data: DATA, "data/more": MORE },
  mounts: { data: "/srv", "data/more": "srv/db" },
};
const NAMES: FilesOptions = { dataset: undefined, fromDatasetRoot: false, keep: undefined };
/** How often something was kept. */
let kept = 0;
const CONTENTS: FilesOptions = {
  ...NAMES,
  keep: async (bytes) => {
    kept += 1;
    return VirtualFile.of(Buffer.concat(await Array.fromAsync(bytes)));
  },
};

async function open(bytes: Uint8Array, options: FilesOptions = CONTENTS): Promise<TreeFiles> {
  return asTree(VirtualFile.of(bytes), options);
}

async function asTree(source: ByteSource, options: FilesOptions): Promise<TreeFiles> {
  const files = await openFiles(source, "a.tar", options);
  if (files.kind !== "tree") throw new Error("no tree");
  return files;
}

async function paths({ tree }: TreeFiles): Promise<string[]> {
  return (await Array.fromAsync(tree.walk(tree.root))).map(({ path }) => Buffer.from(path).toString("latin1"));
}

async function cat(files: TreeFiles, path: string): Promise<string> {
  return Buffer.concat(await Array.fromAsync(catFile(files, new PathPattern(path)))).toString();
}

async function failure(action: Promise<unknown>): Promise<[code: string, message: string]> {
  const error = await action.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof ToolError)) throw new Error("no ToolError", { cause: error });
  return [error.code, error.message];
}

describe("a container's tree", () => {
  const EXPECTED = ["", "etc", "etc/hostname", "srv", "srv/db", "srv/db/more", "srv/empty", "up"];

  test.each([
    ["in a file", { kind: "file" }],
    ["in pieces", { kind: "pipe" }],
    ["gzipped", { kind: "pipe", gzip: true }],
  ] as const)("has subdatasets where they are mounted, %s", async (_, form) => {
    const files = await open(await containerArchive({ ...CONTAINER, ...form }));
    expect(await paths(files)).toEqual(EXPECTED);
    expect(await cat(files, "srv/db/more")).toBe("more");
    expect(await cat(files, "etc/hostname")).toBe("web01\n");
    await files.close();
  });

  test.each([
    ["a pipe", false, (bytes: Buffer) => pipeOf(VirtualFile.of(bytes))],
    ["a pipe, its streams gzipped", true, (bytes: Buffer) => pipeOf(VirtualFile.of(bytes))],
    ["a compressed file", false, (bytes: Buffer) => VirtualFile.of(gzipSync(bytes))],
    ["a compressed pipe", true, (bytes: Buffer) => pipeOf(VirtualFile.of(gzipSync(bytes)))],
  ])("is listed from %s as it passes, and kept for its data", async (_, gzip, input) => {
    const bytes = await containerArchive({ ...CONTAINER, kind: "pipe", gzip });
    const before = kept;
    expect(await paths(await asTree(input(bytes), NAMES))).toEqual(EXPECTED);
    expect(kept).toBe(before);
    const files = await asTree(input(bytes), CONTENTS);
    expect([await cat(files, "srv/db/more"), kept]).toEqual(["more", before + 1]);
    await files.close();
  });

  test("leaves out subdatasets without a mount, and says so", async () => {
    const files = await open(await containerArchive({ ...CONTAINER, mounts: { data: "/no/such" } }));
    expect(await paths(files)).toEqual(["", "etc", "etc/hostname", "srv", "srv/hidden", "up"]);
    expect(files.notes.map((note) => note.slice(0, 32))).toEqual(['subdataset "data" is not mounted', 'subdataset "data/more" is not mo']);
  });

  test("does not go round in circles where a dataset is to be mounted in itself, or over a link", async () => {
    const mounts = { data: "/srv", "/": "/etc", "data/more": "/up" };
    const files = await open(await containerArchive({ ...CONTAINER, mounts }));
    expect(await paths(files)).toEqual(["", "etc", "etc/hostname", "srv", "srv/db", "srv/db/table", "srv/empty", "up"]);
  });

  test.each([
    ["data", false, ["", "db", "db/table", "empty"]],
    ["/", true, ["", "outside", "private", "private/etc", "private/etc/hostname", "private/srv", "private/srv/hidden", "private/up"]],
  ])("of dataset %j alone, from its own root: %p", async (dataset, fromDatasetRoot, expected) => {
    expect(await paths(await open(await containerArchive(CONTAINER), { dataset, fromDatasetRoot, keep: undefined }))).toEqual(expected);
  });

  test("names the datasets there are where one is not", async () => {
    const archive = await containerArchive(CONTAINER);
    expect((await failure(open(archive, { ...NAMES, dataset: "none" })))[0]).toBe("not-found");
  });

  test("needs a directory private", async () => {
    const archive = await containerArchive({ datasets: { "": treeStream({ file: "" }) } });
    expect((await failure(open(archive)))[1]).toContain('dataset "/" has no directory "private"');
  });
});

describe("a bare stream", () => {
  test.each([
    ["as it is", (bytes: Uint8Array) => bytes],
    ["gzipped", (bytes: Uint8Array) => gzipSync(bytes)],
  ])("is shown from its dataset's root, %s", async (_, form) => {
    const files = await open(form(ROOT));
    expect(await cat(files, "private/etc/hostname")).toBe("web01\n");
    expect(await cat(files, "/outside")).toBe("x");
    await files.close();
  });

  test("of a package shows each dataset", async () => {
    const bytes = zfsStream("p.repl-R.s4");
    expect(await paths(await open(bytes))).toContain("kid");
    expect((await paths(await open(bytes, { ...NAMES, dataset: "kid" }))).length).toBeGreaterThan(0);
  });

  test("that was sent raw is told as such", async () => {
    const [code, message] = await failure(open(zfsStream("w.full-w.s1")));
    expect([code, message.includes("it is encrypted: sent raw")]).toEqual(["failed", true]);
  });
});

describe("catFile", () => {
  test.each([
    ["etc", "failed", 'Cannot print "etc": it is a directory'],
    ["etc/none", "not-found", 'Cannot find "etc/none": there is no such file'],
    ["etc/hostname/x", "not-found", 'Cannot find "etc/hostname/x": "etc/hostname" is no directory'],
    ["up", "failed", 'Cannot print "up": it is a symbolic link to ".."'],
    ["up/etc/hostname", "not-found", 'Cannot find "up/etc/hostname": "up" is a symbolic link to ".."'],
    ["*", "failed", 'Cannot print "*": it stands for several files'],
  ])("of %j fails with %s", async (path, code, message) => {
    const files = await open(await containerArchive(CONTAINER));
    expect(await failure(cat(files, path))).toEqual([code, message]);
  });

  test("takes a pattern that means one file", async () => {
    expect(await cat(await open(await containerArchive(CONTAINER)), "?t[a-d]/h*e")).toBe("web01\n");
  });
});
