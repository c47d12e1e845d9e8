/**
 * What is seen to work in each place: the portable file with a directory pool, archives, pipes, signals and children. None of it may leave a file
 * or a process behind.
 */
import * as assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { makeDemoContainer } from "../../scripts/demo-container.ts";
import type { Place, PlaceKind } from "./place.ts";
import { finish } from "./program.ts";
import { listTree } from "./tree-listing.ts";

/** Something that must work. @throws AssertionError if it does not */
export interface Check {
  readonly name: string;
  readonly run: (place: Place) => Promise<void>;
}

const POOL = "--pool=dir:/data/pool";
const ARCHIVE = "/data/web01.tar";
const ROOT = "/data/pool/ct/web01/private";
const PATIENCE_MS = 120_000;

/** In the order in which they are run; each needs {@link prepare}, and nothing of the others. */
export const CHECKS: readonly Check[] = [
  { name: "--version", run: checkVersion },
  { name: "the loader meant", run: checkLoader },
  { name: "export | import", run: checkCopy },
  { name: "verify", run: checkVerify },
  { name: "extract", run: checkExtract },
  { name: "stdin and stdout", run: checkBytes },
  { name: "exit codes", run: checkExitCodes },
  { name: "SIGINT", run: checkInterrupt },
  { name: "SIGKILL", run: checkKill },
  { name: "children", run: checkChildren },
];

/** What can be seen in such a place. */
export function checksOf(kind: PlaceKind): readonly Check[] {
  return kind.lacksProc === true ? [{ name: "what to type", run: checkWithoutProc }] : CHECKS;
}

/** Makes a pool with the container of the demonstration and exports it, if that is possible there. */
export async function prepare(place: Place): Promise<void> {
  if (place.kind.lacksProc === true) return;
  await expectRun(place, ["init", "dir:/data/pool"]);
  makeDemoContainer(place.path("/data/pool"));
  chownTree(place.path("/data/pool/ct/web01"), place.uid);
  for (const file of ["user/web01.yml", "ct/web01.yml"]) fs.chownSync(place.path(`/data/pool/conf/${file}`), place.uid, place.uid);
  // not compressed, it is large enough to be cut off in the middle
  await expectRun(place, ["export", POOL, "--compression", "off", "web01", ARCHIVE]);
}

/** Runs a check, and then looks for what it left. */
export async function runCheck(check: Check, place: Place): Promise<void> {
  const before = place.inventory();
  await check.run(place);
  assert.deepEqual(place.inventory(), before);
  assert.deepEqual(place.processes(), []);
}

async function checkWithoutProc(place: Place): Promise<void> {
  const { exitCode, stdout, stderr } = await finish(place.start(["--version"]));
  const said = "error: Cannot start: there is no /proc\n\nhint: mount -t proc proc /proc\n";
  assert.deepEqual([exitCode, stdout, stderr], [1, "", said]);
}

async function checkVersion(place: Place): Promise<void> {
  const { exitCode, stdout, stderr } = await finish(place.start(["--version"]));
  assert.deepEqual([exitCode, stderr], [0, ""]);
  assert.match(stdout, /^ctar \d+\.\d+\.\d+ \(.+, bun \d+\.\d+\.\d+\)\n$/);
}

/** What is mapped from a file called libc.so.6 is the host's; what is in the portable file has no path. */
async function checkLoader(place: Place): Promise<void> {
  const child = await startStalledImport(place);
  const maps = fs.readFileSync(`/proc/${child.pid}/maps`, "utf8");
  assert.equal(/\/libc\.so\.6$/m.test(maps) ? "host" : "bundled", place.kind.loader, maps);
  assert.equal(/\/memfd:.*libc/.test(maps) ? "bundled" : "host", place.kind.loader, maps);
  child.kill("SIGINT");
  await finish(child);
}

/** As scripts/demo does it. */
async function checkCopy(place: Place): Promise<void> {
  const said = await finish(place.startShell(`$CTAR export ${POOL} web01 - | $CTAR import ${POOL} --as-id web02 -`));
  assert.equal(said.exitCode, 0, said.stderr);
  assert.match(said.stderr, /imported container "web02" to pool "dir:\/data\/pool" \(checked against its manifest\)/);
  assert.deepEqual(await listTree(place.path(ROOT.replace("web01", "web02"))), await listTree(place.path(ROOT)));
  assert.match(await expectRun(place, ["list", POOL]), /^web01 .*\nweb02 /m);
  for (const made of ["ct/web02", "hook/ct/web02", "conf/ct/web02.yml"]) fs.rmSync(place.path(`/data/pool/${made}`), { recursive: true });
}

