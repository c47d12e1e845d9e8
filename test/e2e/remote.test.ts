/** `ctar export --to`, through a real sshd on loopback. */
import { randomBytes } from "node:crypto";
import * as fs from "node:fs";
import { isDeepStrictEqual } from "node:util";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { DirPoolScene } from "../support/dir-pool.ts";
import { DocumentCheck } from "../support/json-document.ts";
import { finish, TARGET, type Finished } from "../support/program.ts";
import { signalAll, SshServer, until } from "../support/ssh-server.ts";
import { listTree } from "../support/tree-listing.ts";

const TIMEOUT_MS = 60_000;
const READY = '{"event":"ready","tool":"ctar 9","pool":"tank"}';
const ACCEPTED = '{"event":"accepted","container":"web09"}';
const BIG_BYTES = 48 * 1024 * 1024;

let server: SshServer;
let near: DirPoolScene;
let far: DirPoolScene;
/** The pools as the tests find them. */
let before: string[][] = [];

beforeAll(async () => {
  server = await SshServer.start();
  [near, far] = [await DirPoolScene.create(), await DirPoolScene.create()];
  fs.copyFileSync(near.path("conf/ct/web01.yml"), near.path("conf/ct/big.yml"));
  near.write("ct/big/private/data", randomBytes(BIG_BYTES));
}, TIMEOUT_MS);

afterAll(async () => {
  for (const scene of [near, far]) scene?.[Symbol.dispose]();
  await server?.[Symbol.asyncDispose]();
}, TIMEOUT_MS);

beforeEach(() => {
  server.installProgram();
  before = remains();
});

// whatever a test does, nothing of it stays behind, on neither side, but for what it imports
afterEach(async () => {
  await until(() => server.processes().length === 0, "the end of all sessions");
  if (fs.existsSync(far.path("conf/ct/new.yml"))) far.removeContainer("new");
  await until(() => isDeepStrictEqual(remains(), before), "the end of what outlived its session").catch(() => undefined);
  expect(remains()).toEqual(before);
}, TIMEOUT_MS);

/** What is there: of both pools, and where a copy of the program would be. */
function remains(): string[][] {
  return [near.inventory(), far.inventory(), fs.readdirSync(server.temporaryDirectory)];
}

async function exportTo(to: string, args: readonly string[] = [], env: Readonly<Record<string, string>> = {}): Promise<Finished> {
  return await near.run("export", ["web01", "--to", to, ...args], { env: { CTAR_SSH: server.ssh, ...env } });
}

/** Commands that write down that the container was stopped and started. */
function lifecycle(): { log: () => string; args: string[] } {
  const file = near.file("lifecycle");
  fs.rmSync(file, { force: true });
  const command = (word: string): string => {
    const script = near.file(word);
    fs.writeFileSync(script, `#!/bin/sh\necho ${word} >> ${file}\n`, { mode: 0o755 });
    return script;
  };
  const log = (): string => (fs.existsSync(file) ? fs.readFileSync(file, "utf8") : "");
  return { log, args: ["--stop-command", command("stop"), "--start-command", command("start")] };
}

