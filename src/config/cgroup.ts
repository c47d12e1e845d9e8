/**
 * `cgparams`: parameters of a container's or group's cgroup, for both versions of cgroups side by side. Subsystem and name become a path.
 *
 * @see vpsAdminOS `osctld/lib/osctld/cgroup/{param,params}.rb`, 24.05
 */
import { YamlFloat, YamlMap, type YamlValue } from "../yaml/value.ts";
import { asBoolean, asLine, asList, asMap, below, hasControlCharacters, wrong, type Place } from "./place.ts";

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
  checkWord(parameter, "subsystem", place);
  checkWord(parameter, "name", place);
  const at = below(place, "value");
  const values = asList(parameter.get("value"), at);
  for (const [index, value] of values.entries()) if (!isValue(value)) throw wrong(below(at, index), value, "one line of text or a number");
  const persistent = asBoolean(parameter.get("persistent") ?? true, below(place, "persistent"));
  const checked = parameter.has("version") ? parameter : new YamlMap([["version", version], ...parameter]);
  return checked.set("version", version).set("value", values).set("persistent", persistent);
}

/** `cpu,cpuacct`, `memory.limit_in_bytes`. */
function checkWord(parameter: YamlMap, key: string, place: Place): void {
  const word = asLine(parameter.get(key), below(place, key));
  if (!/^\w[\w.,=-]*$/.test(word)) throw wrong(below(place, key), word, `the ${key} of a parameter`);
}

function isValue(value: YamlValue): boolean {
  if (typeof value === "string") return !hasControlCharacters(value);
  return typeof value === "number" || typeof value === "bigint" || value instanceof YamlFloat;
}
