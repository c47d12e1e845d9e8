/** Archives whose files become a tar. */
import { describe, expect, test } from "bun:test";
import { gunzipSync, gzipSync } from "node:zlib";
import { containerArchive, treeStream, type ContainerSketch } from "../../support/container-stream.ts";
import { convert, refusalOf } from "../../support/convert.ts";
import { packExample } from "../../support/example-archives.ts";
import { readPlainTar } from "../../support/plain-tar.ts";
import { fixtureStream } from "../../support/stream-tree.ts";
import { nameOf, readTar, sketchTar, type EntrySketch } from "../../support/tar.ts";
import { problemsOf } from "../../support/verify.ts";

const ROOT_TREE = { private: { etc: { hostname: "web01\n", link: { link: "hostname" } }, srv: { hidden: "covered" } } };
const SRV_TREE = { private: { "index.html": "hello" } };
const DATASETS = { "": treeStream(ROOT_TREE), srv: treeStream(SRV_TREE, 2n) };
const SKETCH: ContainerSketch = { datasets: DATASETS, mounts: { srv: "/srv" } };

function contentOf(archive: Buffer, name: string): Buffer {
  return Buffer.concat(readPlainTar(archive).flatMap((member) => (member.name === name ? [member.content] : [])));
}

/** Names and data of a tar's entries. */
async function listing(tar: Uint8Array): Promise<string[]> {
  const { entries, end } = await readTar(tar);
  expect(end).toBe("blocks");
  return entries.map((read) => `${nameOf(read)} ${read.data.toString() || Buffer.from(read.entry.linkname).toString()}`.trim());
}

/** An archive of format tar with these entries. */
async function tarArchive(...entries: EntrySketch[]): Promise<Buffer> {
  const streams = { "rootfs/base.tar.gz": gzipSync(sketchTar(...entries)) };
  return Buffer.from(await packExample("04-repository-image-tar", "no-end-blocks", { streams }));
}

describe("from format zfs to format tar", () => {
  test.each([
    [false, "file", "file"],
    [true, "file", "pipe"],
    [false, "pipe", "file"],
    [true, "pipe", "pipe"],
  ] as const)(
    "files lie where the container sees them, and it mounts no datasets any more (gzipped: %p, from a %s to a %s)",
    async (gzip, from, to) => {
      const archive = await containerArchive({ ...SKETCH, gzip, kind: from });
      const { bytes, losses, format } = await convert(archive, { format: "tar", from, to, chunkBytes: 300 });
      expect([losses, format, await problemsOf(bytes)]).toEqual([[], "tar", []]);
      const entries = await listing(gunzipSync(contentOf(bytes, "rootfs/base.tar.gz")));
      expect(entries).toEqual(["./", "./etc/", "./etc/hostname web01", "./etc/link hostname", "./srv/", "./srv/index.html hello"]);
      expect(contentOf(bytes, "metadata.yml").toString()).toContain(
        'format: tar\nuser: mail01\ngroup: "/default"\ncontainer: mail01\ndatasets: []\n',
      );
      expect(contentOf(bytes, "config/container.yml").toString()).not.toContain("dataset: srv");
      const names = new Set(readPlainTar(bytes).map(({ name }) => name));
      expect([...names].slice(-3)).toEqual(["rootfs", "rootfs/base.tar.gz", "ctar/manifest.json"]);
    },
  );

  test("subdatasets that are mounted nowhere are losses", async () => {
    const { losses } = await convert(await containerArchive({ datasets: DATASETS }), { format: "tar" });
    expect(losses).toEqual([{ path: "srv", what: "subdataset", reason: "the container mounts it nowhere" }]);
  });

  test("the way back is refused, and says how", async () => {
    const tar = (await convert(await containerArchive(SKETCH), { format: "tar" })).bytes;
    expect(await refusalOf(tar, { format: "zfs" })).toBe(
      'failed: Cannot convert to format "zfs": ZFS streams are made by ZFS alone, of what is on a pool',
    );
  });
});

