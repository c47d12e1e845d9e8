/**
 * `cgparams`: parameters of a container's or group's cgroup, for both versions of cgroups side by side.
 *
 * @see vpsAdminOS `osctld/lib/osctld/cgroup/params.rb`, 24.05
 */
import { YamlFloat, YamlMap, type YamlValue } from "../yaml/value.ts";
import { asLine, asList, asMap, below, hasControlCharacters, wrong, type Place } from "./place.ts";

/** Brings `cgparams` into today's form, in place. @throws ToolError damaged */
export function checkCgroupParameters(config: YamlMap, place: Place): void {
  if (!config.has("cgparams")) return;
  const at = below(place, "cgparams");
  const parameters = asList(config.get("cgparams"), at);
  config.set(
    "cgparams",
    parameters.map((parameter, index) => checkParameter(asMap(parameter, below(at, index)), below(at, index))),
  );
}

/** Old entries are for version 1 and persistent, and say neither. */
function checkParameter(parameter: YamlMap, place: Place): YamlMap {
  const version = parameter.get("version") ?? 1;
  if (version !== 1 && version !== 2) throw wrong(below(place, "version"), version, "1 or 2");
  asLine(parameter.get("subsystem"), below(place, "subsystem"));
  const name = asLine(parameter.get("name"), below(place, "name"));
  if (!/^[\w.-]+$/.test(name)) throw wrong(below(place, "name"), name, "the name of a parameter");
  const at = below(place, "value");
  const values = asList(parameter.get("value"), at);
  for (const [index, value] of values.entries()) if (!isValue(value)) throw wrong(below(at, index), value, "text or a number");
  const persistent = parameter.get("persistent") !== false;
  const checked = new YamlMap([["version", version]]);
  for (const [key, value] of parameter) checked.set(key, value);
  return checked.set("version", version).set("value", values).set("persistent", persistent);
}

function isValue(value: YamlValue): boolean {
  if (typeof value === "string") return !hasControlCharacters(value);
  return typeof value === "number" || typeof value === "bigint" || value instanceof YamlFloat;
}
