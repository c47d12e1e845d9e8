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
import { finish, runProgram, start } from "../support/program.ts";
import { userConfig } from "../support/pool-files.ts";
import { ATTACKS, STREAM_ATTACKS } from "./attacks/index.ts";
import type { Attack } from "./attack.ts";
import { inChunks, indecencies, inventory, PATIENCE_MS, watchProgram, type WatchedRun } from "./survival.ts";

const isDeno = "Deno" in globalThis;
const LIMIT_KIB = (isDeno ? 600_000_000 : 300_000_000) / 1024;
const SURVIVED = ATTACKS.filter(({ pending }) => pending === undefined);
const PENDING = ATTACKS.filter(({ pending }) => pending !== undefined);

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
    const reason = "it is neither an OCI layout nor a docker-archive";
    expect([exitCode, stdout, stderr]).toEqual([12, "", `error: Cannot read images from "${path.join(aim, "dir")}": ${reason}\n`]);
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
  const finished = await run(attack);
  const { exitCode, stdout, stderr, peakKib } = finished;
  expect([exitCode, stderr, attack.exit.includes(exitCode as 0)]).toEqual([exitCode, stderr, true]);
  expect(stdout).toBe("");
  expect(indecencies(finished)).toEqual([]);
  expect(stderr).toContain(attack.says ?? "");
  if (exitCode === 12 || exitCode === 2) {
    expect(stderr).toMatch(/^(warning: .*\n)*error: /);
    expect(inventory(pool)).toEqual(before.pool);
  } else expectNoSurprise();
  await removeVictim();
  expect(inventory(pool, false)).toEqual(before.files);
  expect(inventory(aim, true)).toEqual(before.aim);
  expect(fs.readdirSync(scratch)).toEqual(before.beside);
  expect(peakKib).toBeLessThan(LIMIT_KIB);
}

async function run({ make, options = [], pipe = false }: Attack): Promise<WatchedRun> {
  const bytes = make({ path: aim });
  const args = ["import", "--pool", `dir:${pool}`, ...options];
  if (pipe) return await watchProgram([...args, "-"], inChunks(bytes));
  const file = path.join(os.tmpdir(), `ctar-hostile-${process.pid}.tar`);
  fs.writeFileSync(file, bytes);
  try {
    return await watchProgram([...args, file]);
  } finally {
    fs.rmSync(file);
  }
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
