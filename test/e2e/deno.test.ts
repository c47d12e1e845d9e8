/** What is different under Deno, and that it is said where that is possible; the list stands in CONTRIBUTING.md. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { DirPoolScene } from "../support/dir-pool.ts";
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

  test("takes a closed stdout for /dev/null", async () => {
    const { exitCode, stderr } = await finish(start(["sh", "-c", '"$@" >&-', "sh", ...programArgv(), "--version"]));
    expect([exitCode, stderr]).toEqual([0, ""]);
  });
});
