/** One row per rule: what takes osctld down, leads elsewhere, or is impossible, and what is said of it. */
import { describe, expect, test } from "bun:test";
import { parseContainerConfig } from "../../src/config/container.ts";
import { MAX_DOCUMENT_LENGTH } from "../../src/yaml/load.ts";
import { refusalBy } from "./refusal.ts";

function refusal(text: string): string {
  return refusalBy(parseContainerConfig, text);
}

/** One interface, the rest of it indented by two. */
function netif(type: string, rest: string): string {
  return `net_interfaces:\n- type: ${type}\n  name: eth0\n${rest}`;
}

describe("parseContainerConfig refuses", () => {
  test.each([
    ["- 1\n", "the document is a list, expected a mapping"],
    ["", "the document is null, expected a mapping"],
    ["net_interfaces: eth0\n", 'net_interfaces is "eth0", expected a list'],
    ["net_interfaces:\n- eth0\n", 'net_interfaces[0] is "eth0", expected a mapping'],
    ["net_interfaces:\n- type: tap\n  name: eth0\n", 'net_interfaces[0].type is "tap", expected "bridge" or "routed"'],
    ["net_interfaces:\n- name: eth0\n", 'net_interfaces[0].type is missing, expected "bridge" or "routed"'],
    ["net_interfaces:\n- type: bridge\n", "net_interfaces[0].name is missing, expected text"],
    ["net_interfaces:\n- type: bridge\n  name: a/b\n", 'net_interfaces[0].name is "a/b", expected the name of an interface'],
    ["net_interfaces:\n- type: bridge\n  name: ..\n", 'net_interfaces[0].name is "..", expected the name of an interface'],
    [
      "net_interfaces:\n- type: bridge\n  name: abcdefghijklmnop\n",
      'net_interfaces[0].name is "abcdefghijklmnop", expected the name of an interface',
    ],
    [netif("bridge", "  hwaddr: 00:16:3e\n"), 'net_interfaces[0].hwaddr is "00:16:3e", expected a hardware address'],
    [netif("bridge", '  link: "br0\\nlxc.hook.pre-start = /x"\n'), 'net_interfaces[0].link is "br0\\nlxc.hook.pre-start = /x", expected one line of text without control characters'], // prettier-ignore
    [netif("bridge", "  dhcp: maybe\n"), 'net_interfaces[0].dhcp is "maybe", expected true or false'],
    [netif("bridge", "  max_tx: -1\n"), "net_interfaces[0].max_tx is -1, expected a whole number from 0 on"],
    [netif("bridge", "  tx_queues: 1.5\n"), "net_interfaces[0].tx_queues is the fraction 1.5, expected a whole number from 0 on"],
    [netif("bridge", "  ip_addresses:\n    v4: 192.0.2.1/24\n"), 'net_interfaces[0].ip_addresses.v4 is "192.0.2.1/24", expected a list'],
    [netif("bridge", "  ip_addresses:\n    v5: []\n"), 'net_interfaces[0].ip_addresses.<version> is "v5", expected "v4" or "v6"'],
    ...(
      [
        ["v4", "192.0.2.256/24"],
        ["v4", "192.0.2.2/33"],
        ["v4", "192.0.2.2/24/24"],
        ["v4", "192.0.2.2/"],
        ["v4", "2001:db8::1/64"],
        ["v6", "192.0.2.2/24"],
        ["v6", "2001:db8::1/129"],
        ["v6", "fe80::1%eth0/64"],
      ] as const
    ).flatMap(([version, address]) => [
      [
        netif("bridge", `  ip_addresses:\n    ${version}:\n    - ${address}\n`),
        `net_interfaces[0].ip_addresses.${version}[0] is "${address}", expected an address of IP${version} with its prefix`,
      ],
      [
        netif("routed", `  routes:\n    ${version}:\n    - address: ${address}\n`),
        `net_interfaces[0].routes.${version}[0].address is "${address}", expected an address of IP${version} with its prefix`,
      ],
    ]),
    [netif("bridge", "  gateways:\n    v4: gw\n"), 'net_interfaces[0].gateways.v4 is "gw", expected "auto", "none" or an address of IPv4'],
    [netif("bridge", "  gateways:\n    v6: 192.0.2.1\n"), 'net_interfaces[0].gateways.v6 is "192.0.2.1", expected "auto", "none" or an address of IPv6'], // prettier-ignore
    [
      netif("routed", "  routes:\n    v4:\n    - address: 192.0.2.0/24\n      via: here\n"),
      'net_interfaces[0].routes.v4[0].via is "here", expected an address of IPv4',
    ],
    ["devices:\n- major: '1'\n  minor: '3'\n  mode: rwm\n", 'devices[0].type is missing, expected "char" or "block"'],
    ["devices:\n- type: char\n  minor: '3'\n  mode: rwm\n", 'devices[0].major is missing, expected a number or "*"'],
    ["devices:\n- type: char\n  major: '1'\n  minor: x\n  mode: rwm\n", 'devices[0].minor is "x", expected a number or "*"'],
    ["devices:\n- type: char\n  major: '1'\n  minor: '3'\n", 'devices[0].mode is missing, expected some of "rwm"'],
    ["devices:\n- type: char\n  major: '1'\n  minor: '3'\n  mode: rwx\n", 'devices[0].mode is "rwx", expected some of "rwm"'],
    ["devices:\n- type: char\n  major: '1'\n  minor: '3'\n  mode: r\n  inherit: 1\n", "devices[0].inherit is 1, expected true or false"],
    ["cgparams:\n- version: 3\n  subsystem: memory\n  name: a\n  value: []\n", "cgparams[0].version is 3, expected 1 or 2"],
    ["cgparams:\n- subsystem: memory\n  name: ../x\n  value: []\n", 'cgparams[0].name is "../x", expected the name of a parameter'],
    ["cgparams:\n- subsystem: memory\n  name: ..\n  value: []\n", 'cgparams[0].name is "..", expected the name of a parameter'],
    ["cgparams:\n- subsystem: ../..\n  name: a\n  value: []\n", 'cgparams[0].subsystem is "../..", expected the subsystem of a parameter'],
    ["cgparams:\n- subsystem: memory\n  name: a\n  value: 5\n", "cgparams[0].value is 5, expected a list"],
    [
      "cgparams:\n- subsystem: memory\n  name: a\n  value:\n  - true\n",
      "cgparams[0].value[0] is true, expected one line of text or a number",
    ],
    ["cgparams:\n- subsystem: memory\n  name: a\n  value: []\n  persistent: no way\n", 'cgparams[0].persistent is "no way", expected true or false'], // prettier-ignore
    ["attrs:\n  owner: me\n", 'attrs.<name> is "owner", expected "<vendor>:<key>"'],
    ["attrs:\n  1: me\n", 'attrs.<name> is 1, expected "<vendor>:<key>"'],
    ["attrs:\n  a:b: 1\n", "attrs.a:b is 1, expected text"],
    ["mounts:\n- fs: /srv\n", "mounts[0].mountpoint is missing, expected text"],
    [
      'mounts:\n- fs: /srv\n  mountpoint: /srv\n  opts: "rw\\nlxc.hook.pre-start = /bin/sh"\n',
      'mounts[0].opts is "rw\\nlxc.hook.pre-start = /bin/sh", expected one line of text without control characters',
    ],
    ["mounts:\n- dataset: ../other\n  mountpoint: /srv\n", 'mounts[0].dataset is "../other", expected the name of a subdataset, or "/"'],
    ["mounts:\n- dataset: srv@snap\n  mountpoint: /srv\n", 'mounts[0].dataset is "srv@snap", expected the name of a subdataset, or "/"'],
    ["mounts:\n- dataset: ''\n  mountpoint: /srv\n", 'mounts[0].dataset is "", expected the name of a subdataset, or "/"'],
    ['hostname: "a\\nlxc.cap.drop ="\n', 'hostname is "a\\nlxc.cap.drop =", expected one line of text without control characters'],
    ['hostname: "a\\u2028b"\n', 'hostname is "a\u2028b", expected one line of text without control characters'],
    ["hostname: ''\n", 'hostname is "", expected a host name'],
    ["hostname: ..\n", 'hostname is "..", expected a host name'],
    ["distribution: ../../../tank/ct/web01/private\n", 'distribution is "../../../tank/ct/web01/private", expected a name without "/"'],
    ["version: ..\n", 'version is "..", expected a name without "/"'],
    ["prlimits: 5\n", "prlimits is 5, expected a mapping"],
    ["prlimits:\n  nofile:\n    soft: many\n    hard: 1\n", 'prlimits.nofile.soft is "many", expected a whole number or "unlimited"'],
    ["prlimits:\n  nofile:\n    soft: 1\n", 'prlimits.nofile.hard is missing, expected a whole number or "unlimited"'],
    ["prlimits:\n  a b:\n    soft: 1\n    hard: 1\n", 'prlimits.<name> is "a b", expected the name of a limit'],
    ["prlimits:\n- soft: 1\n  hard: 1\n", "prlimits[0].name is missing, expected text"],
    ["autostart: true\n", "autostart is true, expected a mapping"],
    ["autostart:\n  priority: high\n  delay: 5\n", 'autostart.priority is "high", expected a whole number'],
    ["autostart:\n  priority: 10\n", "autostart.delay is missing, expected a whole number from 0 on"],
    ["map_mode: both\n", 'map_mode is "both", expected "zfs" or "native"'],
    ["raw:\n  lxc: []\n", "raw.lxc is an empty list, expected text"],
    ["init_cmd: /sbin/init\n", 'init_cmd is "/sbin/init", expected a list'],
    ["dns_resolvers:\n- 5\n", "dns_resolvers[0] is 5, expected text"],
    ["start_menu:\n  timeout: soon\n", 'start_menu.timeout is "soon", expected a whole number from 0 on'],
    ["nesting: 1\n", "nesting is 1, expected true or false"],
    ["ephemeral: later\n", 'ephemeral is "later", expected true or false'],
    ["cpu_package: some\n", 'cpu_package is "some", expected "auto", "none" or a whole number'],
    ["seccomp_profile: []\n", "seccomp_profile is an empty list, expected text"],
    ["impermanence: true\n", "impermanence is true, expected a mapping"],
    ["impermanence:\n  zfs_properties:\n    quota: 1\n", "impermanence.zfs_properties.quota is 1, expected text"],
    ["hints:\n  cpu_daily:\n    user_us: lots\n", 'hints.cpu_daily.user_us is "lots", expected a whole number from 0 on'],
    ["send_log: yes\n", "send_log is true, expected a mapping"],
  ])("%j", (text, reason) => {
    expect(refusal(`---\n${text}`)).toBe(`damaged: Cannot read "file.yml": ${reason}`);
  });

  test("a value that is too long to repeat, in part", () => {
    expect(refusal(`---\nmap_mode: ${"x".repeat(1000)}\n`)).toBe(
      `damaged: Cannot read "file.yml": map_mode is "${"x".repeat(60)}…", expected "zfs" or "native"`,
    );
  });

  test.each([
    ["bad syntax", "a: [b\n"],
    ["a class", "a: !ruby/object:OpenStruct {}\n"],
    ["bombs", `a: &a [1,1,1,1,1,1,1,1,1]\n${"bcdefghi".replace(/./g, (to) => `${to}: &${to} [${Array(9).fill(`*${String.fromCharCode(to.charCodeAt(0) - 1)}`).join(",")}]\n`)}`], // prettier-ignore
    ["deep nesting", `devices: ${"[".repeat(5000)}${"]".repeat(5000)}\n`],
    ["too long a file", `a: ${"x".repeat(MAX_DOCUMENT_LENGTH)}\n`],
  ])("%s", (_what, text) => {
    expect(refusal(`---\n${text}`)).toMatch(/^damaged: Cannot read "file\.yml": /);
  });

  test("what is no text", () => {
    expect(() => parseContainerConfig(Uint8Array.of(0xff, 0xfe), "file.yml")).toThrow('Cannot read "file.yml": not UTF-8');
  });
});
