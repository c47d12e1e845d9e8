import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { inspectArchive } from "../../src/archive/inspect-archive.ts";
import { ArchiveReader } from "../../src/archive/read.ts";
import { ToolError } from "../../src/errors.ts";
import type { ByteSource } from "../../src/stream/bytes.ts";
import { encodePax } from "../../src/stream/tar/pax.ts";
import { openInput } from "../../src/sys/input.ts";
import { packUpstream, upstreamHeader, type ExampleEntry } from "../support/example-archives.ts";
import { sketchEntry, type EntrySketch } from "../support/tar.ts";
import { pipeOf, VirtualFile } from "../support/virtual-file.ts";

const HEAD: Record<string, string> = {
  "metadata.yml": "type: full\nformat: zfs\ndatasets: [srv]\n",
  "config/container.yml": "distribution: debian\n",
  "hooks/pre-start": "#!/bin/sh\n",
};
const DATA: Record<string, string> = { "rootfs/base.dat": "root ".repeat(150), "rootfs/srv/base.dat": "srv ".repeat(10) };
const ALL: Record<string, string> = { ...HEAD, ...DATA, "snapshots.yml": "- osctl-base-1\n" };
/** The members in the order in which a file hands them out. */
const IN_ORDER = [...Object.entries(HEAD), ["snapshots.yml", ALL["snapshots.yml"]], ...Object.entries(DATA)];
const END = Buffer.alloc(1024);
const MODES = ["file", "pipe"] as const;
type Mode = (typeof MODES)[number];

function readerOf(archive: Uint8Array, mode: Mode): ArchiveReader {
  return new ArchiveReader(sourceOf(archive, mode));
}

function sourceOf(archive: Uint8Array, mode: Mode): ByteSource {
  const file = VirtualFile.of(archive);
  return mode === "file" ? file : pipeOf(file);
}

/** Members as an import takes them: texts as such, streams as streams. @param keep called with each, to see what came before an error */
async function contents(reader: ArchiveReader, keep?: (member: [string, string]) => void): Promise<[string, string][]> {
  const found: [string, string][] = [];
  for await (const member of reader.members()) {
    const chunks: Uint8Array[] = [];
    if (member.kind.is === "stream") for await (const chunk of member.bytes()) chunks.push(chunk);
    else chunks.push(await member.text());
    found.push([member.name, Buffer.concat(chunks).toString()]);
    keep?.([member.name, Buffer.concat(chunks).toString()]);
  }
  return found;
}

async function refusal(archive: Uint8Array, mode: Mode): Promise<ToolError> {
  const outcome = await contents(readerOf(archive, mode)).catch((error: unknown) => error);
  if (outcome instanceof ToolError && outcome.code === "damaged") return outcome;
  throw outcome instanceof Error ? outcome : new Error(`accepted: ${JSON.stringify(outcome)}`);
}

function entryOf(name: string, data: string | undefined): ExampleEntry {
  return { name, mode: data === undefined ? 0o040755 : 0o100644, data: data === undefined ? undefined : Buffer.from(data) };
}

/** An archive of texts, by name. */
function pack(members: Iterable<readonly [name: string, data: string | undefined]>): Buffer {
  return Buffer.concat([packUpstream(Array.from(members, ([name, data]) => entryOf(name, data))), END]);
}

/** The whole archive, with something in front of it. */
function behind(...entries: Uint8Array[]): Buffer {
  return Buffer.concat([...entries, pack(Object.entries(ALL))]);
}

function pax(typeflag: "x" | "g", ...records: [string, string][]): Buffer {
  return sketchEntry({ name: "pax", typeflag, data: encodePax(records) });
}