describe("to a flat root filesystem", () => {
  const FLAT = ["etc/", "etc/hostname web01", "etc/link hostname", "srv/", "srv/index.html hello"];

  test.each([
    ["keep", "file"],
    ["gzip", "pipe"],
  ] as const)("names are those that docker export has (compression %s, from a %s)", async (compression, from) => {
    const { bytes, format } = await convert(await containerArchive(SKETCH), { format: "rootfs", compression, from });
    expect(format).toBe("rootfs");
    expect(await listing(compression === "gzip" ? gunzipSync(bytes) : bytes)).toEqual(FLAT);
  });

  test.each(["file", "pipe"] as const)("from format tar it is the same, in one pass (from a %s)", async (from) => {
    const tar = (await convert(await containerArchive(SKETCH), { format: "tar" })).bytes;
    expect(await listing((await convert(tar, { format: "rootfs", from })).bytes)).toEqual(FLAT);
  });

  test("hard links, devices and attributes of a tar stay what they are, odd entries are losses", async () => {
    const archive = await tarArchive(
      { name: ".", typeflag: "5", mode: 0o700 },
      { name: "./a//b/./file", data: "x", uid: 4_000_000_000, xattrs: [[Buffer.from("user.a"), Buffer.from("1")]] },
      { name: "hard", typeflag: "1", linkname: "./a/b/file" },
      { name: "./dev/null", typeflag: "3", devmajor: 1, devminor: 3 },
      { name: "./dev/odd", typeflag: "4", devmajor: 5000, devminor: 3 },
      { name: "./label", typeflag: "V" },
    );
    const { bytes, losses } = await convert(archive, { format: "rootfs" });
    const { entries } = await readTar(bytes);
    const facts = entries.map((read) => [nameOf(read), read.entry.typeflag, read.entry.uid, Buffer.from(read.entry.linkname).toString()]);
    expect(facts).toEqual([
      ["a/b/file", "0", 4_000_000_000, ""],
      ["hard", "1", 0, "a/b/file"],
      ["dev/null", "3", 0, ""],
    ]);
    expect(Buffer.from(entries[0]?.entry.pax.get("SCHILY.xattr.user.a") ?? []).toString()).toBe("1");
    expect(losses).toEqual([
      { path: "./dev/odd", what: "device node", reason: "there are no such numbers" },
      { path: "./label", what: 'entry of type "V"', reason: "no such type is known" },
    ]);
  });

  test.each(["../outside", "/etc/passwd", "a/../../b"])("a tar with the name %j is refused", async (name) => {
    expect(await refusalOf(await tarArchive({ name, data: "x" }), { format: "rootfs" })).toMatch(/^damaged: .*the name leaves the tree/);
    expect(await refusalOf(await tarArchive({ name: "a", typeflag: "1", linkname: name }), { format: "rootfs" })).toMatch(/^damaged: /);
  });

  test("a ZFS stream that is in no archive becomes one too, and nothing else", async () => {
    for (const [stream, from] of [
      [DATASETS.srv, "file"],
      [DATASETS.srv, "pipe"],
      [gzipSync(DATASETS.srv), "file"],
    ] as const) {
      expect(await listing((await convert(stream, { format: "rootfs", from })).bytes)).toEqual(["private/", "private/index.html hello"]);
      expect(await refusalOf(stream, {})).toBe('failed: Cannot convert "a.tar": a ZFS stream alone is no container');
    }
  });
});

describe("what cannot be done is refused", () => {
  test("format tar without gzip", async () => {
    const refusal = 'usage: Cannot use --compression "off" with format "tar", which is gzipped always';
    expect(await refusalOf(await containerArchive(SKETCH), { format: "tar", compression: "off" })).toBe(refusal);
    expect(await refusalOf(await tarArchive({ name: "a", data: "x" }), { compression: "off" })).toBe(refusal);
  });

  test.each(["tar", "rootfs"] as const)("format %s of an archive without data", async (format) => {
    const skeleton = await packExample("03-skel-for-send", "golden");
    expect(await refusalOf(skeleton, { format })).toBe(
      "not-found: Cannot find files in the archive: it holds a container's configuration only",
    );
  });

  test("files of a stream that is encrypted", async () => {
    expect(await refusalOf(fixtureStream("w.full-w.s1"), { format: "rootfs" })).toMatch(/^failed: .*encrypted/);
  });
});

describe("damage is found", () => {
  test.each(["tar", "rootfs"] as const)("of ZFS streams, to format %s", async (format) => {
    const archive = await containerArchive({ ...SKETCH, gzip: true });
    expect(await refusalOf(archive, { format })).toBe("converted");
    for (const { name, offset, content } of readPlainTar(archive)) {
      if (content.length === 0 || name === "ctar/manifest.json") continue;
      const flipped = Buffer.from(archive);
      const at = offset + 512 + (content.length >> 1);
      flipped[at] = (flipped[at] as number) ^ 4;
      expect([name, await refusalOf(flipped, { format })]).toEqual([name, expect.stringMatching(/^damaged: /)]);
    }
  });

  test.each(["file", "pipe"] as const)("of a tar, to a flat one (from a %s)", async (from) => {
    const tar = (await convert(await containerArchive(SKETCH), { format: "tar" })).bytes;
    const members = readPlainTar(tar).filter(({ name, content }) => content.length > 0 && name !== "ctar/manifest.json");
    for (const { name, offset, content } of members) {
      const flipped = Buffer.from(tar);
      const at = offset + 512 + (content.length >> 1);
      flipped[at] = (flipped[at] as number) ^ 4;
      expect([name, await refusalOf(flipped, { format: "rootfs", from })]).toEqual([name, expect.stringMatching(/^damaged: /)]);
    }
    for (let cut = 0; cut < tar.length; cut += 500) {
      expect([cut, await refusalOf(tar.subarray(0, cut), { format: "rootfs", from })]).toEqual([cut, expect.stringMatching(/^damaged: /)]);
    }
  });
});
