/** What comes of configurations that are wrong in any one place: a refusal, or what osctld survives. */
import { describe, expect, test } from "bun:test";
import { isIP } from "node:net";
import { parseContainerConfig } from "../../src/config/container.ts";
import { describeDevice, devicesOf } from "../../src/config/device.ts";
import { parseGroupConfig } from "../../src/config/group.ts";
import { encodeIdRange, parseIdRange } from "../../src/config/id-range.ts";
import { datasetMountsOf, hostMountsOf } from "../../src/config/mount.ts";
import { addressesOf } from "../../src/config/network.ts";
import { encodeUserConfig, parseUserConfig } from "../../src/config/user.ts";
import { ToolError } from "../../src/errors.ts";
import { dumpYaml } from "../../src/yaml/dump.ts";
import { loadYaml } from "../../src/yaml/load.ts";
import { YamlMap, type YamlValue } from "../../src/yaml/value.ts";
import { example } from "../support/archive.ts";
import { bytesOf } from "../support/pool-files.ts";
import { mutationsOf } from "./mutations.ts";

/** The fullest examples, with what they lack. */
const CONTAINER = example("pool-on-disk/conf/ct/web01.yml")
  .toString()
  .replace("dataset:", "map_mode: zfs\nvendor: default\nvariant: default\ndataset:")
  .replace("init_cmd:\n", 'init_cmd:\n- "/sbin/init"\n')
  .replace("impermanence:\n", "impermanence:\n  zfs_properties:\n    quota: 1G\n")
  .concat("state: staged\nsend_log:\n  role: source\n");
const GROUP = example("01-full-zfs-consistent/config/group.yml").toString();
const USER = example("01-full-zfs-consistent/config/user.yml").toString();
const RANGE = example("pool-on-disk/conf/id-range/default.yml").toString();

/** Documents of one key each, which are quicker to read than the whole. */
function sections(text: string): YamlMap[] {
  return [...(loadYaml(text, "example") as YamlMap)].map((entry) => new YamlMap([entry]));
}

/** Parses every mutation; what is refused must be refused as damaged. @returns how many were refused, and how many accepted */
function tryAll(documents: readonly YamlValue[], parse: (bytes: Uint8Array) => unknown): { refused: number; accepted: number } {
  const counts = { refused: 0, accepted: 0 };
  for (const mutation of documents.flatMap((document) => [...mutationsOf(document)])) {
    const changed = dumpYaml(mutation);
    try {
      parse(bytesOf(changed));
      counts.accepted += 1;
    } catch (error) {
      if (!(error instanceof ToolError) || error.code !== "damaged") throw new Error(`${String(error)} of ${changed}`, { cause: error });
      counts.refused += 1;
    }
  }
  return counts;
}

describe("with any value in the place of another, or none,", () => {
  test("parseContainerConfig refuses, or makes what osctld survives", () => {
    const { refused, accepted } = tryAll(sections(CONTAINER), (bytes) => {
      const config = parseContainerConfig(bytes, "container.yml");
      const problems = fatalIn(config);
      if (problems.length > 0) throw new Error(problems.join(", "));
      const text = dumpYaml(config);
      expect(dumpYaml(parseContainerConfig(bytesOf(text), "container.yml"))).toBe(text);
      for (const device of devicesOf(config)) expect(describeDevice(device)).toMatch(/^[cb] [\d*]+:[\d*]+ r?w?m?$/);
      for (const address of addressesOf(config).ip) expect(isIP(address)).not.toBe(0);
      for (const { fs, mountpoint } of hostMountsOf(config)) expect([typeof fs, typeof mountpoint]).toEqual(["string", "string"]);
      for (const { dataset } of datasetMountsOf(config)) expect(dataset.split("/")).not.toContain("..");
    });
    expect(refused).toBeGreaterThan(1500);
    expect(accepted).toBeGreaterThan(300);
  });

  test("parseGroupConfig refuses, or makes what osctld survives", () => {
    const { refused, accepted } = tryAll(sections(GROUP), (bytes) => {
      const problems = fatalIn(parseGroupConfig(bytes, "group.yml"));
      if (problems.length > 0) throw new Error(problems.join(", "));
    });
    expect(refused).toBeGreaterThan(150);
    expect(accepted).toBeGreaterThan(30);
  });

  test("parseUserConfig refuses, or makes what encodeUserConfig writes", () => {
    const { refused, accepted } = tryAll([loadYaml(USER, "user.yml")], (bytes) => {
      const { maps, config } = parseUserConfig(bytes, "user.yml");
      expect(maps.uid.length * maps.gid.length).toBeGreaterThan(0);
      const standalone = config.get("standalone") === true;
      const again = parseUserConfig(bytesOf(encodeUserConfig(maps, { standalone, from: config })), "user.yml");
      expect(again.maps).toEqual(maps);
      expect(new Map(again.config)).toEqual(new Map(config));
    });
    expect(refused).toBeGreaterThan(80);
    expect(accepted).toBeGreaterThan(5);
  });

  test("parseIdRange refuses, or makes what encodeIdRange writes", () => {
    const { refused, accepted } = tryAll([loadYaml(RANGE, "default.yml")], (bytes) => {
      const text = encodeIdRange(parseIdRange(bytes, "default.yml"));
      expect(encodeIdRange(parseIdRange(bytesOf(text), "default.yml"))).toBe(text);
    });
    expect(refused).toBeGreaterThan(150);
    expect(accepted).toBeGreaterThan(20);
  });
});

