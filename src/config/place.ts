/**
 * Values of a configuration file with the way to them, so that a message can say which one is wrong: `Cannot read "config/container.yml":
 * net_interfaces[0].type is "tap", expected "bridge" or "routed"`.
 */
import { damaged } from "../errors.ts";
import { loadYaml } from "../yaml/load.ts";
import { YamlMap, type YamlValue } from "../yaml/value.ts";

/** Where a value stands: the file, and the keys that lead to it. */
export interface Place {
  /** The file as messages name it. */
  readonly file: string;
  /** `net_interfaces[0].type`; empty for the whole document. */
  readonly path: string;
}

/** Throws for a value that is not what it must be. */
export type Check = (value: YamlValue, place: Place) => unknown;

/** Reads a file that is a mapping. @throws ToolError damaged */
export function loadConfig(bytes: Uint8Array, place: Place): YamlMap {
  return asMap(loadYaml(bytes, `"${place.file}"`), place);
}

/** A key of a mapping, or an index of a list, one step further. */
export function below(place: Place, step: string | number): Place {
  if (typeof step === "number") return { ...place, path: `${place.path}[${step}]` };
  return { ...place, path: place.path === "" ? step : `${place.path}.${step}` };
}

/** The error for a value that is not what it must be. @param expected `a list`, `"bridge" or "routed"` */
export function wrong(place: Place, value: YamlValue | undefined, expected: string): Error {
  const what = place.path === "" ? "the document" : place.path;
  return damaged(`Cannot read "${place.file}": ${what} is ${show(value)}, expected ${expected}`);
}

/** Checks the values that some keys have; null is the same as absent. @throws ToolError damaged */
export function checkKeys(map: YamlMap, place: Place, checks: Readonly<Record<string, Check>>): void {
  for (const [key, check] of Object.entries(checks)) {
    const value = map.get(key) ?? null;
    if (value !== null) check(value, below(place, key));
  }
}

/** Drops keys whose value is null: of these osctld has a default where they are absent, and does not survive null. */
export function dropNulls(map: YamlMap, keys: readonly string[]): void {
  for (const key of keys) if (map.get(key) === null) map.delete(key);
}

/** A mapping. @throws ToolError damaged */
export function asMap(value: YamlValue | undefined, place: Place): YamlMap {
  if (value instanceof YamlMap) return value;
  throw wrong(place, value, "a mapping");
}

/** A list; absent and null ones are empty. @throws ToolError damaged */
export function asList(value: YamlValue | undefined, place: Place): YamlValue[] {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value)) return value;
  throw wrong(place, value, "a list");
}

/** Text of one line, as it ends up in LXC's line-based configuration. @throws ToolError damaged */
export function asLine(value: YamlValue | undefined, place: Place): string {
  if (typeof value !== "string") throw wrong(place, value, "text");
  if (hasControlCharacters(value)) throw wrong(place, value, "one line of text without control characters");
  return value;
}

/** A line that becomes part of a path, and must not lead elsewhere. @throws ToolError damaged */
export function asPathComponent(value: YamlValue | undefined, place: Place): string {
  const text = asLine(value, place);
  if (text === "" || text === "." || text === ".." || text.includes("/")) throw wrong(place, value, 'a name without "/"');
  return text;
}

/** True or false. @throws ToolError damaged */
export function asBoolean(value: YamlValue | undefined, place: Place): boolean {
  if (typeof value === "boolean") return value;
  throw wrong(place, value, "true or false");
}

/** A whole number in a range. @throws ToolError damaged */
export function asInteger(
  value: YamlValue | undefined,
  place: Place,
  { min = 0, max = Infinity }: { min?: number; max?: number } = {},
): number {
  if (typeof value === "number" && value >= min && value <= max) return value;
  if (min === -Infinity) throw wrong(place, value, "a whole number");
  throw wrong(place, value, max === Infinity ? `a whole number from ${min} on` : `a whole number from ${min} to ${max}`);
}

/** One of some words. @throws ToolError damaged */
export function asOneOf<T extends string>(value: YamlValue | undefined, place: Place, words: readonly T[]): T {
  const found = words.find((word) => word === value);
  if (found !== undefined) return found;
  throw wrong(place, value, words.map((word) => `"${word}"`).join(" or "));
}

/** Whether a text holds line breaks or other control characters. */
export function hasControlCharacters(text: string): boolean {
  return /[\p{Cc}\u2028\u2029]/u.test(text);
}

function show(value: YamlValue | undefined): string {
  if (value === undefined) return "missing";
  if (value === null) return "null";
  if (typeof value === "string") return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value);
  if (Array.isArray(value)) return value.length === 0 ? "an empty list" : "a list";
  if (value instanceof YamlMap) return "a mapping";
  return typeof value === "object" ? `the fraction ${value.value}` : String(value);
}
