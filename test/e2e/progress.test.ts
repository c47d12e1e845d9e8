/** Progress through pipes: events, lines, silence, and the answer to SIGUSR1. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { ChildProcess } from "node:child_process";
import * as fs from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { gunzipSync } from "node:zlib";
import { DirPoolScene } from "../support/dir-pool.ts";
import { readPlainTar } from "../support/plain-tar.ts";
import { finish, programArgv, start, type Finished } from "../support/program.ts";
import { progressEvents, withoutDebugger } from "../support/progress-events.ts";

const PIPES = ["pipe", "pipe", "pipe"] as const;
const LONG_MS = 40_000;
const DATA_BYTES = 3_000_000;

let scene: DirPoolScene;
let archive: string;
let logged: StalledImport;

beforeAll(async () => {
  scene = await DirPoolScene.create();
  scene.write("ct/web01/private/large", Buffer.alloc(DATA_BYTES, "0123456789abcdef"));
  archive = scene.file("web01.tar");
  await scene.run("export", ["web01", archive]);
  // takes a while, during the other tests
  logged = await StalledImport.start("logged", ["--progress", "always"]);
});
afterAll(() => {
  logged?.child.kill();
  scene?.[Symbol.dispose]();
});

describe("--progress json", () => {
  test("of an export ends with all bytes that were packed, done", async () => {
    const { exitCode, stdout, stderr } = await scene.run("export", ["--progress", "json", "web01", scene.file("json.tar")]);
    expect([exitCode, stdout]).toEqual([0, ""]);
    const member = readPlainTar(fs.readFileSync(scene.file("json.tar"))).find(({ name }) => name === "rootfs/base.tar.gz");
    const bytes = gunzipSync(member?.content ?? "").length;
    expect(progressEvents(stderr).at(-1)).toMatchObject({
      verb: "export",
      phase: "base",
      dataset: "",
      bytes,
      total: bytes,
      eta: 0,
      done: true,
    });
    expect(bytes).toBeGreaterThan(DATA_BYTES);
  });

  test("of a file measures it against its size", async () => {
    const { size } = fs.statSync(archive);
    for (const [verb, args] of [
      ["verify", []],
      ["extract", ["-C", scene.file("extracted")]],
      ["convert", [scene.file("converted.tar")]],
    ] as const) {
      const { exitCode, stderr } = await finish(start([...programArgv(), verb, "--progress", "json", archive, ...args]));
      const last = progressEvents(stderr).at(-1);
      expect([exitCode, last]).toMatchObject([0, { verb, done: true }]);
      // headers may be read twice, and zeros at the end not at all
      expect(Math.abs((last?.bytes ?? 0) - size)).toBeLessThan(20_000);
    }
  });

  test("comes once a second at least, whatever happens, on a pipe without a total", async () => {
    const run = await StalledImport.start("slow", ["--progress", "json"]);
    await sleep(2500);
    const { exitCode, stderr } = await run.feedAll();
    const events = progressEvents(stderr);
    expect(exitCode).toBe(0);
    expect(events.length).toBeGreaterThan(3);
    for (const [index, { bytes, total, eta, elapsed }] of events.slice(0, -1).entries()) {
      expect([total, eta]).toEqual([null, null]);
      expect((events[index + 1]?.elapsed ?? 0) - elapsed).toBeLessThan(5); // each second, but on a machine that does other things
      expect(events[index + 1]?.bytes).toBeGreaterThanOrEqual(bytes);
    }
    const { size } = fs.statSync(archive);
    expect(events.at(-1)).toMatchObject({ verb: "import", bytes: size, total: size, done: true });
    expect(stderr).toContain('imported container "slow"');
  });

  test("of a run that failed ends without being done", async () => {
    const child = scene.start("import", ["--as-id", "cut", "--progress", "json", "-"], { stdio: [...PIPES] });
    child.stdin?.end(fs.readFileSync(archive).subarray(0, -30_000));
    const { exitCode, stderr } = await finish(child);
    expect(exitCode).toBe(12);
    expect(progressEvents(stderr).at(-1)).toMatchObject({ verb: "import", phase: "base" });
    expect(progressEvents(stderr).filter(({ done }) => done)).toEqual([]);
  });
});

describe("without a terminal", () => {
  test.each([[[]], [["--progress", "never"]], [["--progress", "always"]]])("a short run with %j says but what it did", async (options) => {
    const target = scene.file("short.tar");
    const { stdout, stderr } = await scene.run("export", ["--force", ...options, "web01", target]);
    expect([stdout, stderr]).toEqual(["", expect.stringMatching(/^exported container "web01" to .*\n$/)]);
  });

  test("--quiet says nothing, but what was lost and what went wrong", async () => {
    const target = scene.file("quiet.tar");
    expect(await scene.run("export", ["--quiet", "web01", target])).toEqual({ exitCode: 0, stdout: "", stderr: "" });
    expect((await scene.run("export", ["-q", "web01", target])).stderr).toMatch(/^error: Cannot create .*: file exists\n/);
    scene.write("hook/ct/web01/README", "no hook");
    const { exitCode, stderr } = await scene.run("export", ["-q", "--force", "web01", target]);
    fs.rmSync(scene.path("hook/ct/web01/README"));
    expect([exitCode, stderr]).toEqual([0, expect.stringMatching(/^warning: .*"README" .*\n$/)]);
  });
});

describe("SIGUSR1", () => {
  const answer = /^import: base \/: \d.*\n$/;

  test.each<[string[], RegExp]>([
    [[], answer],
    [["--progress", "never"], answer],
    [["--quiet"], answer],
    [["--progress", "always"], answer],
  ])("is answered by one line with %j, and leaves the run alone", async (options, line) => {
    const run = await StalledImport.start(`asked${options.join("")}`, options);
    run.signal();
    await run.waitForText(/^import: .*\n/);
    expect(run.text).toMatch(line);
    expect((await run.feedAll()).exitCode).toBe(0);
  });

  test("is answered at once by an event where there are events", async () => {
    const run = await StalledImport.start("asked-event", ["--progress", "json"]);
    const before = progressEvents(run.text).length;
    for (let count = 0; count < 20; count++) {
      run.signal();
      await sleep(5);
    }
    await sleep(100);
    expect(progressEvents(run.text).length).toBeGreaterThan(before + 10);
    expect((await run.feedAll()).exitCode).toBe(0);
  });

  test("makes a command that has no progress say what it does", async () => {
    const child = start([...programArgv(), "inspect", "-"], { stdio: [...PIPES] });
    const finished = finish(child);
    child.stdin?.write(fs.readFileSync(archive).subarray(0, 1024));
    while (!isListening(child)) await sleep(20);
    send(child);
    await sleep(300);
    child.stdin?.end(fs.readFileSync(archive).subarray(1024));
    const { exitCode, stderr } = await finished;
    expect([exitCode, withoutDebugger(stderr)]).toEqual([0, expect.stringMatching(/^ctar inspect -: running for \d+ s\n$/)]);
  });

  test.skipIf("Deno" in globalThis)(
    "never ends a run, neither while it starts, if the parent ignores it, nor while it ends (skipped: Deno undoes what the parent set)",
    async () => {
      const child = start(["sh", "-c", 'trap "" USR1; exec "$@"', "sh", ...programArgv(), "verify", archive]);
      const finished = finish(child);
      const running = { is: true };
      void finished.then(() => (running.is = false));
      while (running.is) {
        if (isIgnoringOrListening(child)) send(child);
        await sleep(1);
      }
      const { exitCode, stdout } = await finished;
      expect([exitCode, stdout]).toEqual([0, expect.stringContaining("is whole")]);
    },
  );
});

test(
  "--progress always says a line every ten seconds in a log",
  async () => {
    await logged.waitForText(/^import: base \/: \d+\.\d [KM]iB.*\n/);
    expect(logged.seconds).toBeGreaterThan(9.5);
    const { exitCode, stderr } = await logged.feedAll();
    expect([exitCode, stderr.split("\n").length]).toEqual([0, 3]);
  },
  LONG_MS,
);

/** An import that has got half of its archive, and waits for the rest. */
class StalledImport {
  readonly child: ChildProcess;
  readonly #rest: Uint8Array;
  readonly #finished: Promise<Finished>;
  readonly #since = performance.now();
  #said = "";