async function checkVerify(place: Place): Promise<void> {
  await expectRun(place, ["verify", ARCHIVE]);
  const { exitCode, stderr } = await finish(place.startShell(`cat ${ARCHIVE} | $CTAR verify -`));
  assert.equal(exitCode, 0, stderr);
}

async function checkExtract(place: Place): Promise<void> {
  await expectRun(place, ["extract", ARCHIVE, "-C", "/data/out"]);
  assert.deepEqual(await listTree(place.path("/data/out")), await listTree(place.path(ROOT)));
  fs.rmSync(place.path("/data/out"), { recursive: true });
}

/** Every byte value goes through. */
async function checkBytes(place: Place): Promise<void> {
  const { exitCode, stderr } = await finish(place.startShell(`cat ${ARCHIVE} | $CTAR cat - var/lib/app/data | cat > /data/bytes`));
  assert.equal(exitCode, 0, stderr);
  const [bytes, original] = [place.path("/data/bytes"), place.path(`${ROOT}/var/lib/app/data`)].map((file) => fs.readFileSync(file));
  assert.ok(original !== undefined && bytes?.equals(original));
  fs.rmSync(place.path("/data/bytes"));
}

async function checkExitCodes(place: Place): Promise<void> {
  const bytes = fs.readFileSync(place.path(ARCHIVE));
  const middle = bytes.length >> 1;
  bytes[middle] = (bytes[middle] ?? 0) ^ 1;
  fs.writeFileSync(place.path("/data/damaged.tar"), bytes);
  const runs: readonly (readonly [number, ...string[]])[] = [
    [12, "verify", "/data/damaged.tar"],
    [12, "import", POOL, "--as-id", "web02", "/data/damaged.tar"],
    [10, "verify", "/data/none.tar"],
    [2, "verify", "--none"],
  ];
  for (const [expected, ...args] of runs) {
    const { exitCode, stderr } = await finish(place.start(args));
    assert.equal(exitCode, expected, `${args.join(" ")}: ${stderr}`);
  }
  fs.rmSync(place.path("/data/damaged.tar"));
}

async function checkInterrupt(place: Place): Promise<void> {
  const child = await startStalledImport(place);
  child.kill("SIGINT");
  const { exitCode, stderr } = await finish(child);
  assert.equal(exitCode, 130, stderr);
  assert.match(stderr, /error: Interrupted by SIGINT\n$/);
}

async function checkKill(place: Place): Promise<void> {
  const child = await startStalledImport(place);
  child.kill("SIGKILL");
  await finish(child);
  assert.equal(child.signalCode, "SIGKILL");
  await expectRun(place, ["doctor", POOL, "--clean"]);
}

/** A child has the three descriptors that are meant for it; the fourth is what `ls` opens. */
async function checkChildren(place: Place): Promise<void> {
  const script = path.join(place.root, "zfs"); // elsewhere it could not be executed in every place
  fs.writeFileSync(script, "#!/bin/sh\nls -l /proc/self/fd >/data/descriptors\nexit 1\n", { mode: 0o755 });
  const { stderr } = await finish(place.start(["list"], { env: { CTAR_ZFS: "/zfs" } }));
  const listed = fs.readFileSync(place.path("/data/descriptors"), "utf8");
  const descriptors = [...listed.matchAll(/ (\d+)(?: -> .*)?$/gm)].map(([, number]) => number);
  assert.deepEqual(descriptors.slice(1), ["0", "1", "2", "3"], `${listed}${stderr}`);
  fs.rmSync(script);
  fs.rmSync(place.path("/data/descriptors"));
}

/** Starts an import that gets half of the archive and then nothing more, and waits until it has written some of it. */
async function startStalledImport(place: Place): Promise<ChildProcess> {
  const child = place.start(["import", POOL, "--as-id", "web02", "-"], { stdio: ["pipe", "pipe", "pipe"] });
  const bytes = fs.readFileSync(place.path(ARCHIVE));
  child.stdin?.on("error", () => undefined); // it may end before it has read all
  child.stdin?.write(bytes.subarray(0, bytes.length >> 1));
  const until = Date.now() + PATIENCE_MS;
  while (!fs.readdirSync(place.path("/data/pool/ct")).some((name) => name.startsWith("web02."))) {
    if (Date.now() > until || child.exitCode !== null) throw new Error(`the import did not begin: ${(await finish(child)).stderr}`);
    await sleep(10);
  }
  return child;
}

/** What a run that must end well printed to stdout. */
async function expectRun(place: Place, args: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await finish(place.start(args));
  assert.equal(exitCode, 0, `${args.join(" ")}: ${stdout}${stderr}`);
  return stdout;
}

function chownTree(directory: string, uid: number): void {
  for (const name of ["", ...fs.readdirSync(directory, { recursive: true, encoding: "utf8" })])
    fs.lchownSync(`${directory}/${name}`, uid, uid);
}
