/**
 * Imports next to a running osctld, which keeps everything in memory: users, groups and the container are made by its commands, and it adopts the
 * dataset that the data was received to. The osctld of test/support notes whatever it would not bear: see `violations`.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import type { ChildProcess } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { parseGroupConfig } from "../../src/config/group.ts";
import { dumpYaml } from "../../src/yaml/dump.ts";
import { YamlMap, type YamlValue } from "../../src/yaml/value.ts";
import { startOsctldServer, type OsctldServer, type ServerOptions } from "../support/osctld-server.ts";
import { CTAR, ctar, listTraces, POOL, ScratchPool, shell } from "../support/platform.ts";
import { finish, start, type Finished } from "../support/program.ts";
import { writeLoggingZfs } from "../support/zfs-log.ts";

const TIMEOUT_MS = 60_000;
const SOCKET = "/run/osctl/osctld.sock";
const CONF = `/${POOL}/conf`;
const RANGE = `${CONF}/id-range/default.yml`;
const USER = `---
uid_map:
- 0:1065536:65536
gid_map:
- 0:1065536:65536
standalone: true
attrs:
  org.example:owner: team web
`;
const GROUP = `---
cgparams:
- version: 2
  subsystem: memory
  name: memory.max
  value:
  - 4294967296
  persistent: true
devices:
- type: char
  major: '10'
  minor: '229'
  mode: rwm
  name: "/dev/fuse"
  inherit: true
  inherited: false
attrs:
  org.example:tier: gold
`;
const CONTAINER = `---
user: gone
group: "/made/deep"
dataset: ${POOL}/ct/gone
distribution: debian
version: '12'
arch: x86_64
net_interfaces: []
cgparams: []
devices:
- type: char
  major: '10'
  minor: '229'
  mode: rw
  name: "/dev/fuse"
  inherit: false
  inherited: false
autostart:
hostname: gone.example.org
attrs:
  org.example:owner: team web
`;
/** How files are told apart. */
const LIST = String.raw`find . -printf '%P %y %m %U:%G %s %TY-%Tm-%Td %TH:%TM:%TS\n' | sort; find . -type f -print0 | sort -z | xargs -0 sha256sum`;

let pool: ScratchPool;
let archive: string;
let nativeArchive: string;
/** The data of the archives: root and subdataset. */
let listing: string;
let before: string[];
let osctld: OsctldServer | undefined;
let child: ChildProcess | undefined;

beforeAll(async () => {
  pool = await ScratchPool.create();
  archive = path.join(pool.directory, "gone.tar");
  nativeArchive = path.join(pool.directory, "native.tar");
  await shell(`zfs create $POOL/fast`);
  allowFuse();
  await shell(`
    mkdir -p ${CONF}/group/made/deep /$POOL/hook/ct/gone/post-stop.d
    cat > ${CONF}/user/gone.yml <<'Y'\n${USER}Y
    cat > ${CONF}/group/made/deep/config.yml <<'Y'\n${GROUP}Y
    cat > ${CONF}/ct/gone.yml <<'Y'\n${CONTAINER}Y
    for name in pre-start post-stop.d/10-notify; do printf '#!/bin/sh\\n' > /$POOL/hook/ct/gone/$name; chmod 750 /$POOL/hook/ct/gone/$name; done
    for dataset in gone gone/srv; do
      zfs create -o canmount=noauto $POOL/ct/$dataset; zfs mount $POOL/ct/$dataset; chmod 770 /$POOL/ct/$dataset; mkdir /$POOL/ct/$dataset/private
      head -c 300000 /dev/urandom > /$POOL/ct/$dataset/private/noise; chown 1000:100 /$POOL/ct/$dataset/private/noise
      chmod 4755 /$POOL/ct/$dataset/private/noise; ln -s noise /$POOL/ct/$dataset/private/link
    done`);
  listing = await shell(`cd /$POOL/ct/gone; ${LIST}`);
  await shell(`
    $CTAR export gone ${archive}
    echo 'map_mode: native' >> ${CONF}/ct/gone.yml
    $CTAR export gone ${nativeArchive}
    ${FORGET}`);
  before = await inventory();
}, TIMEOUT_MS);

afterAll(async () => await pool?.[Symbol.asyncDispose](), TIMEOUT_MS);

