/**
 * `ct_import` of the osctld of the tests, as far as its caller and the pool can see it: archives of format tar with an empty root filesystem, which
 * is how a container whose data is in place is adopted.
 *
 * The archive is read as rubygems' TarReader does: ustar headers, octal sizes, the first member of a name counts. As the real one, it undoes nothing:
 * after a failure the container stays known, as `staged`.
 *
 * @see vpsAdminOS `osctld/lib/osctld/commands/container/import.rb`, `container/importer.rb`, `container/dataset_builder.rb`, 24.05
 */
import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { promisify } from "node:util";
import { gunzipSync } from "node:zlib";
import { loadYaml } from "../../src/yaml/load.ts";
import { Refusal, type Exchange } from "./osctld-exchange.ts";
import { dumpPlain, toPlain, type OsctldPool, type PoolDevice } from "./osctld-pool.ts";
import { readPlainTar, type PlainMember } from "./plain-tar.ts";

/** A container of the server; further keys are sent along by `ct_show`. */
export interface ServerContainer {
  pool: string;
  id: string;
  state: string;
  ephemeral?: boolean;
  [key: string]: unknown;
}

/** What an import needs of the server. */
export interface ImportHost {
  containers: ServerContainer[];
  /** Whether it is of 2025 or later. */
  isNew: boolean;
  /** Where the data of a dataset is: made, or accepted if it is there, and mounted. @param isGiven whether it was named in the command */
  provideDataset: (dataset: string, isGiven: boolean) => Promise<string>;
  /** A point at which a test may have things go wrong. */
  reach: (point: string) => Promise<void>;
  violate: (what: string) => void;
}

/** Keys of container.yml in the order of writing; those of 2025 are marked. */
const KEYS = [
  "user group incarnation_id* dataset map_mode* distribution version arch vendor* variant* net_interfaces cgparams devices prlimits mounts",
  "autostart ephemeral hostname dns_resolvers nesting seccomp_profile cpu_package init_cmd start_menu impermanence raw attrs hints",
]
  .join(" ")
  .split(" ");
const HEADER_BYTES = 512;

type Config = Record<string, unknown>;

/** Runs the command. */
export async function importContainer(pool: OsctldPool, exchange: Exchange, host: ImportHost): Promise<void> {
  const { opts } = exchange;
  if (pool.state !== "active") throw new Refusal("the pool is disabled");
  const archive = readArchive(opts["file"], host);
  const metadata = archive.yaml("metadata.yml");
  const text = (key: string, otherwise: unknown): string => {
    const value = opts[key] ?? otherwise;
    if (typeof value === "string") return value;
    throw new Error(`${key} is missing: osctld would make a user and a group without their configuration`);
  };
  const [id, user, group] = [text("as_id", metadata["container"]), text("as_user", undefined), text("as_group", undefined)];
  if (host.containers.some((one) => one.pool === pool.name && one.id === id)) {
    throw new Refusal(`container ${pool.name}:${id} already exists`);
  }
  if (!pool.hasUser(user)) throw new Refusal("user not found");
  if (!pool.hasGroup(group)) throw new Refusal("group not found");
  const archived = archive.yaml("config/container.yml");
  const dataset = text("dataset", `${pool.dataset}/ct/${id}`);
  const mapMode = opts["map_mode"] ?? archived["map_mode"] ?? "zfs";
  const config: Config = { ...archived, user, group, dataset, map_mode: mapMode, incarnation_id: randomUUID() };

  if (!/^[a-z0-9_-]{1,100}$/i.test(id)) throw new Refusal("invalid ID, allowed characters: ^[a-z0-9_-]{1,100}$");
  if (dataset.split("/")[0] !== pool.name) throw new Refusal(`dataset ${dataset} does not belong to pool ${pool.name}`);
  const container: ServerContainer = {
    pool: pool.name,
    id,
    state: "staged",
    ephemeral: config["ephemeral"] === true,
    dataset,
    user,
    group,
  };
  host.containers.push(container);
  await host.reach("registered");
  settleDevices(pool, group, config, opts["missing_devices"]);

  const step = async (name: string): Promise<void> => {
    exchange.progress(name);
    await host.reach(name);
  };
  await step("Creating datasets");
  if (!Array.isArray(metadata["datasets"]) || metadata["datasets"].length > 0) throw new Error("only a root dataset is known here");
  const directory = await host.provideDataset(dataset, opts["dataset"] !== undefined);
  await step("Configuring LXC home");
  await step("Importing rootfs");
  if (metadata["format"] !== "tar") throw new Error(`unsupported archive format '${String(metadata["format"])}'`);
  unpack(archive, directory, host);
  pool.write(`conf/ct/${id}.yml`, dumpContainer(config, host.isNew, { state: "staged" }));
  await step("Generating LXC configuration");
  await step("Preparing log file");
  fs.mkdirSync(pool.path("log/ct"), { recursive: true });
  fs.writeFileSync(pool.path(`log/ct/${id}.log`), "", { mode: 0o660 });
  await step("Preparing user script hook dir");
  installHooks(pool, id, archive.members);
  if (Array.isArray(config["net_interfaces"]) && config["net_interfaces"].length > 0) await step("Reconfiguring LXC usernet");
  container.state = "stopped";
  pool.write(`conf/ct/${id}.yml`, dumpContainer(config, host.isNew));
}

