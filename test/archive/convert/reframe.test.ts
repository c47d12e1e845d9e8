/** Archives that become canonical ones of the same format. */
import { describe, expect, test } from "bun:test";
import * as path from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { decodeManifest, type Manifest } from "../../../src/archive/manifest.ts";
import { example } from "../../support/archive.ts";
import { convert, refusalOf } from "../../support/convert.ts";
import { EXAMPLES, exampleEntries, packExample, type ExampleName, type Variant } from "../../support/example-archives.ts";
import { joinPlainTar, readPlainTar, type PlainMember } from "../../support/plain-tar.ts";
import { sketchTar } from "../../support/tar.ts";
import { exported, FORMS, problemsOf, STREAMS } from "../../support/verify.ts";
import { recordsOf, zfsStream } from "../../support/zfs-stream.ts";

const MANIFEST = "ctar/manifest.json";
const NAMES = [
  "metadata.yml",
  "config",
  "config/user.yml",
  "config/group.yml",
  "config/container.yml",
  "hooks",
  "hooks/pre-start",
  "rootfs",
  "rootfs/",
  "rootfs/srv",
  "rootfs/base.dat",
  "rootfs/srv/base.dat",
  "rootfs/incremental.dat",
  "snapshots.yml",
  MANIFEST,
];

const namesIn = (archive: Buffer): string[] => readPlainTar(archive).map(({ name }) => name);
const isManifest = ({ name }: PlainMember): boolean => name === MANIFEST;

/** An archive without its manifest. */
function withoutManifest(archive: Buffer): Buffer {
  return joinPlainTar(readPlainTar(archive).filter((member) => !isManifest(member)));
}

function manifestOf(archive: Buffer): Manifest {
  const manifest = decodeManifest(readPlainTar(archive).find(isManifest)?.content ?? Buffer.alloc(0));
  if (manifest === undefined) throw new Error("of a later version");
  return manifest;
}

/** The content of a member, its pieces joined. */
function contentOf(archive: Buffer, name: string): Buffer {
  return Buffer.concat(readPlainTar(archive).flatMap((member) => (member.name === name ? [member.content] : [])));
}

describe("an archive that came through a pipe", () => {
  test.each(["file", "pipe"] as const)("becomes what an export to a file is, but for the manifest (from a %s)", async (from) => {
    const { bytes, hasManifest } = await convert(await exported("piped"), { from });
    expect([hasManifest, await problemsOf(bytes)]).toEqual([true, []]);
    expect(namesIn(bytes)).toEqual(NAMES);
    expect(withoutManifest(bytes).equals(withoutManifest(await exported("file")))).toBe(true);
  });

  test("is cut in pieces anew on the way to another", async () => {
    const { bytes } = await convert(await exported("piped"), { from: "pipe", to: "pipe", chunkBytes: 7000 });
    expect(await problemsOf(bytes, "pipe")).toEqual([]);
    const pieces = readPlainTar(bytes).filter(({ name }) => name === "rootfs/base.dat");
    expect(pieces.slice(0, -1).every(({ content }) => content.length === 7000)).toBe(true);
    expect(contentOf(bytes, "rootfs/base.dat").equals(zfsStream("p.full.s1"))).toBe(true);
  });

  test("has members as large as the format allows", async () => {
    const archive = await exported("piped");
    const { bytes } = await convert(archive, { memberLimitBytes: 100_000 });
    const sizes = readPlainTar(bytes).filter(({ name }) => name === "rootfs/base.dat").map(({ content }) => content.length); // prettier-ignore
    expect(sizes).toEqual([100_000, 100_000, zfsStream("p.full.s1").length - 200_000]);
    expect(await problemsOf(bytes)).toEqual([]);
  });
});

test.each(FORMS)("a canonical archive comes back byte for byte through a pipe (%s)", async (form) => {
  const canonical = (await convert(await exported(form))).bytes;
  const piped = (await convert(canonical, { to: "pipe" })).bytes;
  expect(piped.equals(canonical)).toBe(false);
  expect((await convert(piped, { from: "pipe" })).bytes.equals(canonical)).toBe(true);
});

test("an archive that is gzipped as a whole is converted too", async () => {
  const archive = await exported("piped");
  for (const from of ["file", "pipe"] as const) {
    expect((await convert(gzipSync(archive), { from })).bytes.equals((await convert(archive)).bytes)).toBe(true);
  }
});

