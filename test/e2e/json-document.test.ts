/** docs/json.md and the program agree: what `--json` prints is described there, with its type, and what is described there is printed. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import * as fs from "node:fs";
import * as net from "node:net";
import type { Command } from "../../src/commands/define.ts";
import { commands } from "../../src/commands/index.ts";
import { encodeEntry, END_BLOCKS_BYTES } from "../../src/stream/tar/write.ts";
import { containerArchive } from "../support/container-stream.ts";
import { DirPoolScene } from "../support/dir-pool.ts";
import { DocumentCheck, REMOTE_KEYS, ZPOOL_KEYS } from "../support/json-document.ts";
import { configOf, dockerEntries, entriesLayer, layer, LayoutSketch } from "../support/oci.ts";
import { runProgram, type Finished } from "../support/program.ts";
import { underPrivate } from "../support/stream-edit.ts";
import { fixtureStream } from "../support/stream-tree.ts";
import { sketchTar } from "../support/tar.ts";
import { exported } from "../support/verify.ts";
import { zfsStream } from "../support/zfs-stream.ts";

const TIMEOUT_MS = 120_000;
const RELEASE = { name: "etc/os-release", data: 'ID="debian"\nVERSION_ID="12"\n' };
const LAYERS = [layer("etc/app"), entriesLayer(RELEASE)];
const HISTORY = [{ created: "2024-01-01T00:00:00Z", created_by: "a", author: "b", comment: "c" }, { empty_layer: true }, {}];
const CONFIG = configOf(LAYERS, { created: "2024-01-01T00:00:00Z", author: "me", history: HISTORY });

let scene: DirPoolScene;
const check = new DocumentCheck();

beforeAll(async () => {
  scene = await DirPoolScene.create();
  const put = (name: string, bytes: Uint8Array): void => fs.writeFileSync(scene.file(name), bytes);
  put("zfs.tar", await exported("file"));
  put("damaged.tar", withFlippedBit(await exported("file"), 100_000));
  put("mine.tar", await containerArchive({ datasets: { "": underPrivate("p.full.s1") }, incremental: fixtureStream("p.incr-i.s1-s2") }));
  put("bare.zfs", zfsStream("p.full.s1"));
  put("rootfs.tar", sketchTar(RELEASE));
  put("names.tar", Buffer.concat([linkEntry("a\xff", "b\xff"), new Uint8Array(END_BLOCKS_BYTES)]));
  put("app.tar", sketchTar(...dockerEntries(LAYERS, { config: CONFIG })));
  put("multi.tar", multiPlatform());
}, TIMEOUT_MS);
afterAll(() => scene[Symbol.dispose]());

/** An index of two platforms, of which one is there. */
function multiPlatform(): Uint8Array {
  const layout = new LayoutSketch();
  const [here, elsewhere] = ["amd64", "arm64"].map((architecture) => {
    const layers = [layer(architecture)];
    return { ...layout.image(layers, configOf(layers, { architecture })).descriptor, platform: { os: "linux", architecture } };
  });
  if (here === undefined || elsewhere === undefined) throw new TypeError("there are two");
  layout.files.delete(`blobs/${elsewhere.digest.replace(":", "/")}`);
  return layout.name(layout.index([here, elsewhere]), "example.org/multi:1").tar();
}

/** A symbolic link whose names are not UTF-8. */
function linkEntry(name: string, linkname: string): Uint8Array {
  const [path, target] = [Buffer.from(name, "latin1"), Buffer.from(linkname, "latin1")];
  return encodeEntry({ name: path, linkname: target, typeflag: "2", mode: 0o777, uid: 0, gid: 0, mtimeNs: 0n, size: 0 });
}

function withFlippedBit(bytes: Buffer, at: number): Buffer {
  bytes[at] = (bytes[at] as number) ^ 0x10;
  return bytes;
}

/** The documents of a run, each described as the part of the document says. @returns the exit code */
function described(part: string, { exitCode, stdout, stderr }: Finished): number | null {
  const toStdout = stdout.startsWith("{") || stdout.startsWith("[");
  const texts = part === "ctar ls" ? stdout.trimEnd().split("\n") : [toStdout ? stdout : (stderr.trimEnd().split("\n").at(-1) ?? "")];
  for (const text of texts) expect(check.problems(part, JSON.parse(text))).toEqual([]);
  return exitCode;
}

/** Runs a verb on the pool; a path of the scene is written `@name`. */
async function onPool(verb: string, ...args: readonly string[]): Promise<number | null> {
  return described(`ctar ${verb}`, await scene.run(verb, ["--json", ...inScene(args)]));
}

/** Runs a verb that needs none. */
async function anywhere(verb: string, ...args: readonly string[]): Promise<number | null> {
  return described(`ctar ${verb}`, await runProgram(verb, "--json", ...inScene(args)));
}

function inScene(args: readonly string[]): string[] {
  return args.map((arg) => (arg.startsWith("@") ? scene.file(arg.slice(1)) : arg));
}

async function verbsWithJson(table: readonly Command[], path: string): Promise<string[]> {
  const names = table.map(async (command) => {
    const name = `${path} ${command.name}`;
    if ("commands" in command) return await verbsWithJson(command.commands, name);
    return "json" in (await command.load()).args ? [name] : [];
  });
  return (await Promise.all(names)).flat();
}