describe("ctar export --to", () => {
  test("makes the container on the other host, and says what it is there", async () => {
    const { exitCode, stdout, stderr } = await exportTo(`far:${far.name}`, ["--as-id", "new"]);
    expect([exitCode, stdout]).toEqual([0, ""]);
    expect(stderr).toMatch(
      /^exported container "web01" to "far:dir:.*": 1\d\d\.\d KiB of data; there it is "new" on pool "dir:.*", checked against its manifest\n$/,
    );
    expect(await listTree(far.path("ct/new/private"))).toEqual(await listTree(near.path("ct/web01/private")));
  });

  test("tells scripts what the far end tells them", async () => {
    const { exitCode, stdout } = await exportTo(`far:${far.name}`, ["--as-id", "new", "--json"]);
    expect(new DocumentCheck().problems("ctar export", JSON.parse(stdout))).toEqual([]);
    const { container, to, imported, streams } = JSON.parse(stdout) as Record<string, unknown>;
    expect([exitCode, container, to]).toEqual([0, "web01", `far:${far.name}`]);
    expect(imported).toMatchObject({ verb: "import", container: "new", pool: far.name, user: "web01", checked: true, streams });
  });

  test("joins the progress of both ends", async () => {
    const { stderr } = await exportTo(`far:${far.name}`, ["--as-id", "new", "--progress", "json", "--quiet"]);
    const events = stderr
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    for (const event of events) expect(new DocumentCheck().problems("Progress", event)).toEqual([]);
    const ends = events.filter(({ done }) => done === true);
    expect(ends.map(({ verb, host, total, bytes }) => [verb, host, total === bytes])).toEqual([
      ["import", "far", true],
      ["export", undefined, true],
    ]);
  });

  test("takes a directory by any name through the shell there", async () => {
    const pool = `dir:${far.directory}/it's a \\ "pool" & $HOME \`id\` !x *`;
    fs.cpSync(far.root, pool.slice("dir:".length), { recursive: true });
    const { exitCode, stderr } = await exportTo(`far:${pool}`, ["--as-id", "new"]);
    expect([exitCode, stderr]).toEqual([0, expect.stringContaining(`on pool "${pool}"`)]);
    fs.rmSync(pool.slice("dir:".length), { recursive: true });
  });

  test("--dry-run asks the other host, and changes nothing", async () => {
    const { exitCode, stdout } = await exportTo(`far:${far.name}`, ["--dry-run"]);
    expect([exitCode, stdout]).toEqual([0, expect.stringMatching(/^to +far, pool "dir:.*", ctar \d/m)]);
  });

  test("passes on what the far end says, escaped, and that it had losses", async () => {
    server.writeProgram(
      `printf 'motd\\n${READY}\\n${ACCEPTED}\\nwarning: \\033[2J\\377\\n' >&2; cat >/dev/null; echo 'hello'; echo '{"container":"web10"}'; exit 3`,
    );
    const { exitCode, stderr } = await exportTo("far");
    expect([exitCode, stderr.split("\n")]).toEqual([
      3,
      ["far: motd", "far: warning: \\x1b[2J\uFFFD", expect.stringMatching(/; there it is "web10" on pool "tank"$/), ""],
    ]);
  });

  test.each([
    ["changed", /^Caused by: @@@[^]*Host key verification failed\.$/m],
    ["stranger", /^Caused by: .*Permission denied \(publickey\)\.$/m],
    ["closed", /^Caused by: ssh: connect to host 127\.0\.0\.1 port \d+: Connection refused$/m],
    ["no-such-host.invalid", /^Caused by: ssh: Could not resolve hostname no-such-host\.invalid/m],
  ])("gives ssh's reason for host %s", async (host, reason) => {
    const { log, args } = lifecycle();
    const { exitCode, stderr } = await exportTo(host, args);
    expect([exitCode, log()]).toEqual([1, ""]);
    expect(stderr).toMatch(new RegExp(`^error: Cannot export "web01" to "${host}": ssh failed\n`));
    expect(stderr).toMatch(reason);
    expect(stderr).toMatch(new RegExp(`\n\nhint: This has to work first: ssh ${host} true\n$`));
  });

  test.each([
    [
      "a pool that is not there",
      "",
      ["far:dir:/no/pool"],
      10,
      "the import there does not begin, exit code 10",
      'Cannot use "dir:/no/pool": it is no pool',
      "far: ctar init dir:/no/pool",
      "",
    ],
    [
      "a container that is there",
      "",
      ["POOL"],
      1,
      "the import there failed, exit code 1",
      'Cannot import container "web01": it exists on pool "POOL"',
      "far: Choose another id with --as-id",
      "stop\nstart\n",
    ],
    [
      "a user who is not there",
      "",
      ["POOL", "--as-id=new", "--as-user=nobody"],
      10,
      "the import there failed, exit code 10",
      'Cannot import as user "nobody": there is no such user on pool "POOL"',
      "",
      "stop\nstart\n",
    ],
    [
      "an older ctar",
      'echo "error: Unknown option \\"--progress\\"" >&2; exit 2',
      ["far"],
      2,
      "the ctar there is too old",
      'error: Unknown option "--progress"',
      "Install this one there",
      "",
    ],
    [
      "a ctar that cannot run",
      "echo oops >&2; exit 126",
      ["far"],
      1,
      "the ctar there cannot run",
      "oops",
      "--bootstrap copies this ctar there for as long as it takes",
      "",
    ],
    ["something else", "exit 0", ["far"], 1, "what runs there is no import of ctar", "", "", ""],
    ["an exit code that is none", "echo oops >&2; exit 77", ["far"], 1, "the import there does not begin, exit code 77", "oops", "", ""],
    ["a bug", `echo '${READY}' >&2; exit 70`, ["far"], 70, "the import there failed, exit code 70", "", "", undefined],
    ["an end too early", `echo '${READY}' >&2; exit 0`, ["far"], 1, "the import there ended before it had everything", "", "", undefined],
  ] as const)("gives the far end's reason and exit code: %s", async (_, program, [to, ...args], code, reason, cause, hint, log) => {
    if (program !== "") server.writeProgram(program);
    const container = lifecycle();
    const place = to.replace("POOL", `far:${far.name}`);
    const { exitCode, stderr } = await exportTo(place, [...args, ...container.args]);
    // who is ready and fails for no reason may do that before or after
    expect([exitCode, container.log()]).toEqual([code, log ?? expect.stringMatching(/^(stop\nstart\n)?$/)]);
    const lines = [
      `error: Cannot export "web01" to "${place}": ${reason}`,
      ...(cause === "" ? [] : [`Caused by: ${cause.replace("POOL", far.name)}`]),
    ];
    expect(stderr.split("\n").slice(0, lines.length)).toEqual(lines);
    expect(stderr).toContain(hint === "" ? "" : `\nhint: ${hint}\n`);
  });

  test("says where there is no ctar", async () => {
    server.removeProgram();
    const { exitCode, stderr } = await exportTo("far");
    expect(exitCode).toBe(10);
    expect(stderr).toMatch(
      /: there is no ctar in the PATH of its shell\nCaused by: .*not found\n\nhint: --bootstrap copies this ctar there/,
    );
  });

  test("says where there is no ssh", async () => {
    const { exitCode, stderr } = await exportTo("far", [], { CTAR_SSH: near.file("no-ssh") });
    expect([exitCode, stderr]).toEqual([10, expect.stringMatching(/^error: Cannot run ".*no-ssh": no such program\n/)]);
  });

  test.each([
    [["web01", "--to", "root@"], /Cannot export to "root@": it names no host/],
    [["web01", "--to=-oProxyCommand=id"], /"-oProxyCommand=id" is no host's name/],
    [["web01", "--to=-l@far"], /"-l" is no user's name/],
    [["web01", "--to", "far:-x"], /"-x": a pool's name begins with a letter/],
    [["web01", "--to", "far:22"], /A port stands in ssh_config/],
    [["web01", "--to", "ssh://far:22/tank"], /it is no URL/],
    [["web01", "--to", "far:/srv"], /hint: A directory is dir:\/srv/],
    [["web01", "--to", "far:dir:srv"], /whole path/],
    [["web01", "--to", "far:dir:/a\nb"], /control character/],
    [["web01", "web01.tar", "--to", "far"], /there is an archive, too, "web01\.tar"/],
    [["web01", "--to", "far", "--format", "docker"], /format "docker" is no whole container/],
    [["web01", "--as-id", "new"], /they go with --to/],
  ])("refuses %j", async (args, reason) => {
    const { exitCode, stderr } = await near.run("export", args, { env: { CTAR_SSH: near.file("no-ssh") } });
    expect([exitCode, stderr]).toEqual([2, expect.stringMatching(reason)]);
  });
});

/** Starts a long export and waits until it has come to where data is received. */
async function startBig(args: readonly string[] = []): Promise<{ pid: number; finished: Promise<Finished>; log: () => string }> {
  const container = lifecycle();
  const options = ["--to", `far:${far.name}`, "--as-id", "new", "--chunk-size", "64K", ...args, ...container.args];
  const child = near.start("export", ["big", ...options], { env: { CTAR_SSH: server.ssh } });
  const finished = finish(child);
  await until(() => fs.readdirSync(far.path("ct")).some((name) => name.startsWith("new.")), "the import");
  return { pid: child.pid ?? 0, finished, log: container.log };
}

describe("ctar export --to that is cut off", () => {
  test.each([
    ["ssh is killed", () => server.cut()],
    ["the far end's sshd is killed", () => signalAll(server.processes("sshd"), "SIGKILL")],
  ])("leaves nothing on either side, and the container running: %s", async (_, cut) => {
    const { finished, log } = await startBig();
    cut();
    const { exitCode, stderr } = await finished;
    expect([exitCode, stderr]).toEqual([
      1,
      expect.stringMatching(/^error: Cannot export "big" to "far:.*": the connection was lost, or the import there killed$/m),
    ]);
    expect(log()).toBe("stop\nstart\n");
  });

  test.each(["SIGINT", "SIGTERM"] as const)("leaves nothing on either side, and the container running: %s", async (signal) => {
    const { pid, finished, log } = await startBig();
    signalAll([pid], signal);
    const { exitCode, stderr } = await finished;
    expect([exitCode, stderr, log()]).toEqual([130, `error: Interrupted by ${signal}\n`, "stop\nstart\n"]);
    expect(remains()).toEqual(before); // at once: the far end had time to undo
  });

  test("leaves nothing at the far end when it is killed itself", async () => {
    const { pid, finished } = await startBig();
    signalAll([pid], "SIGKILL");
    await finished;
    await until(() => server.processes().length === 0, "the end of the session");
    expect(remains()[1]).toEqual(before[1]);
    expect((await near.run("doctor", ["--clean"])).exitCode).toBe(0);
  });

  test("ends when the far end never answers", async () => {
    server.writeProgram("sleep 600");
    const child = near.start("export", ["web01", "--to", "far"], { env: { CTAR_SSH: server.ssh } });
    const finished = finish(child);
    await until(() => server.processes("sleep 600").length > 0, "the far end");
    signalAll([child.pid], "SIGINT");
    expect((await finished).exitCode).toBe(130);
    signalAll(server.processes("sleep 600"), "SIGKILL");
  });

  test("says so if the far end had everything all the same", async () => {
    server.writeProgram(
      `printf '${READY}\\n${ACCEPTED}\\n' >&2; touch "$TMPDIR/begun"; sleep 2; cat >/dev/null; rm "$TMPDIR/begun"; exit 0`,
    );
    const child = near.start("export", ["big", "--to", "far"], { env: { CTAR_SSH: server.ssh } });
    const finished = finish(child);
    await until(() => fs.existsSync(`${server.temporaryDirectory}/begun`), "the far end");
    signalAll([child.pid], "SIGINT");
    const { exitCode, stderr } = await finished;
    expect([exitCode, stderr]).toEqual([
      130,
      'warning: the import to "far" was complete all the same: there it is "web09" on pool "tank"\nerror: Interrupted by SIGINT\n',
    ]);
  });
});

const noFile = TARGET === "compiled" ? "" : " (skipped: the source is no file that could be copied)";

describe.skipIf(noFile !== "")(`ctar export --to --bootstrap${noFile}`, () => {
  const COPYING = /^"far" gets a copy of this ctar for the time of the import, \d+\.\d MiB\n/;

  test("does with the far end's ctar where there is one", async () => {
    const { exitCode, stderr } = await exportTo(`far:${far.name}`, ["--as-id", "new", "--bootstrap"]);
    expect([exitCode, stderr]).toEqual([0, expect.stringMatching(/^exported container/)]);
  });

  test("copies this one where there is an older one", async () => {
    server.writeProgram('echo "Usage: ctar import <archive>"');
    const { exitCode, stderr } = await exportTo(`far:${far.name}`, ["--as-id", "new", "--bootstrap"]);
    expect([exitCode, stderr]).toEqual([0, expect.stringMatching(COPYING)]);
    expect(await listTree(far.path("ct/new/private"))).toEqual(await listTree(near.path("ct/web01/private")));
  });

  test("copies it where there is nothing but busybox", async () => {
    const busybox = fs.realpathSync("/bin/busybox");
    const applets = ["sh", "uname", "grep", "mkdir", "rm", "chmod", "df", "head", "wc", "sha256sum"];
    const links = applets.map((name) => `${server.directory}/bin/${name}`);
    server.removeProgram();
    for (const link of links) fs.symlinkSync(busybox, link);
    const { exitCode, stderr } = await exportTo(`far:${far.name}`, ["--as-id", "new", "--bootstrap"]);
    for (const link of links) fs.rmSync(link);
    expect([exitCode, stderr]).toEqual([0, expect.stringMatching(COPYING)]);
  });

  test("removes it when the import fails", async () => {
    server.removeProgram();
    const { exitCode, stderr } = await exportTo(`far:${far.name}`, ["--bootstrap"]);
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining('Cannot import container "web01": it exists')]);
    expect(stderr).toMatch(COPYING);
  });

  test.each([
    ["is copied", () => fs.readdirSync(server.temporaryDirectory).length > 0],
    ["receives", () => fs.readdirSync(far.path("ct")).some((name) => name.startsWith("new."))],
  ])("removes it when the connection is lost while it %s", async (_, isThere) => {
    server.removeProgram();
    const options = ["--to", `far:${far.name}`, "--as-id", "new", "--bootstrap", "--chunk-size", "64K"];
    const child = near.start("export", ["big", ...options], { env: { CTAR_SSH: server.ssh } });
    const finished = finish(child);
    await until(isThere, "the far end");
    server.cut();
    expect((await finished).exitCode).toBe(1);
  });

  test.each([
    ["uname", "echo sparc", "this machine is a sparc, and the ctar to copy is for "],
    ["sha256sum", "echo 00 -", "the copy of ctar is damaged"],
    ["head", "exec /usr/bin/head -c 1000", "the copy of ctar is incomplete"],
    ["mkdir", "exit 1", "neither $TMPDIR nor /tmp, /var/tmp, $HOME, /dev/shm or /run has room for ctar and lets programs run"],
    ["df", "echo; echo fs 9 8 1000 0% /", "neither $TMPDIR nor /tmp, "],
  ])("gives up where %s says `%s`", async (name, script, reason) => {
    server.removeProgram();
    server.writeProgram(script, name);
    try {
      const { exitCode, stderr } = await exportTo(`far:${far.name}`, ["--as-id", "new", "--bootstrap"]);
      expect([exitCode, stderr]).toEqual([1, expect.stringContaining(`\nCaused by: error: ${reason}`)]);
    } finally {
      server.removeProgram(name);
    }
  });

  test("compares the version where there is nothing to take a checksum with", async () => {
    server.removeProgram();
    const sums = ["sha256sum", "busybox", "openssl", "shasum"];
    for (const name of sums) server.writeProgram("exit 127", name);
    const { exitCode, stderr } = await exportTo(`far:${far.name}`, ["--as-id", "new", "--bootstrap"]);
    for (const name of sums) server.removeProgram(name);
    expect([exitCode, stderr]).toEqual([0, expect.stringMatching(COPYING)]);
  });
});

const isFile = TARGET === "compiled" ? " (skipped: this is the compiled program)" : "";

describe.skipIf(isFile !== "")(`ctar export --to --bootstrap from source${isFile}`, () => {
  test("says that there is nothing to copy", async () => {
    const { exitCode, stderr } = await exportTo(`far:${far.name}`, ["--bootstrap"]);
    expect([exitCode, stderr]).toEqual([2, "error: Cannot use --bootstrap: ctar runs from its source here, which is more than one file\n"]);
  });
});
