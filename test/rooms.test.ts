/** The architecture as a test: who may import whom in src/, and what the program depends on at run time. */
import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

/** A room may import from rooms of a lower rank and from itself. */
const RANKS: Readonly<Record<string, number>> = {
  "main.ts": 6,
  commands: 5,
  archive: 4,
  host: 4,
  oci: 4,
  config: 3,
  zfs: 2,
  tree: 2,
  yaml: 2,
  stream: 1,
  sys: 0,
  "errors.ts": -1,
};

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const FILES = readdirSync(join(ROOT, "src"), { recursive: true, encoding: "utf8" }).filter((path) => path.endsWith(".ts"));

test("every file of src lies in a room", () => {
  expect(FILES.length).toBeGreaterThan(20);
  expect(FILES.filter((path) => !(roomOf(path) in RANKS))).toEqual([]);
});

test("imports go from a room to a lower one", () => {
  const wrong = FILES.flatMap((path) =>
    importsOf(path)
      .filter((target) => target.startsWith(".") && !mayImport(path, target))
      .map((target) => `${path} imports ${target}`),
  );
  expect(wrong).toEqual([]);
});

test("packages and the runtime stay where they belong", () => {
  const wrong = FILES.flatMap((path) =>
    importsOf(path)
      .filter((name) => !name.startsWith(".") && !mayUse(path, name))
      .map((name) => `${path} imports ${name}`),
  );
  expect(wrong).toEqual([]);
});

test.each([
  ['import { a } from "../host/x.ts";'],
  ['import {\n  a,\n  type B,\n} from "../host/x.ts";'],
  ['import type { A } from "../host/x.ts";'],
  ['import "../host/x.ts";'],
  ['export * from "../host/x.ts";'],
  ['export { a } from "../host/x.ts";'],
  ['const a = await import("../host/x.ts");'],
  ['type A = import("../host/x.ts").A;'],
])("the rooms are told from %j", (source) => {
  expect(importsIn(source)).toEqual(["../host/x.ts"]);
  expect(mayImport("archive/y.ts", "../host/x.ts")).toBe(false);
});

test("the runtime dependencies are citty and yaml", () => {
  const { dependencies } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { dependencies: Record<string, string> };
  expect(Object.keys(dependencies).toSorted()).toEqual(["citty", "yaml"]);
});

/** The first part of a path below src: a folder, or the file itself. */
function roomOf(path: string): string {
  return path.split("/")[0] ?? "";
}

function importsOf(path: string): string[] {
  return importsIn(readFileSync(join(ROOT, "src", path), "utf8"));
}

/** Every module that a source text names. */
function importsIn(source: string): string[] {
  const statements = source.matchAll(/^(?:import|export)\b[^;"'`(=]*?\bfrom\s+"([^"]+)"|^import\s+"([^"]+)"|\bimport\(\s*"([^"]+)"/gm);
  return [...statements].map(([, from, bare, called]) => from ?? bare ?? called ?? "");
}

function mayImport(path: string, target: string): boolean {
  const resolved = normalize(join(dirname(path), target));
  if (resolved === "../package.json") return roomOf(path) === "sys";
  const from = roomOf(path);
  const to = roomOf(resolved);
  return from === to || (RANKS[to] ?? Infinity) < (RANKS[from] ?? -Infinity);
}

function mayUse(path: string, name: string): boolean {
  if (name.startsWith("node:")) return name !== "node:process" || roomOf(path) === "sys";
  if (name.startsWith("bun:")) return roomOf(path) === "sys";
  return { citty: "commands", yaml: "yaml" }[name] === roomOf(path);
}
