/**
 * A pool as the osctld of the tests knows it: users, groups and ID ranges are read when the pool is imported, kept in memory from then on, and
 * written back as whole files. It refuses what the real one refuses, in its words.
 *
 * Files that somebody else makes, changes or removes meanwhile are found by {@link OsctldPool.audit}: osctld would not see them, or overwrite them.
 *
 * @see vpsAdminOS `osctld/lib/osctld/commands/{user,group}/*.rb`, `utils/devices.rb`, `id_range.rb`, 24.05
 */
import * as fs from "node:fs";
import * as path from "node:path";
import { dumpYaml } from "../../src/yaml/dump.ts";
import { loadYaml } from "../../src/yaml/load.ts";
import { YamlFloat, YamlMap, type YamlValue } from "../../src/yaml/value.ts";
import { Refusal, type Handler } from "./osctld-exchange.ts";

/** Where a pool is and how it is doing. */
export interface PoolOptions {
  name: string;
  /** `active` if left out. */
  state?: "importing" | "active" | "disabled";
  /** The zpool's root dataset if left out. */
  dataset?: string;
  /** Directory of `conf`, `hook`, `log`; as osctld does, the dataset's name after a slash if left out. */
  directory?: string;
}

/** A device, with the keys that files have. */
export interface PoolDevice {
  type: string;
  major: string;
  minor: string;
  mode: string;
  name: string | null;
  inherit: boolean;
}

interface User {
  uid_map: string[];
  gid_map: string[];
  standalone: boolean | null;
  attrs: Record<string, unknown>;
}

interface Group {
  cgparams: unknown[];
  devices: PoolDevice[];
  attrs: Record<string, unknown>;
  path?: string;
}

interface Range {
  start_id: number;
  block_size: number;
  block_count: number;
  allocations: { block_index: number; block_count: number; owner: string }[];
  attrs: Record<string, unknown>;
}

type Opts = Record<string, unknown>;

const CONFIG_MODE = 0o400;
const FIRST_UGID = 100_000;
const MODES = ["r", "w", "m"];

/** The pool. */
export class OsctldPool {
  readonly name: string;
  readonly dataset: string;
  readonly state: string;
  readonly directory: string;
  readonly #users = new Map<string, User>();
  readonly #groups = new Map<string, Group>();
  readonly #ranges = new Map<string, Range>();
  readonly #files: Map<string, string>;

