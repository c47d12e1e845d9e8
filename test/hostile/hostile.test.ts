/**
 * Hostile archives against the program: each is refused or taken without harm. Nothing outside the container changes, no message has a stack
 * trace or raw control characters, memory stays bounded, nothing hangs.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { importArchive } from "../../src/archive/import.ts";
import { ToolError } from "../../src/errors.ts";
import { MemoryTarget, readerOf } from "../support/archive.ts";
import { finish, programArgv, runProgram, start, type Finished } from "../support/program.ts";
import { userConfig } from "../support/pool-files.ts";
import { ATTACKS, STREAM_ATTACKS } from "./attacks/index.ts";
import type { Attack } from "./attack.ts";

const LIMIT_KIB = 300_000_000 / 1024;
const PATIENCE_MS = 20_000;
const STDERR_LIMIT = 10_000;
const SURVIVED = ATTACKS.filter(({ pending }) => pending === undefined);
const PENDING = ATTACKS.filter(({ pending }) => pending !== undefined);
const isDeno = "Deno" in globalThis;

let scratch = "";
let aim = "";
let pool = "";

beforeAll(async () => {
  scratch = fs.mkdtempSync(path.join(os.tmpdir(), "ctar-hostile-"));
  aim = path.join(scratch, "aim");
  pool = path.join(scratch, "pool");
  fs.mkdirSync(path.join(aim, "dir"), { recursive: true });
  fs.writeFileSync(path.join(aim, "secret"), "not yours\n", { mode: 0o600 });
  fs.writeFileSync(path.join(aim, "dir/inside"), "not yours either\n");
  fs.symlinkSync("secret", path.join(aim, "link"));
  await runProgram("init", `dir:${pool}`);
  fs.writeFileSync(path.join(pool, "conf/user/other.yml"), userConfig("0:1065536:65536"));
});

afterEach(async () => await removeVictim()); // where a test has failed

afterAll(async () => await finish(start(["rm", "-rf", scratch]))); // node:fs cannot remove what is deeper than PATH_MAX

test("there are enough of them, each with a name of its own", () => {
  expect(ATTACKS.length).toBeGreaterThanOrEqual(60);
  expect(new Set(ATTACKS.map(({ on, name }) => `${on}: ${name}`)).size).toBe(ATTACKS.length);
});

describe("ctar import survives an attack on", () => {
  test.each(SURVIVED.map((attack) => [attack.on, attack.name, attack] as const))(
    "%s: %s",
    async (_on, _name, attack) => await expectSurvived(attack),
    PATIENCE_MS + 10_000,
  );

  test.skipIf(true).each(PENDING.map((attack) => [attack.on, attack.name, attack.pending, attack] as const))(
    "%s: %s (skipped: %s)",
    async (_on, _name, _pending, attack) => await expectSurvived(attack),
    PATIENCE_MS + 10_000,
  );

  test("the archive: a directory in its place", async () => {
    const before = inventory(pool);
    const { exitCode, stdout, stderr } = await runProgram("import", "--pool", `dir:${pool}`, path.join(aim, "dir"));
    expect([exitCode, stdout, stderr]).toEqual([1, "", `error: Cannot read "${path.join(aim, "dir")}": it is a directory\n`]);
    expect(inventory(pool)).toEqual(before);
  });
});

describe("the check of ZFS streams refuses", () => {
  test.each(STREAM_ATTACKS.map((attack) => [attack.name, attack] as const))("%s", async (_name, { make }) => {
    const checked = new MemoryTarget();
    const error = await importArchive(readerOf(make({ path: aim })), checked).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ToolError);
    expect([(error as ToolError).code, checked.calls]).toEqual(["damaged", ["begin", "receive /base", "undo"]]);
    expect((error as ToolError).message).toMatch(/^Cannot read ZFS stream/);
  });
});

async function expectSurvived(attack: Attack): Promise<void> {
  const before = { aim: inventory(aim, true), pool: inventory(pool), files: inventory(pool, false), beside: fs.readdirSync(scratch) };
  const { exitCode, stdout, stderr, peakKib } = await run(attack);
  expect([exitCode, stderr, attack.exit.includes(exitCode as 0)]).toEqual([exitCode, stderr, true]);
  expect(stdout).toBe("");
  expectDecent(stderr, attack);
  if (exitCode === 12 || exitCode === 2) {
    expect(stderr).toMatch(/^(warning: .*\n)*error: /);
    expect(inventory(pool)).toEqual(before.pool);
  } else expectNoSurprise();
  await removeVictim();
  expect(inventory(pool, false)).toEqual(before.files);
  expect(inventory(aim, true)).toEqual(before.aim);
  expect(fs.readdirSync(scratch)).toEqual(before.beside);
  if (!isDeno) expect(peakKib).toBeLessThan(LIMIT_KIB);
}

/** No stack, nothing that a terminal obeys, no line of the archive's own, no flood. */
function expectDecent(stderr: string, { says = "" }: Attack): void {
  expect(stderr.replaceAll("\n", "")).not.toMatch(/\p{Cc}/u);
  expect(stderr).not.toMatch(/This is a bug|\n {4}at |^hint: forged/m);
  expect(stderr.length).toBeLessThan(STDERR_LIMIT);
  expect(stderr).toContain(says);
}

