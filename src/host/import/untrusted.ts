/**
 * What a stranger's configuration may not bring along: everything that reaches beyond the container. Hooks and id maps are left out by the
 * plan of the import.
 */
import { devicesOf, setDevices } from "../../config/device.ts";
import { YamlMap, type YamlValue } from "../../yaml/value.ts";

/** Options of a mount that do nothing but mount; an overlay's could name directories of the host. */
const PLAIN_BIND = "bind,create=dir,rw";

/** Takes host mounts, raw LXC, devices, a seccomp profile and nesting out of container.yml. @returns what was taken out, for people */
export function restrictContainer(config: YamlMap): string[] {
  const omissions = [...dropHostMounts(config), ...dropDevices(config)];
  const raw = config.get("raw");
  if (raw instanceof YamlMap && raw.size > 0) {
    config.set("raw", new YamlMap());
    omissions.push("raw LXC configuration");
  }
  if (typeof config.get("seccomp_profile") === "string") {
    config.set("seccomp_profile", null);
    omissions.push("its seccomp profile");
  }
  if (config.get("nesting") === true) {
    config.set("nesting", false);
    omissions.push("nesting");
  }
  return omissions;
}

/** Takes devices out of group.yml. @returns what was taken out, for people */
export function restrictGroup(config: YamlMap): string[] {
  return dropDevices(config);
}

function dropHostMounts(config: YamlMap): string[] {
  const mounts = config.get("mounts");
  if (!Array.isArray(mounts)) return [];
  const kept = mounts.filter((mount) => mount instanceof YamlMap && typeof mount.get("dataset") === "string");
  for (const mount of kept) if (mount instanceof YamlMap) mount.set("type", "bind").set("opts", PLAIN_BIND);
  config.set("mounts", kept);
  return kept.length === mounts.length ? [] : [`${mounts.length - kept.length} mount(s) of the host`];
}

function dropDevices(config: YamlMap): string[] {
  const parameters = config.get("cgparams");
  const isOfDevices = (entry: YamlValue): boolean => entry instanceof YamlMap && entry.get("subsystem") === "devices";
  if (Array.isArray(parameters)) {
    config.set(
      "cgparams",
      parameters.filter((entry) => !isOfDevices(entry)),
    );
  }
  const devices = devicesOf(config);
  if (devices.length === 0) return [];
  setDevices(config, []);
  return [`${devices.length} device(s)`];
}
