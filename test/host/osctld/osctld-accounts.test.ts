import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import * as fs from "node:fs";
import * as path from "node:path";
import { parseGroupConfig } from "../../../src/config/group.ts";
import { parseUserConfig } from "../../../src/config/user.ts";
import { createGroup, createUser, deleteGroup, deleteUser } from "../../../src/host/osctld/osctld-accounts.ts";
import { connectOsctld, type Osctld } from "../../../src/host/osctld/osctld.ts";
import type { ZfsPool } from "../../../src/host/pool.ts";
import { planUser, type MapChoice } from "../../../src/host/import/user-plan.ts";
import { YamlMap } from "../../../src/yaml/value.ts";
import { parseDatasetName } from "../../../src/zfs/name.ts";
import { startOsctldServer, type OsctldServer, type ServerOptions } from "../../support/osctld-server.ts";
import { bytesOf, PoolFiles, userConfig } from "../../support/pool-files.ts";

const RANGE = "conf/id-range/default.yml";
const NO_ALLOCATIONS = "allocations: []\n";

let files: PoolFiles;
let server: OsctldServer;
let osctld: Osctld;

beforeEach(() => {
  files = new PoolFiles();
});

afterEach(async () => {
  osctld.close();
  await server[Symbol.asyncDispose]();
  files[Symbol.dispose]();
});

async function start(options: ServerOptions = {}): Promise<void> {
  const socketPath = path.join(files.root, "osctld.sock");
  server = await startOsctldServer(socketPath, { pools: [{ name: "tank", directory: files.root }], ...options });
  osctld = (await connectOsctld({ socketPath })) as Osctld;
}

/** Plans a user as an import does, and has it made. */
async function makeUser(name: string, config: string, map: MapChoice = "archive"): Promise<void> {
  const pool: ZfsPool = { kind: "zfs", name: "tank", dataset: parseDatasetName("tank"), paths: files.pool.paths, zfs: undefined as never };
  const archivedConfig = bytesOf(config);
  const plan = planUser(pool, { archived: name, archivedConfig, containerId: "web01", asUser: undefined, map });
  if (plan.create === undefined) throw new Error("nothing to make");
  await createUser(osctld, "tank", plan, plan.create);
}

function commands(): string[] {
  return server.calls.map(({ cmd }) => cmd);
}

/** Maps as a file's text. */
function mapsOf(uid: string, gid: string): string {
  return `---\nuid_map:\n- ${uid}\ngid_map:\n- ${gid}\nstandalone: false\nattrs: {}\n`;
}

describe("createUser", () => {
  test("keeps standalone and attributes, which an import by osctld alone would lose", async () => {
    await start();
    const config = userConfig("0:500000:65536").replace("attrs: {}", "attrs:\n  org.example:owner: team web\n  org.example:no: 'yes'");
    await makeUser("web01", config.replace("standalone: false", "standalone: true"));
    const { config: made } = parseUserConfig(bytesOf(files.read("conf/user/web01.yml")), "user.yml");
    expect(made).toEqual(parseUserConfig(bytesOf(config.replace("standalone: false", "standalone: true")), "user.yml").config);
    expect(commands()).toEqual(["user_create", "user_set"]);
    expect(server.violations).toEqual([]);
  });

  test.each<[string, string, MapChoice, [index: number, count: number][]]>([
    ["outside all ID ranges", userConfig("0:500000:65536"), "archive", []],
    ["on a block", userConfig("0:1065536:65536"), "archive", [[1, 1]]],
    ["inside a block", userConfig("0:1065540:1000"), "archive", [[1, 1]]],
    ["on two blocks", userConfig("0:1000000:131072"), "archive", [[0, 2]]],
    ["on a block and beside it", userConfig("0:990000:65536"), "archive", [[0, 1]]],
    ["on a block for users, outside for groups", mapsOf("0:1000000:65536", "0:500000:65536"), "archive", [[0, 1]]],
    [
      "of blocks that do not touch",
      mapsOf("0:1000000:65536", "0:1196608:65536"),
      "archive",
      [
        [0, 1],
        [3, 1],
      ],
    ],
    ["chosen by ctar", userConfig("0:500000:65536"), "auto", [[0, 1]]],
  ])("with a map %s: osctld enters what lies in its range", async (_, config, map, blocks) => {
    await start();
    await makeUser("web01", config, map);
    const table = blocks.map(([index, count]) => `- block_index: ${index}\n  block_count: ${count}\n  owner: user:web01\n`).join("");
    expect(files.read(RANGE)).toContain(table === "" ? NO_ALLOCATIONS : `allocations:\n${table}attrs`);
    const { maps } = parseUserConfig(bytesOf(files.read("conf/user/web01.yml")), "user.yml");
    const archived = parseUserConfig(bytesOf(config), "user.yml").maps;
    expect(maps).toEqual(map === "archive" ? archived : parseUserConfig(bytesOf(userConfig("0:1000000:65536")), "user.yml").maps);
    expect(server.violations).toEqual([]);
  });

  test("with a map on the block behind others", async () => {
    files.write(
      RANGE,
      "---\nstart_id: 1000000\nblock_size: 65536\nblock_count: 4\nallocations:\n- block_index: 0\n  block_count: 2\n  owner: a\nattrs: {}\n",
    );
    await start();
    await makeUser("web01", userConfig("0:500000:65536"), "auto");
    expect(files.read("conf/user/web01.yml")).toContain("- 0:1131072:65536\n");
    expect(files.read(RANGE)).toContain("- block_index: 2\n  block_count: 1\n  owner: user:web01\n");
  });

  test("tells that somebody else has made one of that name", async () => {
    await start();
    await makeUser("web01", userConfig("0:500000:65536"));
    fs.rmSync(path.join(files.root, "conf/user/web01.yml"));
    await expect(makeUser("web01", userConfig("0:500000:65536"))).rejects.toMatchObject({
      code: "exists",
      message: 'Cannot create user "web01": osctld says "user already exists"',
    });
  });
});

