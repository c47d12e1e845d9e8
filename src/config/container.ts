/**
 * `container.yml`: everything about a container but its data. Files of all ages are read and brought into today's form; keys that are not
 * known are kept, as later versions may have more; what osctld would not survive loading is refused.
 *
 * @see vpsAdminOS `osctld/lib/osctld/container.rb` (`load_config_hash`, `dump_config`), 24.05
 */
import { loadYaml } from "../yaml/load.ts";
import { YamlFloat, type YamlMap, type YamlValue } from "../yaml/value.ts";
import { checkAttributes } from "./attributes.ts";
import { checkCgroupParameters } from "./cgroup.ts";
import { checkDevices } from "./device.ts";
import { checkLimits } from "./limits.ts";
import { checkMounts } from "./mount.ts";
import { checkInterfaces } from "./network.ts";
import { asInteger, asLine, asList, asMap, asOneOf, below, wrong, type Place } from "./place.ts";

type Check = (value: YamlValue, place: Place) => void;

/** Keys whose value is checked by itself; null is the same as absent for all of them. */
const CHECKS: Readonly<Record<string, Check>> = {
  user: asLine,
  group: asLine,
  incarnation_id: asLine,
  dataset: asLine,
  map_mode: (value, place) => void asOneOf(value, place, ["zfs", "native"]),
  distribution: asLine,
  version: checkVersion,
  arch: asLine,
  vendor: asLine,
  variant: asLine,
  autostart: checkAutostart,
  ephemeral: checkBoolean,
  hostname: asLine,
  dns_resolvers: checkLines,
  nesting: checkBoolean,
  seccomp_profile: asLine,
  cpu_package: checkCpuPackage,
  init_cmd: checkLines,
  start_menu: (value, place) => void asInteger(asMap(value, place).get("timeout"), below(place, "timeout")),
  impermanence: (value, place) => void asMap(value, place),
  raw: checkRaw,
  hints: (value, place) => void asMap(value, place),
  state: asLine,
  send_log: (value, place) => void asMap(value, place),
  local_transfer_log: (value, place) => void asMap(value, place),
};

/** Reads a container's configuration in today's form. @param what the file, for messages @throws ToolError damaged */
export function parseContainerConfig(bytes: Uint8Array, what: string): YamlMap {
  const place = { file: what, path: "" };
  const config = asMap(loadYaml(bytes, what), place);
  config.rename("migration_log", "send_log");
  for (const [key, check] of Object.entries(CHECKS)) {
    const value = config.get(key) ?? null;
    if (value !== null) check(value, below(place, key));
  }
  checkInterfaces(config, place);
  checkCgroupParameters(config, place);
  checkDevices(config, place);
  checkLimits(config, place);
  checkMounts(config, place);
  checkAttributes(config, place);
  return config;
}

/** Written by hand without quotes, a version is a number. */
function checkVersion(value: YamlValue, place: Place): void {
  if (typeof value !== "number" && !(value instanceof YamlFloat)) asLine(value, place);
}

function checkBoolean(value: YamlValue, place: Place): void {
  if (typeof value !== "boolean") throw wrong(place, value, "true or false");
}

function checkLines(value: YamlValue, place: Place): void {
  for (const [index, line] of asList(value, place).entries()) asLine(line, below(place, index));
}

function checkAutostart(value: YamlValue, place: Place): void {
  if (value === false) return;
  const autostart = asMap(value, place);
  for (const key of ["priority", "delay"]) if ((autostart.get(key) ?? null) !== null) asInteger(autostart.get(key), below(place, key));
}

function checkCpuPackage(value: YamlValue, place: Place): void {
  if (value === "auto" || value === "none") return;
  if (typeof value !== "number" || value < 0) throw wrong(place, value, '"auto", "none" or a number');
}

/** Lines of LXC configuration, as they are. */
function checkRaw(value: YamlValue, place: Place): void {
  const lxc = asMap(value, place).get("lxc") ?? null;
  if (lxc !== null && typeof lxc !== "string") throw wrong(below(place, "lxc"), lxc, "text");
}