test(
  "of export, import and list",
  async () => {
    // a socket, which is lost
    const server = net.createServer().listen(scene.path("ct/web01/private/socket"));
    await new Promise((resolve) => server.once("listening", resolve));
    const exports: readonly (readonly string[])[] = [
      ["web01", "@web01.tar"],
      ["web01", "-"],
      ["--format", "docker", "--tag", "web:1", "web01", "@web01-image.tar"],
    ];
    for (const args of exports) expect([args, await onPool("export", ...args)]).toEqual([args, 3]);
    await new Promise((resolve) => server.close(resolve));
    const others: readonly [exitCode: number, verb: string, ...args: string[]][] = [
      [0, "export", "--dry-run", "web01"],
      [0, "export", "--dry-run", "--format", "oci", "web01"],
      [10, "export", "nosuch", "-"],
      [10, "export", "nosuch", "@nosuch.tar"],
      [0, "import", "--dry-run", "--as-id", "copy", "@web01.tar"],
      [0, "import", "--as-id", "copy", "@web01.tar"],
      [1, "import", "--as-id", "copy", "@web01.tar"],
      [0, "import", "--as-id", "streams", "--as-user", "web01", "--no-hooks", "@mine.tar"],
      [0, "import", "--as-id", "app", "@app.tar"],
      [0, "import", "--as-id", "rootfs", "@rootfs.tar"],
      [0, "list"],
    ];
    for (const [exitCode, verb, ...args] of others) expect([verb, args, await onPool(verb, ...args)]).toEqual([verb, args, exitCode]);
  },
  TIMEOUT_MS,
);

test(
  "of doctor",
  async () => {
    const left = scene.path("ct/left.ctar-000000");
    fs.mkdirSync(left);
    scene.write("conf/.ctar/gone.json", JSON.stringify({ run: "gone", command: "ctar import", things: [{ is: "path", path: left }] }));
    expect([await onPool("doctor"), await onPool("doctor", "--clean")]).toEqual([1, 0]);
  },
  TIMEOUT_MS,
);

test(
  "of image",
  async () => {
    const calls: readonly [exitCode: number, verb: string, ...args: string[]][] = [
      [0, "import", "@app.tar"],
      [0, "import", "@multi.tar"],
      [0, "ls"],
      [0, "inspect", "example.org/multi:1"],
      [0, "export", "example.org/multi:1", "@images.tar"],
      [0, "check"],
      [0, "prune", "--dry-run"],
    ];
    for (const [exitCode, verb, ...args] of calls) expect([verb, await onPool(`image ${verb}`, ...args)]).toEqual([verb, exitCode]);
    // every blob of one image is of its length, and something else
    for (const { parentPath, name } of fs.readdirSync(scene.path("image/blobs/sha256"), { withFileTypes: true })) {
      const file = `${parentPath}/${name}`;
      const { size } = fs.statSync(file);
      fs.chmodSync(file, 0o600);
      fs.writeFileSync(file, Buffer.alloc(size));
    }
    expect([await onPool("image ls"), await onPool("image check")]).toEqual([0, 12]);
  },
  TIMEOUT_MS,
);

test(
  "of what needs no pool",
  async () => {
    const calls: readonly [exitCode: number, verb: string, ...args: string[]][] = [
      [0, "inspect", "@zfs.tar"],
      [12, "inspect", "--records", "@damaged.tar"],
      [0, "inspect", "--records", "@bare.zfs"],
      [0, "inspect", "@app.tar"],
      [0, "inspect", "@rootfs.tar"],
      [10, "inspect", "@nosuch.tar"],
      [2, "inspect"],
      [0, "verify", "@zfs.tar"],
      [12, "verify", "@damaged.tar"],
      [0, "verify", "@web01.tar"],
      [0, "verify", "@bare.zfs"],
      [0, "verify", "@multi.tar"],
      [0, "verify", "@rootfs.tar"],
      [0, "ls", "-R", "@bare.zfs"],
      [0, "ls", "@names.tar"],
      [10, "ls", "@rootfs.tar", "nosuch"],
      [0, "convert", "@mine.tar", "@converted.tar"],
      [0, "convert", "--format", "docker", "@app.tar", "@converted-app.tar"],
      [0, "convert", "--format", "oci", "@rootfs.tar", "@converted-rootfs.tar"],
      [0, "convert", "@rootfs.tar", "-"],
      [0, "extract", "@rootfs.tar", "-C", "@out"],
      [10, "extract", "@rootfs.tar", "nosuch", "-C", "@out"],
      [0, "extract", "@rootfs.tar", "--dry-run"],
    ];
    for (const [exitCode, verb, ...args] of calls) expect([verb, args, await anywhere(verb, ...args)]).toEqual([verb, args, exitCode]);
  },
  TIMEOUT_MS,
);

test(
  "of progress",
  async () => {
    const runs = [
      await runProgram("verify", "--progress", "json", scene.file("zfs.tar")),
      await scene.run("import", ["--progress", "json", "--as-id", "watched", "--as-user", "web01", scene.file("web01.tar")]),
    ];
    for (const { exitCode, stderr } of runs) {
      const lines = stderr.split("\n").filter((line) => line.startsWith("{"));
      expect([exitCode, lines.length > 0]).toEqual([0, true]);
      for (const line of lines) {
        const event = JSON.parse(line) as { event: string };
        expect(check.problems(event.event === "progress" ? "Progress" : "Events of an import", event)).toEqual([]);
      }
    }
  },
  TIMEOUT_MS,
);

test("docs/json.md has a part for every verb that has --json", async () => {
  const verbs = await verbsWithJson(commands, "ctar");
  expect(verbs).toContain("ctar image check");
  expect(verbs.filter((verb) => !check.has(verb))).toEqual([]);
});

test("every key that docs/json.md describes was there, but for those that take a zpool or another host", () => {
  expect(check.unseen().toSorted()).toEqual([...ZPOOL_KEYS, ...REMOTE_KEYS].toSorted());
});
