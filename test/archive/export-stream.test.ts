import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { StreamWriter } from "../../src/archive/export-stream.ts";
import type { StreamRecord } from "../../src/archive/manifest.ts";
import type { SourceStream } from "../../src/archive/source.ts";
import { ArchiveWriter } from "../../src/archive/write.ts";
import { digestOf } from "../../src/stream/digest.ts";
import { createFile } from "../../src/sys/new-file.ts";
import { startChild, type Child } from "../../src/sys/process.ts";
import { readPlainTar } from "../support/plain-tar.ts";
import { streamOf } from "../support/tar.ts";

const DATA = Buffer.alloc(50_000, "what zfs send would write into the file ");
const isDeno = "Deno" in globalThis;
const reason = isDeno ? " (skipped: under Deno no child can be given a file)" : "";

let scratch = "";
beforeAll(() => {
  scratch = fs.mkdtempSync(path.join(os.tmpdir(), "ctar-direct-"));
  fs.writeFileSync(path.join(scratch, "data"), DATA);
});
afterAll(() => fs.rmSync(scratch, { recursive: true }));

/** A stream that a child writes by itself; `script` is what it does to `data`. */
function directStream(options: { estimate?: number; script?: string; ways: string[] }): SourceStream {
  const { estimate = DATA.length, script = "cat data", ways } = options;
  return {
    dataset: "",
    kind: "base",
    gzip: false,
    open: () => {
      ways.push("open");
      return streamOf(DATA, [999]);
    },
    facts: () => undefined,
    direct: {
      estimate: async () => await Promise.resolve(estimate),
      writeTo: async (file) => {
        ways.push("direct");
        const child = await startChild(["sh", "-c", `cd ${scratch}; ${script}`], { file });
        const ended = succeeded(child);
        ended.catch(() => undefined);
        return { ended, [Symbol.asyncDispose]: async () => await child[Symbol.asyncDispose]() };
      },
      checked: (bytes) => bytes,
    },
  };
}

async function succeeded(child: Child): Promise<void> {
  const { status } = await child.wait();
  if (status !== 0) throw new Error("zfs send failed");
}

/** Writes a stream between two other members. */
async function write(stream: SourceStream, options: { verify?: boolean; memberLimitBytes?: number } = {}) {
  const { verify = true, ...limits } = options;
  const file = path.join(scratch, "a.tar");
  await using target = createFile(file, { temporaryPath: `${file}.new`, force: true });
  const writer = new ArchiveWriter(target.output, { mtime: 0, chunkBytes: 4096, ...limits });
  await writer.file("before", Buffer.from("1"));
  const record: StreamRecord = await new StreamWriter(writer, "zfs", { level: 6, threads: 2, verify }).write(stream);
  await writer.file("behind", Buffer.from("2"));
  await writer.end();
  await target.publish();
  const members = readPlainTar(fs.readFileSync(file));
  return { record, names: members.map(({ name }) => name), content: Buffer.concat(members.slice(1, -1).map(({ content }) => content)) };
}

describe.skipIf(isDeno)(`StreamWriter lets a stream's maker write into the file${reason}`, () => {
  test("and knows its size and digest", async () => {
    const ways: string[] = [];
    const { record, names, content } = await write(directStream({ ways }));
    expect([ways, names]).toEqual([["direct"], ["before", "rootfs/base.dat", "behind"]]);
    expect(content.equals(DATA)).toBe(true);
    expect(record).toMatchObject({ pieces: 1, stored: digestOf(DATA), raw: digestOf(DATA) });
  });

  test("unlooked at without verify, which leaves the digests out", async () => {
    const { record, content } = await write(directStream({ ways: [] }), { verify: false });
    expect(content.equals(DATA)).toBe(true);
    expect([record.stored, record.raw]).toEqual([{ bytes: DATA.length }, { bytes: DATA.length }]);
  });

  test("and writes it again in pieces if it turns out too large for a member", async () => {
    const ways: string[] = [];
    const { record, names, content } = await write(directStream({ ways, estimate: 100 }), { memberLimitBytes: 20_000 });
    expect([ways, record.pieces, names.length]).toEqual([["direct", "open"], 3, 5]);
    expect(content.equals(DATA)).toBe(true);
    expect(record.stored).toEqual(digestOf(DATA));
  });

  test.each([[20_000], [Number.POSITIVE_INFINITY]])("but not if it is estimated at %p bytes", async (estimate) => {
    const ways: string[] = [];
    await write(directStream({ ways, estimate }), { memberLimitBytes: 20_000 });
    expect(ways).toEqual(["open"]);
  });

  test("and fails as that does", async () => {
    for (const verify of [true, false]) {
      const failing = write(directStream({ ways: [], script: "head -c 1000 data; exit 1" }), { verify });
      await expect(failing).rejects.toThrow("zfs send failed");
    }
  });
});