describe("ArchiveReader", () => {
  test("hands out the members of a pipe as they come", async () => {
    expect(await contents(readerOf(pack(Object.entries(ALL)), "pipe"))).toEqual(Object.entries(ALL));
  });

  test("hands out the members of a file in the order of an import", async () => {
    for (const order of [Object.entries(ALL), Object.entries(ALL).toReversed()]) {
      expect(await contents(readerOf(pack(order), "file"))).toEqual(IN_ORDER as [string, string][]);
    }
  });

  test("joins pieces in a file whatever lies between, in their order", async () => {
    const apart: [string, string][] = [["rootfs/base.dat", "one "], ...Object.entries(HEAD), ["rootfs/srv/base.dat", "s"], ["rootfs/base.dat", "two "], ["README", "-"], ["rootfs/base.dat", "three"], ["rootfs/srv/base.dat", "rv"]]; // prettier-ignore
    const found = new Map(await contents(readerOf(pack(apart), "file")));
    expect([found.get("rootfs/base.dat"), found.get("rootfs/srv/base.dat")]).toEqual(["one two three", "srv"]);
    expect((await refusal(pack([...Object.entries(HEAD), ...apart.slice(-4)]), "pipe")).hints[0]).toContain("Save the archive to a file");
  });

  test("joins pieces of one size and of others", async () => {
    const sizes = [512, 512, 512, 0, 0, 7, 7, 512, 512, 1000];
    const pieces = sizes.map((size, index): [string, string] => ["rootfs/base.dat", String(index).repeat(size)]);
    const archive = pack([...Object.entries(HEAD), ...pieces, ["rootfs/srv/base.dat", ""]]);
    for (const mode of MODES) {
      expect(new Map(await contents(readerOf(archive, mode))).get("rootfs/base.dat")).toBe(pieces.map(([, text]) => text).join(""));
      const members = await Array.fromAsync(readerOf(archive, mode).inArchiveOrder());
      const stream = members.find(({ name }) => name === "rootfs/base.dat");
      expect([stream?.pieces, stream?.storedBytes]).toEqual([sizes.length, sizes.reduce((sum, size) => sum + size)]);
    }
  });

  test.each(MODES)("takes the first of several texts of one name, and every hook, from a %s", async (mode) => {
    const again = ["metadata.yml", "config/container.yml", "hooks/pre-start"].map((name): [string, string] => [name, "again"]);
    const archive = pack([
      ...Object.entries(HEAD),
      ...again,
      ...Object.entries(DATA),
      ["snapshots.yml", "- a\n"],
      ["snapshots.yml", "- b\n"],
    ]);
    const found = await contents(readerOf(archive, mode));
    const expected: [string, string][] = [...Object.entries(HEAD), ["hooks/pre-start", "again"], ...Object.entries(DATA), ["snapshots.yml", "- a\n"]]; // prettier-ignore
    expect(found.map(String).toSorted()).toEqual(expected.map(String).toSorted());
  });

  test.each(MODES)("says how a %s ended", async (mode) => {
    const whole = pack(Object.entries(ALL));
    for (const [archive, end] of [
      [whole, "blocks"],
      [whole.subarray(0, -1024), "eof"],
    ] as const) {
      const reader = readerOf(archive, mode);
      await contents(reader);
      expect(reader.end).toBe(end);
    }
  });

  test("reads of a file nothing but headers and what is asked for", async () => {
    const MiB = 1024 ** 2;
    const head = packUpstream(Object.entries(HEAD).map(([name, data]) => entryOf(name, data)));
    const headers = ["rootfs/base.dat", "rootfs/base.dat", "rootfs/srv/base.dat"].map((name, index) => ({
      at: head.length + index * (512 + 100 * MiB),
      bytes: upstreamHeader({ name, mode: 0o100644, size: 100 * MiB }),
    }));
    const file = new VirtualFile(head.length + 3 * (512 + 100 * MiB), [{ at: 0, bytes: head }, ...headers]);
    for await (const member of new ArchiveReader(file).members()) if (member.kind.is !== "stream") await member.text();
    expect(file.bytesRead).toBeLessThan(2 * head.length + 3 * 512);
    expect(file.reads).toBeLessThan(20);
  });

  test("refuses a file that is cut off before any data is taken", async () => {
    const archive = pack(Object.entries(ALL));
    const taken: string[] = [];
    await expect(contents(readerOf(archive.subarray(0, -1700), "file"), ([name]) => taken.push(name))).rejects.toThrow("cut off in");
    expect(taken).toEqual([]);
  });

  test.each(MODES)("honours extended headers in a %s", async (mode) => {
    const cut = upstreamHeader({ name: "short", mode: 0o100644, size: 0 });
    const block = Buffer.alloc(512);
    block.write("by pax");
    const long = sketchEntry({ name: "././@LongLink", typeflag: "L", data: "hooks/on-start.d/by-gnu\0" });
    const named = Buffer.concat([pax("x", ["path", "hooks/on-start"], ["size", "6"]), cut, block, long, sketchEntry({ name: "cut", data: "by GNU" })]); // prettier-ignore
    const found = new Map(await contents(readerOf(behind(named), mode)));
    expect([found.get("hooks/on-start"), found.get("hooks/on-start.d/by-gnu")]).toEqual(["by pax", "by GNU"]);
  });

  test("bounds what it keeps of a file, but not what passes on a pipe", async () => {
    const many = Buffer.concat(Array.from({ length: 80 }, (_, index) => sketchEntry({ name: `hooks/${index}${"x".repeat(450_000)}` })));
    expect((await refusal(behind(many), "file")).message).toBe("Cannot read archive: it has too many members to keep a list of them");
    expect(await contents(readerOf(behind(many), "pipe"))).toHaveLength(80 + Object.keys(ALL).length);
    await expect(inspectArchive(sourceOf(behind(many), "pipe"), "head")).rejects.toThrow("too many members");
  });
});