  constructor({ name, state = "active", dataset = name, directory = `/${dataset}` }: PoolOptions) {
    this.name = name;
    this.state = state;
    this.dataset = dataset;
    this.directory = directory;
    for (const user of this.#names("user")) this.#users.set(user, this.#load(`conf/user/${user}.yml`) as User);
    for (const range of this.#names("id-range")) this.#ranges.set(range, readRange(this.#load(`conf/id-range/${range}.yml`)));
    for (const file of fs.readdirSync(this.path("conf/group"), { recursive: true, encoding: "utf8" })) {
      if (path.basename(file) !== "config.yml") continue;
      const level = path.dirname(file);
      this.#groups.set(level === "." ? "/" : `/${level}`, this.#load(`conf/group/${file}`) as Group);
    }
    this.#files = this.#fingerprints();
  }

  /** A path in the pool. */
  path(relative: string): string {
    return path.join(this.directory, relative);
  }

  /** Configurations of the containers there are files of. */
  containers(): { id: string; config: Opts }[] {
    return this.#names("ct").map((id) => ({ id, config: this.#load(`conf/ct/${id}.yml`) as Opts }));
  }

  /** Files that somebody else touched since the last look. */
  audit(): string[] {
    const now = this.#fingerprints();
    const touched = [...new Set([...now.keys(), ...this.#files.keys()])].filter((file) => now.get(file) !== this.#files.get(file));
    this.#files.clear();
    for (const [file, fingerprint] of now) this.#files.set(file, fingerprint);
    return touched;
  }

  /** Writes a file as osctld does. */
  write(name: string, content: string | Uint8Array, mode: number = CONFIG_MODE): void {
    const relative = path.normalize(name);
    const file = this.path(relative);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(`${file}.new`, content, { mode });
    fs.chmodSync(`${file}.new`, mode);
    fs.renameSync(`${file}.new`, file);
    this.#settle(relative);
  }

  /** Makes a directory. */
  makeDirectory(relative: string, mode: number): void {
    fs.mkdirSync(this.path(relative), { recursive: true, mode });
    this.#settle(relative);
  }

  hasUser(name: string): boolean {
    return this.#users.has(name);
  }

  hasGroup(name: string): boolean {
    return this.#groups.has(name);
  }

  /** The devices that a group gives its containers: its own, and those of the groups above that are inherited. */
  devicesOf(name: string): PoolDevice[] {
    const own = this.#group(name).devices;
    if (name === "/") return own;
    const inherited = this.devicesOf(path.dirname(name)).filter(({ inherit }) => inherit);
    return [...own, ...inherited.filter((device) => !own.some((other) => isSame(device, other)))];
  }

  /** @throws Refusal unless a group and all above it have a device */
  checkDevice(group: string, device: PoolDevice): void {
    for (let level = group; ; level = path.dirname(level)) {
      const found = this.devicesOf(level).find((other) => isSame(device, other));
      if (found === undefined) throw new Refusal(`device '${describe(device)}' not available in group '${this.name}:${level}'`);
      if (!provides(found.mode, device.mode)) {
        throw new Refusal(`group '${this.name}:${level}' provides only mode '${found.mode}' for device '${describe(device)}'`);
      }
      if (level === "/") return;
    }
  }

  /** Gives a device to a group and all above it. */
  provideDevice(name: string, device: PoolDevice): void {
    const group = this.#group(name);
    const found = this.devicesOf(name).find((other) => isSame(device, other));
    if (found !== undefined && provides(found.mode, device.mode)) return;
    if (name !== "/") this.provideDevice(path.dirname(name), device);
    if (found === undefined) group.devices.push({ ...device, inherit: false });
    else if (group.devices.includes(found)) found.mode = MODES.filter((letter) => (found.mode + device.mode).includes(letter)).join("");
    this.#saveGroup(name);
  }

  /** The commands on users, groups and ID ranges. @param isUsed whether a container has the user or group */
  commands(isUsed: (kind: "user" | "group", name: string) => boolean): Record<string, Handler> {
    return {
      user_list: ({ opts }) => select(this.#users, opts).map(([name, user]) => ({ pool: this.name, name, ...exportUser(user) })),
      user_create: ({ opts, progress }) => this.#createUser(opts, progress),
      user_set: ({ opts }) => {
        const user = this.#users.get(String(opts["name"]));
        if (user === undefined) throw new Refusal("user not found");
        setAttributes(user.attrs, opts["attrs"]);
        if ("standalone" in opts) user.standalone = opts["standalone"] as boolean;
        this.#saveUser(String(opts["name"]));
      },
      user_delete: ({ opts }) => this.#deleteUser(String(opts["name"]), isUsed),
      id_range_allocate: ({ opts }) => this.#allocateBlocks(opts),
      group_list: ({ opts }) => select(this.#groups, opts).map(([name, { attrs }]) => ({ pool: this.name, name, path: name, ...attrs })),
      group_create: ({ opts }) => this.#createGroup(opts),
      group_set: ({ opts }) => {
        setAttributes(this.#group(String(opts["name"])).attrs, opts["attrs"]);
        this.#saveGroup(String(opts["name"]));
      },
      group_device_add: ({ opts }) => this.#addDevice(opts),
      group_device_chmod: ({ opts }) => this.#changeDevice(opts),
      group_delete: ({ opts }) => this.#deleteGroup(String(opts["name"]), isUsed),
    };
  }

  #createUser(opts: Opts, progress: (text: string) => void): void {
    const name = String(opts["name"]);
    const format = new RegExp(`^[a-z0-9_-]{1,${31 - this.name.length}}$`);
    if (!format.test(name)) throw new Refusal(`invalid name, allowed format: ${format.source}`);
    if (this.#users.has(name)) throw new Refusal("user already exists");
    const { uid_map: uid, gid_map: gid, block_index: index } = opts as { uid_map?: string[]; gid_map?: string[]; block_index?: number };
    if ((uid === undefined) !== (gid === undefined)) throw new Refusal("unsupported flag combination");
    const block = index === undefined && uid !== undefined ? undefined : this.#allocate(opts, `user:${name}`, progress);
    const whole = block === undefined ? [] : [`0:${block.first}:${block.count}`];
    const maps = { uid_map: uid ?? whole, gid_map: gid ?? whole };
    for (const [key, map] of Object.entries(maps)) checkMap(key, map, block);
    this.#users.set(name, { ...maps, standalone: (opts["standalone"] as boolean | undefined) ?? null, attrs: {} });
    this.#saveUser(name);
  }

  /** The block that a command names, or the first free one; it becomes the owner's unless somebody has it. */
  #allocate(opts: Opts, owner: string, progress: (text: string) => void): { first: number; count: number } {
    const name = typeof opts["id_range"] === "string" ? opts["id_range"] : "default";
    const range = this.#ranges.get(name);
    if (range === undefined) throw new Refusal("ID range not found");
    const index = (opts["block_index"] as number | undefined) ?? [...Array(range.block_count).keys()].find((at) => isFree(range, at, 1));
    if (index === undefined || index >= range.block_count) throw new Error("index out of range");
    const isTaken = !isFree(range, index, 1);
    progress(`${isTaken ? "Using" : "Allocated"} block #${index} from ID range ${name}`);
    if (!isTaken) this.#enter(name, { block_index: index, block_count: 1, owner });
    return { first: range.start_id + index * range.block_size, count: range.block_size };
  }

  #allocateBlocks(opts: Opts): void {
    const {
      name,
      block_index: index,
      block_count: count,
      owner,
    } = opts as { name: string; block_index: number; block_count: number; owner: string };
    const range = this.#ranges.get(name);
    if (range === undefined) throw new Refusal("id range not found");
    if (!isFree(range, index, count)) throw new Refusal(`unable to allocate ${count} blocks at ${index}`);
    this.#enter(name, { block_index: index, block_count: count, owner });
  }

  #enter(name: string, allocation: Range["allocations"][number]): void {
    const range = this.#ranges.get(name) as Range;
    range.allocations = [...range.allocations, allocation].toSorted((a, b) => a.block_index - b.block_index);
    this.#saveRange(name);
  }

  #deleteUser(name: string, isUsed: (kind: "user", name: string) => boolean): void {
    if (!this.#users.has(name)) throw new Refusal("user not found");
    if (isUsed("user", name)) throw new Refusal("user has container(s)");
    for (const [key, range] of this.#ranges) {
      const kept = range.allocations.filter(({ owner }) => owner !== `user:${name}`);
      if (kept.length === range.allocations.length) continue;
      range.allocations = kept;
      this.#saveRange(key);
    }
    this.#users.delete(name);
    this.#remove(`conf/user/${name}.yml`);
  }

  #createGroup(opts: Opts): void {
    const name = String(opts["name"]);
    if (!name.startsWith("/")) throw new Refusal("group name has to start with /");
    if (!/^(?:\/[a-z0-9_-]{1,100})+$/i.test(name)) throw new Refusal("invalid name, allowed format: ^[a-z0-9_-]{1,100}$");
    if (this.#groups.has(name)) throw new Refusal("group already exists");
    for (let parent = path.dirname(name); parent !== "/"; parent = path.dirname(parent)) {
      if (this.#groups.has(parent)) continue;
      if (opts["parents"] !== true) throw new Refusal(`group '${parent}' not found`);
      this.#groups.set(parent, { cgparams: [], devices: [], attrs: {} });
      this.#saveGroup(parent);
    }
    const cgparams = ((opts["cgparams"] as Opts[] | undefined) ?? []).map((given) => ({
      version: given["version"] ?? 2,
      subsystem: given["subsystem"],
      name: given["parameter"],
      value: given["value"],
      persistent: given["persistent"] ?? true,
    }));
    this.#groups.set(name, { cgparams, devices: [], attrs: {} });
    this.#saveGroup(name);
  }

  #addDevice(opts: Opts): void {
    const name = String(opts["name"]);
    const device = deviceIn(opts);
    const group = this.#group(name);
    if (this.devicesOf(name).some((other) => isSame(device, other))) throw new Refusal("device already exists");
    this.#ask(name, device, opts);
    group.devices.push(device);
    this.#saveGroup(name);
  }

  /** Gives a device that a group has another mode; an inherited one becomes its own. */
  #changeDevice(opts: Opts): void {
    const name = String(opts["name"]);
    const group = this.#group(name);
    const found = this.devicesOf(name).find((other) => isSame(deviceIn(opts), other));
    if (found === undefined) throw new Refusal("device not found");
    const device = { ...found, mode: deviceIn(opts).mode };
    this.#ask(name, device, opts);
    group.devices = [...group.devices.filter((other) => other !== found), device];
    this.#saveGroup(name);
  }

  /** The groups above must have a device, or are given it. */
  #ask(name: string, device: PoolDevice, opts: Opts): void {
    if (!/^[rwm]+$/.test(device.mode)) throw new Refusal("invalid mode, allowed characters are: r for read, w for write, m for mknod");
    if (name === "/") return;
    if (opts["parents"] === true) this.provideDevice(path.dirname(name), device);
    else this.checkDevice(path.dirname(name), device);
  }

  #deleteGroup(name: string, isUsed: (kind: "group", name: string) => boolean): void {
    this.#group(name);
    if (isUsed("group", name)) throw new Refusal("group is used by containers");
    if ([...this.#groups.keys()].some((other) => other.startsWith(`${name}/`))) throw new Refusal("group has children");
    this.#groups.delete(name);
    this.#remove(`conf/group${name}/config.yml`);
    fs.rmdirSync(this.path(`conf/group${name}`));
    this.#settle(`conf/group${name}`);
  }

  #group(name: string): Group {
    const group = this.#groups.get(name);
    if (group === undefined) throw new Refusal("group not found");
    return group;
  }

  #saveUser(name: string): void {
    this.write(`conf/user/${name}.yml`, dumpPlain(this.#users.get(name)));
  }

  #saveGroup(name: string): void {
    const group = this.#group(name);
    const devices = group.devices.map((device) => ({ ...device, inherited: false }));
    this.write(`conf/group${name}/config.yml`, dumpPlain({ ...group, devices }));
  }

  #saveRange(name: string): void {
    this.write(`conf/id-range/${name}.yml`, dumpPlain(this.#ranges.get(name)));
  }

  #remove(relative: string): void {
    fs.unlinkSync(this.path(relative));
    this.#settle(relative);
  }

  #names(part: string): string[] {
    const names = fs.readdirSync(this.path(`conf/${part}`)).filter((name) => name.endsWith(".yml") && !name.startsWith("."));
    return names.map((name) => name.slice(0, -".yml".length));
  }

  #load(relative: string): unknown {
    const file = this.path(relative);
    return toPlain(loadYaml(fs.readFileSync(file), file));
  }

  /** What was just made or removed is known, its directories too. */
  #settle(relative: string): void {
    for (let file = relative; file !== "conf" && file !== "hook" && file !== "."; file = path.dirname(file)) {
      const fingerprint = this.#fingerprint(file);
      if (fingerprint === undefined) this.#files.delete(file);
      else this.#files.set(file, fingerprint);
    }
  }

