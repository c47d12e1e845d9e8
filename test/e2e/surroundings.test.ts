/** Environment, locale, user, descriptors and working directory as people and services leave them: ctar gives the same, or says what is wrong. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DirPoolScene } from "../support/dir-pool.ts";
import { finish, programArgv, runProgram, start, TARGET, type Finished } from "../support/program.ts";
import { refusalOf } from "../support/refusal.ts";

/** A user without an entry in passwd(5). */
const STRANGER = ["setpriv", "--reuid=65533", "--regid=65533", "--clear-groups"] as const;

let scene: DirPoolScene;
let archive = "";

beforeAll(async () => {
  scene = await DirPoolScene.create();
  for (const name of ["ISTANBUL", "ısparta"]) scene.write(`ct/web01/private/etc/${name}`, "");
  archive = scene.file("web01.tar");
  expect(await runProgram("export", "--pool", scene.name, "web01", archive)).toMatchObject({ exitCode: 0 });
});
afterAll(() => scene[Symbol.dispose]());

/** Runs the program in a shell script, where `$0` is the archive. */
async function runIn(script: string, ...args: string[]): Promise<Finished> {
  return await finish(start(["sh", "-c", script, archive, ...programArgv(), ...args]));
}

describe("ctar reads the same", () => {
  test.each<[string, string[]]>([
    ["without any variable", []],
    ["without a home", ["HOME=/nonexistent"]],
    ["in the C locale", ["LC_ALL=C"]],
    ["in Turkish, which has another I", ["LC_ALL=tr_TR.UTF-8"]],
    ["in a locale that is not UTF-8", ["LC_ALL=de_DE.ISO-8859-1"]],
    ["in a time zone that is none", ["TZ=:Nowhere"]],
  ])("%s", async (_, variables) => {
    const plain = await runProgram("ls", "-lR", archive);
    expect(plain.stdout).toMatch(/etc\/ISTANBUL\n.*etc\/hostname\n.*etc\/ısparta\n/);
    expect(await finish(start(["env", "-i", ...variables, ...programArgv(), "ls", "-lR", archive]))).toEqual(plain);
  });

  test("with few descriptors", async () => {
    expect(await runIn('ulimit -n 24; "$@"', "verify", archive)).toEqual(await runProgram("verify", archive));
  });
});

const unchanged = TARGET === "compiled" ? refusalOf(...STRANGER, "true") : " (skipped: the source may lie where nobody else can read it)";

describe.skipIf(unchanged !== "")(`ctar run by a user without a name, in a directory closed to it${unchanged}`, () => {
  let open = "";
  beforeAll(() => {
    open = fs.mkdtempSync(join(tmpdir(), "ctar-open-"));
    fs.chmodSync(open, 0o777);
    fs.copyFileSync(programArgv()[0] ?? "", join(open, "ctar"));
    fs.copyFileSync(archive, join(open, "a.tar"));
    fs.chmodSync(join(open, "a.tar"), 0o644);
    fs.mkdirSync(scene.file("closed"), { mode: 0o700 });
  });
  afterAll(() => fs.rmSync(open, { recursive: true }));

  async function runAsStranger(...args: string[]): Promise<Finished> {
    return await finish(start(["env", "-i", ...STRANGER, join(open, "ctar"), ...args], { cwd: scene.file("closed") }));
  }

  test.each<[string, (file: string) => string[]]>([
    ["verify", (file) => [file]],
    ["ls", (file) => ["-lR", file]],
    ["cat", (file) => [file, "etc/hostname"]],
    ["convert", (file) => ["--format", "rootfs", file, "-"]],
  ])("%s gives what it gives anybody", async (verb, args) => {
    const ordinary = await runProgram(verb, ...args(archive));
    const { exitCode, stdout } = await runAsStranger(verb, ...args(join(open, "a.tar")));
    expect([exitCode, stdout]).toEqual([0, ordinary.stdout.replace(archive, join(open, "a.tar"))]);
  });

  test("extract names the owners that it cannot set", async () => {
    const { exitCode, stderr } = await runAsStranger("extract", "-C", join(open, "x"), join(open, "a.tar"));
    expect([exitCode, stderr]).toEqual([3, expect.stringContaining("warning: owner: operation not permitted: ")]);
    expect(fs.readFileSync(join(open, "x/etc/hostname"), "utf8")).toBe("web01\n");
  });

  test("a pool in a directory is made, and a container imported and exported", async () => {
    const pool = `dir:${join(open, "pool")}`;
    expect(await runAsStranger("init", pool)).toMatchObject({ exitCode: 0 });
    expect(await runAsStranger("import", "--pool", pool, join(open, "a.tar"))).toMatchObject({ exitCode: 3 });
    expect(await runAsStranger("export", "--pool", pool, "web01", join(open, "b.tar"))).toMatchObject({ exitCode: 0 });
    expect(await runProgram("verify", join(open, "b.tar"))).toMatchObject({ exitCode: 0 });
  });
});

describe("a descriptor that is closed", () => {
  test("gets no data of an archive that is being written", async () => {
    const env = { SOURCE_DATE_EPOCH: "1700000000" };
    const [plain, other] = [scene.file("open.tar"), scene.file("closed.tar")];
    const words = ["export", "--pool", scene.name, "web01"];
    expect(await finish(start([...programArgv(), ...words, plain], { env }))).toMatchObject({ exitCode: 0 });
    const script = '"$@" <&- >&- 2>&-';
    expect(await finish(start(["sh", "-c", script, "sh", ...programArgv(), ...words, other], { env }))).toMatchObject({ exitCode: 0 });
    expect(fs.readFileSync(other).equals(fs.readFileSync(plain))).toBe(true);
  });

  test("has nothing in it, as stdin", async () => {
    const { exitCode, stderr } = await runIn('"$@" <&-', "verify", "-");
    expect([exitCode, stderr]).toEqual([12, expect.stringContaining('Cannot vouch for "standard input"')]);
  });

  const untold = TARGET === "deno" ? " (skipped: Deno puts /dev/null in its place and does not say so)" : "";
  test.skipIf(untold !== "").each<[string, () => string[]]>([
    ["--version", () => []],
    ["ls", () => ["-"]],
    ["export", () => ["--pool", scene.name, "web01", "-"]],
  ])(`is no stdout for %s${untold}`, async (verb, args) => {
    const { exitCode, stderr } = await runIn('"$@" < "$0" >&-', verb, ...args());
    expect([exitCode, stderr]).toEqual([1, expect.stringMatching(/^error: Cannot write to .*: it is closed\n$/)]);
  });
});

const works = TARGET === "bun" ? " (skipped: bun does not mind)" : "";
test.skipIf(works !== "")(`ctar says that its working directory has gone${works}`, async () => {
  const gone = scene.file("gone");
  fs.mkdirSync(gone);
  const { exitCode, stderr } = await finish(start(["sh", "-c", 'rmdir "$PWD"; "$@"', "sh", ...programArgv(), "--version"], { cwd: gone }));
  expect([exitCode, stderr]).toEqual([1, expect.stringMatching(/current working directory/)]);
});
