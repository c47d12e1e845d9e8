/**
 * docs/json.md as a check: its tables, and what of a document they do not describe. A key is written as jq has it, `streams[].stored.bytes`, in a document
 * that is a list `[].name`; types are `string`, `number`, `boolean`, `null`, `object`, `list`, `strings` (a list of them), `numbers`, `map` (an object of which
 * the document does not describe the keys), joined by "or".
 */
import * as fs from "node:fs";

/** Keys of a part of the document, and their types. */
type KeyTable = ReadonlyMap<string, string>;

/** What only a zpool shows. */
export const ZPOOL_KEYS: readonly string[] = [
  "ctar export: estimates",
  "ctar export: estimates[].dataset",
  "ctar export: estimates[].bytes",
  "ctar doctor: zfs.version",
  "ctar doctor: zfs.idMaps",
];

/** What only an export to another host shows. */
export const REMOTE_KEYS: readonly string[] = ["ctar export: to", "ctar export: imported", "Progress: host"];

/** Parts that others take in. */
const SHARED: Readonly<Record<string, readonly string[]>> = {
  "ctar export": ["Every result", "Streams", "Images"],
  "ctar import": ["Every result", "Streams"],
  "ctar convert": ["Every result", "Streams", "Images"],
  "ctar extract": ["Every result"],
  "ctar image export": ["Every result", "Images"],
  "ctar image inspect": ["ctar image ls"],
};
const WITH_ERRORS = "Errors";

/** The document's tables of keys, by the headings above them. */
function readTables(): ReadonlyMap<string, KeyTable> {
  const text = fs.readFileSync(new URL("../../docs/json.md", import.meta.url), "utf8");
  const tables = new Map<string, KeyTable>();
  for (const section of text.split(/^## /m).slice(1)) {
    const heading = section.slice(0, section.indexOf("\n")).replaceAll("`", "");
    const rows = section.split("\n").filter((line) => line.startsWith("| `"));
    const keys = rows.flatMap((line) => {
      const [, names = "", type = ""] = line.split("|").map((cell) => cell.trim());
      return Array.from(names.matchAll(/`([^`]+)`/g), ([, name = ""]) => [name, type] as const);
    });
    if (keys.length > 0) tables.set(heading, new Map(keys));
  }
  return tables;
}

/** Compares documents with the tables, and remembers which keys there were. */
export class DocumentCheck {
  readonly #tables = readTables();
  readonly #seen = new Set<string>();

  /** @param part the heading @returns what the document does not describe, or otherwise */
  problems(part: string, document: unknown): string[] {
    const parts = [part, ...(SHARED[part] ?? []), WITH_ERRORS];
    const found: string[] = [];
    this.#walk(document, Array.isArray(document) ? "[]" : "", (key, value) => {
      const home = parts.find((name) => this.#tables.get(name)?.has(key) === true);
      const type = home === undefined ? undefined : this.#tables.get(home)?.get(key);
      if (type === undefined) found.push(`${part}: ${key} is not described`);
      else if (!type.split(" or ").some((one) => isOf(one, value))) found.push(`${part}: ${key} is ${JSON.stringify(value)}, not ${type}`);
      this.#seen.add(`${home}: ${key}`);
      return type?.split(" or ").includes("map") !== true;
    });
    return found;
  }

  /** Whether there is such a part. */
  has(part: string): boolean {
    return this.#tables.has(part);
  }

  /** Keys that no document had. */
  unseen(): string[] {
    const all = [...this.#tables].flatMap(([part, keys]) => [...keys.keys()].map((key) => `${part}: ${key}`));
    return all.filter((key) => !this.#seen.has(key));
  }

  #walk(value: unknown, path: string, visit: (key: string, value: unknown) => boolean): void {
    if (Array.isArray(value)) return value.forEach((item) => this.#walk(item, path, visit));
    if (typeof value !== "object" || value === null) return;
    for (const [name, inner] of Object.entries(value)) {
      const key = path === "" ? name : `${path}.${name}`;
      if (visit(key, inner)) this.#walk(inner, Array.isArray(inner) ? `${key}[]` : key, visit);
    }
  }
}

function isOf(type: string, value: unknown): boolean {
  if (type === "null") return value === null;
  if (type === "list") return Array.isArray(value);
  if (type === "strings" || type === "numbers") return Array.isArray(value) && value.every((item) => `${typeof item}s` === type);
  if (type === "map" || type === "object") return typeof value === "object" && value !== null && !Array.isArray(value);
  return typeof value === type;
}