/** Makes a dataset with zfs(8), or accepts it. @returns where it is mounted */
export async function provideZfsDataset(dataset: string, isGiven: boolean): Promise<string> {
  const zfs = async (...args: string[]): Promise<string> => (await promisify(execFile)("zfs", args)).stdout;
  const isThere = await zfs("list", dataset).then(
    () => true,
    () => false,
  );
  if (!(isThere && isGiven)) await zfs("create", "-p", "-o", "canmount=noauto", dataset);
  const rows = (await zfs("list", "-H", "-o", "name,mounted", "-t", "filesystem", "-r", dataset)).trimEnd().split("\n");
  for (const row of rows) if (row.endsWith("\tno")) await zfs("mount", row.split("\t")[0] as string);
  return (await zfs("get", "-H", "-o", "value", "mountpoint", dataset)).trim();
}

interface Archive {
  members: readonly PlainMember[];
  first: (name: string) => Buffer;
  yaml: (name: string) => Config;
}

function readArchive(file: unknown, host: ImportHost): Archive {
  if (typeof file !== "string" || !path.isAbsolute(file)) throw new Error("no absolute path");
  const bytes = fs.readFileSync(file);
  const members = readPlainTar(bytes);
  for (const member of members) checkHeader(member);
  const end = members.reduce((sum, { blocks }) => sum + blocks.length, 0);
  if (bytes.length < end + 2 * HEADER_BYTES || bytes.subarray(end).some((byte) => byte !== 0))
    host.violate("the archive has no end blocks");
  const first = (name: string): Buffer => {
    const found = members.find((member) => member.name === name);
    if (found === undefined) throw new Error(`${name} not found`);
    return found.content;
  };
  return { members, first, yaml: (name) => toPlain(loadYaml(first(name), name)) as Config };
}

/** What TarWriter writes and TarReader accepts. @throws Error */
function checkHeader({ name, blocks }: PlainMember): void {
  const header = Buffer.from(blocks.subarray(0, HEADER_BYTES));
  const text = header.toString("latin1");
  const sum = Number.parseInt(text.slice(148, 155), 8);
  header.fill(" ", 148, 156);
  const isPlain =
    /^[0-7]{11}\0$/.test(text.slice(124, 136)) &&
    /^[0-7]{7}\0[0-7]{7}\0[0-7]{7}\0$/.test(text.slice(100, 124)) &&
    text.slice(257, 265) === "ustar\x0000" &&
    (text[156] === "0" || text[156] === "5") &&
    sum === header.reduce((total, byte) => total + byte, 0);
  if (!isPlain) throw new Error(`the header of "${name}" is no plain ustar`);
}

function settleDevices(pool: OsctldPool, group: string, config: Config, missing: unknown): void {
  const devices = (config["devices"] ?? []) as PoolDevice[];
  if (missing === "provide") return devices.forEach((device) => pool.provideDevice(group, device));
  if (missing !== "remove") return devices.forEach((device) => pool.checkDevice(group, device));
  config["devices"] = devices.filter((device) => {
    try {
      pool.checkDevice(group, device);
      return true;
    } catch {
      return false;
    }
  });
}

/** The archive's root filesystem must be empty: whatever it held would be extracted over the data that is there. */
function unpack(archive: Archive, directory: string, host: ImportHost): void {
  const rootfs = gunzipSync(archive.first("rootfs/base.tar.gz"));
  if (rootfs.length === 0 || rootfs.length % HEADER_BYTES !== 0 || rootfs.some((byte) => byte !== 0))
    host.violate("the root filesystem is no empty tar");
  fs.chownSync(directory, process.getuid?.() ?? 0, process.getgid?.() ?? 0);
  fs.chmodSync(directory, 0o770);
  fs.mkdirSync(path.join(directory, "private"), { recursive: true });
  fs.chmodSync(path.join(directory, "private"), 0o755);
}

function installHooks(pool: OsctldPool, id: string, members: readonly PlainMember[]): void {
  const root = `hook/ct/${id}`;
  pool.makeDirectory(root, 0o700);
  for (const { name, typeflag, mode, content } of members) {
    if (!name.startsWith("hooks/")) continue;
    const target = path.join(root, name.slice("hooks/".length));
    if (typeflag === "5") pool.makeDirectory(target, mode & 0o7777);
    else pool.write(target, content, mode & 0o7777);
  }
}

function dumpContainer(config: Config, isNew: boolean, state: Config = {}): string {
  const keys = KEYS.filter((key) => isNew || !key.endsWith("*")).map((key) => key.replace("*", ""));
  const known = keys.filter((key) => key in config).map((key) => [key, config[key]]);
  return dumpPlain({ ...Object.fromEntries(known), ...state });
}
