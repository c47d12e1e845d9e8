import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { Spool } from "../../src/sys/spool.ts";
import { readAll } from "../../src/stream/bytes.ts";
import { streamOf } from "../support/tar.ts";

let directory = "";
beforeAll(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), "ctar-spool-"));
});
afterAll(() => fs.rmSync(directory, { recursive: true }));

async function textOf(source: Parameters<typeof readAll>[0]): Promise<string> {
  return Buffer.concat(await Array.fromAsync(readAll(source))).toString();
}

describe("Spool", () => {
  test("gives each stream back, from anywhere and no further than its end", async () => {
    using spool = new Spool(() => directory, new AbortController().signal);
    const first = await spool.keep(streamOf(Buffer.from("first"), [2]));
    const empty = await spool.keep(streamOf(Buffer.from("")));
    const second = await spool.keep(streamOf(Buffer.from("the second")));
    expect([first.size, empty.size, second.size]).toEqual([5, 0, 10]);
    expect([await textOf(first), await textOf(empty), await textOf(second)]).toEqual(["first", "", "the second"]);
    second.seek(4);
    expect([await second.skip(2), await textOf(second), await second.skip(1)]).toEqual([2, "cond", 0]);
    first.seek(4);
    expect([await textOf(first), first.offset]).toEqual(["t", 5]);
  });

  test("has no name, and makes no file before there is something to keep", async () => {
    let asked = 0;
    using spool = new Spool(() => {
      asked += 1;
      return directory;
    }, new AbortController().signal);
    await spool.keep(streamOf(Buffer.from("")));
    expect(asked).toBe(0);
    await spool.keep(streamOf(Buffer.from("text")));
    await spool.keep(streamOf(Buffer.from("more")));
    expect([asked, fs.readdirSync(directory)]).toEqual([1, []]);
  });

  test("fails for a directory that is not there", async () => {
    using spool = new Spool(() => path.join(directory, "none"), new AbortController().signal);
    await expect(spool.keep(streamOf(Buffer.from("text")))).rejects.toThrow(
      `Cannot create a file in "${directory}/none": no such file or directory`,
    );
  });
});
