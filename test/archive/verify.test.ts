import { gzipSync } from "node:zlib";
import { describe, expect, test } from "bun:test";
import { verifyInput } from "../../src/archive/verify.ts";
import { ToolError } from "../../src/errors.ts";
import { example } from "../support/archive.ts";
import { begin, END, records, type RecordSketch } from "../support/dmu.ts";
import { bytesOf, streamBegin, write } from "../support/drr.ts";
import { packExample } from "../support/example-archives.ts";
import { joinPlainTar, readPlainTar, type PlainMember } from "../support/plain-tar.ts";
import { sketchEntry, sketchTar } from "../support/tar.ts";
import { exported, FORMS, problemsOf, STREAMS, verified } from "../support/verify.ts";
import { ZFS_STREAMS, zfsStream } from "../support/zfs-stream.ts";

const MANIFEST = "ctar/manifest.json";
const FROM = ["file", "pipe"] as const;
const [ROOT, SRV, CHANGES] = STREAMS as readonly [(typeof STREAMS)[0], (typeof STREAMS)[0], (typeof STREAMS)[0]];

/** A member with other content. */
function member(name: string, data: string | Uint8Array): PlainMember {
  const [made] = readPlainTar(sketchTar({ name, data, mode: 0o100644 }));
  return made as PlainMember;
}

/** The canonical archive without its manifest, and its members changed. */
async function changed(change: (members: PlainMember[]) => PlainMember[]): Promise<Buffer> {
  const members = readPlainTar(await exported("file")).filter(({ name }) => name !== MANIFEST);
  return joinPlainTar(change(members));
}

function replaced(name: string, data: string | Uint8Array): (members: PlainMember[]) => PlainMember[] {
  return (members) => members.map((each) => (each.name === name ? member(name, data) : each));
}

function without(name: string): (members: PlainMember[]) => PlainMember[] {
  return (members) => members.filter((each) => each.name !== name);
}

describe("verifyInput finds nothing wrong with", () => {
  test.each(FORMS.flatMap((form) => FROM.map((from) => [form, from] as const)))("an export (%s), from a %s", async (form, from) => {
    const { findings, archive, compression } = await verified(await exported(form), from);
    expect(findings).toEqual([]);
    expect([compression, archive?.end, archive?.notes]).toEqual(["none", "blocks", []]);
    const seen = archive?.streams.map(({ member: name, raw, description }) => [name, raw?.bytes, description?.snapshots.length]);
    const suffix = form === "gzip" ? ".gz" : "";
    expect(seen).toEqual([
      [`rootfs/base.dat${suffix}`, ROOT.bytes.length, 1],
      [`rootfs/srv/base.dat${suffix}`, SRV.bytes.length, 1],
      [`rootfs/incremental.dat${suffix}`, CHANGES.bytes.length, 2],
    ]);
    expect(archive?.streams[0]?.pieces).toBe(form === "piped" ? Math.ceil(ROOT.bytes.length / 50_000) : 1);
  });

  test.each(FROM)("an export that is gzipped as a whole, from a %s", async (from) => {
    const { findings, archive, compression, bytes } = await verified(gzipSync(await exported("file")), from);
    expect([findings, compression, bytes, archive?.streams.length]).toEqual([[], "gzip", (await exported("file")).length, 3]);
  });

  test("an archive without manifest", async () => {
    const { findings, archive } = await verified(await changed((members) => members));
    expect([findings, archive?.texts.manifestOffset, archive?.notes]).toEqual([[], undefined, []]);
  });

  test("an archive padded with zeros, as tar does", async () => {
    expect(await problemsOf(Buffer.concat([await exported("file"), Buffer.alloc(9_728)]))).toEqual([]);
  });

  test("an archive in another order; but says that it cannot be piped", async () => {
    const { findings, archive } = await verified(await changed((members) => members.toReversed()));
    expect(findings).toEqual([]);
    expect(archive?.notes.join()).toContain("it can be imported from a file, but not from a pipe");
  });

  test("members that mean nothing; but counts them", async () => {
    const { findings, archive } = await verified(await changed((members) => [...members, member("readme", "hello")]));
    expect([findings, archive?.notes]).toEqual([[], ["1 members have names that mean nothing and were not checked"]]);
  });

  test("an image without end blocks, its root filesystem a tar", async () => {
    const rootfs = sketchTar({ name: "./", typeflag: "5" }, { name: "./a", data: "a" });
    const image = await packExample("04-repository-image-tar", "no-end-blocks", { streams: { "rootfs/base.tar.gz": gzipSync(rootfs) } });
    const { findings, archive } = await verified(image);
    expect([findings, archive?.streams[0]?.entries]).toEqual([[], 2]);
    expect(archive?.notes).toEqual(["it has no end blocks, so that nothing shows whether its end is missing"]);
  });

  test("a skeleton without data", async () => {
    expect(await problemsOf(await packExample("03-skel-for-send", "golden"))).toEqual([]);
  });

  test.each(ZFS_STREAMS.flatMap((name) => FROM.map((from) => [name, from] as const)))(
    "the ZFS stream %s, from a %s",
    async (name, from) => {
      const { findings, stream, archive } = await verified(zfsStream(name), from);
      expect([findings, archive, stream?.bytes]).toEqual([[], undefined, zfsStream(name).length]);
      expect(await verified(gzipSync(zfsStream(name)), from)).toMatchObject({
        findings: [],
        compression: "gzip",
        stream: stream as object,
      });
    },
  );
});

