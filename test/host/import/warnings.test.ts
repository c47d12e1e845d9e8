import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { parseContainerConfig } from "../../../src/config/container.ts";
import { migrationWarnings } from "../../../src/host/migrations.ts";
import { warningsFor } from "../../../src/host/import/warnings.ts";
import { bytesOf, PoolFiles } from "../../support/pool-files.ts";

const CONFIG = `---
net_interfaces:
- type: routed
  name: eth0
  hwaddr: AA:BB:CC:00:00:01
  ip_addresses:
    v4:
    - 192.0.2.7/32
    v6:
    - 2001:DB8::0:7/128
  routes:
    v4: []
    v6: []
mounts:
- fs: "/nonexistent/data"
  dataset:
  mountpoint: "/data"
  type: bind
  opts: bind,rw
  automount: true
- fs: "/"
  dataset:
  mountpoint: "/host"
  type: bind
  opts: bind,ro
  automount: true
autostart:
  priority: 10
  delay: 5
`;

let files: PoolFiles;
beforeEach(() => {
  files = new PoolFiles();
});
afterEach(() => files[Symbol.dispose]());

function warnings(config = CONFIG): string[] {
  return warningsFor(files.pool, "web01", parseContainerConfig(bytesOf(config), "container.yml"));
}

describe("warningsFor", () => {
  test("tells of autostart and of host mounts that do not exist", () => {
    expect(warnings()).toEqual([
      'container "web01" starts by itself when the pool is next imported (autostart)',
      'the container mounts "/nonexistent/data", which does not exist here',
    ]);
  });

  test("tells of addresses that another container has, however they are spelled", () => {
    files.write("conf/ct/db01.yml", CONFIG.replace("AA:BB:CC:00:00:01", "aa:bb:cc:00:00:01").replace("2001:DB8::0:7", "2001:db8::7"));
    files.write("conf/ct/web01.yml", CONFIG);
    files.write("conf/ct/broken.yml", "user: [");
    expect(warnings().filter((line) => line.startsWith("address"))).toEqual([
      'address 192.0.2.7 belongs to container "db01" too',
      'address 2001:db8::7 belongs to container "db01" too',
      'address aa:bb:cc:00:00:01 belongs to container "db01" too',
    ]);
  });

  test("says nothing of a container that surprises nobody", () => {
    expect(warnings("---\nautostart: false\nmounts: []\n")).toEqual([]);
  });
});

describe("migrationWarnings", () => {
  test("says nothing of a pool in today's form", () => {
    expect(migrationWarnings(files.pool)).toEqual([]);
  });

  test("tells of a pool that a newer system has used, and of one in an older form", () => {
    files.write(".migrations", `${files.read(".migrations")}20301231000000\n`);
    expect(migrationWarnings(files.pool).join()).toContain("newer vpsAdminOS (migration 20301231000000)");
    files.write(".migrations", "20180711154030\n");
    expect(migrationWarnings(files.pool).join()).toContain("older form");
  });
});