  private constructor(child: ChildProcess, rest: Uint8Array) {
    this.child = child;
    this.#rest = rest;
    this.child.stderr?.on("data", (chunk: Buffer) => (this.#said += chunk.toString()));
    this.#finished = finish(child);
  }

  static async start(id: string, options: readonly string[]): Promise<StalledImport> {
    const child = scene.start("import", ["--as-id", id.replace(/[^a-z]+/g, "-"), ...options, "-"], { stdio: [...PIPES] });
    const bytes = fs.readFileSync(archive);
    const half = bytes.length - 100_000;
    const run = new StalledImport(child, bytes.subarray(half));
    child.stdin?.write(bytes.subarray(0, half));
    const until = Date.now() + LONG_MS;
    while (!fs.readdirSync(scene.path("ct")).some((name) => name.startsWith(`${id.replace(/[^a-z]+/g, "-")}.`))) {
      if (Date.now() > until || child.exitCode !== null) throw new Error(`the import did not begin: ${run.text}`);
      await sleep(20);
    }
    return run;
  }

  /** What it has said on stderr so far. */
  get text(): string {
    return withoutDebugger(this.#said);
  }

  /** Since it was started. */
  get seconds(): number {
    return (performance.now() - this.#since) / 1000;
  }

  signal(): void {
    send(this.child);
  }

  async waitForText(pattern: RegExp): Promise<RegExpExecArray> {
    for (const until = Date.now() + LONG_MS; ;) {
      const match = pattern.exec(this.text);
      if (match !== null) return match;
      if (Date.now() > until) throw new Error(`it says: ${this.text}`);
      await sleep(20);
    }
  }

  async feedAll(): Promise<Finished> {
    this.child.stdin?.end(this.#rest);
    return await this.#finished;
  }
}

/** Deno's `child.kill` takes the child for dead afterwards. */
function send(child: ChildProcess): void {
  if (child.pid !== undefined && child.exitCode === null) process.kill(child.pid, "SIGUSR1");
}

function isListening(child: ChildProcess): boolean {
  return hasSignal(child, "SigCgt");
}

function isIgnoringOrListening(child: ChildProcess): boolean {
  return hasSignal(child, "SigIgn") || hasSignal(child, "SigCgt");
}

/** Whether SIGUSR1 is in one of the sets of proc_pid_status(5). */
function hasSignal({ pid }: ChildProcess, set: "SigIgn" | "SigCgt"): boolean {
  try {
    const mask = new RegExp(`^${set}:\\s*([0-9a-f]+)$`, "m").exec(fs.readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return mask !== undefined && (BigInt(`0x${mask}`) & (1n << 9n)) !== 0n;
  } catch {
    return false; // it has ended
  }
}