describe("ArchiveReader passes over", () => {
  const link = (name: string, typeflag: string): Buffer => sketchEntry({ name, typeflag, linkname: "target" });
  const directory = (name: string): Buffer => packUpstream([entryOf(name, undefined)]);

  test.each([
    ["directories, the root twice", Buffer.concat(["config", "rootfs", "rootfs/", "rootfs/srv", "hooks/x.d"].map(directory))],
    ["directories called like members", Buffer.concat(["metadata.yml", "rootfs/base.dat", "hooks/on-start"].map(directory))],
    ["unknown members", sketchEntry({ name: "./metadata.yml", data: "type: skel\n" })],
    ["unknown members with holes", holes("etc/fstab")],
    ["extended headers", Buffer.concat([pax("g", ["comment", "hello"]), pax("x", ["mtime", "1.5"]), sketchEntry({ name: "README" })])],
    ["links that mean nothing", Buffer.concat([link("rootfs/etc", "1"), link("README", "2")])],
    ["hooks that are no files", Buffer.concat([link("hooks/on-start", "2"), link("hooks/pre-stop", "6")])],
  ])("%s", async (_, entries) => {
    expect(await contents(readerOf(behind(entries), "file"))).toEqual(IN_ORDER as [string, string][]);
    expect(await contents(readerOf(behind(entries), "pipe"))).toEqual(Object.entries(ALL));
  });

  test.each([
    ["metadata.yml", "1", "a hard link"],
    ["config/user.yml", "2", "a symbolic link"],
    ["rootfs/base.dat.gz", "1", "a hard link"],
    ["rootfs/base.tar.gz", "2", "a symbolic link"],
    ["rootfs/srv/incremental.dat", "3", "a character device"],
    ["snapshots.yml", "6", "a FIFO"],
    ["ctar/manifest.json", "M", 'an entry of type "M"'],
  ])("but refuses %s of type %s", async (name, typeflag, what) => {
    for (const mode of MODES) {
      const { message } = await refusal(behind(link(name, typeflag)), mode);
      expect(message).toBe(`Cannot read "${name}": it is ${what}, not a file (at byte 0)`);
    }
  });

  test.each(["metadata.yml", "hooks/on-start", "rootfs/base.dat"])("but refuses %s when it is stored with holes", async (name) => {
    for (const mode of MODES) {
      const { message, hints } = await refusal(behind(holes(name)), mode);
      expect(message).toMatch(new RegExp(`^Cannot read "${name}": it is stored with holes \\(at byte \\d+\\)$`));
      expect(hints).toHaveLength(1);
    }
  });

  function holes(name: string): Buffer {
    const sparse: EntrySketch["sparse"] = { size: 8192, segments: [{ offset: 4096, length: 512 }, { offset: 8192, length: 0 }] }; // prettier-ignore
    return sketchEntry({ name, size: 512, data: "x".repeat(512), sparse });
  }
});

