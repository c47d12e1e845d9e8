/** A running container is down for one snapshot only, and what it changed until then is in the copy. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { spawn } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { ServerCall } from "../support/osctld-server.ts";
import { createContainer, ctar, listTraces, POOL, ScratchPool, shell, type Finished } from "../support/platform.ts";
import { logLine, readLog, writeLoggingZfs, writeScript, type LogEvent } from "../support/zfs-log.ts";

const TIMEOUT_MS = 60_000;
const ID = "live";
const DATA = `/${POOL}/ct/${ID}/private`;
const SUBDATA = `/${POOL}/ct/${ID}/srv/private`;
const SOCKET = "/run/osctl/osctld.sock";

let pool: ScratchPool;
let log: string;

beforeAll(async () => {
  pool = await ScratchPool.create();
  log = path.join(pool.directory, "log");
  await createContainer(ID, ["srv"]);
  await shell(`echo before > ${DATA}/before; echo before > ${SUBDATA}/before`);
  // while base streams are sent the container works on
  writeLoggingZfs(
    path.join(pool.directory, "zfs"),
    log,
    `case "$*" in send*osctl-incr*) ;; send*) echo "$*" >> ${SUBDATA}/while-up ;; esac`,
  );
  writeScript(
    path.join(pool.directory, "stop"),
    `${logLine(log, "begin", "stop")}; sleep 0.2; echo at-stop > ${DATA}/at-stop; rm ${DATA}/before; ${logLine(log, "end", "stop")}`,
  );
  writeScript(
    path.join(pool.directory, "start"),
    `${logLine(log, "begin", "start")}; echo after-start > ${DATA}/after-start; ${logLine(log, "end", "start")}`,
  );
}, TIMEOUT_MS);

afterAll(async () => await pool?.[Symbol.asyncDispose](), TIMEOUT_MS);

async function exportTo(archive: string, ...options: string[]): Promise<Finished> {
  fs.rmSync(log, { force: true });
  return await ctar(["export", ...options, ID, path.join(pool.directory, archive)], {
    env: { CTAR_ZFS: path.join(pool.directory, "zfs") },
  });
}

/** The sends of one kind of stream. */
function sends(events: readonly LogEvent[], snapshot: "osctl-base" | "osctl-incr"): LogEvent[] {
  return events.filter(({ what }) => /^zfs send (?!-n )/.test(what) && what.split("@").at(-1)?.startsWith(snapshot) === true);
}

function expectOrder(steps: readonly { time: number; what: string }[]): void {
  expect(steps).toEqual(steps.toSorted((a, b) => a.time - b.time));
}

describe("ctar export of a container that --stop-command and --start-command run", () => {
  test(
    "sends the base while it is up, keeps it down for stop, snapshot and start, and sends the increment when it is up again",
    async () => {
      const options = ["--stop-command", path.join(pool.directory, "stop"), "--start-command", path.join(pool.directory, "start")];
      const { code, stderr } = await exportTo("live.tar", ...options);
      expect([code, stderr]).toEqual([0, expect.stringMatching(/^exported container "live"/)]);

      const events = readLog(log);
      const at = (edge: LogEvent["edge"], what: string): number => {
        const index = events.findIndex((event) => event.edge === edge && event.what.startsWith(what));
        expect([what, index >= 0]).toEqual([what, true]);
        return index;
      };
      const [base, increment] = [sends(events, "osctl-base"), sends(events, "osctl-incr")];
      expect([base.length, increment.length]).toEqual([4, 4]); // two datasets, begin and end
      for (const event of base) expect(events.indexOf(event)).toBeLessThan(at("begin", "stop"));
      for (const event of increment) expect(events.indexOf(event)).toBeGreaterThan(at("end", "start"));
      const down = events.slice(at("begin", "stop"), at("end", "start") + 1);
      expect(down.map(({ edge, what }) => `${edge} ${what.replace(/ -o .*@/, " @").replace(/\d+$/, "N")}`)).toEqual([
        "begin stop",
        "end stop",
        "begin zfs snapshot -r @osctl-incr-N",
        "end zfs snapshot -r @osctl-incr-N",
        "begin start",
        "end start",
      ]);
      expect(await listTraces()).toEqual([]);
    },
    TIMEOUT_MS,
  );

  test(
    "takes along what changed between the snapshots, and nothing later",
    async () => {
      await shell(`$CTAR import --as-id copy ${pool.directory}/live.tar; zfs mount ${POOL}/ct/copy; zfs mount ${POOL}/ct/copy/srv`);
      const copy = `/${POOL}/ct/copy`;
      expect(fs.readdirSync(`${copy}/private`)).toEqual(["at-stop"]);
      expect(fs.readFileSync(`${copy}/private/at-stop`, "utf8")).toBe("at-stop\n");
      expect(fs.readdirSync(`${copy}/srv/private`).toSorted()).toEqual(["before", "while-up"]);
      expect(fs.readFileSync(`${copy}/srv/private/while-up`)).toEqual(fs.readFileSync(`${SUBDATA}/while-up`));
      expect(fs.readdirSync(DATA).toSorted()).toEqual(["after-start", "at-stop"]);
      expect(await listTraces()).toEqual([]);
    },
    TIMEOUT_MS,
  );
});

