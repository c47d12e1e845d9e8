/**
 * The two groups that osctld makes itself where a pool has none: the root group with the devices every container may use, and `/default`.
 *
 * @see vpsAdminOS `osctld/lib/osctld/group.rb`, `osctld/lib/osctld/devices/`, 24.05
 */
import { setDevices, type Device } from "../config/device.ts";
import { emptyGroupConfig } from "../config/group.ts";
import type { YamlMap } from "../yaml/value.ts";
import type { Pool } from "./pool.ts";

/** Character devices that may be opened: major, minor, name. */
const OPENABLE: readonly (readonly [string, string, string | null])[] = [
  ["1", "3", "/dev/null"],
  ["1", "5", "/dev/zero"],
  ["1", "7", "/dev/full"],
  ["1", "8", "/dev/random"],
  ["1", "9", "/dev/urandom"],
  ["1", "11", "/dev/kmsg"],
  ["5", "0", "/dev/tty"],
  ["5", "1", null],
  ["5", "2", null],
  ["136", "*", null],
];

/** Whether osctld makes the group itself. */
export function isBuiltInGroup(group: string): boolean {
  return group === "/" || group === "/default";
}

/** What osctld writes for a built-in group. */
export function builtInGroup(group: string, pool: Pool): YamlMap {
  const config = emptyGroupConfig();
  if (group !== "/") return config;
  const openable = OPENABLE.map(([major, minor, name]): Device => ({ type: "char", major, minor, mode: "rwm", name, inherit: true }));
  const nodes = (["block", "char"] as const).map((type): Device => ({
    type,
    major: "*",
    minor: "*",
    mode: "m",
    name: null,
    inherit: true,
  }));
  setDevices(config, [...openable, ...nodes]);
  config.set("path", `osctl/pool.${pool.kind === "zfs" ? pool.name : "dir"}`);
  return config;
}
