import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { pack } from "tar-stream";
import { ToolError } from "../../../src/errors.ts";
import { StreamSource } from "../../../src/stream/stream-source.ts";
import { encodePax } from "../../../src/stream/tar/pax.ts";
import { TarReader } from "../../../src/stream/tar/read.ts";
import { openInput } from "../../../src/sys/input.ts";
import { nameOf, readTar, sketchEntry, sketchTar, streamOf, type ReadEntry } from "../../support/tar.ts";

const GOLDEN = new URL("../../fixtures/examples/golden/", import.meta.url);
let scratch = "";
beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), "ctar-tar-read-"));
});
afterAll(() => rmSync(scratch, { recursive: true }));

const ZEROS = new Uint8Array(512);

/** Entries with everything that has a header of its own in front. */
const SMALL = sketchTar(
  { name: "./", typeflag: "5", mode: 0o755 },
  { name: "./a", data: "hello" },
  { name: `./${"long/".repeat(60)}name`, data: "x".repeat(512), mtimeNs: 1_500_000_000n },
  { name: "./holes", size: 1024, data: "y".repeat(1024), sparse: { size: 8192, segments: [{ offset: 4096, length: 1024 }, { offset: 8192, length: 0 }] } }, // prettier-ignore
  { name: "./link", typeflag: "2", linkname: "t".repeat(150) },
);

function shown({ entry, data }: ReadEntry): unknown {
  const { uid, mode, size, mtimeNs, typeflag, headerOffset, dataOffset, sparse } = entry;
  const names = [[...entry.name], [...entry.linkname], [...entry.pax.keys()]];
  return { names, uid, mode, size, mtimeNs, typeflag, headerOffset, dataOffset, sparse, data: data.toString("latin1") };
}

async function damageOf(bytes: Uint8Array): Promise<{ before: ReadEntry[]; error: ToolError }> {
  const before: ReadEntry[] = [];
  try {
    await readTar(bytes, { keep: (read) => before.push(read) });
  } catch (error) {
    if (error instanceof ToolError && error.code === "damaged") return { before, error };
    throw error;
  }
  throw new Error("nothing is damaged");
}