describe("ctar export of a container that osctld runs", () => {
  let server: OsctldProgram | undefined;

  afterEach(async () => {
    await server?.[Symbol.asyncDispose]();
    server = undefined;
  });

  test(
    "stops and starts it over the socket, around the second snapshot",
    async () => {
      server = await OsctldProgram.start(pool.directory, { state: "running" });
      const { code, stderr } = await exportTo("osctld.tar");
      expect([code, stderr]).toEqual([0, expect.stringMatching(/^exported container "live"/)]);
      const calls = server.calls();
      expect(calls.map(({ cmd }) => cmd).filter((cmd) => cmd !== "ct_show")).toEqual(["ct_stop", "ct_start"]);
      expect(server.state()).toBe("running");

      const events = readLog(log);
      const [stop, start] = ["ct_stop", "ct_start"].map((name) => {
        const call = calls.find(({ cmd }) => cmd === name);
        return { time: (call?.time ?? Number.NaN) / 1000, what: name };
      }) as [LogEvent, LogEvent];
      const snapshot = events.filter(({ what }) => what.startsWith("zfs snapshot") && what.includes("@osctl-incr-"));
      const [base, increment] = [sends(events, "osctl-base"), sends(events, "osctl-incr")];
      expect([base.length, snapshot.length, increment.length]).toEqual([4, 2, 4]);
      expectOrder([...base, stop, ...snapshot, start, ...increment]);
      expect(await listTraces()).toEqual([]);
    },
    TIMEOUT_MS,
  );

  test(
    "leaves it alone with --no-consistent",
    async () => {
      server = await OsctldProgram.start(pool.directory, { state: "running", ephemeral: true });
      const { code } = await exportTo("inconsistent.tar", "--no-consistent");
      expect(code).toBe(0);
      expect(server.calls().filter(({ cmd }) => cmd === "ct_stop" || cmd === "ct_start")).toEqual([]);
      expect(sends(readLog(log), "osctl-incr")).toEqual([]);
    },
    TIMEOUT_MS,
  );

  test(
    "does not stop one that is stopped",
    async () => {
      server = await OsctldProgram.start(pool.directory, { state: "stopped" });
      const { code } = await exportTo("stopped.tar");
      expect(code).toBe(0);
      expect(server.calls().map(({ cmd }) => cmd)).toEqual(["ct_show"]);
      expect(sends(readLog(log), "osctl-incr")).toEqual([]);
    },
    TIMEOUT_MS,
  );

  test(
    "refuses one that is ephemeral, which osctld would delete",
    async () => {
      server = await OsctldProgram.start(pool.directory, { state: "running", ephemeral: true });
      const { code, stderr } = await exportTo("ephemeral.tar");
      expect([code, stderr]).toEqual([2, expect.stringMatching(/ephemeral[^]*--no-consistent/)]);
      expect(server.calls().map(({ cmd }) => cmd)).toEqual(["ct_show"]);
      expect(fs.readdirSync(pool.directory).filter((name) => name.includes("ephemeral"))).toEqual([]);
      expect(await listTraces()).toEqual([]);
    },
    TIMEOUT_MS,
  );
});

/** The osctld of test/support as a program on the real socket path. */
class OsctldProgram implements AsyncDisposable {
  readonly #stateFile: string;
  readonly #child: ReturnType<typeof spawn>;

  private constructor(stateFile: string, child: ReturnType<typeof spawn>) {
    this.#stateFile = stateFile;
    this.#child = child;
  }

  static async start(directory: string, container: { state: string; ephemeral?: boolean }): Promise<OsctldProgram> {
    if (fs.existsSync(SOCKET)) throw new Error(`${SOCKET} exists: an osctld runs here`);
    const stateFile = path.join(directory, "osctld.json");
    fs.rmSync(`${stateFile}.log`, { force: true });
    fs.writeFileSync(stateFile, JSON.stringify({ containers: [{ pool: POOL, id: ID, ...container }], delayMs: 100 }));
    fs.mkdirSync(path.dirname(SOCKET), { recursive: true });
    const program = path.resolve("test/support/osctld-server.ts");
    const child = spawn(process.execPath, [program, SOCKET, stateFile], { stdio: ["ignore", "ignore", "inherit"] });
    while (!fs.existsSync(SOCKET)) {
      if (child.exitCode !== null) throw new Error(`the server ended with ${child.exitCode}`);
      await sleep(20);
    }
    return new OsctldProgram(stateFile, child);
  }

  calls(): ServerCall[] {
    const file = `${this.#stateFile}.log`;
    if (!fs.existsSync(file)) return [];
    const lines = fs.readFileSync(file, "utf8").trimEnd().split("\n");
    return lines.map((line) => JSON.parse(line) as ServerCall);
  }

  state(): string | undefined {
    const { containers } = JSON.parse(fs.readFileSync(this.#stateFile, "utf8")) as { containers: { state: string }[] };
    return containers[0]?.state;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once("exit", resolve));
    this.#child.kill();
    await ended;
    fs.rmSync(SOCKET, { force: true });
  }
}
