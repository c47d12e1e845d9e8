/** docs/zfs-stream.md says what the code does: record types and fields, features, rules, compressions, objects and attributes. */
import { describe, expect, test } from "bun:test";
import * as fs from "node:fs";
import { compressionName } from "../../src/zfs/dmu/decompress/index.ts";
import { decodeVersionInfo, receiverMust } from "../../src/zfs/dmu/features.ts";
import { DRR } from "../../src/zfs/dmu/record.ts";
import { StreamRecordDecoder } from "../../src/zfs/dmu/record-decoder.ts";
import * as beginRules from "../../src/zfs/dmu/sanity-begin.ts";
import * as objectRules from "../../src/zfs/dmu/sanity-objects.ts";
import { COMMON_RULES } from "../../src/zfs/dmu/sanity-rule.ts";
import * as writeRules from "../../src/zfs/dmu/sanity-writes.ts";
import type { RecordKind } from "../../src/zfs/dmu/stream-record.ts";
import { ATTRIBUTES, Attributes, type AttributeName } from "../../src/zfs/zpl/attributes.ts";
import { DMU_OT } from "../../src/zfs/zpl/object-table.ts";
import { locateInOldZnode } from "../../src/zfs/zpl/znode.ts";
import { registryEntries } from "../support/zpl-attributes.ts";

const ROOT = new URL("../../", import.meta.url);
const DOCUMENT = fs.readFileSync(new URL("docs/zfs-stream.md", ROOT), "utf8");
const RECORDS: Readonly<Record<RecordKind, string>> = {
  begin: "BEGIN",
  object: "OBJECT",
  freeObjects: "FREEOBJECTS",
  write: "WRITE",
  free: "FREE",
  end: "END",
  writeByref: "WRITE_BYREF",
  spill: "SPILL",
  writeEmbedded: "WRITE_EMBEDDED",
  objectRange: "OBJECT_RANGE",
  redact: "REDACT",
};
const KINDS = Object.keys(RECORDS) as RecordKind[];
const RECORD_BYTES = 312;
const RAW_STREAM = (1n << 26n) | 1n;

/** Rows of the table that begins with these columns; names without their backquotes. */
function table(...columns: readonly string[]): { head: readonly string[]; rows: readonly (readonly string[])[] } {
  const cells = (line: string): string[] => line.split("|").slice(1, -1).map((cell) => cell.trim().replace(/^`(.*)`$/, "$1")); // prettier-ignore
  const lines = DOCUMENT.split("\n");
  const start = lines.findIndex((line) => columns.every((column, index) => cells(line)[index] === column));
  const length = lines.slice(start).findIndex((line) => !line.startsWith("|"));
  const [head = [], , ...rows] = lines.slice(start, start + length).map(cells);
  return { head, rows };
}

/** Fields of a kind of record by the document: name, position, bytes. */
function fieldsOf(kind: RecordKind): (readonly [name: string, at: number, bytes: number])[] {
  if (kind === "begin") return table("Field", "At", "Bytes").rows.map(([name = "", at, bytes]) => [name, Number(at), Number(bytes)]);
  const { head, rows } = table("Field", "Bytes", "OBJECT");
  const column = head.findIndex((names) => names.split(", ").includes(RECORDS[kind]));
  return rows.flatMap((row) => (row[column] === "" ? [] : [[row[0] ?? "", Number(row[column]), Number(row[1])] as const]));
}

/** Properties of a decoded record by upstream's names of the fields, as stream-record.ts notes them behind each. */
function propertiesOf(kind: RecordKind): ReadonlyMap<string, string> {
  const source = fs.readFileSync(new URL("src/zfs/dmu/stream-record.ts", ROOT), "utf8");
  const body = source.split(/^}/m).find((part) => part.includes(`kind: "${kind}";`)) ?? "";
  return new Map(
    Array.from(body.matchAll(/^ {2}(\w+): .*; \/\/ (?:drr_end\.)?(drr_\w+)/gm), ([, property = "", field = ""]) => [field, property]),
  );
}

describe("docs/zfs-stream.md: records", () => {
  test("have their types", () => {
    const types = table("Type", "Record").rows.map(([type, name]) => [name, Number(type)]);
    expect(types).toEqual(KINDS.map((kind) => [RECORDS[kind], DRR[kind]]));
  });

  test.each(KINDS)("%s has all fields that are decoded", (kind) => {
    const properties = propertiesOf(kind);
    const byHand = ["drr_magic", "drr_salt", "drr_iv", "drr_mac"];
    expect(properties.size).toBeGreaterThan(1);
    expect(fieldsOf(kind).map(([name]) => name).filter((name) => !byHand.includes(name)).toSorted()).toEqual([...properties.keys()].toSorted()); // prettier-ignore
  });

  test.each(KINDS.flatMap((kind) => [true, false].map((little) => [kind, little] as const)))(
    "%s has its fields in their places, little-endian: %p",
    (kind, little) => {
      // prettier-ignore
      for (const [name, at, bytes] of fieldsOf(kind)) expect([name, decoded(kind, { name, at, bytes }, little)]).toEqual([name, 7n]);
    },
  );
});

