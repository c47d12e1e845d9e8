import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isSeekable } from "../../src/stream/bytes.ts";
import { Input, openInput } from "../../src/sys/input.ts";

let scratch = "";
beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), "ctar-input-"));
  writeFileSync(join(scratch, "file"), "0123456789");
  spawnSync("mkfifo", [join(scratch, "fifo")]);
});
afterAll(() => rmSync(scratch, { recursive: true }));

async function text(input: Input, maxBytes: number): Promise<string | undefined> {
  const bytes = await input.read(maxBytes);
  return bytes === undefined ? undefined : Buffer.from(bytes).toString();
}

describe("Input", () => {
  test("reads a file anywhere", async () => {
    await using input = await openInput(join(scratch, "file"));
    expect([isSeekable(input), input.size]).toEqual([true, 10]);
    input.seek(7);
    expect([await text(input, 2), input.offset]).toEqual(["78", 9]);
    input.seek(1);
    expect([await text(input, 2), await input.skip(3), await text(input, 9), await text(input, 9)]).toEqual(["12", 3, "6789", undefined]);
  });

  test("has nothing at and behind the end of a file", async () => {
    await using input = await openInput(join(scratch, "file"));
    for (const offset of [10, 11, 2 ** 40]) {
      input.seek(offset);
      expect([await input.skip(5), await text(input, 1)]).toEqual([0, undefined]);
    }
  });

  test("hears an abort between reads of a little", async () => {
    const controller = new AbortController();
    await using input = await openInput(join(scratch, "file"), { signal: controller.signal });
    const reading = (async () => {
      for (let reads = 0; reads < 200_000; reads++) {
        input.seek(0);
        await input.read(1);
      }
    })();
    setTimeout(() => controller.abort(new Error("told to stop")), 1);
    await expect(reading).rejects.toThrow("told to stop");
  });

  test("counts from where reading a descriptor of others began", async () => {
    const fd = openSync(join(scratch, "file"), "r");
    await using input = new Input({ name: "standard input", fd, size: 7, start: 3, signal: undefined });
    expect(await text(input, 2)).toBe("34");
    input.seek(4);
    expect([await text(input, 2), input.offset]).toEqual(["78", 6]);
  });

  test("reads a FIFO in one pass only", async () => {
    const fifo = join(scratch, "fifo");
    const writer = spawn("bash", ["-c", `printf 0123456789 > "$1"`, "bash", fifo], { stdio: "ignore" });
    const exited = once(writer, "exit");
    await using input = await openInput(fifo);
    expect(isSeekable(input)).toBe(false);
    expect(await input.skip(4)).toBe(4);
    expect(await text(input, 3)).toBe("456");
    expect(() => input.seek(0)).toThrow(TypeError);
    await exited;
  });

  test.each([
    ["nothing", "not-found"],
    [".", "failed"],
  ])("of %j is refused", async (name, code) => {
    await expect(openInput(join(scratch, name))).rejects.toMatchObject({ code });
  });
});
