import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect as connectRaw } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connectOsctld, type Osctld, type OsctldOptions } from "../../../src/host/osctld/osctld.ts";
import { Refusal, startOsctldServer, type Handler, type ServerContainer, type ServerOptions } from "../../support/osctld-server.ts";
import { finish, scriptArgv, start } from "../../support/program.ts";

const WEB01: ServerContainer = {
  pool: "tank",
  id: "web01",
  state: "running",
  ephemeral: false,
  dataset: "tank/ct/web01",
  user: "u",
  group: "/g",
};

let directory: string;
let socketPath: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "ctar-osctld-"));
  socketPath = join(directory, "osctld.sock");
});

afterEach(() => {
  rmSync(directory, { recursive: true });
});

async function connect(options: OsctldOptions = {}): Promise<Osctld> {
  const osctld = await connectOsctld({ socketPath, ...options });
  if (osctld === undefined) throw new Error("no osctld");
  return osctld;
}

/** Runs `use` with a server and a client of it. */
async function withOsctld<T>(options: ServerOptions, use: (osctld: Osctld) => Promise<T>): Promise<T> {
  await using server = await startOsctldServer(socketPath, options);
  using osctld = await connect();
  const result = await use(osctld);
  expect(server.violations).toEqual([]);
  return result;
}

/** Runs one command that a handler answers. */
function callOnce(handler: Handler, options: ServerOptions = {}): Promise<unknown> {
  return withOsctld({ ...options, handlers: { test: handler } }, (osctld) => osctld.call("test", {}, { action: "test it" }));
}

