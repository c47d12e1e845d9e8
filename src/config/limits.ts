/**
 * `prlimits`: resource limits of the container's init.
 *
 * @see vpsAdminOS `osctld/lib/osctld/pr_limits.rb`, `osup/migrations/20220406162532-fix-container-nofile-prlimit`, 24.05
 */
import { YamlMap, type YamlValue } from "../yaml/value.ts";
import { asLine, asList, asMap, below, wrong, type Place } from "./place.ts";

/** Brings `prlimits` into today's form, in place: a mapping, where old files have a list or names with a colon in front. @throws ToolError damaged */
export function checkLimits(config: YamlMap, place: Place): void {
  const value = config.get("prlimits") ?? null;
  if (value === null) return;
  const at = below(place, "prlimits");
  const limits = Array.isArray(value) ? fromList(value, at) : asMap(value, at);
  const checked = new YamlMap();
  for (const [key, limit] of limits) {
    const name = asLine(key, at).replace(/^:/, "");
    if (!/^[a-z]+$/.test(name)) throw wrong(at, key, "names of limits");
    checked.set(name, checkLimit(asMap(limit, below(at, name)), below(at, name)));
  }
  config.set("prlimits", checked);
}

function fromList(entries: readonly YamlValue[], place: Place): YamlMap {
  const limits = new YamlMap();
  for (const [index, entry] of asList([...entries], place).entries()) {
    const { name, rest } = withoutName(asMap(entry, below(place, index)));
    limits.set(asLine(name, below(below(place, index), "name")), rest);
  }
  return limits;
}

function withoutName(entry: YamlMap): { name: YamlValue | undefined; rest: YamlMap } {
  const rest = new YamlMap(entry);
  rest.delete("name");
  return { name: entry.get("name"), rest };
}

function checkLimit(limit: YamlMap, place: Place): YamlMap {
  for (const key of ["soft", "hard"]) {
    const value = limit.get(key);
    const isNumber = (typeof value === "number" && value >= 0) || (typeof value === "bigint" && value >= 0n);
    if (!isNumber && value !== "unlimited") throw wrong(below(place, key), value, 'a number or "unlimited"');
  }
  return limit;
}
