import { describe, expect, test } from "bun:test";
import { parseContainerConfig } from "../../src/config/container.ts";
import { datasetMountsOf, hostMountsOf } from "../../src/config/mount.ts";
import { addressesOf } from "../../src/config/network.ts";
import type { YamlMap } from "../../src/yaml/value.ts";
import { example } from "../support/archive.ts";
import { bytesOf } from "../support/pool-files.ts";

function parsed(text: string): YamlMap {
  return parseContainerConfig(bytesOf(`---\n${text}`), "container.yml");
}

describe("addressesOf", () => {
  test("finds the addresses of all interfaces", () => {
    expect(addressesOf(parseContainerConfig(example("pool-on-disk/conf/ct/web01.yml"), "web01.yml"))).toEqual({
      ip: ["198.51.100.23", "2001:db8:40:7::2", "192.168.122.40"],
      mac: ["00:16:3e:5a:1c:77"],
    });
    expect(addressesOf(parsed("distribution: alpine\n"))).toEqual({ ip: [], mac: [] });
  });

  test.each([
    ["2001:0DB8:0:0:0::1/64", "2001:db8::1"],
    ["2001:db8::1", "2001:db8::1"],
    ["::/0", "::"],
    ["1:0:0:2:0:0:0:3/128", "1:0:0:2::3"],
    ["::ffff:192.0.2.1/128", "::ffff:c000:201"],
  ])("spells %s as %s", (address, spelled) => {
    const netif = `net_interfaces:\n- type: bridge\n  name: eth0\n  ip_addresses:\n    v6:\n    - "${address}"\n`;
    expect(addressesOf(parsed(netif)).ip).toEqual([spelled]);
  });

  test("spells hardware addresses in lower case", () => {
    expect(addressesOf(parsed("net_interfaces:\n- type: routed\n  name: eth0\n  hwaddr: AA:16:3E:00:00:0F\n")).mac).toEqual([
      "aa:16:3e:00:00:0f",
    ]);
  });
});

describe("mounts", () => {
  const config = parsed(`mounts:
- fs: "/srv/shared"
  mountpoint: "/mnt/shared"
- dataset: srv/data
  mountpoint: "/srv/data"
- fs: "/not/looked/at"
  dataset: "/"
  mountpoint: root
`);

  test("hostMountsOf finds directories of the host, but none that stands beside a dataset", () => {
    expect(hostMountsOf(config)).toEqual([{ fs: "/srv/shared", mountpoint: "/mnt/shared" }]);
  });

  test("datasetMountsOf finds subdatasets, and the root dataset", () => {
    expect(datasetMountsOf(config)).toEqual([
      { dataset: "srv/data", mountpoint: "/srv/data" },
      { dataset: "/", mountpoint: "root" },
    ]);
  });

  test("there may be none", () => {
    expect([hostMountsOf(parsed("mounts:\n")), datasetMountsOf(parsed("a: 1\n"))]).toEqual([[], []]);
  });
});
