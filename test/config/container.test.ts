import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { parseContainerConfig } from "../../src/config/container.ts";
import { dumpYaml } from "../../src/yaml/dump.ts";
import { bytesOf } from "../support/pool-files.ts";

/** In today's form. */
function today(text: string): string {
  return dumpYaml(parseContainerConfig(bytesOf(text), "file.yml"));
}

/** One interface, the rest of it indented by two. */
function netif(type: string, rest: string): string {
  return `net_interfaces:\n- type: ${type}\n  name: eth0\n${rest}`;
}

describe("parseContainerConfig brings into today's form", () => {
  test.each<[string, string, string]>([
    [
      "limits as a list",
      "prlimits:\n- name: nofile\n  soft: 1024\n  hard: unlimited\n- name: core\n  soft: 0\n  hard: 18446744073709551615\n",
      "prlimits:\n  nofile:\n    soft: 1024\n    hard: unlimited\n  core:\n    soft: 0\n    hard: 18446744073709551615\n",
    ],
    ["no limits as a list", "prlimits: []\n", "prlimits: {}\n"],
    ["limits named by symbols", "prlimits:\n  :nofile:\n    soft: 1\n    hard: 2\n", "prlimits:\n  nofile:\n    soft: 1\n    hard: 2\n"],
    [
      "a limit named both ways, of which the symbol does not count, first",
      "prlimits:\n  :nofile:\n    soft: 1\n    hard: 2\n  nofile:\n    soft: 3\n    hard: 4\n",
      "prlimits:\n  nofile:\n    soft: 3\n    hard: 4\n",
    ],
    [
      "a limit named both ways, of which the symbol does not count, last",
      "prlimits:\n  nofile:\n    soft: 3\n    hard: 4\n  :nofile:\n    soft: 1\n    hard: 2\n",
      "prlimits:\n  nofile:\n    soft: 3\n    hard: 4\n",
    ],
    [
      "numbers for versions of IP",
      netif("bridge", "  ip_addresses:\n    4:\n    - 192.0.2.1/24\n    6: []\n  gateways:\n    4: auto\n    6: 2001:db8::1\n"),
      netif("bridge", "  ip_addresses:\n    v4:\n    - 192.0.2.1/24\n    v6: []\n  gateways:\n    v4: auto\n    v6: 2001:db8::1\n"),
    ],
    [
      "addresses of one version, where osctld does not do without the other",
      netif("bridge", "  ip_addresses:\n    v6:\n    - 2001:db8::1/64\n"),
      netif("bridge", "  ip_addresses:\n    v6:\n    - 2001:db8::1/64\n    v4: []\n"),
    ],
    ["null for addresses of a version", netif("bridge", "  ip_addresses:\n    v4:\n    v6:\n"), netif("bridge", "  ip_addresses:\n    v4: []\n    v6: []\n")], // prettier-ignore
    [
      "a routed interface without routes, as osctld's migration makes them",
      netif("routed", "  via:\n    4: 10.0.0.1/30\n  ip_addresses:\n    4:\n    - 192.0.2.1/32\n    6: []\n"),
      netif("routed", "  ip_addresses:\n    v4:\n    - 192.0.2.1/32\n    v6: []\n  routes:\n    v4:\n    - 192.0.2.1/32\n    v6: []\n"),
    ],
    [
      "routes as osctld's migration makes them of numbers, beside empty ones",
      netif("routed", "  ip_addresses:\n    4: []\n    6: []\n  routes:\n    v4: []\n    v6: []\n    4:\n    - 192.0.2.1/32\n    6: []\n"),
      netif("routed", "  ip_addresses:\n    v4: []\n    v6: []\n  routes:\n    v4:\n    - 192.0.2.1/32\n    v6: []\n"),
    ],
    [
      "null where an interface has a number",
      netif("routed", "  max_tx:\n  max_rx: 0\n  tx_queues:\n  rx_queues:\n"),
      netif("routed", "  max_rx: 0\n"),
    ],
    [
      "parameters of cgroups without version and persistent",
      "cgparams:\n- subsystem: memory\n  name: memory.limit_in_bytes\n  value:\n  - 1\n",
      "cgparams:\n- version: 1\n  subsystem: memory\n  name: memory.limit_in_bytes\n  value:\n  - 1\n  persistent: true\n",
    ],
    [
      "devices by integers and without inherit",
      "devices:\n- type: char\n  major: 10\n  minor: all\n  mode: mwr\n",
      "devices:\n- type: char\n  major: '10'\n  minor: \"*\"\n  mode: rwm\n  name:\n  inherit: false\n  inherited: false\n",
    ],
    [
      "a device marked as inherited, which osctld takes for the container's own",
      "devices:\n- type: block\n  major: '8'\n  minor: '0'\n  mode: r\n  name:\n  inherit: true\n  inherited: true\n",
      "devices:\n- type: block\n  major: '8'\n  minor: '0'\n  mode: r\n  name:\n  inherit: true\n  inherited: false\n",
    ],
    ["the log of a migration", "migration_log:\n  role: source\n", "send_log:\n  role: source\n"],
    ["attributes that are null", "attrs:\n", "attrs: {}\n"],
    [
      "lists that are null",
      "net_interfaces:\ncgparams:\ndevices:\nmounts:\n",
      "net_interfaces: []\ncgparams: []\ndevices: []\nmounts: []\n",
    ],
    ["limits that are null", "prlimits:\n", "prlimits: {}\n"],
    ["null where osctld has a default", "map_mode:\nvendor:\nvariant:\ncpu_package:\nhostname:\n", "hostname:\n"],
    ["null within hints", "hints:\n  cpu_daily:\n    user_us:\n    system_us: 5\n", "hints:\n  cpu_daily:\n    system_us: 5\n"],
    ["a version without quotes", "version: 22.04\n", "version: '22.04'\n"],
    ["a whole version without quotes", "version: 9\n", "version: '9'\n"],
    ["a version that ends in zero, as Ruby prints it", "version: 9.0\n", "version: '9.0'\n"],
  ])("%s", (_what, old, expected) => {
    expect(today(`---\n${old}`)).toBe(`---\n${expected}`);
  });
});

