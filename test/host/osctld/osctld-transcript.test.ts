/** The client against a recorded conversation, test/fixtures/examples/protocol/transcript.txt. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connectOsctld, type Osctld } from "../../../src/host/osctld/osctld.ts";
import { example } from "../../support/archive.ts";

/** One side's line. */
interface Line {
  side: "S" | "C";
  text: string;
}

let directory: string;
let server: Server;
/** What the client sent, and the recorded client did. */
let sent: { actual: unknown; recorded: unknown }[];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "ctar-transcript-"));
  sent = [];
});

afterEach(async () => {
  await new Promise((resolve) => server.close(resolve));
  rmSync(directory, { recursive: true });
});

/** Connections of the transcript. */
function readTranscript(): Line[][] {
  const connections = example("protocol/transcript.txt")
    .toString()
    .split(/^# --- connection .*\n/m)
    .slice(1);
  return connections.map((text) => {
    const lines = text.split("\n").filter((line) => /^[SC] /.test(line));
    return lines.map((line) => ({ side: line.startsWith("S") ? "S" : "C", text: line.slice(2) }));
  });
}

/** Connects to a server that says what the recorded one said, each time the client has said something. */
async function replay(connection: readonly Line[]): Promise<Osctld> {
  const rest = [...connection];
  const speak = (socket: Socket): void => {
    while (rest[0]?.side === "S") socket.write(`${rest.shift()?.text}\n`);
  };
  server = createServer((socket) => {
    speak(socket);
    let received = "";
    socket.on("data", (chunk) => {
      received += chunk.toString();
      if (!received.endsWith("\n")) return;
      sent.push({ actual: JSON.parse(received), recorded: JSON.parse(rest.shift()?.text ?? "null") });
      received = "";
      speak(socket);
    });
  });
  const socketPath = join(directory, "osctld.sock");
  await new Promise<void>((resolve) => {
    server.listen(socketPath, resolve);
  });
  return (await connectOsctld({ socketPath })) as Osctld;
}

function expectSentAsRecorded(): void {
  expect(sent.map(({ actual }) => actual)).toEqual(sent.map(({ recorded }) => recorded));
}

describe("Osctld in the recorded conversation", () => {
  test("follows an export and an import on one connection", async () => {
    const [connection = []] = readTranscript();
    using osctld = await replay(connection);
    expect(osctld.version).toBe("24.05.0");
    const updates: unknown[] = [];
    const onProgress = (update: unknown): void => void updates.push(update);
    const file = "/srv/backup/web01.tar";
    const toExport = { id: "web01", pool: "tank", file, consistent: true, compression: "gzip", cli: "mytool export web01" };
    expect(await osctld.call("ct_export", toExport, { onProgress })).toBe(null);
    expect(updates).toEqual(["Stopping container", "Starting container", "Connecting console", "Waiting for the container to start"]);
    const toImport = { pool: "tank", file, as_id: "web02", missing_devices: "check", manipulation_lock: "wait" };
    expect(await osctld.call("ct_import", toImport, { onProgress })).toBe(null);
    expect(updates.slice(4)).toEqual([
      "Creating datasets",
      "Configuring LXC home",
      "Importing rootfs",
      "Writing data stream",
      "Writing data stream",
      "Generating LXC configuration",
      "Preparing log file",
      "Preparing user script hook dir",
      "Reconfiguring LXC usernet",
    ]);
    expectSentAsRecorded();
  });

  test("tells errors apart, and goes on after them", async () => {
    const [, connection = []] = readTranscript();
    using osctld = await replay(connection);
    const imported = osctld.call("ct_import", { pool: "tank", file: "/srv/backup/web01.tar" }, { action: "import it" });
    await expect(imported).rejects.toMatchObject({
      code: "exists",
      exitCode: 1,
      message: 'Cannot import it: osctld says "container tank:web01 already exists"',
    });
    const other = osctld.call("ct_import", { pool: "tank", file: "/srv/backup/other-map.tar", as_id: "web03" }, { action: "import it" });
    await expect(other).rejects.toMatchObject({ code: "failed", exitCode: 1, message: 'Cannot import it: osctld says "internal error"' });
    const stopped = osctld.call("ct_stop", { id: "web01", pool: "tank" }, { action: "stop it" });
    await expect(stopped).rejects.toMatchObject({
      code: "busy",
      exitCode: 11,
      message: "Cannot stop it: osctld says \"container tank:web01 is held by 'mytool export web01'\"",
    });
    expect(await osctld.showContainer("tank", "web01")).toEqual({
      pool: "tank",
      id: "web01",
      state: "running",
      ephemeral: false,
      dataset: "tank/ct/web01",
      user: "web01",
      group: "/customers/gold",
    });
    expectSentAsRecorded();
  });
});
