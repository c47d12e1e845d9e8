import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { ToolError } from "../../src/errors.ts";
import { parseContainerConfig } from "../../src/config/container.ts";
import { dumpYaml } from "../../src/yaml/dump.ts";
import { YamlMap, type YamlValue } from "../../src/yaml/value.ts";
import { example } from "../support/archive.ts";
import { bytesOf, messageOf } from "../support/pool-files.ts";

const FULL = example("01-full-zfs-consistent/config/container.yml").toString();

function parsed(text: string): string {
  return dumpYaml(parseContainerConfig(bytesOf(text), "container.yml"));
}

describe("parseContainerConfig", () => {
  test.each([
    "01-full-zfs-consistent",
    "02-full-zfs-minimal-stopped",
    "04-repository-image-tar",
    "05-repository-image-zfs",
    "08-newer-upstream-2025plus",
  ])("keeps %s, which is in today's form, as it is", (name) => {
    const text = example(`${name}/config/container.yml`).toString();
    expect(parsed(text)).toBe(text);
  });

  test("keeps keys that it does not know, at every level", () => {
    const text = FULL.replace("  link: lxcbr0\n", "  link: lxcbr0\n  vlan: 7\n").replace("attrs:\n", "future:\n- 1\nattrs:\n");
    expect(parsed(text)).toBe(text);
  });

  test.each([
    [
      "limits as a list",
      "prlimits:\n- name: nofile\n  soft: 1024\n  hard: unlimited\n",
      "prlimits:\n  nofile:\n    soft: 1024\n    hard: unlimited\n",
    ],
    ["no limits as a list", "prlimits: []\n", "prlimits: {}\n"],
    ["limits named by symbols", 'prlimits:\n  ":nofile":\n    soft: 1\n    hard: 2\n', "prlimits:\n  nofile:\n    soft: 1\n    hard: 2\n"],
    [
      "numbers for versions of IP",
      "net_interfaces:\n- type: bridge\n  name: eth0\n  ip_addresses:\n    4:\n    - 192.0.2.1/24\n    6: []\n",
      "net_interfaces:\n- type: bridge\n  name: eth0\n  ip_addresses:\n    v4:\n    - 192.0.2.1/24\n    v6: []\n",
    ],
    [
      "a routed interface without routes, as osctld's migration makes them",
      "net_interfaces:\n- type: routed\n  name: eth0\n  via:\n    4: 10.0.0.1/30\n  ip_addresses:\n    4:\n    - 192.0.2.1/32\n    6: []\n",
      "net_interfaces:\n- type: routed\n  name: eth0\n  ip_addresses:\n    v4:\n    - 192.0.2.1/32\n    v6: []\n  routes:\n    v4:\n    - 192.0.2.1/32\n    v6: []\n",
    ],
    [
      "parameters of cgroups without a version",
      "cgparams:\n- subsystem: memory\n  name: memory.limit_in_bytes\n  value:\n  - 1\n",
      "cgparams:\n- version: 1\n  subsystem: memory\n  name: memory.limit_in_bytes\n  value:\n  - 1\n  persistent: true\n",
    ],
    [
      "devices by integers and without inherit",
      "devices:\n- type: char\n  major: 10\n  minor: all\n  mode: mwr\n",
      "devices:\n- type: char\n  major: '10'\n  minor: \"*\"\n  mode: rwm\n  name:\n  inherit: false\n  inherited: false\n",
    ],
    ["the log of a migration", "migration_log:\n  role: source\n", "send_log:\n  role: source\n"],
    ["attributes that are null", "attrs:\n", "attrs: {}\n"],
    [
      "lists that are null",
      "net_interfaces:\ncgparams:\ndevices:\nmounts:\n",
      "net_interfaces: []\ncgparams: []\ndevices: []\nmounts: []\n",
    ],
  ])("brings into today's form: %s", (_what, old, today) => {
    expect(parsed(`---\n${old}`)).toBe(`---\n${today}`);
  });

  test.each([
    ["- 1\n", "the document is a list, expected a mapping"],
    ["net_interfaces:\n- type: tap\n  name: eth0\n", 'net_interfaces[0].type is "tap", expected "bridge" or "routed"'],
    ["net_interfaces:\n- type: bridge\n", "net_interfaces[0].name is missing, expected text"],
    ["net_interfaces:\n- type: bridge\n  name: a/b\n", 'net_interfaces[0].name is "a/b", expected the name of an interface'],
    ["net_interfaces:\n- type: bridge\n  name: eth0\n  hwaddr: '1'\n", 'net_interfaces[0].hwaddr is "1", expected a hardware address'],
    [
      "net_interfaces:\n- type: bridge\n  name: eth0\n  ip_addresses:\n    v4:\n    - 192.0.2.256/24\n",
      'net_interfaces[0].ip_addresses.v4[0] is "192.0.2.256/24", expected an address of IPv4 with its prefix',
    ],
    [
      "net_interfaces:\n- type: bridge\n  name: eth0\n  ip_addresses:\n    v4:\n    - 192.0.2.2/33\n",
      "expected an address of IPv4 with its prefix",
    ],
    [
      "net_interfaces:\n- type: bridge\n  name: eth0\n  ip_addresses:\n    v6:\n    - 192.0.2.2/24\n",
      "expected an address of IPv6 with its prefix",
    ],
    [
      "net_interfaces:\n- type: bridge\n  name: eth0\n  gateways:\n    v4: gw\n",
      'net_interfaces[0].gateways.v4 is "gw", expected "auto", "none" or an address',
    ],
    [
      "net_interfaces:\n- type: routed\n  name: eth0\n  routes:\n    v4:\n    - address: 192.0.2.0/24\n      via: here\n",
      "net_interfaces[0].routes.v4[0].via",
    ],
    ["devices:\n- major: '1'\n  minor: '3'\n  mode: rwm\n", 'devices[0].type is missing, expected "char" or "block"'],
    ["devices:\n- type: char\n  major: x\n  minor: '3'\n  mode: rwm\n", 'devices[0].major is "x", expected a number or "*"'],
    ["devices:\n- type: char\n  major: '1'\n  minor: '3'\n  mode: rwx\n", 'devices[0].mode is "rwx", expected some of "rwm"'],
    ["cgparams:\n- version: 3\n  subsystem: memory\n  name: a\n  value: []\n", "cgparams[0].version is 3, expected 1 or 2"],
    ["cgparams:\n- subsystem: memory\n  name: ../x\n  value: []\n", 'cgparams[0].name is "../x"'],
    ["attrs:\n  owner: me\n", 'attrs is "owner", expected names like "<vendor>:<key>"'],
    ["attrs:\n  a:b: 1\n", "attrs.a:b is 1, expected text"],
    ["mounts:\n- fs: /srv\n", "mounts[0].mountpoint is missing, expected text"],
    [
      'mounts:\n- fs: /srv\n  mountpoint: /srv\n  opts: "rw\\nlxc.hook.pre-start = /bin/sh"\n',
      "expected one line of text without control characters",
    ],
    ['hostname: "a\\nlxc.cap.drop ="\n', "hostname is "],
    ["prlimits:\n  nofile:\n    soft: many\n    hard: 1\n", 'prlimits.nofile.soft is "many", expected a number or "unlimited"'],
    ["autostart: true\n", "autostart is true, expected a mapping"],
    ["autostart:\n  priority: high\n", 'autostart.priority is "high", expected a number from 0 on'],
    ["map_mode: both\n", 'map_mode is "both", expected "zfs" or "native"'],
    ["raw:\n  lxc: []\n", "raw.lxc is a list, expected text"],
    ["init_cmd: /sbin/init\n", 'init_cmd is "/sbin/init", expected a list'],
    ["start_menu: {}\n", "start_menu.timeout is missing, expected a number from 0 on"],
    ["nesting: 1\n", "nesting is 1, expected true or false"],
    ["cpu_package: some\n", 'cpu_package is "some"'],
  ])("refuses %j", (text, message) => {
    const said = messageOf(() => parsed(`---\n${text}`));
    expect(said.startsWith('Cannot read "container.yml": ')).toBe(true);
    expect(said).toContain(message);
  });

  test("reads what it wrote the same again, whatever stands at any key", () => {
    const values = fc.oneof(
      fc.constant(null),
      fc.boolean(),
      fc.integer(),
      fc.string(),
      fc.constant<YamlValue>([]),
      fc.constant<YamlValue>(new YamlMap()),
      fc.constant<YamlValue>([null]),
      fc.constant<YamlValue>([new YamlMap()]),
    );
    fc.assert(
      fc.property(fc.nat(400), values, (place, value) => {
        const config = parseContainerConfig(bytesOf(FULL), "container.yml");
        replaceAt(config, place % countOf(config), value);
        const text = dumpYaml(config);
        let today: string;
        try {
          today = parsed(text);
        } catch (error) {
          expect(error).toBeInstanceOf(ToolError);
          return;
        }
        expect(parsed(today)).toBe(today);
      }),
      { numRuns: 600 },
    );
  });
});

/** How many values a configuration has, counted in depth. */
function countOf(value: YamlValue): number {
  if (value instanceof YamlMap) return [...value.values()].reduce<number>((sum, item) => sum + countOf(item), 1);
  return Array.isArray(value) ? value.reduce<number>((sum, item) => sum + countOf(item), 1) : 1;
}

/** Puts something in the place of the value with that number. */
function replaceAt(parent: YamlValue, number: number, value: YamlValue): void {
  let at = 0;
  const visit = (container: YamlValue): boolean => {
    const keys: (string | number)[] =
      container instanceof YamlMap ? ([...container.keys()] as string[]) : [...(container as YamlValue[]).keys()];
    for (const key of keys) {
      const child = container instanceof YamlMap ? (container.get(key) ?? null) : ((container as YamlValue[])[key as number] ?? null);
      at += 1;
      if (at >= number) {
        if (container instanceof YamlMap) container.set(key, value);
        else (container as YamlValue[])[key as number] = value;
        return true;
      }
      if ((child instanceof YamlMap || Array.isArray(child)) && visit(child)) return true;
    }
    return false;
  };
  visit(parent);
}
