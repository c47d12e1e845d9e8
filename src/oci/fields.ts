/**
 * The fields of a JSON object, with their types checked. The programs that these texts are written for find a field whatever case its name is
 * in, and take null for nothing; so it is here, but for a field that is there in two cases, of which every reader takes another.
 */
import { damaged } from "../errors.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "./json.ts";
import { quoted } from "./quoted.ts";

/** Looks fields up; each is undefined if it is missing. @throws ToolError damaged, from every method, for what is of the wrong type */
export class Fields {
  /** What messages call the object: what it is, quoted, and where it stands in that. */
  readonly where: string;
  readonly #object: JsonObject;
  readonly #keys = new Map<string, string[]>();

  /** @param value what has to be an object */
  constructor(value: JsonValue | undefined, where: string) {
    if (!isJsonObject(value)) throw damaged(`Cannot read ${where}: it is no JSON object`);
    this.where = where;
    this.#object = value;
    for (const key of Object.keys(value)) {
      const same = this.#keys.get(folded(key));
      if (same === undefined) this.#keys.set(folded(key), [key]);
      else same.push(key);
    }
  }

  /** Whether there is such a field. */
  has(name: string): boolean {
    return this.value(name) !== undefined;
  }

  /** A value of any type but null. */
  value(name: string): Exclude<JsonValue, null> | undefined {
    const keys = this.#keys.get(folded(name));
    if (keys === undefined) return undefined;
    if (keys.length > 1) throw damaged(`Cannot read ${this.where}: "${name}" is there as ${keys.map(quoted).join(" and ")}`);
    return this.#object[keys[0] ?? ""] ?? undefined;
  }

  string(name: string): string | undefined {
    return this.#typed(name, "text", isString);
  }

  /** A string that must be there. */
  requiredString(name: string): string {
    return this.#required(name, this.string(name));
  }

  boolean(name: string): boolean | undefined {
    return this.#typed(name, "true or false", isBoolean);
  }

  /** A whole number from 0 on that must be there. */
  requiredCount(name: string): number {
    return this.#required(name, this.#typed(name, "a whole number", isCount));
  }

  strings(name: string): readonly string[] | undefined {
    return this.#typed(name, "a list of texts", isStrings);
  }

  /** Texts by name. */
  stringMap(name: string): Readonly<Record<string, string>> | undefined {
    return this.#typed(name, "an object of texts", isStringMap);
  }

  /** Names of an object that is used as a set. */
  names(name: string): readonly string[] | undefined {
    const set = this.#typed(name, "an object", isJsonObject);
    return set === undefined ? undefined : Object.keys(set);
  }

  object(name: string): Fields | undefined {
    const value = this.value(name);
    return value === undefined ? undefined : new Fields(value, `${this.where}, "${name}"`);
  }

  /** An object that must be there. */
  requiredObject(name: string): Fields {
    return this.#required(name, this.object(name));
  }

  /** Objects in a list; none if it is missing. */
  objects(name: string): readonly Fields[] {
    const list = this.#typed(name, "a list", isList) ?? [];
    return list.map((value, index) => new Fields(value, `${this.where}, "${name}" ${index + 1}`));
  }

  #typed<T extends JsonValue>(name: string, type: string, isType: (value: JsonValue) => value is T): T | undefined {
    const value = this.value(name);
    if (value === undefined || isType(value)) return value;
    throw damaged(`Cannot read ${this.where}: "${name}" is not ${type}`);
  }

  #required<T>(name: string, value: T | undefined): T {
    if (value === undefined) throw damaged(`Cannot read ${this.where}: "${name}" is missing`);
    return value;
  }
}

/** Case folding as Go's encoding/json does it, for which U+017F is an s and U+212A a k. */
function folded(key: string): string {
  return key.toUpperCase().toLowerCase();
}

function isString(value: JsonValue): value is string {
  return typeof value === "string";
}

function isBoolean(value: JsonValue): value is boolean {
  return typeof value === "boolean";
}

function isCount(value: JsonValue): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isList(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}

function isStrings(value: JsonValue): value is readonly string[] {
  return isList(value) && value.every(isString);
}

function isStringMap(value: JsonValue): value is Readonly<Record<string, string>> {
  return isJsonObject(value) && Object.values(value).every(isString);
}