describe("connectOsctld", () => {
  test("returns undefined where there is no socket", async () => {
    expect(await connectOsctld({ socketPath })).toBeUndefined();
  });

  test("returns undefined where nobody listens", async () => {
    writeFileSync(socketPath, "");
    expect(await connectOsctld({ socketPath })).toBeUndefined();
  });

  test("knows the version from the greeting", async () => {
    await withOsctld({ greeting: '{"version":"25.11.0"}\n' }, async (osctld) => expect(osctld.version).toBe("25.11.0"));
  });

  test.each([
    ["HTTP/1.1 400 Bad Request\r\n", 'osctld sent "HTTP/1.1 400 Bad Request\r", which is no answer'],
    ['{"hello":1}\n', 'osctld sent "{"hello":1}", which is no answer'],
    ['{"status":true,"response":null}\n', 'osctld sent "{"status":true,"response":null}", which is no answer'],
    ["[]\n", 'osctld sent "[]", which is no answer'],
  ])("refuses the greeting %j", async (greeting, reason) => {
    await using _server = await startOsctldServer(socketPath, { greeting });
    await expect(connect()).rejects.toMatchObject({ code: "failed", message: `Cannot talk to osctld: ${reason}` });
  });

  test("does not wait for a greeting for ever", async () => {
    await using _server = await startOsctldServer(socketPath, { greeting: null });
    await expect(connect({ greetingTimeoutMs: 50 })).rejects.toMatchObject({
      code: "failed",
      message: `Cannot talk to osctld at "${socketPath}": no greeting`,
    });
  });

  test("says why it cannot connect", async () => {
    const long = join(directory, "x".repeat(200));
    await expect(connect({ socketPath: long })).rejects.toMatchObject({
      code: "failed",
      message: `Cannot connect to osctld at "${long}": invalid argument`,
    });
  });

  test("fails with the reason of an abort", async () => {
    const reason = new Error("stop");
    await expect(connect({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    await using _server = await startOsctldServer(socketPath, { greeting: null });
    const controller = new AbortController();
    const connecting = connect({ signal: controller.signal });
    setTimeout(() => controller.abort(reason), 20);
    await expect(connecting).rejects.toBe(reason);
  });
});

describe("Osctld.call", () => {
  test.each(["plain", "split", "joined"] as const)("reads updates and the response from %s writes", async (writes) => {
    const updates: unknown[] = [];
    const response = await withOsctld(
      {
        writes,
        handlers: {
          test: ({ opts, progress }) => {
            progress("Schließe ü");
            progress({ type: "step", title: "two" });
            return { opts };
          },
        },
      },
      (osctld) => osctld.call("test", { id: "ü", n: 1 }, { onProgress: (update) => updates.push(update) }),
    );
    expect(updates).toEqual(["Schließe ü", { type: "step", title: "two" }]);
    expect(response).toEqual({ opts: { id: "ü", n: 1 } });
  });

  test("sends who it is with every command", async () => {
    await using server = await startOsctldServer(socketPath);
    using osctld = await connect({ cli: "ctar export web01" });
    await osctld.call("self_ping", {});
    expect(server.calls.map(({ cmd, opts }) => [cmd, opts])).toEqual([["self_ping", { cli: "ctar export web01" }]]);
  });

  test("sends a command only when the one before is answered", async () => {
    const slow: Handler = async () => {
      await new Promise((resolve) => setTimeout(resolve, 30));
      return "slow";
    };
    const all = withOsctld({ handlers: { slow } }, (osctld) =>
      Promise.all([osctld.call("slow", {}), osctld.call("none", {}).catch((error: Error) => error.message), osctld.call("self_ping", {})]),
    );
    expect(await all).toEqual(["slow", `Cannot run osctld command "none": osctld says "Unsupported command 'none'"`, "pong"]);
  });

  test.each([
    ["container tank:web01 is held by 'osctl ct stop web01'", "busy", 11],
    ["container not found", "not-found", 10],
    ["internal error", "failed", 1],
  ])("turns the refusal %j into an error", async (message, code, exitCode) => {
    const refuse: Handler = () => {
      throw new Refusal(message);
    };
    await expect(callOnce(refuse)).rejects.toMatchObject({ code, exitCode, message: `Cannot test it: osctld says "${message}"` });
  });

  test.each<[string, Handler, string]>([
    ["hangs up", ({ hangUp }) => hangUp(), "osctld did not answer"],
    [
      "hangs up in the middle of a message",
      ({ raw, hangUp }) => {
        raw('{"status":true,"resp');
        setTimeout(hangUp, 20);
        return new Promise(() => undefined);
      },
      "osctld did not answer",
    ],
    ["sends garbage", ({ raw }) => raw("garbage\n"), 'osctld sent "garbage", which is no answer'],
    ["sends a message without status", ({ raw }) => raw('{"response":1}\n'), 'osctld sent "{"response":1}", which is no answer'],
    [
      "sends a line without an end",
      ({ raw }) => {
        raw("x".repeat(17 * 1024 * 1024));
        return new Promise(() => undefined);
      },
      "osctld did not answer",
    ],
  ])("fails when the server %s, and so does the next call", async (_, handler, reason) => {
    await using _server = await startOsctldServer(socketPath, { handlers: { test: handler } });
    using osctld = await connect();
    await expect(osctld.call("test", {}, { action: "test it" })).rejects.toMatchObject({
      code: "failed",
      message: `Cannot test it: ${reason}`,
    });
    await expect(osctld.call("self_ping", {})).rejects.toMatchObject({ code: "failed" });
  });

  test("ends with the reason of an abort while the server works", async () => {
    await using _server = await startOsctldServer(socketPath, { handlers: { test: () => new Promise(() => undefined) } });
    const controller = new AbortController();
    using osctld = await connect({ signal: controller.signal });
    const reason = new Error("stop");
    const call = osctld.call("test", {});
    setTimeout(() => controller.abort(reason), 20);
    await expect(call).rejects.toBe(reason);
    await expect(osctld.call("self_ping", {})).rejects.toBe(reason);
  });

  test("fails after close", async () => {
    await using _server = await startOsctldServer(socketPath);
    const osctld = await connect();
    osctld.close();
    await expect(osctld.call("self_ping", {})).rejects.toMatchObject({ code: "failed" });
  });
});

describe("Osctld.showContainer", () => {
  test.each<[string, Record<string, unknown>, string]>([
    ["state", { state: "running" }, "running"],
    ["runtime_state", { state: undefined, config_state: "ready", runtime_state: "frozen" }, "frozen"],
    ["config_state", { state: undefined, config_state: "staged", runtime_state: "stopped" }, "staged"],
    ["config_state error", { state: undefined, config_state: "error", runtime_state: "stopped" }, "error"],
    ["a state of the future", { state: "dreaming" }, "unknown"],
    ["no state", { state: undefined }, "unknown"],
  ])("takes the state from %s", async (_, fields, state) => {
    const handlers = { ct_show: () => ({ ...WEB01, ...fields }) };
    const shown = await withOsctld({ handlers }, (osctld) => osctld.showContainer("tank", "web01"));
    expect(shown).toEqual({
      pool: "tank",
      id: "web01",
      state,
      ephemeral: false,
      dataset: "tank/ct/web01",
      user: "u",
      group: "/g",
    } as never);
  });

  test("returns undefined for a container osctld does not know", async () => {
    expect(await withOsctld({ containers: [WEB01] }, (osctld) => osctld.showContainer("tank", "web02"))).toBeUndefined();
  });

  test.each([null, [], "web01", {}])("refuses the response %j", async (response) => {
    const handlers = { ct_show: () => response };
    await expect(withOsctld({ handlers }, (osctld) => osctld.showContainer("tank", "web01"))).rejects.toMatchObject({ code: "failed" });
  });
});

describe("Osctld.stopContainer and startContainer", () => {
  test("change the state, tell what happens, and send what osctld needs", async () => {
    await using server = await startOsctldServer(socketPath, { containers: [WEB01] });
    using osctld = await connect();
    const updates: unknown[] = [];
    const onProgress = (update: unknown): void => void updates.push(update);
    await osctld.stopContainer("tank", "web01", { onProgress });
    expect((await osctld.showContainer("tank", "web01"))?.state).toBe("stopped");
    await osctld.startContainer("tank", "web01", { onProgress });
    expect((await osctld.showContainer("tank", "web01"))?.state).toBe("running");
    expect(updates).toEqual(["Stopping container", "Starting container"]);
    expect(server.calls.filter(({ cmd }) => cmd !== "ct_show").map(({ cmd, opts }) => [cmd, opts])).toEqual([
      ["ct_stop", { id: "web01", pool: "tank" }],
      ["ct_start", { id: "web01", pool: "tank", wait: 120, force: true, manipulation_lock: "wait" }],
    ]);
  });

  test("an ephemeral container is not stopped", async () => {
    await using server = await startOsctldServer(socketPath, { containers: [{ ...WEB01, ephemeral: true }] });
    using osctld = await connect();
    await expect(osctld.stopContainer("tank", "web01")).rejects.toMatchObject({
      code: "failed",
      message: 'Cannot stop container "tank:web01": it is ephemeral, and osctld would delete it',
    });
    expect(server.calls.map(({ cmd }) => cmd)).toEqual(["ct_show"]);
  });

  test("an unknown container is not found", async () => {
    const unknown = withOsctld({}, (osctld) => osctld.stopContainer("tank", "web01"));
    await expect(unknown).rejects.toMatchObject({ code: "not-found" });
    rmSync(socketPath, { force: true });
    const started = withOsctld({}, (osctld) => osctld.startContainer("tank", "web01"));
    await expect(started).rejects.toMatchObject({
      code: "not-found",
      message: 'Cannot start container "tank:web01": osctld says "container not found"',
    });
  });

  test("a held container is busy for a stop, and a start waits", async () => {
    await using server = await startOsctldServer(socketPath, { containers: [WEB01], delayMs: 50 });
    using first = await connect({ cli: "ctar export web01" });
    using second = await connect();
    const stopped = first.stopContainer("tank", "web01");
    while (server.containers[0]?.state !== "stopping") await new Promise((resolve) => setTimeout(resolve, 1));
    await expect(second.stopContainer("tank", "web01")).rejects.toMatchObject({
      code: "busy",
      message: `Cannot stop container "tank:web01": osctld says "container tank:web01 is held by 'ctar export web01'"`,
    });
    await second.startContainer("tank", "web01");
    await stopped;
    expect(server.containers[0]?.state).toBe("running");
  });
});

describe("the osctld server of the tests", () => {
  /** What comes back for raw bytes within a moment, without the greeting. */
  async function exchange(...writes: readonly string[]): Promise<string> {
    const socket = connectRaw({ path: socketPath });
    let received = "";
    socket.on("data", (chunk: Buffer) => (received += chunk.toString()));
    await once(socket, "data");
    for (const text of writes) socket.write(text);
    await new Promise((resolve) => setTimeout(resolve, 50));
    socket.destroy();
    return received.split("\n").slice(1).join("\n");
  }

  const PING = '{"cmd":"self_ping","opts":{}}\n';
  const PONG = '{"status":true,"response":"pong"}\n';

  test.each<[string, string[], string]>([
    ["answers a command", [PING], PONG],
    ["answers a command that comes in pieces", [PING.slice(0, 9), PING.slice(9)], PONG],
    ["loses commands sent together", [PING + PING], ""],
    ["is silent on bad JSON", ["{\n"], ""],
    ["is silent when opts is no object", ['{"cmd":"self_ping","opts":null}\n'], ""],
  ])("%s", async (_, writes, expected) => {
    await using _server = await startOsctldServer(socketPath);
    expect(await exchange(...writes)).toBe(expected);
  });

  test("runs as a program over a state file", async () => {
    const statePath = join(directory, "state.json");
    writeFileSync(statePath, JSON.stringify({ containers: [WEB01] }));
    const child = start([...scriptArgv("test/support/osctld-server.ts"), socketPath, statePath]);
    try {
      let osctld = await connectOsctld({ socketPath });
      for (; osctld === undefined; osctld = await connectOsctld({ socketPath })) await new Promise((resolve) => setTimeout(resolve, 10));
      await osctld.stopContainer("tank", "web01");
      osctld.close();
      expect(JSON.parse(readFileSync(statePath, "utf8"))).toMatchObject({ containers: [{ id: "web01", state: "stopped" }] });
      const calls = readFileSync(`${statePath}.log`, "utf8").trim().split("\n");
      expect(calls.map((line) => (JSON.parse(line) as { cmd: string }).cmd)).toEqual(["ct_show", "ct_stop"]);
    } finally {
      child.kill();
      await finish(child);
    }
  });
});
