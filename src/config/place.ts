/**
 * Values of a configuration file with the way to them, so that a message can say which one is wrong: `Cannot read "config/container.yml":
 * net_interfaces[0].type is "tap", expected "bridge" or "routed"`.
 */
import { damaged } from "../errors.ts";
import { YamlMap, type YamlValue } from "../yaml/value.ts";

/** Where a value stands: the file, and the keys that lead to it. */
export interface Place {
  /** The file as messages name it. */
  readonly file: string;
  /** `net_interfaces[0].type`; empty for the whole document. */
  readonly path: string;
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

/** A whole number in a range. @throws ToolError damaged */
export function asInteger(
  value: YamlValue | undefined,
  place: Place,
  { min = 0, max = Number.MAX_SAFE_INTEGER }: { min?: number; max?: number } = {},
): number {
  if (typeof value === "number" && value >= min && value <= max) return value;
  throw wrong(place, value, max === Number.MAX_SAFE_INTEGER ? `a number from ${min} on` : `a number from ${min} to ${max}`);
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
  if (typeof value === "object") return Array.isArray(value) ? "a list" : value instanceof YamlMap ? "a mapping" : "a fraction";
  return String(value);
}
