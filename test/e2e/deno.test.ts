/** What is different under Deno, and that it is said where that is possible; the list stands in CONTRIBUTING.md. */
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { DirPoolScene } from "../support/dir-pool.ts";
import { until } from "../support/ssh-server.ts";
import { finish, programArgv, start, TARGET } from "../support/program.ts";

const elsewhere = TARGET === "deno" ? "" : " (skipped: not under Deno)";

let scene: DirPoolScene;
beforeAll(async () => {
  scene = await DirPoolScene.create();
});
afterAll(() => scene[Symbol.dispose]());

describe.skipIf(elsewhere !== "")(`ctar under Deno${elsewhere}`, () => {
  test.each([["--deny-ffi"], ["--deny-read"], ["--deny-write"]])("with %s says what it must be allowed", async (denied) => {
    const argv = programArgv().flatMap((word) => (word === "-A" ? ["--no-prompt", "--allow-all", denied] : [word]));
    const { exitCode, stderr } = await finish(start([...argv, "export", "--pool", scene.name, "web01", scene.file("denied.tar")]));
    expect([exitCode, stderr]).toEqual([1, expect.stringMatching(/^error: Cannot go on under Deno: Requires .*\n\nhint: deno run -A /)]);
  });

  test("answers SIGUSR1, and says that it listens for a debugger, too", async () => {
    const argv = [...programArgv(), "import", "--pool", scene.name, "--progress", "json", "--as-id", "never", "-"];
    const child = start(argv, { stdio: ["pipe", "pipe", "pipe"] });
    const finished = finish(child);
    let said = "";
    child.stderr?.on("data", (chunk: Buffer) => (said += chunk.toString()));
    await until(() => said.includes('"event":"progress"'));
    process.kill(child.pid ?? 0, "SIGUSR1");
    await until(() => said.includes("Debugger listening on ws://127.0.0.1:9229/"));
    process.kill(child.pid ?? 0, "SIGINT");
    expect((await finished).exitCode).toBe(130);
  });

  test("hears a signal while an archive goes to a FIFO once that is read", async () => {
    const fifo = scene.file("fifo");
    execFileSync("mkfifo", [fifo]);
    const child = start([...programArgv(), "export", "--pool", scene.name, "web01", fifo]);
    const finished = finish(child);
    const reader = fs.openSync(fifo, "r");
    process.kill(child.pid ?? 0, "SIGINT");
    while (fs.readSync(reader, Buffer.alloc(65_536)) > 0);
    fs.closeSync(reader);
    fs.rmSync(fifo);
    expect((await finished).exitCode).toBe(130);
  });

  test("takes a closed stdout for /dev/null", async () => {
    const { exitCode, stderr } = await finish(start(["sh", "-c", '"$@" >&-', "sh", ...programArgv(), "--version"]));
    expect([exitCode, stderr]).toEqual([0, ""]);
  });
});