describe("ArchiveReader of damaged input", () => {
  const archive = pack(Object.entries(ALL));

  test.each(MODES)("gives of every prefix of a %s an error or equal data", async (mode) => {
    const expected = new Map(Object.entries(ALL));
    for (let length = 0; length < archive.length; length++) {
      const before: [string, string][] = [];
      const outcome = await contents(readerOf(archive.subarray(0, length), mode), (member) => before.push(member)).catch(
        (error: unknown) => error,
      );
      for (const [name, text] of before) expect(text).toBe(expected.get(name) as string);
      if (length % 512 !== 0) expect(outcome).toMatchObject({ code: "damaged", facts: { offset: length } });
      else if (outcome instanceof Error) expect(outcome).toMatchObject({ code: "damaged" });
      if (mode === "file" && outcome instanceof Error) expect(before).toEqual([]);
    }
  });

  test.each(MODES)("gives of every flipped bit in the headers of a %s an error or equal data", async (mode) => {
    const whole = new Set((mode === "file" ? IN_ORDER : Object.entries(ALL)).map((member) => JSON.stringify(member)));
    const headers = [...archive.keys()].filter((at) => at % 512 === 0 && archive.subarray(at + 257, at + 262).toString() === "ustar");
    expect(headers).toHaveLength(Object.keys(ALL).length);
    for (const header of headers) {
      for (let at = header; at < header + 512; at++) {
        const changed = archive.with(at, (archive[at] as number) ^ (1 << (at % 8)));
        const outcome = await contents(readerOf(changed, mode)).catch((error: unknown) => error);
        if (outcome instanceof Error) expect(outcome).toMatchObject({ code: "damaged", facts: { offset: header } });
        else expect((outcome as [string, string][]).every((member) => whole.has(JSON.stringify(member)))).toBe(true);
      }
    }
  });
});