afterEach(async () => {
  if (child?.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
  await osctld?.[Symbol.asyncDispose]();
  [osctld, child] = [undefined, undefined];
  fs.rmSync(path.join(pool.directory, "release"), { force: true });
  await shell(`${FORGET}; ${NO_ALLOCATIONS}; rm -f ${CONF}/.ctar/*`);
  expect(await inventory()).toEqual(before);
}, TIMEOUT_MS);

/** Removes what imports of the archives leave. */
const FORGET = `
    for dataset in $(zfs list -H -o name -d 2 $POOL | grep -E '/(gone|two)(\\.|$)'); do zfs destroy -r $dataset; done
    rm -rf /$POOL/hook/ct/{gone,two} /$POOL/hook/pool/pre-autostart.d ${CONF}/group/made ${CONF}/{ct,user}/{gone,two}.yml /$POOL/log/ct/{gone,two}.log`;

const NO_ALLOCATIONS = `sed -i '/^allocations:/,/^attrs:/c allocations: []\\nattrs: {}' ${RANGE}`;

/** Lets containers have /dev/fuse, if their groups give it to them. */
function allowFuse(): void {
  const file = `${CONF}/group/config.yml`;
  const config = parseGroupConfig(fs.readFileSync(file), file, { root: true });
  const fuse = { type: "char", major: "10", minor: "229", mode: "rwm", name: "/dev/fuse", inherit: false, inherited: false };
  config.set("devices", [...(config.get("devices") as YamlValue[]), YamlMap.of(fuse)]);
  fs.writeFileSync(file, dumpYaml(config));
}

/** Datasets and snapshots with marks, files of configuration and hooks with what is in them. */
async function inventory(): Promise<string[]> {
  const zfs = await shell(`zfs get -H -r -t filesystem,volume,snapshot -o name,value ctar:run $POOL`);
  const files = await shell(`cd /$POOL; find conf hook -type d -print -o -type f -exec sha256sum {} + | grep -v 'conf/.ctar$' | sort`);
  return [...zfs.split("\n"), ...files.split("\n")];
}

async function startOsctld(options: ServerOptions = {}): Promise<OsctldServer> {
  if (fs.existsSync(SOCKET)) throw new Error(`${SOCKET} exists: an osctld runs here`);
  fs.mkdirSync(path.dirname(SOCKET), { recursive: true });
  osctld = await startOsctldServer(SOCKET, { pools: [{ name: POOL }], ...options });
  return osctld;
}

async function restartOsctld(): Promise<OsctldServer> {
  await osctld?.[Symbol.asyncDispose]();
  return await startOsctld();
}

/** Imports to the end. */
async function runImport(...args: string[]): Promise<{ code: number | null; stderr: string }> {
  const { code, stderr } = await ctar(["import", "--missing-devices", "provide", ...args], { env: { NO_COLOR: "1" } });
  return { code, stderr };
}

/** Starts an import, and lets osctld come to a point where it waits. */
async function startImport(server: OsctldServer, point: string): Promise<{ end: Promise<Finished> }> {
  child = start([CTAR, "import", "--missing-devices", "provide", archive]);
  const end = finish(child);
  await server.until({ reached: point });
  return { end };
}

/** Lets osctld go on. */
function release(): void {
  fs.writeFileSync(path.join(pool.directory, "release"), "");
}

function commandsOf(server: OsctldServer): string[] {
  return server.calls.map(({ cmd }) => cmd);
}

function imported(server: OsctldServer): Record<string, unknown> | undefined {
  return server.calls.find(({ cmd }) => cmd === "ct_import")?.opts;
}

async function doctor(...args: string[]): Promise<{ code: number | null; text: string }> {
  const { code, stdout, stderr } = await ctar(["doctor", "--pool", POOL, ...args], { env: { NO_COLOR: "1" } });
  return { code, text: stdout + stderr };
}

/** The container is there as the archive has it, and nothing else is. */
async function expectAdopted(server: OsctldServer, dataset = `${POOL}/ct/gone`): Promise<void> {
  expect(server.violations).toEqual([]);
  await shell(`for d in ${dataset} ${dataset}/srv; do if [ $(zfs get -H -o value mounted $d) = no ]; then zfs mount $d; fi; done`);
  expect(await shell(`cd /${dataset}; ${LIST}`)).toBe(listing);
  const settings = await shell(`zfs get -H -r -t filesystem -o value,source canmount ${dataset}`);
  expect(settings).toBe("noauto\tlocal\n".repeat(2));
  expect(await listTraces()).toEqual([]);
  expect(fs.readdirSync(`${CONF}/.ctar`)).toEqual([]);
}

describe("ctar import next to a running osctld", () => {
  test(
    "has it make group, user and container, whole, and writes no configuration itself",
    async () => {
      const server = await startOsctld();
      const { code, stderr } = await runImport(archive);
      expect([code, stderr]).toEqual([0, expect.stringContaining('imported container "gone"')]);
      await expectAdopted(server);
      const accounts = [
        "group_create",
        "group_device_add",
        "group_create",
        "group_device_add",
        "group_set",
        "user_create",
        "id_range_allocate",
      ];
      expect(commandsOf(server)).toEqual(["pool_list", "ct_show", ...accounts, "user_set", "ct_import", "ct_show"]);
      expect(fs.readFileSync(`${CONF}/user/gone.yml`, "utf8")).toBe(USER);
      expect(fs.readFileSync(`${CONF}/group/made/deep/config.yml`, "utf8")).toBe(GROUP);
      expect(fs.readFileSync(`${CONF}/ct/gone.yml`, "utf8")).toBe(CONTAINER);
      expect(fs.readFileSync(RANGE, "utf8")).toContain("- block_index: 1\n  block_count: 1\n  owner: user:gone\n");
      expect(
        await shell(`stat -c '%a %n' ${CONF}/{ct,user}/gone.yml; cd /$POOL/hook/ct; find gone -type f -printf '%m %p\\n' | sort`),
      ).toBe(`400 ${CONF}/ct/gone.yml\n400 ${CONF}/user/gone.yml\n750 gone/post-stop.d/10-notify\n750 gone/pre-start\n`);
    },
    TIMEOUT_MS,
  );

  test(
    "leaves the same configuration as an import without osctld",
    async () => {
      // the table's entries have the names of 24.05 and of later versions for the same numbers when ctar writes them
      const readAll = `cd ${CONF}; cat {ct,user}/gone.yml group/made/{,deep/}config.yml; grep -vE '^  (index|count): ' id-range/default.yml`;
      await startOsctld();
      expect((await runImport(archive)).code).toBe(0);
      const adopted = await shell(readAll);
      await osctld?.[Symbol.asyncDispose]();
      osctld = undefined;
      await shell(`${FORGET}; ${NO_ALLOCATIONS}`);
      expect((await runImport(archive)).code).toBe(0);
      expect(await shell(readAll)).toBe(adopted);
    },
    TIMEOUT_MS,
  );

  test(
    "uses the user and the group that are there",
    async () => {
      const server = await startOsctld();
      expect((await runImport(archive)).code).toBe(0);
      const calls = commandsOf(server).length;
      const { code } = await runImport("--as-id", "two", archive);
      expect([code, commandsOf(server).slice(calls)]).toEqual([0, ["pool_list", "ct_show", "ct_import", "ct_show"]]);
      await expectAdopted(server, `${POOL}/ct/two`);
      expect(fs.readFileSync(`${CONF}/ct/two.yml`, "utf8")).toBe(CONTAINER.replace("/ct/gone", "/ct/two"));
    },
    TIMEOUT_MS,
  );

  test(
    "names the dataset when it is not the usual one",
    async () => {
      const server = await startOsctld();
      expect((await runImport("--dataset", `${POOL}/fast/gone`, archive)).code).toBe(0);
      expect(imported(server)).toMatchObject({ dataset: `${POOL}/fast/gone` });
      await expectAdopted(server, `${POOL}/fast/gone`);
      expect(fs.readFileSync(`${CONF}/ct/gone.yml`, "utf8")).toBe(CONTAINER.replace("/ct/gone", "/fast/gone"));
    },
    TIMEOUT_MS,
  );

  test(
    "has it enter the ids that --map auto chose",
    async () => {
      const server = await startOsctld();
      expect((await runImport("--map", "auto", archive)).code).toBe(0);
      await expectAdopted(server);
      expect(fs.readFileSync(`${CONF}/user/gone.yml`, "utf8")).toBe(USER.replaceAll("0:1065536:65536", "0:1000000:65536"));
      expect(fs.readFileSync(RANGE, "utf8")).toContain("- block_index: 0\n  block_count: 1\n  owner: user:gone\n");
    },
    TIMEOUT_MS,
  );

  test(
    "tells it the map mode when the archive has one",
    async () => {
      const server = await startOsctld({ greeting: '{"version":"25.11.0"}\n' });
      expect((await runImport(nativeArchive)).code).toBe(0);
      expect(imported(server)).toMatchObject({ map_mode: "native" });
      await expectAdopted(server);
      expect(fs.readFileSync(`${CONF}/ct/gone.yml`, "utf8")).toContain("\nmap_mode: native\n");
    },
    TIMEOUT_MS,
  );

  test(
    "takes an archive from a pipe",
    async () => {
      const server = await startOsctld();
      const { code } = await ctar(["import", "--missing-devices", "provide", "-"], { input: fs.readFileSync(archive) });
      expect(code).toBe(0);
      await expectAdopted(server);
    },
    TIMEOUT_MS,
  );

  test(
    "writes the configuration itself when osctld does not have the pool",
    async () => {
      const server = await startOsctld({ pools: [] });
      expect((await runImport(archive)).code).toBe(0);
      expect(commandsOf(server)).toEqual(["pool_list"]);
      await expectAdopted(server);
      expect(fs.readFileSync(`${CONF}/ct/gone.yml`, "utf8")).toBe(CONTAINER);
    },
    TIMEOUT_MS,
  );
});

describe("ctar import that osctld does not take", () => {
  test.each<[what: string, options: ServerOptions, error: string]>([
    [
      "it knows a container of that id",
      { containers: [{ pool: POOL, id: "gone", state: "staged" }] },
      `Cannot import container "gone": osctld knows one on pool "${POOL}"`,
    ],
    [
      "it has disabled the pool",
      { pools: [{ name: POOL, state: "disabled" }] },
      `Cannot import to pool "${POOL}": osctld says that it is disabled`,
    ],
    [
      "it is still importing the pool",
      { pools: [{ name: POOL, state: "importing" }] },
      `Cannot import to pool "${POOL}": osctld says that it is importing`,
    ],
  ])(
    "because %s: no data is received",
    async (_, options, error) => {
      const server = await startOsctld(options);
      const log = path.join(pool.directory, "log");
      writeLoggingZfs(path.join(pool.directory, "zfs"), log);
      const { code, stderr } = await ctar(["import", "--missing-devices", "provide", archive], {
        env: { CTAR_ZFS: path.join(pool.directory, "zfs"), NO_COLOR: "1" },
      });
      expect([code, stderr]).toEqual([1, expect.stringContaining(`error: ${error}\n`)]);
      expect(fs.readFileSync(log, "utf8")).not.toContain(" recv ");
      expect(commandsOf(server)).not.toContain("ct_import");
      expect([server.violations, await inventory()]).toEqual([[], before]);
    },
    TIMEOUT_MS,
  );

  test.each<[what: string, refuse: string, code: number, at: string]>([
    ["for a reason of its own", "internal error", 1, "ct_import"],
    ["since another command has it", `container ${POOL}:gone is held by 'osctl ct new gone'`, 11, "ct_import"],
    ["at the user", "UID map is not valid", 1, "user_create"],
    ["at the user's attributes", "internal error", 1, "user_set"],
    ["at the group", "CGroup parameter 'memory.max' not found", 1, "group_create"],
  ])(
    "refused %s (%s): everything is undone, by its commands",
    async (_, refuse, exitCode, at) => {
      const server = await startOsctld({ faults: [{ at, refuse }] });
      const { code, stderr } = await runImport(archive);
      expect([code, stderr]).toEqual([exitCode, expect.stringMatching(/^error: Cannot [^\n]*: osctld says "/m)]);
      expect(stderr).toContain(`osctld says "${refuse}"`);
      expect([server.violations, await inventory()]).toEqual([[], before]);
    },
    TIMEOUT_MS,
  );

  test(
    "refused after it has the container in memory: all stays until osctld has forgotten it",
    async () => {
      let server = await startOsctld({ faults: [{ at: "Importing rootfs", refuse: "internal error" }] });
      const { code, stderr } = await runImport(archive);
      expect([code, stderr]).toEqual([1, expect.stringContaining('Cannot have container "gone" adopted: osctld says "internal error"')]);
      expect(stderr).toContain('Cannot give up container "gone": osctld knows it, its data stays');
      await expectDataIsThere();
      expect((await doctor("--clean")).code).toBe(1);
      await expectDataIsThere();
      expect(server.violations).toEqual([]);
      server = await restartOsctld();
      const cleaned = await doctor("--clean");
      expect([cleaned.text, cleaned.code]).toEqual([expect.stringContaining("cleaned up"), 0]);
      expect([server.violations, await inventory()]).toEqual([[], before]);
    },
    TIMEOUT_MS,
  );
});

/** The data of the import, and the user, group and datasets that osctld may be using. */
async function expectDataIsThere(): Promise<void> {
  expect(await shell(`zfs list -H -o name -r $POOL/ct/gone`)).toBe(`${POOL}/ct/gone\n${POOL}/ct/gone/srv\n`);
  expect([`${CONF}/user/gone.yml`, `${CONF}/group/made/deep/config.yml`].filter((file) => !fs.existsSync(file))).toEqual([]);
}

/** What ctar leaves while osctld is still at it: doctor shows it, and removes nothing. */
async function expectLeftAlone(): Promise<void> {
  await expectDataIsThere();
  const seen = await doctor();
  expect([seen.text, seen.code]).toEqual([expect.stringContaining('container "gone", which osctld may have taken over'), 1]);
  const refused = await doctor("--clean");
  expect([refused.text, refused.code]).toEqual([
    expect.stringContaining('Cannot give up container "gone": osctld knows it, its data stays'),
    1,
  ]);
  await expectDataIsThere();
}

/** Osctld has finished: doctor only takes the mark away. */
async function expectFinished(server: OsctldServer): Promise<void> {
  release();
  await server.until({ ended: "ct_import" });
  const cleaned = await doctor("--clean");
  expect([cleaned.text, cleaned.code]).toEqual([expect.stringContaining("the mark of an import that was finished"), 0]);
  await expectAdopted(server);
  expect(fs.readFileSync(`${CONF}/ct/gone.yml`, "utf8")).toBe(CONTAINER);
}

describe("ctar import that ends while osctld adopts the container", () => {
  const point = "Importing rootfs";

  test(
    "since osctld hangs up: nothing that it may use is removed",
    async () => {
      const server = await startOsctld({ faults: [{ at: point, hangUp: true, waitFor: path.join(pool.directory, "release") }] });
      const { exitCode, stderr } = await (await startImport(server, point)).end;
      expect([exitCode, stderr]).toEqual([1, expect.stringContaining('Cannot have container "gone" adopted: osctld did not answer')]);
      expect(stderr).toContain('Cannot give up container "gone": osctld knows it, its data stays; "ctar doctor --clean" tries again');
      await expectLeftAlone();
      await expectFinished(server);
    },
    TIMEOUT_MS,
  );

  test.each<NodeJS.Signals>(["SIGINT", "SIGKILL"])(
    "by %s: nothing that it may use is removed",
    async (signal) => {
      const server = await startOsctld({ faults: [{ at: point, waitFor: path.join(pool.directory, "release") }] });
      const { end } = await startImport(server, point);
      child?.kill(signal);
      const { exitCode } = await end;
      expect(exitCode).toBe(signal === "SIGINT" ? 130 : null);
      await expectLeftAlone();
      await expectFinished(server);
    },
    TIMEOUT_MS,
  );

  test.each<NodeJS.Signals>(["SIGINT", "SIGKILL"])(
    "by %s, before osctld has begun with it: osctld adopts nothing",
    async (signal) => {
      const server = await startOsctld({ faults: [{ at: "ct_import", waitFor: path.join(pool.directory, "release") }] });
      const { end } = await startImport(server, "ct_import");
      child?.kill(signal);
      await end;
      await doctor("--clean");
      release();
      await server.until({ ended: "ct_import" });
      expect(server.containers.filter(({ id }) => id === "gone")).toEqual([]);
      expect([server.violations, await inventory()]).toEqual([[], before]);
    },
    TIMEOUT_MS,
  );

  test(
    "by SIGKILL, and osctld fails: doctor undoes all once osctld has forgotten it",
    async () => {
      const waitFor = path.join(pool.directory, "release");
      let server = await startOsctld({ faults: [{ at: point, waitFor, refuse: "internal error" }] });
      const { end } = await startImport(server, point);
      child?.kill("SIGKILL");
      await end;
      release();
      await server.until({ ended: "ct_import" });
      await expectLeftAlone();
      server = await restartOsctld();
      const cleaned = await doctor("--clean");
      expect([cleaned.text, cleaned.code]).toEqual([expect.stringContaining("cleaned up"), 0]);
      expect([server.violations, await inventory()]).toEqual([[], before]);
    },
    TIMEOUT_MS,
  );

  test.each(["group_device_add", "user_create"])(
    "by SIGKILL in %s: doctor undoes all",
    async (command) => {
      const server = await startOsctld({ faults: [{ at: command, times: 1, waitFor: path.join(pool.directory, "release") }] });
      const { end } = await startImport(server, command);
      child?.kill("SIGKILL");
      await end;
      release();
      await server.until({ ended: command });
      const cleaned = await doctor("--clean");
      expect([cleaned.text, cleaned.code]).toEqual([expect.stringContaining("cleaned up"), 0]);
      expect([server.violations, await inventory()]).toEqual([[], before]);
    },
    TIMEOUT_MS,
  );
});