describe("the manifest of a converted archive", () => {
  test("says of streams what their records do, and keeps the properties of datasets", async () => {
    const { tool, container, datasets, streams } = manifestOf((await convert(await exported("piped"))).bytes);
    expect([tool, container, datasets]).toEqual(["ctar test", "mail01", [{ dataset: "", properties: { quota: "1073741824" } }]]);
    const counts = await Promise.all(STREAMS.map(async ({ bytes }) => (await recordsOf(bytes)).length));
    expect(streams.map(({ facts }) => [facts?.records, facts?.snapshot])).toEqual([[counts[0], "s1"], [counts[1], "s1"], [counts[2], "s3"]]); // prettier-ignore
    expect(streams.map(({ pieces, raw }) => [pieces, raw])).toEqual(streams.map(({ stored }) => [1, stored]));
    expect(streams[2]?.facts?.fromGuid).toBe(streams[0]?.facts?.toGuid as string);
  });

  test("has sizes only where nothing was checked", async () => {
    const { bytes } = await convert(await exported("gzip"), { verify: false });
    const [stream] = manifestOf(bytes).streams;
    const stored = contentOf(bytes, "rootfs/base.dat.gz").length;
    expect(stream).toEqual({
      dataset: "",
      kind: "base",
      member: "rootfs/base.dat.gz",
      pieces: 1,
      stored: { bytes: stored },
      raw: { bytes: zfsStream("p.full.s1").length },
    });
    expect(await problemsOf(bytes)).toEqual([]);
  });

  test("is made for an archive that had none", async () => {
    const { bytes, hasManifest } = await convert(withoutManifest(await exported("piped")));
    expect([hasManifest, await problemsOf(bytes)]).toEqual([false, []]);
    expect(manifestOf(bytes).datasets).toEqual([]);
  });
});

describe("compression", () => {
  test("is kept to the byte", async () => {
    const archive = await exported("gzip");
    const { bytes } = await convert(archive);
    for (const name of ["rootfs/base.dat.gz", "rootfs/srv/base.dat.gz", "rootfs/incremental.dat.gz"]) {
      expect(contentOf(bytes, name).equals(contentOf(archive, name))).toBe(true);
    }
  });

  test.each(["file", "pipe"] as const)("is taken away with off, and there again with gzip (from a %s)", async (from) => {
    const raw = (await convert(await exported("gzip"), { from, compression: "off" })).bytes;
    expect(withoutManifest(raw).equals(withoutManifest(await exported("file")))).toBe(true);
    const gzipped = (await convert(raw, { from, compression: "gzip" })).bytes;
    expect(await problemsOf(gzipped)).toEqual([]);
    expect(gunzipSync(contentOf(gzipped, "rootfs/base.dat.gz")).equals(zfsStream("p.full.s1"))).toBe(true);
    expect((await convert(gzipped, { from, compression: "off" })).bytes.equals(raw)).toBe(true);
  });

  test("is left as it is where it is asked for and there", async () => {
    const archive = (await convert(await exported("gzip"))).bytes;
    expect((await convert(archive, { compression: "gzip", gzip: { level: 1, threads: 1 } })).bytes.equals(archive)).toBe(true);
  });
});

describe("texts", () => {
  const OF_TODAY: readonly [ExampleName, Variant][] = [
    ["01-full-zfs-consistent", "golden"],
    ["02-full-zfs-minimal-stopped", "golden"],
    ["03-skel-for-send", "golden"],
    ["04-repository-image-tar", "no-end-blocks"],
    ["05-repository-image-zfs", "no-end-blocks"],
    ["08-newer-upstream-2025plus", "golden"],
  ];

  test.each(OF_TODAY)("stay as they are, and entries in upstream's order: %s, %s", async (name, variant) => {
    const { bytes } = await convert(await packExample(name, variant), { verify: false });
    const written = readPlainTar(bytes).filter((member) => !isManifest(member));
    const expected = exampleEntries(name).map(({ name: member, mode, data }) => [member, mode, Buffer.from(data ?? []).toString("latin1")]);
    expect(written.map(({ name: member, mode, content }) => [member, mode, content.toString("latin1")])).toEqual(expected);
  });

  test.each(EXAMPLES.filter((name) => name !== "03-skel-for-send"))("come in order however they were: %s", async (name) => {
    const sorted = await convert(await packExample(name, "golden"), { verify: false });
    const shuffled = await packExample(name, "shuffled");
    const names = namesIn((await convert(shuffled, { verify: false })).bytes);
    expect(names.filter((member) => !member.startsWith("hooks/"))).toEqual(
      namesIn(sorted.bytes).filter((member) => !member.startsWith("hooks/")),
    );
    for (const member of names.filter((hook) => hook.includes(".d/")))
      expect(names.slice(0, names.indexOf(member))).toContain(path.dirname(member));
    expect(await refusalOf(shuffled, { verify: false, from: "pipe" })).toMatch(/^damaged: .* in one pass: /);
  });

  test("of 2018 come into today's form", async () => {
    const streams = { "rootfs/base.dat.gz": gzipSync(zfsStream("p.full.s1")) };
    const { bytes } = await convert(await packExample("07-legacy-2018-shapes", "golden", { streams }));
    expect(await problemsOf(bytes)).toEqual([]);
    expect(contentOf(bytes, "metadata.yml").toString()).toBe(
      '---\ntype: full\nformat: zfs\nuser: user01\ngroup: "/default"\ncontainer: old01\ndatasets: []\nexported_at: 1517400000\n',
    );
    expect(contentOf(bytes, "snapshots.yml").toString()).toBe("--- []\n");
    const map = "- 0:666000:65536\n";
    expect(contentOf(bytes, "config/user.yml").toString()).toBe(`---\nuid_map:\n${map}gid_map:\n${map}standalone: true\nattrs: {}\n`);
    expect(contentOf(bytes, "config/group.yml").toString()).not.toContain("path:");
    expect(contentOf(bytes, "config/container.yml").toString()).toContain("prlimits:\n  nofile:\n    soft: 1024\n    hard: 4096\n");
  });

  test("of the OpenVZ converter lose their aliases, and groups begin with a slash", async () => {
    const { bytes } = await convert(await packExample("06-openvz-converter-tar", "golden"), { verify: false });
    expect(example("06-openvz-converter-tar/config/user.yml").toString()).toContain("*");
    expect(contentOf(bytes, "config/user.yml").toString()).not.toMatch(/[&*]/);
    expect(contentOf(bytes, "metadata.yml").toString()).toContain('group: "/default"\n');
  });

  test("keep what is not known", async () => {
    const members = readPlainTar(await exported("file")).filter(
      ({ name }) => name !== "metadata.yml" && !isManifest({ name } as PlainMember),
    );
    const metadata = "---\ntype: full\nuser:\ngroup:\ncontainer: mail01\ndatasets:\n- srv\nlater: 1\n";
    const [text] = readPlainTar(sketchTar({ name: "metadata.yml", data: metadata }));
    const { bytes } = await convert(joinPlainTar([text as PlainMember, ...members]));
    expect(contentOf(bytes, "metadata.yml").toString()).toBe(
      "---\ntype: full\nformat: zfs\nuser:\ngroup:\ncontainer: mail01\ndatasets:\n- srv\nexported_at: 0\nlater: 1\n",
    );
  });
});