describe("sizes that do not fit the header", () => {
  const GiB = 1024 ** 3;
  let directory = "";
  beforeAll(() => {
    directory = fs.mkdtempSync(path.join(os.tmpdir(), "ctar-read-"));
  });
  afterAll(() => fs.rmSync(directory, { recursive: true }));

  /** An archive with a root stream of a size, whose last bytes are given. */
  function huge(size: number, name: string, last: Uint8Array, options: { cutTo?: number } = {}): VirtualFile {
    const head = packUpstream(Object.entries(HEAD).map(([text, data]) => entryOf(text, data)));
    const header = upstreamHeader({ name, mode: 0o100644, size });
    const tail = packUpstream([entryOf("rootfs/srv/base.dat", "srv"), entryOf("snapshots.yml", "- a\n")]);
    const dataAt = head.length + 512;
    const endAt = dataAt + Math.ceil(size / 512) * 512;
    const parts = [
      { at: 0, bytes: Buffer.concat([head, header, Buffer.from("BEGIN")]) },
      { at: dataAt + size - last.length, bytes: last },
      { at: endAt, bytes: tail },
    ];
    return new VirtualFile(options.cutTo ?? endAt + tail.length + 1024, parts);
  }

  /** Reads the root stream. @returns its length, and its last bytes */
  async function readRoot(reader: ArchiveReader, lastBytes: number): Promise<[number, Buffer]> {
    let length = 0;
    let last: Uint8Array = new Uint8Array(0);
    for await (const member of reader.members()) {
      if (!member.name.startsWith("rootfs/base")) continue;
      for await (const chunk of member.bytes()) {
        length += chunk.length;
        last = chunk.length >= lastBytes ? chunk.slice(-lastBytes) : Buffer.concat([last, chunk]).subarray(-lastBytes);
      }
    }
    return [length, Buffer.from(last)];
  }

  /** Where the root stream of an archive file ends, without reading all of it. */
  async function rootBytes(file: VirtualFile): Promise<number> {
    const { streams } = await inspectArchive(file, "head");
    expect(streams.map(({ member }) => member)).toEqual([streams[0]?.member ?? "", "rootfs/srv/base.dat"]);
    return streams[0]?.storedBytes ?? 0;
  }

  test.each([
    [8 * GiB, 0],
    [8 * GiB + 312, 0],
    [64 * GiB - 8, 0],
    [64 * GiB, 7],
    [64 * GiB + 5, 7],
    [100 * GiB + 512 * 9 + 1, 7],
    [512 * GiB + 40, 63],
    [4096 * GiB - 8, 63],
    [4096 * GiB + 8, 511],
  ])("%d bytes are found again, but for %d", async (size, slack) => {
    const found = await rootBytes(huge(size, "rootfs/base.dat.gz", Buffer.from("the end")));
    expect(found).toBeGreaterThanOrEqual(size);
    expect(found).toBeLessThanOrEqual(size + slack);
    expect(Math.ceil(found / 512)).toBe(Math.ceil(size / 512));
  });

  test.each(MODES)("a bare stream from a %s has its very length", async (mode) => {
    const last = Buffer.from("END record and its checksum \x01\0\0\0");
    for (const size of [8 * GiB + 488, 64 * GiB + 72]) {
      const file = huge(size, "rootfs/base.dat", last);
      const [length, end] = await readRoot(new ArchiveReader(mode === "file" ? file : pipeOf(file)), last.length);
      expect([length, end.toString("latin1")]).toEqual([size, last.toString("latin1")]);
    }
  });

  test("a gzipped stream from a pipe has nothing but zeros behind its end", async () => {
    const size = 64 * GiB + 3;
    const last = Buffer.from("CRC and size\x01");
    const [length, end] = await readRoot(new ArchiveReader(pipeOf(huge(size, "rootfs/base.dat.gz", last))), 64);
    expect(length).toBeGreaterThanOrEqual(size);
    expect(length).toBeLessThan(size + 8);
    expect(end.subarray(0, 64 - (length - size)).subarray(-last.length)).toEqual(last);
    expect(end.subarray(64 - (length - size)).every((byte) => byte === 0)).toBe(true);
  });

  test("zeros where the data might end are not taken for the end", async () => {
    // all is zeros at an 8th of the size, as in a stream of a file full of them
    expect(await rootBytes(huge(72 * GiB, "rootfs/base.dat", Buffer.from("E")))).toBe(72 * GiB);
  });

  test("a file that was cut behind the 8th of a size is refused, with the place", async () => {
    const file = huge(72 * GiB, "rootfs/base.dat", Buffer.from("E"), { cutTo: 50 * GiB });
    const outcome = await inspectArchive(file, "head").catch((error: unknown) => error);
    expect(outcome).toMatchObject({ code: "damaged" });
    expect((outcome as Error).message).toMatch(/^Cannot read archive: the size of "rootfs\/base.dat" did not fit its field, and no size/);
  });

  test("a file that was cut before is cut off", async () => {
    const file = huge(72 * GiB, "rootfs/base.dat", Buffer.from("E"), { cutTo: 5 * GiB });
    await expect(inspectArchive(file, "head")).rejects.toThrow(/cut off in "rootfs\/base.dat", 5368\d+ of 9663676416 bytes/);
  });

  test("inspectArchive steps through a real file of more than 64 GiB, which would take minutes to read", async () => {
    const size = 70 * GiB + 16;
    const file = path.join(directory, "huge.tar");
    const head = packUpstream(Object.entries(HEAD).map(([name, data]) => entryOf(name, data)));
    const handle = fs.openSync(file, "w");
    const begin = Buffer.concat([head, upstreamHeader({ name: "rootfs/base.dat", mode: 0o100644, size })]);
    const rest = packUpstream([entryOf("snapshots.yml", "- a\n")]);
    fs.writeSync(handle, begin, 0, begin.length, 0);
    fs.writeSync(handle, rest, 0, rest.length, begin.length + Math.ceil(size / 512) * 512);
    fs.closeSync(handle);
    const began = performance.now();
    await using input = await openInput(file);
    const { streams, snapshots } = await inspectArchive(input, "head");
    expect(performance.now() - began).toBeLessThan(10_000);
    expect([streams.map(({ storedBytes }) => Math.floor(storedBytes / 8) * 8), snapshots]).toEqual([[size], ["a"]]);
  });
});
