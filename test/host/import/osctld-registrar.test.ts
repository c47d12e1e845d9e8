import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import * as fs from "node:fs";
import * as path from "node:path";
import { writeAdoption } from "../../../src/archive/adoption.ts";
import { ArchiveWriter } from "../../../src/archive/write.ts";
import { FileRegistrar } from "../../../src/host/import/file-registrar.ts";
import { planImport, type ImportChoices } from "../../../src/host/import/import-plan.ts";
import { chooseRegistrar } from "../../../src/host/import/osctld-registrar.ts";
import { connectOsctld, type Osctld } from "../../../src/host/osctld/osctld.ts";
import type { ZfsPool } from "../../../src/host/pool.ts";
import type { ReadyContainer, Registrar } from "../../../src/host/import/registrar.ts";
import { Run, type RunRecord } from "../../../src/host/undo/run.ts";
import { dumpYaml } from "../../../src/yaml/dump.ts";
import { parseDatasetName } from "../../../src/zfs/name.ts";
import { MemorySink } from "../../support/archive.ts";
import { startOsctldServer, type OsctldServer, type ServerOptions } from "../../support/osctld-server.ts";
import { bytesOf, PoolFiles, userConfig } from "../../support/pool-files.ts";

const CONTAINER = "---\ndistribution: debian\nversion: '12'\narch: x86_64\ndevices: []\nhostname: web01.example.org\n";
const GROUP = "---\ncgparams: []\ndevices: []\nattrs:\n  org.example:tier: gold\n";
const CHOICES: ImportChoices = {
  asId: undefined,
  asUser: undefined,
  asGroup: undefined,
  map: "archive",
  mapMode: undefined,
  missingDevices: "check",
  hooks: true,
  untrusted: false,
};

let files: PoolFiles;
let pool: ZfsPool;
let socketPath: string;
let run: Run;

beforeEach(() => {
  files = new PoolFiles();
  pool = { kind: "zfs", name: "tank", dataset: parseDatasetName("tank"), paths: files.pool.paths, zfs: undefined as never };
  socketPath = path.join(files.root, "osctld.sock");
  run = new Run(pool, "ctar import web01.tar");
});

afterEach(() => files[Symbol.dispose]());

/** A server of pool "tank", where data of datasets lies in `data/`. */
async function startServer(options: ServerOptions = {}): Promise<OsctldServer> {
  const provideDataset = async (dataset: string): Promise<string> => {
    const directory = path.join(files.root, "data", dataset);
    fs.mkdirSync(directory, { recursive: true });
    return await Promise.resolve(directory);
  };
  return await startOsctldServer(socketPath, { pools: [{ name: "tank", directory: files.root }], provideDataset, ...options });
}

async function choose(): Promise<Registrar> {
  return await chooseRegistrar(pool, {
    run,
    commandLine: "ctar import web01.tar",
    signal: new AbortController().signal,
    missingDevices: "check",
    socketPath,
    writeArchive: async (file, adoption) => {
      const sink = new MemorySink("file");
      await writeAdoption(adoption, new ArchiveWriter(sink, { mtime: 0, chunkBytes: 1024 * 1024 }), { tool: "ctar", now: 1_700_000_000 });
      fs.writeFileSync(file, sink.bytes());
    },
  });
}

/** Container "web01" of the archive, its data in place. */
function ready(config = CONTAINER, place: Partial<ReadyContainer> = {}): ReadyContainer {
  const metadata = { format: "zfs", container: "web01", user: "web01", group: "/customers/gold", datasets: [] } as const;
  const hooks = [{ name: "post-stop.d/10-notify", mode: 0o100750, content: bytesOf("#!/bin/sh\n") }];
  const head = { containerConfig: bytesOf(config), userConfig: bytesOf(userConfig("0:500000:65536")), groupConfig: bytesOf(GROUP), hooks };
  const plan = planImport(pool, { ...head, metadata }, CHOICES);
  plan.config.set("dataset", "tank/ct/web01");
  return { plan, dataset: "tank/ct/web01", config: dumpYaml(plan.config), unmapped: [], ...place };
}