/** What osctld would not survive loading, or LXC would read as more than one line; by osctld's source, apart from the code under test. */
function fatalIn(config: YamlMap): string[] {
  const problems: string[] = [];
  const need = (holds: boolean, what: string): void => void (holds ? undefined : problems.push(what));
  for (const netif of mapsIn(config, "net_interfaces", need)) {
    need(["bridge", "routed"].includes(netif.get("type") as string), "type of interface");
    need(typeof netif.get("name") === "string", "name of interface");
    for (const key of ["max_tx", "max_rx", "tx_queues", "rx_queues"]) need(!netif.has(key) || typeof netif.get(key) === "number", key);
    const addresses = netif.get("ip_addresses") ?? null;
    if (addresses !== null)
      need(addresses instanceof YamlMap && addresses.size === 2 && addresses.has("v4") && addresses.has("v6"), "versions");
    for (const key of ["ip_addresses", "routes"]) for (const network of networksIn(netif.get(key))) need(isNetwork(network), key); // prettier-ignore
  }
  for (const device of mapsIn(config, "devices", need)) {
    for (const key of ["type", "major", "minor", "mode"]) need(typeof device.get(key) === "string", `${key} of device`);
    need(typeof device.get("inherit") === "boolean", "inherit");
  }
  for (const parameter of mapsIn(config, "cgparams", need)) {
    for (const key of ["subsystem", "name"]) need(typeof parameter.get(key) === "string", `${key} of parameter`);
    need(Array.isArray(parameter.get("value")) && [1, 2].includes(parameter.get("version") as number), "value or version of parameter");
  }
  for (const mount of mapsIn(config, "mounts", need)) need(typeof mount.get("mountpoint") === "string", "mountpoint");
  for (const limit of valuesIn(config, "prlimits", need)) need(limit instanceof YamlMap && limit.has("soft") && limit.has("hard"), "limit");
  for (const key of (config.get("attrs") as YamlMap | undefined)?.keys() ?? []) need(/^[^:]+:.+$/.test(String(key)), "attribute");
  const daily = (config.get("hints") as YamlMap | null | undefined)?.get("cpu_daily") ?? new YamlMap();
  for (const key of ["user_us", "system_us"])
    need(daily instanceof YamlMap && (!daily.has(key) || typeof daily.get(key) === "number"), key);
  const { hostname, version, autostart } = Object.fromEntries(config) as Record<string, YamlValue | undefined>;
  need((hostname ?? null) === null || (typeof hostname === "string" && hostname.split(".").some((part) => part !== "")), "hostname");
  need((version ?? null) === null || typeof version === "string", "version");
  if (autostart instanceof YamlMap)
    need(typeof autostart.get("priority") === "number" && typeof autostart.get("delay") === "number", "autostart"); // prettier-ignore
  else need((autostart ?? null) === null || autostart === false, "autostart");
  const lines = [...config].filter(([key]) => !["attrs", "raw", "send_log"].includes(String(key))).map(([, value]) => value);
  // eslint-disable-next-line no-control-regex
  need(!textsIn(lines).some((text) => /[\0-\x1f\x7f-\x9f]/.test(text)), "control characters");
  return problems;
}

type Need = (holds: boolean, what: string) => void;

function mapsIn(config: YamlMap, key: string, need: Need): YamlMap[] {
  const list = config.get(key) ?? [];
  need(Array.isArray(list) && list.every((item) => item instanceof YamlMap), key);
  return Array.isArray(list) ? list.filter((item) => item instanceof YamlMap) : [];
}

function valuesIn(config: YamlMap, key: string, need: Need): YamlValue[] {
  const map = config.get(key) ?? new YamlMap();
  need(map instanceof YamlMap, key);
  return map instanceof YamlMap ? valuesOf(map) : [];
}

function valuesOf(map: YamlMap): YamlValue[] {
  return [...map.values()];
}

function networksIn(byVersion: YamlValue | undefined): YamlValue[] {
  const lists = byVersion instanceof YamlMap ? valuesOf(byVersion) : [];
  return lists.flat().map((entry) => (entry instanceof YamlMap ? (entry.get("address") ?? null) : entry));
}

function isNetwork(network: YamlValue): boolean {
  return typeof network === "string" && isIP(network.split("/")[0] ?? "") !== 0;
}

/** Every text in a value, keys of mappings included. */
function textsIn(value: YamlValue): string[] {
  if (typeof value === "string") return [value];
  if (Array.isArray(value)) return value.flatMap(textsIn);
  return value instanceof YamlMap ? [...value].flatMap(([key, item]) => [String(key), ...textsIn(item)]) : [];
}