describe("a damaged archive is refused", () => {
  test.each(FORMS)("wherever it is cut (%s)", async (form) => {
    const archive = await exported(form);
    const cuts = Array.from({ length: 40 }, (_, index) => Math.floor((archive.length * index) / 40));
    for (const cut of [...cuts, archive.length - 1]) {
      for (const from of ["file", "pipe"] as const) {
        expect([cut, await refusalOf(archive.subarray(0, cut), { from })]).toEqual([cut, expect.stringMatching(/^damaged: Cannot /)]);
      }
    }
  });

  test.each(FORMS)("whichever member has a flipped bit (%s)", async (form) => {
    const archive = await exported(form);
    const members = readPlainTar(archive).filter(({ content }) => content.length > 0);
    for (const { name, offset, content } of members) {
      if (name === MANIFEST) continue;
      const flipped = Buffer.from(archive);
      const at = offset + 512 + (content.length >> 1);
      flipped[at] = (flipped[at] as number) ^ 4;
      for (const from of ["file", "pipe"] as const) {
        for (const compression of ["keep", "off", "gzip"] as const) {
          const refusal = await refusalOf(flipped, { from, compression, gzip: { level: 1, threads: 1 } });
          expect([name, refusal]).toEqual([name, expect.stringMatching(/^damaged: Cannot /)]);
        }
      }
    }
  });

  test.each(["file", "pipe"] as const)(
    "without a manifest too, by its records, which are not looked at with verify off (from a %s)",
    async (from) => {
      const archive = withoutManifest(await exported("file"));
      const flipped = Buffer.from(archive);
      const member = readPlainTar(archive).find(({ name }) => name === "rootfs/srv/base.dat");
      const at = (member?.offset ?? 0) + 512 + 60_000;
      flipped[at] = (flipped[at] as number) ^ 4;
      expect(await refusalOf(flipped, { from })).toMatch(
        /^damaged: Cannot convert "rootfs\/srv\/base.dat": .*its checksum.* \(at byte \d+ of the stream\)$/,
      );
      expect(await refusalOf(flipped, { from, verify: false })).toBe("converted");
    },
  );

  test("that lacks a stream, or has one twice", async () => {
    const members = readPlainTar(await exported("file"));
    const without = (name: string): Buffer => joinPlainTar(members.filter((member) => member.name !== name));
    expect(await refusalOf(without("rootfs/srv/base.dat"), { from: "pipe" })).toMatch(
      /^damaged: Cannot convert .*"rootfs\/srv\/base.dat", which is missing/,
    );
    expect(await refusalOf(without("rootfs/srv/base.dat"))).toMatch(/^damaged: .*it has no "rootfs\/srv\/base.dat"/);
    const twice = sketchTar({ name: "rootfs/base.dat.gz", data: gzipSync(zfsStream("p.full.s1")) });
    const doubled = joinPlainTar([...members.slice(0, -2), ...readPlainTar(twice), ...members.slice(-2)]);
    expect(await refusalOf(doubled)).toMatch(/^damaged: Cannot convert .*another stream of that kind/);
  });

  test("that is none", async () => {
    expect(await refusalOf(Buffer.alloc(0))).toBe('damaged: Cannot convert "a.tar": it is empty');
    expect(await refusalOf(Buffer.alloc(5000, "x"))).toMatch(/^damaged: Cannot read archive: /);
    const other = sketchTar({ name: "etc/hostname", data: "web01" });
    expect(await refusalOf(other)).toBe('damaged: Cannot convert the archive: it has no "metadata.yml", so it is no container archive');
  });
});