describe("TarReader", () => {
  test.each([
    ["01-full-zfs-consistent.tar", 20, "blocks"],
    ["02-split-members.tar", 11, "blocks"],
    ["04-repository-image-tar-noeof.tar", 5, "eof"],
  ] as const)("reads %s to its end", async (name, count, end) => {
    const found = await readTar(readFileSync(new URL(name, GOLDEN)));
    expect([found.entries.length, found.end]).toEqual([count, end]);
  });

  test("takes a tar that ends right behind its data, or within its padding, only as it is told to", async () => {
    const whole = sketchTar({ name: "a", data: "hello" });
    const endOf = async (length: number, mayEndUnpadded: boolean): Promise<string | undefined> => {
      const reader = new TarReader(new StreamSource(streamOf(whole.subarray(0, length))), { mayEndUnpadded });
      try {
        while ((await reader.next()) !== undefined);
      } catch (error) {
        return (error as Error).message;
      }
      return reader.end;
    };
    const behindData = 512 + 5;
    expect(await endOf(behindData, true)).toBe("eof");
    expect(await endOf(behindData, false)).toContain("0 of 507 bytes of padding");
    expect(await endOf(behindData - 1, true)).toContain("4 of 5 bytes");
    expect(await endOf(behindData + 1, true)).toContain("1 of 507 bytes of padding");
  });

  test("gives the same entries however the input is cut into chunks", async () => {
    const whole = (await readTar(SMALL)).entries.map(shown);
    expect(whole).toHaveLength(5);
    const sizes = fc.array(fc.integer({ min: 1, max: 2000 }), { minLength: 1, maxLength: 20 });
    const property = fc.asyncProperty(sizes, async (chunkBytes) =>
      expect((await readTar(SMALL, { chunkBytes })).entries.map(shown)).toEqual(whole),
    );
    await fc.assert(property, { numRuns: 50 });
  });

  test.each(["file", "pipe"])("gives of every prefix of a %s the entries before the cut, and then an error or the end", async (kind) => {
    const isFile = kind === "file";
    const { entries } = await readTar(SMALL);
    const whole = entries.map(shown);
    const clean: number[] = [];
    for (let length = 0; length < SMALL.length; length++) {
      const before: ReadEntry[] = [];
      const keep = (read: ReadEntry): unknown => before.push(read);
      const outcome = await readTar(SMALL.subarray(0, length), { isFile, keep }).catch((error: unknown) => error);
      expect(before.map(shown)).toEqual(whole.slice(0, before.length));
      if (outcome instanceof ToolError) expect(outcome).toMatchObject({ code: "damaged", facts: { offset: length } });
      else clean.push(length);
    }
    // an input may end where an entry begins, extended headers first, and behind each of the end blocks
    const ends = entries.map(({ entry }) => Math.ceil((entry.dataOffset + entry.size) / 512) * 512);
    expect(clean).toEqual([0, ...ends, SMALL.length - 512]);
  });

  test.each(["file", "pipe"])("ends in an error with its place, or in entries, when any byte of a %s is changed", async (kind) => {
    for (let at = 0; at < SMALL.length; at += 3) {
      const changed = SMALL.with(at, (SMALL[at] as number) ^ 0x5a);
      const outcome = await readTar(changed, { isFile: kind === "file" }).catch((error: unknown) => error);
      if (outcome instanceof Error) expect(outcome).toMatchObject({ code: "damaged", facts: { offset: expect.any(Number) as number } });
    }
  });

  test("says what was cut, and how much is there", async () => {
    const archive = sketchTar({ name: "rootfs/base.dat", data: Buffer.alloc(4096) });
    const { error } = await damageOf(archive.subarray(0, 1024));
    expect(error.message).toBe(`Cannot read archive: cut off in "rootfs/base.dat", 512 of 4096 bytes of data are there (at byte 1024)`);
    expect(error.facts).toEqual({ offset: 1024, expected: 4096, actual: 512 });
  });

  test("notices a cut in data and padding that nobody read", async () => {
    const archive = sketchTar({ name: "a", data: "x".repeat(700) });
    for (const length of [512, 900, 1212, 1500]) {
      const file = join(scratch, "cut.tar");
      writeFileSync(file, archive.subarray(0, length));
      await using input = await openInput(file);
      const tar = new TarReader(input);
      await tar.next();
      const outcome = await tar.next().catch((error: unknown) => error);
      expect(outcome).toMatchObject({ code: "damaged", facts: { offset: length } });
    }
  });

  test("reads pieces with one and the same header, each with its own data, and notices one with another", async () => {
    const pieces = ["one", "two", "six"].map((data) => sketchEntry({ name: "rootfs/base.dat", data }));
    const [one, two, three] = (await readTar(Buffer.concat(pieces))).entries.map(({ entry, data }) => [
      entry.headerOffset,
      data.toString(),
    ]);
    expect([one, two, three]).toEqual([[0, "one"], [1024, "two"], [2048, "six"]]); // prettier-ignore
    for (let at = 0; at < 512; at++) {
      const changed = Buffer.concat(pieces);
      changed[1024 + at] = (changed[1024 + at] as number) ^ 0x01;
      const { before, error } = await damageOf(changed);
      expect([before.length, error.facts["offset"]]).toEqual([1, 1024]);
    }
  });

  test("escapes the name of an entry that is cut", async () => {
    const { error } = await damageOf(sketchEntry({ name: "a\u001b[2J", data: "x" }).subarray(0, 512));
    expect(error.message).toContain(`"a\\x1b[2J"`);
  });

  test("passes over a single block of zeros, and ends at two, whatever follows", async () => {
    const [one, two] = [sketchEntry({ name: "one" }), sketchEntry({ name: "two" })];
    const { entries, end } = await readTar(Buffer.concat([one, ZEROS, two, ZEROS, ZEROS, Buffer.from("whatever")]));
    expect([entries.map(nameOf), end]).toEqual([["one", "two"], "blocks"]);
    expect((await readTar(Buffer.concat([one, ZEROS]))).end).toBe("eof");
  });

  test("stops reading at the end blocks", async () => {
    const file = join(scratch, "a.tar");
    writeFileSync(file, Buffer.concat([sketchTar({ name: "a" }), Buffer.alloc(4096)]));
    await using input = await openInput(file);
    const tar = new TarReader(input);
    while ((await tar.next()) !== undefined);
    expect(input.offset).toBe(1536);
  });

  test("refuses to give data of an entry that was passed", async () => {
    const tar = new TarReader(new StreamSource(streamOf(sketchTar({ name: "a", data: "x" }, { name: "b" }))));
    const first = await tar.next();
    await tar.next();
    await expect(first?.body()[Symbol.asyncIterator]().next()).rejects.toThrow(TypeError);
  });

  test("applies pax records to the next entry, global ones to all that follow", async () => {
    const pax = (typeflag: "x" | "g", records: readonly (readonly [string, string])[]): Buffer =>
      sketchEntry({ name: "pax", typeflag, data: encodePax(records) });
    const { entries } = await readTar(
      Buffer.concat([pax("g", [["uid", "4000000000"], ["mtime", "1.5"]]), pax("x", [["path", "real"], ["mtime", "-2"]]), sketchEntry({ name: "a" }), sketchEntry({ name: "b" })]), // prettier-ignore
    );
    expect(entries.map((read) => [nameOf(read), read.entry.uid, read.entry.mtimeNs])).toEqual([
      ["real", 4_000_000_000, -2_000_000_000n],
      ["b", 4_000_000_000, 1_500_000_000n],
    ]);
  });

  test("goes by the size of the pax record where there is one", async () => {
    const entry = sketchEntry({ name: "a", data: "hello" });
    entry.set(Buffer.from("00000000000\0"), 124);
    entry.fill(0x20, 148, 156);
    entry.set(Buffer.from(`${entry.subarray(0, 512).reduce((sum, byte) => sum + byte, 0).toString(8).padStart(6, "0")}\0 `), 148); // prettier-ignore
    const archive = Buffer.concat([
      sketchEntry({ name: "p", typeflag: "x", data: encodePax([["size", "5"]]) }),
      entry,
      sketchTar({ name: "b" }),
    ]);
    const { entries } = await readTar(archive);
    expect(entries.map((read) => [nameOf(read), read.data.toString()])).toEqual([["a", "hello"], ["b", ""]]); // prettier-ignore
  });

  test("bounds extended headers", async () => {
    const big = sketchEntry({ name: "pax", typeflag: "x", data: Buffer.alloc(1024 * 1024 + 1) });
    expect((await damageOf(big)).error.message).toContain("1048577 bytes");
  });

  test.each(["x", "L", "g"])("bounds extended headers of type %s together", async (typeflag) => {
    const part = (key: string): Buffer =>
      sketchEntry({ name: "pax", typeflag, data: typeflag === "L" ? Buffer.alloc(600_000, key) : encodePax([[key, "v".repeat(600_000)]]) });
    const between = typeflag === "g" ? sketchEntry({ name: "a" }) : Buffer.alloc(0);
    expect((await damageOf(Buffer.concat([part("a"), between, part("b"), sketchTar({ name: "b" })]))).error.message).toMatch(
      /more than 1048576/,
    );
    expect((await readTar(Buffer.concat([part("a"), sketchEntry({ name: "a" }), typeflag === "g" ? part("a") : part("b"), sketchTar({ name: "b" })]))).entries).toHaveLength(2); // prettier-ignore
  });

  test("expects no data behind links and directories, whatever their size says", async () => {
    const entries = Buffer.concat([sketchEntry({ name: "d", typeflag: "5", size: 4096 }), sketchEntry({ name: "l", typeflag: "1", linkname: "d", size: 99 }), sketchTar({ name: "b" })]); // prettier-ignore
    expect((await readTar(entries)).entries.map(nameOf)).toEqual(["d", "l", "b"]);
  });

  test.each([
    ["a segment behind the end", [{ offset: 8000, length: 1024 }]],
    ["segments out of order", [{ offset: 4096, length: 512 }, { offset: 0, length: 512 }]], // prettier-ignore
    ["more data than there is", [{ offset: 0, length: 8192 }]],
  ])("refuses a map of holes with %s", async (_, segments) => {
    const { error } = await damageOf(sketchTar({ name: "a", data: Buffer.alloc(1024), sparse: { size: 8192, segments } }));
    expect(error.message).toContain("map of holes");
  });

  test.each(["9999999999\n", "x\n", "2\n1\n", "", "1\n\n5\n"])("refuses a map of holes that begins %p", async (text) => {
    const data = Buffer.alloc(512);
    data.write(text);
    const pax = encodePax([["GNU.sparse.major", "1"], ["GNU.sparse.minor", "0"], ["GNU.sparse.realsize", "100"]]); // prettier-ignore
    const archive = Buffer.concat([sketchEntry({ name: "p", typeflag: "x", data: pax }), sketchTar({ name: "a", data })]);
    expect((await damageOf(archive)).error).toBeInstanceOf(ToolError);
  });
});

