/** Being started, ctar asks for nothing but what it is told of: no network, no other file, nobody's settings. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import * as fs from "node:fs";
import { join } from "node:path";
import { DirPoolScene } from "../support/dir-pool.ts";
import { finish, programArgv, runProgram, start, TARGET, type Finished } from "../support/program.ts";
import { refusalOf } from "../support/refusal.ts";
import { isChange, trace, type Call } from "../support/trace.ts";

const ofRuntime = TARGET === "compiled" ? "" : " (skipped: Bun and Deno read settings of their own before they run a source)";
const untraced = ofRuntime || refusalOf("strace", "-qq", "-o", "/dev/null", "true");
const NETWORK = /^(socket|socketpair|connect|bind)$/;

let scene: DirPoolScene;
let archive = "";
/** A directory full of what runtimes like to read. */
let trap = "";

beforeAll(async () => {
  scene = await DirPoolScene.create();
  archive = scene.file("web01.tar");
  expect(await runProgram("export", "--pool", scene.name, "web01", archive)).toMatchObject({ exitCode: 0 });
  trap = scene.file("trap");
  setTrap();
});
afterAll(() => scene[Symbol.dispose]());

describe("ctar asks the kernel", () => {
  test.skipIf(untraced !== "").each<[string, () => string[], () => string[]]>([
    ["--version", () => [], () => []],
    ["verify", () => [archive], () => []],
    ["ls", () => ["-lR", archive], () => []],
    ["inspect", () => ["--json", archive], () => []],
    ["extract", () => ["-C", scene.file("out"), archive], () => [scene.file("out")]],
    ["export", () => ["--pool", scene.name, "web01", scene.file("new/a.tar")], () => [scene.path("conf/.ctar"), scene.file("new")]],
    ["import", () => ["--pool", scene.name, "--as-id", "traced", archive], () => [scene.root]],
  ])(`for %s about no network, runs no program, and changes no file but what it is told${untraced}`, async (verb, args, targets) => {
    fs.mkdirSync(scene.file("new"), { recursive: true });
    const { exitCode, calls } = await traceInTrap(verb, ...args());
    expect(exitCode).toBe(0);
    expect(calls.filter(({ name }) => NETWORK.test(name))).toEqual([]);
    expect(calls.filter(({ name }) => name.startsWith("exec")).length).toBe(1);
    const changed = filesOf(calls.filter(isChange));
    expect(changed.some((file) => targets().some((target) => file.startsWith(target)))).toBe(targets().length > 0);
    expect(changed.filter((file) => !isMeant(file, targets()))).toEqual([]);
    expect(filesOf(calls).filter((file) => file.startsWith(`${trap}/`))).toEqual([]);
  });

  test.skipIf(untraced !== "")(`for doctor about nothing but osctld's socket${untraced}`, async () => {
    const { calls } = await traceInTrap("doctor");
    const asked = calls.filter(({ name }) => NETWORK.test(name)).map(({ text }) => text);
    expect(asked.length).toBeGreaterThan(0);
    expect(asked.filter((text) => !/AF_UNIX, SOCK_STREAM|sun_path="\/run\/osctl\/osctld\.sock"/.test(text))).toEqual([]);
  });

  async function traceInTrap(...args: string[]): Promise<Finished & { calls: Call[] }> {
    return await trace([...programArgv(), ...args], { cwd: trap, env: { HOME: trap, CTAR_ZFS: "/nonexistent/zfs" } });
  }
});

describe("ctar does not obey", () => {
  test.skipIf(ofRuntime !== "").each([
    ["BUN_OPTIONS", "--preload=./preload.js"],
    ["BUN_OPTIONS", "--version"],
    ["BUN_BE_BUN", "1"],
    ["BUN_INSPECT", "unix://./inspector"],
    ["BUN_INSPECT_CONNECT_TO", "unix://./inspector"],
    ["BUN_INSPECT_PRELOAD", "./preload.js"],
    ["BUN_BYTECODE_ORDER_OUT", "order"],
    ["BUN_RUNTIME_TRANSPILER_CACHE_PATH", "cache"],
    ["NODE_OPTIONS", "--require ./preload.js"],
    ["NODE_PATH", "."],
    ["NODE_V8_COVERAGE", "coverage"],
    ["NODE_EXTRA_CA_CERTS", "/nonexistent"],
  ])(`%s=%s${ofRuntime}`, async (name, value) => {
    const before = fs.readdirSync(trap);
    const plain = await runProgram("--version");
    expect(await finish(start([...programArgv(), "--version"], { cwd: trap, env: { [name]: value } }))).toEqual(plain);
    expect(fs.readdirSync(trap)).toEqual(before);
  });

  test.skipIf(ofRuntime !== "")(`what lies in the working directory, in a PATH that has it too${ofRuntime}`, async () => {
    const before = fs.readdirSync(trap);
    const { exitCode, stderr } = await finish(start([...programArgv(), "list", "--pool", "tank"], { cwd: trap, env: { PATH: ":.:" } }));
    expect([exitCode, stderr]).toEqual([10, expect.stringContaining('Cannot run "zfs": no such program')]);
    expect(fs.readdirSync(trap)).toEqual(before);
  });
});

/** Settings that fail, or leave a file here, wherever they are read. */
function setTrap(): void {
  const put = (name: string, text: string, mode = 0o644): void => fs.writeFileSync(join(trap, name), text, { mode });
  fs.mkdirSync(trap);
  put("preload.js", 'require("node:fs").writeFileSync(`${__dirname}/preloaded`, "");\n');
  put("zfs", '#!/bin/sh\n: > "$(dirname "$0")/zfs-run"\nexit 1\n', 0o755);
  for (const name of ["bunfig.toml", ".bunfig.toml"]) put(name, 'preload = ["./preload.js"]\n');
  for (const name of ["package.json", "tsconfig.json", "deno.json"]) put(name, "{ no json");
  put(".env", "CTAR_ZFS=./zfs\n");
}

function filesOf(calls: readonly Call[]): string[] {
  return calls.flatMap(({ files }) => files);
}

function isMeant(file: string, targets: readonly string[]): boolean {
  const ownDescriptor = /^\/proc\/self\/fd\/\d+$/;
  return file === "/dev/null" || ownDescriptor.test(file) || targets.some((target) => file === target || file.startsWith(`${target}/`));
}
