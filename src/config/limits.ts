/**
 * `prlimits`: resource limits of the container's init.
 *
 * @see vpsAdminOS `osctld/lib/osctld/prlimits/manager.rb`, `osup/migrations/20220406162532-fix-container-nofile-prlimit`, 24.05
 */
import { YamlMap, type YamlKey, type YamlValue } from "../yaml/value.ts";
import { asLine, asMap, below, wrong, type Place } from "./place.ts";

/** Brings `prlimits` into today's form, in place: a mapping, where old files have a list or names with a colon in front. @throws ToolError damaged */
export function checkLimits(config: YamlMap, place: Place): void {
  if (!config.has("prlimits")) return;
  const at = below(place, "prlimits");
  const value = config.get("prlimits") ?? new YamlMap();
  const limits = Array.isArray(value) ? fromList(value, at) : asMap(value, at);
  const checked = new YamlMap();
  for (const [key, limit] of limits) {
    const name = limitName(key, at);
    const isSymbolToo = name !== key && limits.has(name);
    if (!isSymbolToo) checked.set(name, checkLimit(asMap(limit, below(at, name)), below(at, name)));
  }
  config.set("prlimits", checked);
}

/** Ruby's symbol `:nofile` is a mistake of 2021; where the plain name is there too, that counts. */
function limitName(key: YamlKey, place: Place): string {
  const name = typeof key === "string" ? key.replace(/^:/, "") : "";
  if (!/^[a-z]+$/.test(name)) throw wrong(below(place, "<name>"), key, "the name of a limit");
  return name;
}

function fromList(entries: readonly YamlValue[], place: Place): YamlMap {
  const limits = new YamlMap();
  for (const [index, entry] of entries.entries()) {
    const at = below(place, index);
    const limit = new YamlMap(asMap(entry, at));
    const name = asLine(limit.get("name"), below(at, "name"));
    limit.delete("name");
    limits.set(name, limit);
  }
  return limits;
}

function checkLimit(limit: YamlMap, place: Place): YamlMap {
  for (const key of ["soft", "hard"]) {
    const value = limit.get(key);
    const isNumber = (typeof value === "number" && value >= 0) || (typeof value === "bigint" && value >= 0n);
    if (!isNumber && value !== "unlimited") throw wrong(below(place, key), value, 'a whole number or "unlimited"');
  }
  return limit;
}