  /** Files of configuration and hooks; what ctar keeps for itself is not looked at. */
  #fingerprints(): Map<string, string> {
    const files = ["conf", "hook"].flatMap((part) =>
      fs.readdirSync(this.path(part), { recursive: true, encoding: "utf8" }).map((name) => path.join(part, name)),
    );
    const prints = files.map((file): [string, string | undefined] => [file, this.#fingerprint(file)]);
    return new Map(prints.filter((pair): pair is [string, string] => !pair[0].startsWith("conf/.ctar") && pair[1] !== undefined));
  }

  #fingerprint(relative: string): string | undefined {
    const stat = fs.lstatSync(this.path(relative), { bigint: true, throwIfNoEntry: false });
    return stat?.isDirectory() === true ? "directory" : stat && `${stat.ino} ${stat.size} ${stat.mtimeNs} ${stat.mode}`;
  }
}

function exportUser({ uid_map: uid, gid_map: gid, standalone, attrs }: User): Opts {
  const entries = (map: readonly string[]): unknown[] =>
    map.map((text) => {
      const [nsId, hostId, count] = text.split(":").map(Number);
      return { ns_id: nsId, host_id: hostId, id_count: count };
    });
  return { ugid: FIRST_UGID, registered: true, standalone, uid_map: entries(uid), gid_map: entries(gid), ...attrs };
}