/** What the run would have to undo. */
function record(): RunRecord["things"] {
  const file = path.join(files.root, "conf/.ctar", `${run.id}.json`);
  return fs.existsSync(file) ? (JSON.parse(fs.readFileSync(file, "utf8")) as RunRecord).things : [];
}

function commandsOf(server: OsctldServer): string[] {
  return server.calls.map(({ cmd }) => cmd);
}

describe("chooseRegistrar", () => {
  test("takes files where no osctld runs", async () => {
    expect(await choose()).toBeInstanceOf(FileRegistrar);
  });

  test("takes files where osctld does not use the pool", async () => {
    await using _server = await startServer({ pools: [] });
    expect(await choose()).toBeInstanceOf(FileRegistrar);
  });

  test("takes the osctld that has the pool", async () => {
    await using server = await startServer();
    expect(await choose()).not.toBeInstanceOf(FileRegistrar);
    expect(server.calls.map(({ cmd, opts }) => [cmd, opts])).toEqual([["pool_list", { cli: "ctar import web01.tar", names: ["tank"] }]]);
  });

  test("does not ask for a directory", async () => {
    await using server = await startServer();
    const options = { run, commandLine: "", signal: new AbortController().signal, socketPath, writeArchive: () => Promise.resolve() };
    expect(await chooseRegistrar(files.pool, { ...options, missingDevices: "check" })).toBeInstanceOf(FileRegistrar);
    expect(server.calls).toEqual([]);
  });

  test.each(["importing", "disabled"] as const)("refuses a pool that is %s", async (state) => {
    await using _server = await startServer({ pools: [{ name: "tank", directory: files.root, state }] });
    await expect(choose()).rejects.toMatchObject({
      code: "failed",
      message: `Cannot import to pool "tank": osctld says that it is ${state}`,
      hints: ["osctl pool show tank"],
    });
  });
});

describe("the registrar of a running osctld, check", () => {
  test("accepts an id that is free", async () => {
    await using server = await startServer();
    await (await choose()).check("web01");
    expect(commandsOf(server)).toEqual(["pool_list", "ct_show"]);
  });

  test("refuses one that osctld knows, though it has no file", async () => {
    await using _server = await startServer({ containers: [{ pool: "tank", id: "web01", state: "staged" }] });
    const registrar = await choose();
    await expect(registrar.check("web01")).rejects.toMatchObject({
      code: "exists",
      message: 'Cannot import container "web01": osctld knows one on pool "tank"',
    });
  });

  test("refuses one that has a file, though osctld does not know it", async () => {
    await using _server = await startServer();
    files.write("conf/ct/web01.yml", CONTAINER);
    await expect((await choose()).check("web01")).rejects.toMatchObject({ code: "exists" });
  });
});