describe("parseContainerConfig keeps", () => {
  test.each([
    ["what lacks nearly everything", "distribution: alpine\n"],
    ["no autostart", "autostart: false\n"],
    ["a priority below zero", "autostart:\n  priority: -5\n  delay: 0\n"],
    ["a start menu without a timeout", "start_menu: {}\n"],
    ["no start menu", "start_menu:\n"],
    ["a processor package", "cpu_package: 0\n"],
    ["properties of an impermanent root", "impermanence:\n  zfs_properties:\n    quota: 10G\n"],
    ["lines of raw LXC configuration", "raw:\n  lxc: |\n    lxc.cap.drop = sys_time\n    lxc.environment = A=B\n"],
    ["a mount of the root dataset", 'mounts:\n- fs:\n  mountpoint: mnt\n  type: bind\n  opts: bind\n  automount: true\n  dataset: "/"\n'],
    ["a mapped IPv4 address", netif("bridge", '  ip_addresses:\n    v4: []\n    v6:\n    - "::ffff:192.0.2.1/128"\n')],
    ["an address without a prefix", netif("bridge", "  ip_addresses:\n    v4:\n    - 192.0.2.1\n    v6: []\n")],
    ["a routed interface without addresses", netif("routed", "  ip_addresses:\n")],
    ["values of cgroup parameters of all kinds", "cgparams:\n- version: 2\n  subsystem: cpu,cpuacct\n  name: cpu.max\n  value:\n  - max 100000\n  - -1\n  - 0.5\n  persistent: false\n"], // prettier-ignore
    ["attributes of several lines", "attrs:\n  org.example:note: |\n    one\n    two\n"],
  ])("%s", (_what, text) => {
    expect(today(`---\n${text}`)).toBe(`---\n${text}`);
  });

  test("keys that it does not know, at every level, and the order of all keys", () => {
    const text = `---
future: 7
version: '1'
arch: x86_64
distribution: debian
net_interfaces:
- future: 7
  name: eth0
  type: routed
  ip_addresses:
    v6: []
    v4: []
  routes:
    v6: []
    v4:
    - via: 192.0.2.1
      address: 192.0.2.0/24
      future: 7
- type: bridge
  name: eth1
  gateways:
    future: 7
    v6: none
cgparams:
- future: 7
  value: []
  name: a
  subsystem: b
  version: 2
  persistent: true
devices:
- future: 7
  inherited: false
  inherit: true
  name: "/dev/x"
  mode: r
  minor: "*"
  major: '1'
  type: char
prlimits:
  nofile:
    future: 7
    hard: 2
    soft: 1
mounts:
- future: 7
  mountpoint: "/mnt"
  fs: "/srv"
autostart:
  future: 7
  delay: 1
  priority: 1
start_menu:
  future: 7
impermanence:
  future: 7
raw:
  future: 7
hints:
  future: 7
  cpu_daily:
    future: 7
`;
    expect(today(text)).toBe(text);
  });
});