describe("verifyInput finds", () => {
  test.each<[string, (members: PlainMember[]) => PlainMember[], string]>([
    ["no metadata.yml", without("metadata.yml"), 'there is no "metadata.yml"'],
    ["no container.yml", without("config/container.yml"), 'there is no "config/container.yml"'],
    ["no snapshots.yml", without("snapshots.yml"), 'there is no "snapshots.yml"'],
    ["a listed dataset without stream", without("rootfs/srv/base.dat"), 'there is no "rootfs/srv/base.dat"'],
    ["an incremental stream alone", without("rootfs/base.dat"), "rootfs/incremental.dat: it has no base stream"],
    [
      "a dataset that is not listed",
      (members) => [...members, member("rootfs/opt/base.dat", SRV.bytes)],
      "rootfs/opt/base.dat: metadata.yml does not list its dataset",
    ],
    [
      "a tar among streams",
      (members) => [...members, member("rootfs/base.tar.gz", gzipSync(sketchTar({ name: "a" })))],
      'rootfs/base.tar.gz: metadata.yml announces format "zfs"',
    ],
    [
      "two streams of a dataset",
      (members) => [...members, member("rootfs/base.dat.gz", gzipSync(ROOT.bytes))],
      "rootfs/base.dat.gz: the dataset has another stream of that kind",
    ],
    ["a text twice", (members) => [...members, member("metadata.yml", "---\n")], "metadata.yml: there is another member of that name"],
    ["a hook twice", (members) => [...members, member("hooks/pre-start", "x")], "hooks/pre-start: there is another member of that name"],
    ["no YAML", replaced("config/container.yml", "a: ["), "config/container.yml: "],
    [
      "a configuration that osctld would not survive",
      replaced("config/user.yml", "---\nuid_map: 5\ngid_map: []\n"),
      "config/user.yml: uid_map is 5",
    ],
    ["a group's bad configuration", replaced("config/group.yml", "---\ndevices: 1\n"), "config/group.yml: devices is 1"],
    ["bad metadata", replaced("metadata.yml", "---\ntype: full\nformat: rar\n"), 'metadata.yml: format is "rar"'],
    ["a bad snapshot name", replaced("snapshots.yml", "---\n- a@b\n"), 'snapshots.yml: "a@b" is no snapshot name'],
    [
      "a transfer snapshot that no stream brings",
      replaced("snapshots.yml", "---\n- osctl-base-1\n"),
      'snapshots.yml: no stream brings the snapshot "osctl-base-1"',
    ],
    ["no stream", replaced("rootfs/base.dat", Buffer.alloc(1000, "x")), "rootfs/base.dat: it does not begin with a BEGIN record"],
    ["an empty stream", replaced("rootfs/base.dat", ""), "rootfs/base.dat: it is empty"],
    ["a full stream that is none", replaced("rootfs/srv/base.dat", CHANGES.bytes), "rootfs/srv/base.dat: it is no full stream"],
    ["an incremental stream that is full", replaced("rootfs/incremental.dat", SRV.bytes), "rootfs/incremental.dat: it is a full stream"],
    [
      "an incremental stream of another base",
      replaced("rootfs/base.dat", zfsStream("lz4.full-c.s1")),
      "rootfs/incremental.dat: it starts from a snapshot with guid",
    ],
    ["a later manifest", (members) => [...members, member(MANIFEST, '{"manifest":0}')], "ctar/manifest.json: it is no manifest"],
  ])("%s", async (_, change, problem) => {
    const problems = await problemsOf(await changed(change));
    expect(problems.filter((each) => each.startsWith(problem))).toHaveLength(1);
    expect(problems.length).toBeLessThanOrEqual(2);
  });

  test.each(FROM)("every damaged stream, from a %s, each where it is damaged", async (from) => {
    const archive = await exported("file");
    const members = readPlainTar(archive).filter(({ name }) => name.endsWith(".dat"));
    for (const { offset } of members) archive[offset + 512 + 20_000] = (archive[offset + 512 + 20_000] as number) ^ 1;
    const { findings } = await verified(archive, from);
    expect(findings.map(({ member: name }) => name)).toEqual(["rootfs/base.dat", "rootfs/srv/base.dat", "rootfs/incremental.dat"]);
    for (const [index, { offset, streamOffset = -1 }] of findings.entries()) {
      expect(streamOffset).toBeGreaterThan(20_000 - 312);
      expect(offset).toBe((members[index]?.offset ?? 0) + 512 + streamOffset);
    }
  });

  test.each(FROM)("damage in a stream of pieces, from a %s, and where in the archive it is", async (from) => {
    const archive = await exported("piped");
    const pieces = readPlainTar(archive).filter(({ name }) => name === "rootfs/base.dat");
    const at = (pieces[3]?.offset ?? 0) + 512 + 1000;
    archive[at] = (archive[at] as number) ^ 1;
    const [finding, ...others] = (await verified(archive, from)).findings;
    const streamOffset = finding?.streamOffset ?? 0;
    const piece = pieces[Math.floor(streamOffset / 50_000)];
    expect([finding?.member, others]).toEqual(["rootfs/base.dat", []]);
    expect(streamOffset).toBeGreaterThan(3 * 50_000 + 1000 - 312);
    expect(finding?.offset).toBe((piece?.offset ?? 0) + 512 + (streamOffset % 50_000));
  });

  test("what differs from the manifest", async () => {
    const members = readPlainTar(await exported("file"));
    const archive = joinPlainTar([
      ...without("config/group.yml")(replaced("hooks/pre-start", "#!/bin/sh\n: else\n")(members)),
      member("hooks/post-stop", "x"),
    ]);
    const problems = await problemsOf(archive);
    expect(problems.toSorted()).toEqual([
      'ctar/manifest.json: it lists "config/group.yml", which is missing',
      "hooks/post-stop: the manifest does not list it",
      "hooks/pre-start: its checksum differs from the manifest",
    ]);
  });

  test.each<[string, (text: string) => string, string]>([
    ["another container", (text) => text.replace('"mail01"', '"mail02"'), "it is of another container than metadata.yml"],
    ["a dataset that is not there", (text) => text.replace('"dataset": "",\n      "prop', '"dataset": "x",\n      "prop'), "it has properties of a dataset that metadata.yml does not list"], // prettier-ignore
    [
      "datasets that are none",
      (text) => text.replace(/"datasets": \[[^]*/, '"datasets": [null, 5]}'),
      "fields are missing or of the wrong type",
    ],
    ["facts that are none", (text) => text.replace('"stored": {', '"facts": null, "stored": {'), "fields are missing or of the wrong type"],
    [
      "another number of pieces",
      (text) => text.replace('"pieces": 1', '"pieces": 2'),
      "the number of its pieces differs from the manifest",
    ],
    ["another place", (text) => text.replace('"kind": "base"', '"kind": "incremental"'), "its place differs from the manifest"],
    ["facts of another stream", (text) => text.replace('"stored": {', '"facts": {"records": 1}, "stored": {'), "what its records say differs from the manifest"], // prettier-ignore
  ])("a manifest that tells of %s", async (_, change, problem) => {
    const members = readPlainTar(await exported("file"));
    const text = members.find(({ name }) => name === MANIFEST)?.content.toString() ?? "";
    expect(change(text)).not.toBe(text);
    const { findings } = await verified(joinPlainTar(replaced(MANIFEST, change(text))(members)));
    expect(findings.map((finding) => finding.problem)).toEqual([problem]);
  });

  test("a stream that holds together and is another than the manifest's", async () => {
    const other = bytesOf([streamBegin(), write({}, 512)]);
    const members = readPlainTar(await exported("file"));
    const problems = await problemsOf(joinPlainTar(replaced("rootfs/srv/base.dat", other)(members)));
    expect(problems).toEqual(["rootfs/srv/base.dat: its checksum differs from the manifest"]);
  });

  test("records that make no sense although their checksums hold", async () => {
    const hostile = bytesOf([streamBegin(), write({ object: 0 }, 512)]);
    expect(await problemsOf(hostile)).toEqual(["WRITE record of object 0: drr_object is 0, expected 1 to 2^48 - 1"]);
  });

  test("a package whose streams do not go on where the one before ended", async () => {
    const stream = (toGuid: bigint, fromGuid: bigint): RecordSketch[] => [
      { ...begin({ toGuid, fromGuid }), fields: [...(begin({ toGuid, fromGuid }).fields ?? []), [32, 4, 2]] },
      { ...END, fields: [[40, 8, toGuid]] },
    ];
    const head: RecordSketch[] = [begin({ compound: true, toGuid: 0n }), END];
    const chained = records([...head, ...stream(5n, 0n), ...stream(6n, 5n), END]);
    const broken = records([...head, ...stream(5n, 0n), ...stream(6n, 4n), END]);
    expect(await problemsOf(chained)).toEqual([]);
    expect(await problemsOf(broken)).toEqual(['the stream of "t@s" starts from the snapshot with guid 4, the one before it ended at 5']);
  });

  test("missing end blocks of an export", async () => {
    const archive = await exported("file");
    expect(await problemsOf(archive.subarray(0, -1024))).toEqual(["it is cut off: the end blocks are missing"]);
    const bare = await changed((members) => members);
    expect(await problemsOf(bare.subarray(0, -1024))).toEqual(["it is cut off: the end blocks are missing"]);
  });

  test("data behind the end blocks", async () => {
    const archive = await exported("file");
    const { findings } = await verified(Buffer.concat([archive, Buffer.alloc(512), Buffer.from("x")]));
    expect(findings).toEqual([{ offset: archive.length + 512, problem: "there is data behind the end blocks" }]);
  });

  test("a tar within that is cut off although gzip is whole", async () => {
    const cut = gzipSync(sketchTar({ name: "a", data: "a".repeat(3000) }).subarray(0, 2000));
    const image = await packExample("04-repository-image-tar", "golden", { streams: { "rootfs/base.tar.gz": cut } });
    expect(await problemsOf(image)).toEqual(['rootfs/base.tar.gz: cut off in "a", 1488 of 3000 bytes of data are there']);
  });

  test("pieces that are not one behind the other only in a pipe", async () => {
    const data = ROOT.bytes;
    const halves = [data.subarray(0, 100_000), data.subarray(100_000)].map((half) => member("rootfs/base.dat", half));
    const archive = await changed((members) => [...without("rootfs/base.dat")(members), ...halves.slice(0, 1), member("other", ""), ...halves.slice(1)]); // prettier-ignore
    expect(await problemsOf(archive)).toEqual([]);
    const [problem, ...others] = await problemsOf(archive, "pipe");
    expect([problem, others]).toEqual(["rootfs/base.dat: its pieces are not one behind the other, so that only a file can be checked", []]);
  });

  test("damage in scattered pieces", async () => {
    const data = Buffer.from(ROOT.bytes);
    data[200_000] = (data[200_000] as number) ^ 1;
    const [first, second] = [data.subarray(0, 100_000), data.subarray(100_000)].map((half) => member("rootfs/base.dat", half)) as [PlainMember, PlainMember]; // prettier-ignore
    const { findings } = await verified(await changed((members) => [first, ...without("rootfs/base.dat")(members), second]));
    expect(findings).toMatchObject([{ offset: 0, member: "rootfs/base.dat" }]);
    expect(findings[0]?.streamOffset).toBeGreaterThan(200_000 - 312);
  });

  test.each([
    ["nothing", Buffer.alloc(0), 'there is no "metadata.yml"'],
    ["a text", Buffer.from("hello, world\n".repeat(100)), "it is neither an archive nor a ZFS stream: "],
    ["a gzipped text", gzipSync("hello, world\n".repeat(100)), "it is neither an archive nor a ZFS stream: "],
    ["the beginning of a gzip file", gzipSync("hello, world\n".repeat(100)).subarray(0, 12), "it is cut off"],
    ["a tar of something else", sketchTar({ name: "a", data: "a" }), 'there is no "metadata.yml"'],
  ])("that %s is no archive", async (_, bytes, problem) => {
    const problems = await problemsOf(bytes);
    expect(problems.some((each) => each.includes(problem))).toBe(true);
  });

  test("no more than a thousand things, and counts the others", async () => {
    const doubles = Array.from({ length: 1200 }, () => sketchEntry({ name: "metadata.yml", data: example("02-full-zfs-minimal-stopped/metadata.yml") })); // prettier-ignore
    const { findings, moreFindings } = await verified(Buffer.concat([...doubles, Buffer.alloc(1024)]));
    expect(findings).toHaveLength(1000);
    // the first one is right; container.yml, the stream and snapshots.yml are missing
    expect(findings.length + moreFindings).toBe(1199 + 3);
  });
});

test("verifyInput passes on that the input cannot be read", async () => {
  const broken = { size: undefined, offset: 0, skip: async () => await Promise.resolve(0), read: () => Promise.reject(new ToolError("failed", "Cannot read")) }; // prettier-ignore
  expect(await verifyInput(broken, "a.tar").catch((error: unknown) => error)).toMatchObject({ code: "failed" });
});
