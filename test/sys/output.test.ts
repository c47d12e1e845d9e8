import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { spawn } from "node:child_process";
import { once } from "node:events";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { createFile } from "../../src/sys/new-file.ts";
import { Output } from "../../src/sys/output.ts";

const isDeno = "Deno" in globalThis;
const reason = isDeno ? " (skipped: under Deno no child can be given a file)" : "";

let scratch = "";
beforeAll(() => {
  scratch = fs.mkdtempSync(path.join(os.tmpdir(), "ctar-output-"));
});
afterAll(() => fs.rmSync(scratch, { recursive: true }));

/** A shell script that writes to the output, as `zfs send` does. */
async function runInto(output: Output, script: string): Promise<void> {
  const child = spawn("sh", ["-c", script], { stdio: ["ignore", output.fd, "ignore"] });
  const [status] = (await once(child, "close")) as [number];
  if (status !== 0) throw new Error(`exit status ${status}`);
}

describe("Output", () => {
  test("tells of a failed write the next time, or when it is flushed", async () => {
    const output = new Output({ name: "/dev/full", fd: fs.openSync("/dev/full", "w"), patchable: false, signal: undefined });
    await output.write([new Uint8Array(10)]);
    await expect(output.flush()).rejects.toThrow(/^Cannot write to "\/dev\/full": no space left on device/i);
    await expect(output.write([new Uint8Array(10)])).rejects.toThrow(/no space left on device/i);
    fs.closeSync(output.fd);
  });

  test.skipIf(isDeno)(`follows what another process writes, takes it over and goes on behind it${reason}`, async () => {
    const file = path.join(scratch, "shared");
    await using target = createFile(file, { temporaryPath: path.join(scratch, ".shared") });
    const { output } = target;
    await output.write([Buffer.from("head ")]);
    await output.flush();
    const seen: Buffer[] = [];
    for await (const chunk of output.follow(runInto(output, "printf one; sleep 0.1; printf ' two'; sleep 0.1; printf ' three '"))) {
      seen.push(Buffer.from(chunk));
    }
    expect(Buffer.concat(seen).toString()).toBe("one two three ");
    expect(seen.length).toBeGreaterThan(1);
    expect([output.takeOver(), output.offset]).toEqual([14, 19]);
    await output.write([Buffer.from("tail")]);
    await output.patch(0, Buffer.from("HEAD"));
    await target.publish();
    expect(fs.readFileSync(file, "utf8")).toBe("HEAD one two three tail");
  });

  test.skipIf(isDeno)(`follow fails where the end would be, as the other process did${reason}`, async () => {
    await using target = createFile(path.join(scratch, "failed"), { temporaryPath: path.join(scratch, ".failed") });
    const seen: Buffer[] = [];
    const reading = (async () => {
      for await (const chunk of target.output.follow(runInto(target.output, "printf part; exit 3"))) seen.push(Buffer.from(chunk));
    })();
    await expect(reading).rejects.toThrow("exit status 3");
    expect(Buffer.concat(seen).toString()).toBe("part");
  });

  test.skipIf(isDeno)(`truncate drops what another process wrote, and writing goes on there${reason}`, async () => {
    const file = path.join(scratch, "truncated");
    await using target = createFile(file, { temporaryPath: path.join(scratch, ".truncated") });
    const { output } = target;
    await output.write([Buffer.from("head ")]);
    await output.flush();
    await runInto(output, "printf 'much too much'");
    output.takeOver();
    await output.truncate(5);
    await output.write([Buffer.from("instead")]);
    await target.publish();
    expect(fs.readFileSync(file, "utf8")).toBe("head instead");
  });
});
