/**
 * `container.yml`: everything about a container but its data. Files of all ages are read and brought into today's form; keys that are not
 * known are kept, as later versions may have more; what osctld would not survive loading is refused.
 *
 * Any exception but a syntax error, while a container is loaded and LXC's configuration is written for it, ends osctld at every start. Of
 * the values in that configuration none may hold a line break, which would let it say more than its key; `raw.lxc` is meant to.
 *
 * @see vpsAdminOS `osctld/lib/osctld/container.rb` (`load_config_hash`, `dump_config`), `osctld/templates/ct/`, 24.05
 */
import { YamlFloat, type YamlMap, type YamlValue } from "../yaml/value.ts";
import { checkAttributes } from "./attributes.ts";
import { checkCgroupParameters } from "./cgroup.ts";
import { checkDevices } from "./device.ts";
import { checkLimits } from "./limits.ts";
import { checkMounts } from "./mount.ts";
import { checkInterfaces } from "./network.ts";
import { asBoolean, asInteger, asLine, asList, asMap, asOneOf, asPathComponent, below, checkKeys, dropNulls, loadConfig, wrong, type Check, type Place } from "./place.ts"; // prettier-ignore

/** Keys whose value is checked by itself. */
const CHECKS: Readonly<Record<string, Check>> = {
  user: asLine,
  group: asLine,
  incarnation_id: asLine,
  dataset: asLine,
  map_mode: (value, place) => asOneOf(value, place, ["zfs", "native"]),
  // LXC includes `<directory>/<distribution>/<version>.conf`.
  distribution: asPathComponent,
  version: asPathComponent,
  arch: asPathComponent,
  vendor: asPathComponent,
  variant: asPathComponent,
  autostart: checkAutostart,
  ephemeral: asBoolean,
  hostname: checkHostname,
  dns_resolvers: checkLines,
  nesting: asBoolean,
  seccomp_profile: asLine,
  cpu_package: checkCpuPackage,
  init_cmd: checkLines,
  start_menu: (value, place) => checkKeys(asMap(value, place), place, { timeout: asInteger }),
  impermanence: checkImpermanence,
  raw: checkRaw,
  hints: checkHints,
  state: asLine,
  send_log: asMap,
  local_transfer_log: asMap,
};
const NULLS = ["map_mode", "vendor", "variant", "cpu_package"];

/** Reads a container's configuration in today's form. @param what the file, for messages @throws ToolError damaged */
export function parseContainerConfig(bytes: Uint8Array, what: string): YamlMap {
  const place = { file: what, path: "" };
  const config = loadConfig(bytes, place);
  config.rename("migration_log", "send_log");
  dropNulls(config, NULLS);
  quoteVersion(config);
  checkKeys(config, place, CHECKS);
  checkInterfaces(config, place);
  checkCgroupParameters(config, place);
  checkDevices(config, place);
  checkLimits(config, place);
  checkMounts(config, place);
  checkAttributes(config, place);
  return config;
}

/** Written by hand without quotes, a version is a number; this is what Ruby makes of it. */
function quoteVersion(config: YamlMap): void {
  const version = config.get("version");
  if (typeof version === "number") config.set("version", String(version));
  if (version instanceof YamlFloat) config.set("version", Number.isInteger(version.value) ? version.value.toFixed(1) : `${version.value}`);
}

function checkLines(value: YamlValue, place: Place): void {
  for (const [index, line] of asList(value, place).entries()) asLine(line, below(place, index));
}

/** False and null both mean no. */
function checkAutostart(value: YamlValue, place: Place): void {
  if (value === false) return;
  const autostart = asMap(value, place);
  asInteger(autostart.get("priority"), below(place, "priority"), { min: -Infinity });
  asInteger(autostart.get("delay"), below(place, "delay"));
}

/** osctld takes it apart at the dots, and needs a first part. */
function checkHostname(value: YamlValue, place: Place): void {
  if (/^\.*$/.test(asLine(value, place))) throw wrong(place, value, "a host name");
}

function checkCpuPackage(value: YamlValue, place: Place): void {
  if (value === "auto" || value === "none") return;
  if (typeof value !== "number" || value < 0) throw wrong(place, value, '"auto", "none" or a whole number');
}

/** Properties for `zfs create`. */
function checkImpermanence(value: YamlValue, place: Place): void {
  const impermanence = asMap(value, place);
  dropNulls(impermanence, ["zfs_properties"]);
  checkKeys(impermanence, place, {
    zfs_properties: (properties, at) => {
      for (const [key, property] of asMap(properties, at)) asLine(property, below(at, asLine(key, below(at, "<name>"))));
    },
  });
}

/** Lines of LXC configuration, as they are. */
function checkRaw(value: YamlValue, place: Place): void {
  const lxc = asMap(value, place).get("lxc") ?? null;
  if (lxc !== null && typeof lxc !== "string") throw wrong(below(place, "lxc"), lxc, "text");
}

/** How much of the processor the container uses. */
function checkHints(value: YamlValue, place: Place): void {
  const hints = asMap(value, place);
  dropNulls(hints, ["cpu_daily"]);
  checkKeys(hints, place, {
    cpu_daily: (daily, at) => {
      dropNulls(asMap(daily, at), ["user_us", "system_us"]);
      checkKeys(asMap(daily, at), at, { user_us: asInteger, system_us: asInteger });
    },
  });
}