describe("the registrar of a running osctld, register", () => {
  test.each<[string, ServerOptions]>([
    ["as they come", {}],
    ["byte by byte, and slowly", { writes: "split", greetingDelayMs: 50, faults: [{ at: "Creating datasets", delayMs: 50 }] }],
    ["many at once", { writes: "joined" }],
  ])("has osctld make groups, user and container; messages come %s", async (_, options) => {
    await using server = await startServer(options);
    await (await choose()).register(ready());
    const create = ["group_create", "group_create", "group_set", "user_create", "ct_import", "ct_show"];
    expect(commandsOf(server)).toEqual(["pool_list", ...create]);
    expect(server.calls.find(({ cmd }) => cmd === "ct_import")?.opts).toEqual({
      cli: "ctar import web01.tar",
      pool: "tank",
      file: path.join(files.root, "conf/.ctar", `${run.id}.tar`),
      as_id: "web01",
      as_user: "web01",
      as_group: "/customers/gold",
      missing_devices: "check",
    });
    const owners = '---\nuser: web01\ngroup: "/customers/gold"\ndataset: tank/ct/web01\n';
    expect(files.read("conf/ct/web01.yml")).toBe(CONTAINER.replace("---\n", owners));
    expect(files.read("conf/group/customers/gold/config.yml")).toContain("org.example:tier: gold");
    expect(fs.statSync(path.join(files.root, "hook/ct/web01/post-stop.d/10-notify")).mode & 0o777).toBe(0o750);
    expect(server.violations).toEqual([]);
  });

  test("leaves nothing of the archive behind", async () => {
    await using _server = await startServer();
    await (await choose()).register(ready());
    run.keepAll();
    expect(fs.readdirSync(path.join(files.root, "conf/.ctar"))).toEqual([]);
  });

  test("makes no user and group that are there", async () => {
    files.user("web01", "0:500000:65536");
    files.write("conf/group/customers/config.yml", "---\ncgparams: []\ndevices: []\nattrs: {}\n");
    files.write("conf/group/customers/gold/config.yml", GROUP);
    await using server = await startServer();
    await (await choose()).register(ready());
    expect(commandsOf(server)).toEqual(["pool_list", "ct_import", "ct_show"]);
  });

  test("names the dataset and the map mode where they are not the usual ones", async () => {
    await using server = await startServer({ greeting: '{"version":"25.11.0"}\n' });
    const container = ready(`${CONTAINER}map_mode: native\n`);
    container.plan.config.set("dataset", "tank/fast/web01");
    await (await choose()).register({ ...container, dataset: "tank/fast/web01", config: dumpYaml(container.plan.config) });
    const { opts } = server.calls.find(({ cmd }) => cmd === "ct_import") ?? {};
    expect(opts).toMatchObject({ dataset: "tank/fast/web01", map_mode: "native" });
    expect(files.read("conf/ct/web01.yml")).toContain("dataset: tank/fast/web01\nmap_mode: native\n");
  });

  test("tells why osctld refuses, with everything on the list that it may have made", async () => {
    await using _server = await startServer({ faults: [{ at: "ct_import", refuse: "internal error" }] });
    const registrar = await choose();
    await expect(registrar.register(ready())).rejects.toMatchObject({
      code: "failed",
      message: 'Cannot have container "web01" adopted: osctld says "internal error"',
    });
    expect(record().map(({ is }) => is)).toEqual(["osctld-group", "osctld-group", "osctld-user", "path", "adoption"]);
  });

  test("does not put on the list what somebody else made meanwhile", async () => {
    await using server = await startServer();
    const registrar = await choose();
    const container = ready();
    using other = (await connectOsctld({ socketPath })) as Osctld;
    await other.call("user_create", { pool: "tank", name: "web01", uid_map: ["0:1:1"], gid_map: ["0:1:1"] });
    await expect(registrar.register(container)).rejects.toMatchObject({ code: "exists" });
    expect(record().map(({ is }) => is)).toEqual(["osctld-group", "osctld-group"]);
    expect(server.violations).toEqual([]);
  });

  test.each<[string, ServerOptions, string]>([
    ["hangs up", { faults: [{ at: "ct_import", hangUp: true }] }, 'Cannot have container "web01" adopted: osctld did not answer'],
    [
      "is busy",
      { faults: [{ at: "ct_import", refuse: "container tank:web01 is held by 'osctl ct new web01'" }] },
      'Cannot have container "web01" adopted: osctld says "container tank:web01 is held by \'osctl ct new web01\'"',
    ],
    [
      "says yes, and has another dataset",
      { handlers: { ct_import: () => null, ct_show: () => ({ pool: "tank", id: "web01", state: "stopped", dataset: "tank/ct/other" }) } },
      'Cannot have container "web01" adopted: osctld does not show it with dataset "tank/ct/web01"',
    ],
    [
      "says yes, and knows none",
      { handlers: { ct_import: () => null } },
      'Cannot have container "web01" adopted: osctld does not show it with dataset "tank/ct/web01"',
    ],
  ])("fails when osctld %s", async (_, options, message) => {
    await using _server = await startServer(options);
    const registrar = await choose();
    await expect(registrar.register(ready())).rejects.toMatchObject({ message });
    expect(record().at(-1)).toEqual({ is: "adoption", container: "web01" });
  });

  test("fails when osctld is gone", async () => {
    const server = await startServer();
    const registrar = await choose();
    await server[Symbol.asyncDispose]();
    await expect(registrar.register(ready())).rejects.toMatchObject({
      code: "failed",
      message: "Cannot go on with the import: osctld does not answer any more",
    });
  });
});
