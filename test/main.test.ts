import { expect, test } from "bun:test";
import { closeSync, openSync } from "node:fs";
import { once } from "node:events";
import type { ChildProcess } from "node:child_process";
import { finish, scriptArgv, start, type Finished, type StartOptions } from "./support/program.ts";

const EXAMPLES = scriptArgv("test/support/example-commands.ts");

function run(...args: string[]): Promise<Finished> {
  return finish(start([...EXAMPLES, ...args]));
}

/** Starts a command that says on stderr when it is ready, and waits until it does. */
async function startReady(args: readonly string[], options: StartOptions = {}): Promise<ChildProcess> {
  const child = start([...EXAMPLES, ...args], options);
  if (child.stderr !== null) await once(child.stderr, "data");
  return child;
}

/** Deno's `child.kill` takes the child for dead afterwards, whatever it does with the signal. */
function send(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid !== undefined) process.kill(child.pid, signal);
}

/** The stack is the one part that differs from run to run. */
function withoutStack(text: string): string {
  return text.replace(/^ {4}(at|<)? ?.*\n/gm, "").replace(/ctar \d.*$/m, "ctar …");
}

test("main runs a command and exits with its code", async () => {
  const { exitCode, stdout, stderr } = await run("pack", "b", "--json");
  expect([exitCode, stderr]).toEqual([3, ""]);
  expect(JSON.parse(stdout)).toHaveProperty("box", "b");
});

test("main shows the overview on stderr for an empty command line", async () => {
  const { exitCode, stdout, stderr } = await run();
  expect([exitCode, stdout]).toEqual([2, ""]);
  expect(stderr).toContain("Usage: ctar <command>");
});

test("main prints version, commit and runtime", async () => {
  expect(await run("--version")).toEqual({
    exitCode: 0,
    stderr: "",
    stdout: expect.stringMatching(/^ctar \d+\.\d+\.\d+ \(source, (bun|deno) \d+\.\d+\.\d+\)\n$/),
  });
});

test.each<[string[], number, string]>([
  [["pack"], 2, "error: Missing argument <box>\n\nhint: See ctar pack --help\n"],
  [["fail", "tool"], 11, 'error: Cannot take "a\\x1b[2J": held\nCaused by: one\n  two\n\nhint: ctar wait\n'],
  [
    ["fail", "bug"],
    70,
    "error: This is a bug in ctar: TypeError: no such thing\n\nhint: Please report this with the lines above, the command, and: ctar …\n",
  ],
  [
    ["fail", "stray"],
    70,
    "ready\ncleaned up\nerror: This is a bug in ctar: orphan\n\nhint: Please report this with the lines above, the command, and: ctar …\n",
  ],
  [
    ["fail", "rejection"],
    70,
    "ready\ncleaned up\nerror: This is a bug in ctar: RangeError: out of it\n\nhint: Please report this with the lines above, the command, and: ctar …\n",
  ],
  [
    ["fail", "never"],
    70,
    "error: This is a bug in ctar: the command waits for something that will never happen\n\nhint: Please report this with the lines above, the command, and: ctar …\n",
  ],
])("main reports %p", async (args, exitCode, stderr) => {
  const finished = await run(...args);
  expect({ ...finished, stderr: withoutStack(finished.stderr) }).toEqual({ exitCode, stdout: "", stderr });
});

test("main shows the stack of a tool error with --verbose, and of a bug always", async () => {
  const at = /^ {4}at .*example-commands\.ts/m;
  expect((await run("fail", "tool")).stderr).not.toMatch(at);
  expect((await run("--verbose", "fail", "tool")).stderr).toMatch(at);
  expect((await run("fail", "tool", "--verbose")).stderr).toMatch(at);
  expect((await run("fail", "bug")).stderr).toMatch(at);
});

test.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)("main cleans up on %s and exits 130", async (signal) => {
  const child = await startReady(["fail", "sleep"]);
  send(child, signal);
  expect(await finish(child)).toEqual({ exitCode: 130, stdout: "", stderr: `cleaned up\nerror: Interrupted by ${signal}\n` });
});

test("main is not kept from cleaning up by further signals", async () => {
  const child = await startReady(["fail", "slow"]);
  const finished = finish(child);
  send(child, "SIGINT");
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    await new Promise((resolve) => setTimeout(resolve, 200));
    send(child, signal);
  }
  expect(await finished).toEqual({
    exitCode: 130,
    stdout: "",
    stderr: "ctar: still cleaning up ...\nctar: still cleaning up ...\ncleaned up\nerror: Interrupted by SIGINT\n",
  });
});

test("main leaves a signal alone that it was told to ignore", async () => {
  const child = start(["sh", "-c", `trap "" HUP; exec "$@"`, "sh", ...EXAMPLES, "fail", "sleep"]);
  if (child.stderr !== null) await once(child.stderr, "data");
  send(child, "SIGHUP");
  send(child, "SIGTERM");
  expect((await finish(child)).stderr).toContain("Interrupted by SIGTERM");
});

test("main ends quietly with 1 when the reader of stdout has gone", async () => {
  const child = start([...EXAMPLES, "fail", "print"]);
  if (child.stdout !== null) await once(child.stdout, "data");
  child.stdout?.destroy();
  expect(await finish(child)).toMatchObject({ exitCode: 1, stderr: "" });
});

test("main ends on a signal although nobody reads its stdout", async () => {
  const child = start([...EXAMPLES, "fail", "print"]);
  if (child.stdout !== null) await once(child.stdout, "data");
  child.stdout?.pause();
  await new Promise((resolve) => setTimeout(resolve, 500)); // until the pipe is full
  send(child, "SIGINT");
  const [exitCode] = await once(child, "exit");
  child.stdout?.destroy();
  expect(exitCode).toBe(130);
});

test("main fails when stdout cannot be written", async () => {
  const full = openSync("/dev/full", "w");
  try {
    const finished = await finish(start([...EXAMPLES, "pack", "b"], { stdio: ["ignore", full, "pipe"] }));
    expect(finished.exitCode).toBe(1);
    expect(finished.stderr).toMatch(/^error: Cannot write to stdout: no space left on device.*\n$/i);
  } finally {
    closeSync(full);
  }
});