describe("deleteUser", () => {
  test("frees what was allocated", async () => {
    await start();
    await makeUser("web01", userConfig("0:1065536:65536"));
    await deleteUser(osctld, "tank", "web01");
    expect(fs.readdirSync(path.join(files.root, "conf/user"))).toEqual([]);
    expect(files.read(RANGE)).toContain(NO_ALLOCATIONS);
    expect(server.violations).toEqual([]);
  });

  test("is done where there is none", async () => {
    await start();
    await deleteUser(osctld, "tank", "web01");
    expect(commands()).toEqual(["user_list"]);
  });

  test("leaves one that a container has", async () => {
    files.user("web01", "0:500000:65536");
    await start({ containers: [{ pool: "tank", id: "db01", state: "running", user: "web01", group: "/default" }] });
    await expect(deleteUser(osctld, "tank", "web01")).rejects.toMatchObject({
      code: "failed",
      message: 'Cannot delete user "web01": osctld says "user has container(s)"',
    });
    expect(fs.readdirSync(path.join(files.root, "conf/user"))).toEqual(["web01.yml"]);
  });
});

const GROUP = `---
cgparams:
- version: 1
  subsystem: memory
  name: memory.limit_in_bytes
  value:
  - 4294967296
  persistent: true
- version: 2
  subsystem: cpu
  name: cpu.max
  value:
  - 200000 100000
  persistent: true
devices:
- type: char
  major: '10'
  minor: '229'
  mode: rw
  name: "/dev/fuse"
  inherit: true
  inherited: false
- type: block
  major: '8'
  minor: "*"
  mode: r
  name:
  inherit: false
  inherited: false
attrs:
  org.example:tier: gold
`;

function groupConfig(text: string): ReturnType<typeof parseGroupConfig> {
  return parseGroupConfig(bytesOf(text), "group.yml");
}

function madeGroup(name: string): ReturnType<typeof parseGroupConfig> {
  return groupConfig(files.read(`conf/group${name}/config.yml`));
}

describe("createGroup", () => {
  test("keeps parameters, devices and attributes, which an import by osctld alone would lose", async () => {
    await start();
    await createGroup(osctld, "tank", "/gold", groupConfig(GROUP));
    expect(madeGroup("/gold")).toEqual(groupConfig(GROUP));
    expect(commands()).toEqual(["group_create", "group_device_add", "group_device_add", "group_set"]);
    expect(server.violations).toEqual([]);
  });

  test("has the groups above provide its devices, without handing them on", async () => {
    await start();
    await createGroup(osctld, "tank", "/gold", groupConfig(GROUP));
    const fuse = { type: "char", major: "10", minor: "229", mode: "rw", name: "/dev/fuse", inherit: false, inherited: false };
    expect(madeGroup("/").get("devices")).toContainEqual(YamlMap.of(fuse));
  });

  test("makes a device its own that the group above hands on", async () => {
    await start();
    const config = GROUP.replace("'10'", "'1'")
      .replace("'229'", "'3'")
      .replace("mode: rw\n", "mode: rm\n")
      .replace("/dev/fuse", "/dev/null");
    await createGroup(osctld, "tank", "/gold", groupConfig(config));
    expect(madeGroup("/gold")).toEqual(groupConfig(config));
    expect(commands()).toEqual(["group_create", "group_device_add", "group_device_chmod", "group_device_add", "group_set"]);
  });

  test("makes nested groups one by one", async () => {
    await start();
    const empty = groupConfig("---\ncgparams: []\ndevices: []\nattrs: {}\n");
    await expect(createGroup(osctld, "tank", "/a/b", empty)).rejects.toMatchObject({
      code: "failed",
      message: `Cannot create group "/a/b": osctld says "group '/a' not found"`,
    });
    await createGroup(osctld, "tank", "/a", empty);
    await createGroup(osctld, "tank", "/a/b", empty);
    expect(madeGroup("/a/b")).toEqual(empty);
  });
});

describe("deleteGroup", () => {
  test("removes it, and nothing else", async () => {
    await start();
    await createGroup(osctld, "tank", "/gold", groupConfig("---\ncgparams: []\ndevices: []\nattrs: {}\n"));
    await deleteGroup(osctld, "tank", "/gold");
    await deleteGroup(osctld, "tank", "/gold");
    expect(fs.readdirSync(path.join(files.root, "conf/group")).toSorted()).toEqual(["config.yml", "default"]);
    expect(server.violations).toEqual([]);
  });

  test("leaves one that a container has", async () => {
    await start({ containers: [{ pool: "tank", id: "db01", state: "running", user: "web01", group: "/default" }] });
    await expect(deleteGroup(osctld, "tank", "/default")).rejects.toMatchObject({
      code: "failed",
      message: 'Cannot delete group "/default": osctld says "group is used by containers"',
    });
  });
});