/** What a record says of a field, if 7 stands where that is said to be. */
function decoded(kind: RecordKind, { name, at, bytes }: { name: string; at: number; bytes: number }, little: boolean): unknown {
  const record = new DataView(new ArrayBuffer(RECORD_BYTES));
  record.setUint32(0, DRR[kind], little);
  const put = (): void => {
    if (bytes === 4) record.setUint32(at, 7, little);
    else if (bytes % 8 === 0 && bytes <= 40 && !/salt|mac/.test(name)) record.setBigUint64(at, 7n, little);
    else record.setUint8(at, 7);
  };
  const decoder = new StreamRecordDecoder({ what: "x", wantsChecksum: true });
  const begin = kind === "begin" ? record : new DataView(new ArrayBuffer(RECORD_BYTES));
  if (name !== "drr_magic") put();
  begin.setBigUint64(8, 0x2f5bacbacn, little);
  if (kind !== "begin") begin.setBigUint64(16, RAW_STREAM, little);
  const first = decoder.begin(begin, 0, 0);
  if (name === "drr_magic") return 7n; // decoding begins with it
  const all = (kind === "begin" ? first : decoder.decode(record, 0, 0)) as unknown as Record<string, unknown>;
  const crypt = all["crypt"] as Record<string, Uint8Array> | undefined;
  return numberIn(all[propertiesOf(kind).get(name) ?? ""] ?? crypt?.[name.slice("drr_".length)]);
}

function numberIn(value: unknown): unknown {
  if (typeof value === "string") return BigInt(value.charCodeAt(0));
  if (Array.isArray(value) || value instanceof Uint8Array) return BigInt(value[0] as number);
  if (typeof value === "object" && value !== null) return numberIn((value as { checksum?: unknown }).checksum);
  return typeof value === "number" ? BigInt(value) : value;
}

describe("docs/zfs-stream.md: what streams may be", () => {
  test("has all features", () => {
    const known = Array.from({ length: 56 }, (_, bit) => [...decodeVersionInfo((1n << BigInt(bit + 2)) | 1n).features].map((name) => [String(bit), name, receiverMust(name)])).flat(); // prettier-ignore
    expect(table("Flag", "Feature").rows).toEqual(known);
  });

  test("has all rules", () => {
    const rules = {
      "all but BEGIN": COMMON_RULES,
      BEGIN: beginRules.BEGIN_RULES,
      "BEGIN of a stream": beginRules.STREAM_BEGIN_RULES,
      OBJECT: objectRules.OBJECT_RULES,
      FREEOBJECTS: objectRules.FREE_OBJECTS_RULES,
      OBJECT_RANGE: objectRules.OBJECT_RANGE_RULES,
      WRITE: writeRules.WRITE_RULES,
      WRITE_BYREF: writeRules.WRITE_BYREF_RULES,
      WRITE_EMBEDDED: writeRules.WRITE_EMBEDDED_RULES,
      SPILL: writeRules.SPILL_RULES,
      FREE: writeRules.FREE_RULES,
      REDACT: writeRules.REDACT_RULES,
    };
    const known = Object.entries(rules).flatMap(([record, list]) =>
      list.map(([field, , expected]) => `${record}: ${field} is ${expected}`),
    );
    const told = table("Records", "Field", "Expected").rows.flatMap(([records = "", field, expected]) =>
      records.split(", ").map((record) => `${record}: ${field} is ${expected}`),
    );
    expect(told.toSorted()).toEqual(known.toSorted());
  });

  test("has all compressions", () => {
    const told = table("Number", "Name").rows.map(([number, name]) => [Number(number), name]);
    expect(told).toEqual(told.map(([number]) => [number, compressionName(number as number)]));
    expect(compressionName(told.length)).toBe(undefined);
  });
});

describe("docs/zfs-stream.md: files", () => {
  test("has the types of objects that are told apart", () => {
    const types = table("Type", "Object").rows.map(([type]) => Number(type));
    expect(types).toEqual(Object.values(DMU_OT).toSorted((a, b) => a - b));
  });

  test("has the attributes that are read, and their lengths", () => {
    const lengths = new Map(registryEntries().map(({ name, value }) => [name, Number((value as bigint) >> 24n)]));
    const told = table("Attribute", "Bytes").rows.map(([name = "", bytes]) => [name, Number(bytes)] as const);
    expect(told.map(([name]) => name).toSorted()).toEqual([...ATTRIBUTES].toSorted() as string[]);
    expect(told).toEqual(told.map(([name]) => [name, lengths.get(`ZPL_${name}`) as number]));
  });

  test("has the places of attributes in old znodes", () => {
    const line = DOCUMENT.split("\n").find((text) => text.startsWith("    ATIME 0 ")) ?? "";
    const places = Array.from(line.matchAll(/([A-Z]+) (\d+)/g), ([, name, at]) => [name as AttributeName, Number(at)] as const);
    const view = new DataView(new ArrayBuffer(264));
    for (const [, at] of places) view.setBigUint64(at, BigInt(at), true);
    const attributes = new Attributes();
    expect(locateInOldZnode(attributes, { view, at: 0, bytes: 264, littleEndian: true })).toBe(undefined);
    expect(places.map(([name]) => [name, attributes.number(name)])).toEqual(places.map(([name, at]) => [name, at]));
    expect(places).toHaveLength(14);
  });
});