function select<T>(all: ReadonlyMap<string, T>, { names }: Opts): [string, T][] {
  return [...all].filter(([name]) => !Array.isArray(names) || names.includes(name));
}

function setAttributes(attrs: Opts, changes: unknown): void {
  for (const [name, value] of Object.entries((changes ?? {}) as Opts)) {
    if (!/^[^:]+:.+$/.test(name)) throw new Error(`invalid attribute name: ${name}`);
    attrs[name] = value;
  }
}

function checkMap(key: string, map: readonly string[], block: { first: number; count: number } | undefined): void {
  const entries = map.map((text) => text.split(":").map(Number));
  const isValid = entries.some(([ns]) => ns === 0) && entries.every(([ns = -1, host = -1, count = 0]) => ns >= 0 && host >= 0 && count > 0);
  if (!isValid) throw new Refusal(`${key === "uid_map" ? "UID" : "GID"} map is not valid`);
  if (block === undefined) return;
  const fits = entries.every(([, host = 0, count = 0]) => host >= block.first && host + count <= block.first + block.count);
  if (!fits) throw new Refusal(`${key} does not fit within the ID range allocation`);
}

/** Entries had other names before 2025. */
function readRange(config: unknown): Range {
  const range = config as Omit<Range, "allocations"> & { allocations: Opts[] };
  const allocations = range.allocations.map((entry) => ({
    block_index: Number(entry["block_index"] ?? entry["index"]),
    block_count: Number(entry["block_count"] ?? entry["count"]),
    owner: String(entry["owner"]),
  }));
  return { ...range, allocations };
}