describe("TarReader reads what others write:", () => {
  const FORMS = [
    ["v7", ["--format=v7"]],
    ["ustar", ["--format=ustar"]],
    ["gnu", ["--format=gnu"]],
    ["oldgnu with holes", ["--format=oldgnu", "--sparse"]],
    ["pax", ["--format=posix"]],
    ["pax with holes 0.0", ["--format=posix", "--sparse", "--sparse-version=0.0"]],
    ["pax with holes 0.1", ["--format=posix", "--sparse", "--sparse-version=0.1"]],
    ["pax with holes 1.0", ["--format=posix", "--sparse", "--sparse-version=1.0"]],
  ] as const;

  test.each(FORMS)("GNU tar, %s", async (form, options) => {
    const directory = join(scratch, form);
    mkdirSync(directory);
    const script = `mkdir d; echo hello > d/file; ln d/file d/hard; ln -s file d/soft; truncate -s 4M d/holes
      for i in 0 1 2 3 4 5 6 7; do printf $i | dd of=d/holes bs=64k seek=$((i * 5)) conv=notrunc status=none; done`;
    spawnSync("bash", ["-euc", script], { cwd: directory });
    const long = form === "v7" || form === "ustar" ? "short" : "n".repeat(120);
    writeFileSync(join(directory, "d", long), "long");
    const tar = spawnSync("tar", [...options, "--sort=name", "--mtime=@1000000000", "-cf", "-", "d"], {
      cwd: directory,
      maxBuffer: 1 << 26,
    });
    const holes = readFileSync(join(directory, "d/holes"));

    const { entries, end } = await readTar(tar.stdout);
    const byName = new Map(entries.map((read) => [nameOf(read), read]));
    expect([...byName.keys()].toSorted()).toEqual(["d/", "d/file", "d/hard", "d/holes", `d/${long}`, "d/soft"].toSorted());
    expect(byName.get("d/")?.entry.typeflag).toBe("5");
    expect(byName.get("d/file")?.data.toString()).toBe("hello\n");
    expect(byName.get(`d/${long}`)?.data.toString()).toBe("long");
    expect(byName.get("d/hard")?.entry).toMatchObject({ typeflag: "1", mtimeNs: 1_000_000_000_000_000_000n });
    expect(Buffer.from(byName.get("d/soft")?.entry.linkname ?? "").toString()).toBe("file");
    expect(Buffer.compare(withHoles(byName.get("d/holes")), holes)).toBe(0);
    expect(byName.get("d/holes")?.entry.sparse !== undefined).toBe(form.includes("holes"));
    expect(end).toBe("blocks");
  });

  test("tar-stream", async () => {
    const writer = pack();
    writer.entry({ name: `${"deep/".repeat(50)}é`, mode: 0o640, mtime: new Date(5000), size: 2 }, "hi");
    writer.entry({ name: "fifo", type: "fifo" });
    writer.finalize();
    const chunks: Uint8Array[] = [];
    for await (const chunk of writer) chunks.push(chunk as Uint8Array);
    const { entries } = await readTar(Buffer.concat(chunks));
    expect(entries.map((read) => [nameOf(read), read.entry.mode, read.data.toString()])).toEqual([
      [`${"deep/".repeat(50)}é`, 0o640, "hi"],
      ["fifo", 0o644, ""],
    ]);
  });
});

/** The whole file that an entry holds. */
function withHoles(read: ReadEntry | undefined): Buffer {
  const { entry, data = Buffer.alloc(0) } = read ?? {};
  if (entry?.sparse === undefined) return data;
  const whole = Buffer.alloc(entry.sparse.size);
  let at = 0;
  for (const { offset, length } of entry.sparse.segments) {
    whole.set(data.subarray(at, at + length), offset);
    at += length;
  }
  return whole;
}
