import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import * as fs from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { collect } from "../../src/stream/bytes.ts";
import type { Loss } from "../../src/tree/loss.ts";
import { WalkedTree, type WalkedFile, type WalkedTreeOptions } from "../../src/tree/walked-tree.ts";

let scratch = "";
beforeAll(() => {
  scratch = fs.mkdtempSync(path.join(tmpdir(), "ctar-walked-"));
  const write = (name: string, content: string | Buffer): void => {
    fs.mkdirSync(path.dirname(path.join(scratch, name)), { recursive: true });
    fs.writeFileSync(path.join(scratch, name), content);
  };
  write("tree/etc/hostname", "host\n");
  write("tree/etc.d/x", "x");
  write("tree/srv/hidden", "below the graft");
  write("graft/data", "of the graft");
  fs.mkdirSync(path.join(scratch, "graft/inner"));
  write("inner/deep/file", "of the inner graft");
  fs.linkSync(path.join(scratch, "tree/etc/hostname"), path.join(scratch, "tree/zz"));
  fs.symlinkSync("/etc/passwd", path.join(scratch, "tree/link"));
  fs.writeFileSync(path.join(scratch, "tree/sparse"), "");
  fs.truncateSync(path.join(scratch, "tree/sparse"), 1024 * 1024);
  fs.appendFileSync(path.join(scratch, "tree/sparse"), "end");
  fs.chmodSync(path.join(scratch, "tree/etc/hostname"), 0o640);
  fs.utimesSync(path.join(scratch, "tree/etc/hostname"), 1000, 1000);
});
afterAll(() => fs.rmSync(scratch, { recursive: true }));

async function open(options: Partial<WalkedTreeOptions> = {}): Promise<WalkedTree> {
  const onLoss = (loss: Loss): never => {
    throw new Error(`lost: ${JSON.stringify(loss)}`);
  };
  return await WalkedTree.open({ root: path.join(scratch, "tree"), grafts: [], onLoss, ...options });
}

async function walked(tree: WalkedTree): Promise<Map<string, WalkedFile>> {
  const files = await Array.fromAsync(tree.walk());
  return new Map(files.map((file) => [Buffer.from(file.path).toString(), file]));
}

async function contentOf(file: WalkedFile | undefined): Promise<string> {
  const bytes = file === undefined ? new Uint8Array(0) : await collect(file.data().body(), 1e6, () => new RangeError("too long"));
  return Buffer.from(bytes).toString();
}

const GRAFTED = ["", "etc", "etc/hostname", "etc.d", "etc.d/x", "link", "sparse", "srv", "srv/data", "srv/inner", "srv/inner/deep", "srv/inner/deep/file", "zz"]; // prettier-ignore

describe("WalkedTree", () => {
  test("gives directories before what is in them, all of a branch before the next name", async () => {
    const names = ["", "etc", "etc/hostname", "etc.d", "etc.d/x", "link", "sparse", "srv", "srv/hidden", "zz"];
    const tree = await open();
    expect([...(await walked(tree)).keys()]).toEqual(names);
    expect([...(await walked(tree)).keys()]).toEqual(names);
  });

  test("tells of files what they are, and reads them when it is asked to", async () => {
    const files = await walked(await open());
    expect(files.get("etc/hostname")).toMatchObject({
      typeflag: "0",
      mode: 0o640,
      mtimeNs: 1_000_000_000_000n,
      size: 5,
      target: undefined,
    });
    expect(await contentOf(files.get("etc/hostname"))).toBe("host\n");
    expect(files.get("etc/hostname")?.identity).toBe(files.get("zz")?.identity as string);
    expect(files.get("etc.d/x")?.identity).toBeUndefined();
    expect(Buffer.from(files.get("link")?.target ?? []).toString()).toBe("/etc/passwd");
    expect(files.get("etc")).toMatchObject({ typeflag: "5", identity: undefined });
  });

  test("keeps holes", async () => {
    const file = (await walked(await open())).get("sparse");
    const data = file?.data();
    expect(data?.sparse?.size).toBe(1024 * 1024 + 3);
    expect(data?.size).toBeLessThan(100_000);
    expect((await contentOf(file)).replaceAll("\0", "")).toBe("end");
  });

  test("puts other trees in the place of directories, one in another, and reads files in them", async () => {
    const grafts = [
      { path: "srv", root: path.join(scratch, "graft") },
      { path: "srv/inner", root: path.join(scratch, "inner") },
    ];
    const files = await walked(await open({ grafts, version: ({ size }, volume) => `${volume} ${size}` }));
    expect([...files.keys()]).toEqual(GRAFTED);
    expect(await contentOf(files.get("srv/data"))).toBe("of the graft");
    expect(await contentOf(files.get("srv/inner/deep/file"))).toBe("of the inner graft");
    expect(["zz", "srv/data", "srv/inner/deep/file"].map((name) => files.get(name)?.version)).toEqual([" 5", "srv 12", "srv/inner 18"]);
  });

  test("tells of sockets, and of trees that have no place, once", async () => {
    const losses: Loss[] = [];
    const socket = createServer();
    await new Promise<void>((resolve) => socket.listen(path.join(scratch, "tree/socket"), resolve));
    try {
      const tree = await open({ grafts: [{ path: "link/x", root: path.join(scratch, "graft") }], onLoss: (loss) => losses.push(loss) });
      expect([...(await walked(tree)).keys()]).not.toContain("socket");
      await walked(tree);
    } finally {
      await new Promise((resolve) => socket.close(resolve));
    }
    expect(losses.map(({ path: name, what }) => [name, what])).toEqual([
      ["socket", "socket"],
      ["./link/x/", "subdataset"],
    ]);
  });

  test("does not follow a link that has taken the place of a directory", async () => {
    const file = (await walked(await open())).get("etc.d/x");
    fs.renameSync(path.join(scratch, "tree/etc.d"), path.join(scratch, "away"));
    fs.symlinkSync(path.join(scratch, "away"), path.join(scratch, "tree/etc.d"));
    const outcome = await contentOf(file).catch((error: unknown) => String(error));
    fs.rmSync(path.join(scratch, "tree/etc.d"));
    fs.renameSync(path.join(scratch, "away"), path.join(scratch, "tree/etc.d"));
    expect(outcome).toContain('Cannot read "etc.d/x"');
  });
});