async function run(attack: Attack): Promise<Finished & { peakKib: number }> {
  const file = path.join(os.tmpdir(), `ctar-hostile-${process.pid}.tar`);
  fs.writeFileSync(file, attack.make({ path: aim }));
  const fd = fs.openSync(file, "r");
  try {
    const source = attack.pipe === true ? "-" : file;
    const argv = [...programArgv(), "import", "--pool", `dir:${pool}`, ...(attack.options ?? []), source];
    const child = start(argv, { stdio: [attack.pipe === true ? "pipe" : "ignore", "pipe", "pipe"] });
    if (child.stdin !== null) {
      child.stdin.on("error", () => undefined);
      child.stdin.end(fs.readFileSync(file));
    }
    let peakKib = 0;
    const watch = setInterval(() => (peakKib = Math.max(peakKib, peakOf(child.pid ?? 0))), 5);
    const killer = setTimeout(() => child.kill("SIGKILL"), PATIENCE_MS);
    const finished = await finish(child);
    clearInterval(watch);
    clearTimeout(killer);
    return { ...finished, peakKib };
  } finally {
    fs.closeSync(fd);
    fs.rmSync(file);
  }
}

/** The high-water mark of a process, VmHWM in proc_pid_status(5). */
function peakOf(pid: number): number {
  try {
    return Number(/^VmHWM:\s+(\d+) kB$/m.exec(fs.readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

/**
 * Everything below a directory: type, mode, owner, links, size, time, target of a link, content of small files. Of directories the times are
 * told only where `times` is true: a run that is undone has been in those of a pool.
 */
function inventory(root: string, times: boolean | "of files" = "of files"): string[] {
  const names = fs.readdirSync(root, { recursive: true, encoding: "utf8" }).toSorted();
  return ["", ...names]
    .filter((name) => name !== "conf/.ctar")
    .map((name) => {
      const file = path.join(root, name);
      const stat = fs.lstatSync(file);
      const { mode, uid, gid, nlink, size, mtimeMs } = stat;
      const time = times === true || (times !== false && !stat.isDirectory()) ? mtimeMs : "";
      return [name, mode.toString(8), uid, gid, time, ...(stat.isDirectory() ? [] : [nlink, size, contentOf(file, stat)])].join(" ");
    });
}

function contentOf(file: string, stat: fs.Stats): string {
  if (stat.isSymbolicLink()) return fs.readlinkSync(file);
  return stat.isFile() && stat.size < 10_000 ? fs.readFileSync(file, "utf8") : "";
}

/** What was taken is where it belongs, for those who may see it alone, without set-user-ID bits outside the root filesystem. */
function expectNoSurprise(): void {
  expect(fs.readdirSync(path.join(pool, "ct"))).toEqual(["victim"]);
  expect(fs.statSync(path.join(pool, "ct/victim")).mode).toBe(0o040770);
  const hooks = path.join(pool, "hook/ct/victim");
  expect(fs.statSync(hooks).mode).toBe(0o040700);
  for (const name of fs.readdirSync(hooks)) {
    const { mode } = fs.lstatSync(path.join(hooks, name));
    expect([name, mode & 0o177000]).toEqual([name, name.endsWith(".d") ? 0o040000 : 0o100000]);
  }
  const set = path.join(pool, "ct/victim/private/su");
  if (fs.existsSync(set) && fs.statSync(set).uid !== 0) expect(fs.statSync(set).mode & 0o6000).toBe(0);
  const config = fs.readFileSync(path.join(pool, "conf/ct/victim.yml"), "utf8");
  expect(config).not.toMatch(/lxc\.|block/);
  expect(config).toMatch(/^user: guest\ngroup: "\/default"$/m);
}

async function removeVictim(): Promise<void> {
  if (!fs.existsSync(path.join(pool, "conf/ct/victim.yml"))) return;
  const parts = ["ct/victim", "conf/ct/victim.yml", "conf/user/guest.yml", "hook/ct/victim", "conf/id-range/default.yml"];
  await finish(start(["rm", "-rf", ...parts.map((part) => path.join(pool, part))]));
  await runProgram("init", `dir:${pool}`);
}
