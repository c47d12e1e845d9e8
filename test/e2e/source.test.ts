/** What ctar does not do when it is run from its source, and says so. The list stands in CONTRIBUTING.md. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { DirPoolScene } from "../support/dir-pool.ts";
import { finish, programArgv, runProgram, start, TARGET } from "../support/program.ts";

const compiled = TARGET === "compiled" ? " (skipped: this is the compiled program)" : "";
const notDeno = TARGET === "deno" ? "" : " (skipped: not under Deno)";

let scene: DirPoolScene;
beforeAll(async () => {
  scene = await DirPoolScene.create();
});
afterAll(() => scene[Symbol.dispose]());

describe.skipIf(compiled !== "")(`ctar from its source${compiled}`, () => {
  test("is no file that --bootstrap could copy", async () => {
    const args = ["export", "--pool", scene.name, "web01", "--to", "host.invalid", "--bootstrap"];
    const { exitCode, stdout, stderr } = await runProgram(...args);
    expect([exitCode, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(/^error: Cannot use --bootstrap: ctar runs from its source here/);
  });

  test("names the files that hold the licenses", async () => {
    const { exitCode, stdout } = await runProgram("licenses");
    expect([exitCode, stdout]).toEqual([0, expect.stringMatching(/^ctar runs from its source: its license is in the file LICENSE/)]);
  });
});

describe.skipIf(notDeno !== "")(`ctar under Deno${notDeno}`, () => {
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