describe("parseContainerConfig, of whatever it is given:", () => {
  test("long lists of everything are read at once", () => {
    const list = (entry: string, count: number): string => `\n${Array(count).fill(entry).join("")}`;
    const text = `---
devices:${list("- {type: char, major: 1, minor: 3, mode: r}\n", 5000)}
net_interfaces:${list("- {type: routed, name: a, ip_addresses: {4: [192.0.2.1], 6: []}}\n", 3000)}
mounts:${list("- {dataset: a, mountpoint: b}\n", 5000)}
prlimits:${list("- {name: nofile, soft: 1, hard: 2}\n", 5000)}`;
    const started = performance.now();
    expect(today(text).match(/^- /gm)).toHaveLength(13_000);
    expect(performance.now() - started).toBeLessThan(10_000);
  });

  test("what it makes of any mixture of shapes, it reads back as it is", () => {
    const address = fc.constantFrom("192.0.2.1/24", "198.51.100.7");
    const versions = fc.record(
      { v4: fc.array(address, { maxLength: 2 }), v6: fc.constantFrom([], ["2001:db8::1/64"]) },
      { requiredKeys: [] },
    );
    const oldVersions = fc.record({ "4": fc.array(address, { maxLength: 2 }), "6": fc.constant([]) }, { requiredKeys: [] });
    const networks = fc.oneof(versions, oldVersions, fc.constant(null));
    const netifs = fc.record(
      { type: fc.constantFrom("bridge", "routed"), name: fc.constant("eth0"), ip_addresses: networks, routes: networks, via: fc.constant({ "4": "10.0.0.1/30" }), max_tx: fc.constantFrom(0, null) }, // prettier-ignore
      { requiredKeys: ["type", "name"] },
    );
    const limit = fc.record({ soft: fc.nat(), hard: fc.constant("unlimited") });
    const device = fc.record(
      { type: fc.constantFrom("char", "block"), major: fc.oneof(fc.nat(255), fc.constantFrom("7", "*", "all")), minor: fc.nat(255), mode: fc.constantFrom("r", "mwr", "wr"), inherit: fc.constantFrom(true, false, null), name: fc.constantFrom(null, "/dev/x") }, // prettier-ignore
      { requiredKeys: ["type", "major", "minor", "mode"] },
    );
    const parameter = fc.record(
      { version: fc.constantFrom(1, 2, null), subsystem: fc.constant("memory"), name: fc.constant("memory.max"), value: fc.array(fc.nat(), { maxLength: 2 }), persistent: fc.boolean() }, // prettier-ignore
      { requiredKeys: ["subsystem", "name", "value"] },
    );
    const config = fc.record(
      {
        version: fc.oneof(fc.nat(30), fc.constantFrom("3.20", 3.5)),
        net_interfaces: fc.array(netifs, { maxLength: 3 }),
        cgparams: fc.array(parameter, { maxLength: 3 }),
        devices: fc.array(device, { maxLength: 3 }),
        prlimits: fc.oneof(
          fc.dictionary(fc.constantFrom("nofile", ":nofile", "core"), limit),
          fc.array(
            limit.map((values) => ({ name: "nofile", ...values })),
            { maxLength: 2 },
          ),
          fc.constant(null),
        ),
        attrs: fc.constantFrom(null, { "a:b": "c" }),
        migration_log: fc.constant({ role: "source" }),
        send_log: fc.constant({ role: "destination" }),
        cpu_package: fc.constantFrom(null, 1, "auto"),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(config, (value) => {
        // JSON is YAML, but for its keys "4" and "6", which old files have without quotes.
        const once = today(JSON.stringify(value).replaceAll(/"([46])":/g, "$1: "));
        expect(today(once)).toBe(once);
      }),
      { numRuns: 500 },
    );
  });
});