function isFree(range: Range, index: number, count: number): boolean {
  return !range.allocations.some((held) => index < held.block_index + held.block_count && held.block_index < index + count);
}

function deviceIn(opts: Opts): PoolDevice {
  const { type, major, minor, mode, dev_name: name = null, inherit = null } = opts as Record<string, string | null>;
  return { type, major: String(major), minor: String(minor), mode, name, inherit } as unknown as PoolDevice;
}

function isSame(one: PoolDevice, other: PoolDevice): boolean {
  return one.type === other.type && one.major === other.major && one.minor === other.minor;
}

function provides(have: string, want: string): boolean {
  return MODES.every((letter) => have.includes(letter) || !want.includes(letter));
}

function describe({ type, major, minor, mode }: PoolDevice): string {
  return `${type === "char" ? "c" : "b"} ${major}:${minor} ${mode}`;
}

/** YAML as JSON knows it. */
export function toPlain(value: YamlValue): unknown {
  if (value instanceof YamlMap) return Object.fromEntries([...value].map(([key, item]) => [String(key), toPlain(item)]));
  if (Array.isArray(value)) return value.map(toPlain);
  if (value instanceof YamlFloat) return value.value;
  return typeof value === "bigint" ? Number(value) : value;
}

/** JSON as a YAML file. */
export function dumpPlain(value: unknown): string {
  return dumpYaml(fromPlain(value));
}

function fromPlain(value: unknown): YamlValue {
  if (Array.isArray(value)) return value.map(fromPlain);
  if (typeof value === "object" && value !== null) return new YamlMap(Object.entries(value).map(([key, item]) => [key, fromPlain(item)]));
  return (value ?? null) as YamlValue;
}
