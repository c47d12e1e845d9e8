/**
 * `conf/group/<path>/config.yml`: parameters and devices of a group.
 *
 * @see vpsAdminOS `osctld/lib/osctld/group.rb`, 24.05
 */
import { YamlMap } from "../yaml/value.ts";
import { checkAttributes } from "./attributes.ts";
import { checkCgroupParameters } from "./cgroup.ts";
import { checkDevices } from "./device.ts";
import { asLine, checkKeys, loadConfig } from "./place.ts";

/** Reads a group's configuration in today's form. @param options.root keeps `path`, which the root group alone has @throws ToolError damaged */
export function parseGroupConfig(bytes: Uint8Array, what: string, options: { root?: boolean } = {}): YamlMap {
  const place = { file: what, path: "" };
  const config = loadConfig(bytes, place);
  if (options.root === true) checkKeys(config, place, { path: asLine });
  else config.delete("path");
  checkCgroupParameters(config, place);
  checkDevices(config, place);
  checkAttributes(config, place);
  for (const [key, empty] of emptyGroupConfig()) if (!config.has(key)) config.set(key, empty);
  return config;
}

/** A group with nothing of its own. */
export function emptyGroupConfig(): YamlMap {
  return YamlMap.of({ cgparams: [], devices: [], attrs: new YamlMap() });
}
