import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { dumpYaml } from "../../src/yaml/dump.ts";
import { loadYaml } from "../../src/yaml/load.ts";
import { YamlFloat, YamlMap, type YamlValue } from "../../src/yaml/value.ts";
import { decodeValue, encodeValue, type EncodedValue } from "./nasty-values.ts";

const FIXTURES = join(import.meta.dirname, "../fixtures");

const golden = readFileSync(join(FIXTURES, "yaml/golden.jsonl"), "utf8")
  .trimEnd()
  .split("\n")
  .map((line) => JSON.parse(line) as [EncodedValue, string]);

const examples = readdirSync(join(FIXTURES, "examples"), { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".yml"))
  .toSorted();

/** The one example with an anchor and an alias, which Psych itself would not print again. */
const WITH_ALIAS = "06-openvz-converter-tar/config/user.yml";

describe("dumpYaml", () => {
  test("prints what Psych prints, and loadYaml reads it back", () => {
    expect(golden.length).toBeGreaterThan(500);
    for (const [encoded, text] of golden) {
      expect(dumpYaml(decodeValue(encoded))).toBe(text);
      expect(encodeValue(loadYaml(text, "golden"))).toEqual(encodeValue(decodeValue(encoded)));
    }
  });

  test.each(examples.filter((name) => name !== WITH_ALIAS))("prints %s as it was", (name) => {
    const text = readFileSync(join(FIXTURES, "examples", name), "utf8");
    expect(dumpYaml(loadYaml(text, name))).toBe(text);
  });

  test("writes what an alias stood for", () => {
    const text = readFileSync(join(FIXTURES, "examples", WITH_ALIAS), "utf8");
    expect(dumpYaml(loadYaml(text, WITH_ALIAS))).toBe("---\nugid: 1000\nuid_map:\n- 0:666000:65536\ngid_map:\n- 0:666000:65536\n");
  });

  test("writes a shared list twice, without an anchor", () => {
    const shared = ["a"];
    expect(dumpYaml([shared, shared])).toBe("---\n- - a\n- - a\n");
  });

  test.each<[string, YamlValue, string]>([
    [
      "a list at the column of its key",
      YamlMap.of({ list: ["a", ["b"], YamlMap.of({ c: [], d: null })] }),
      "list:\n- a\n- - b\n- c: []\n  d:\n",
    ],
    ["integer keys", new YamlMap([[4, []]]), "4: []\n"],
    ["a complex key with a list", new YamlMap([["x".repeat(129), ["a", "b"]]]), `? ${"x".repeat(129)}\n: - a\n  - b\n`],
    ["a key of 128 bytes", new YamlMap([["é".repeat(64), 1]]), `${"é".repeat(64)}: 1\n`],
    ["a long value, folded after column 80", YamlMap.of({ k: `${"x".repeat(79)} y` }), `k: ${"x".repeat(79)}\n  y\n`],
  ])("prints %s", (_, value, body) => {
    expect(dumpYaml(value)).toBe(`---\n${body}`);
  });

  test.each<[string, YamlValue]>([
    ["---\n", null],
    ["--- []\n", []],
    ["--- {}\n", new YamlMap()],
    ["--- 18446744073709551616\n", 2n ** 64n],
    ["--- 0.5\n", 0.5],
    ["--- 22.0\n", new YamlFloat(22)],
    ["--- .nan\n", new YamlFloat(NaN)],
    ["--- |+\n  a\n\n  b\n\n...\n", "a\n\nb\n\n"],
    ["--- 0:666000:65536\n", "0:666000:65536"],
    ["--- '0:1:2'\n", "0:1:2"],
    ['--- "/default"\n', "/default"],
    ["--- !!str '<<'\n", "<<"],
  ])("prints %j", (text, value) => {
    expect(dumpYaml(value)).toBe(text);
  });

  test.each([
    ["a\u2028b", '--- "a\\Lb"\n'],
    ["a\u2029\nb\n", '--- "a\\P\\nb\\n"\n'],
    ["2024-02-30", "--- '2024-02-30'\n"],
    ["2024-13-01 10:00:00", "--- '2024-13-01 10:00:00'\n"],
    ["0x_", "--- '0x_'\n"],
  ])("departs from Psych with %p, so that every reader gets it back", (value, text) => {
    expect(dumpYaml(value)).toBe(text);
    expect(loadYaml(text, "text")).toBe(value);
  });

  test("refuses half a surrogate pair as a bug of the caller", () => {
    expect(() => dumpYaml(["a\ud800"])).toThrow(TypeError);
  });

  test("prints only what loadYaml reads back as the same value", () => {
    const { value } = fc.letrec<{ value: YamlValue }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        leaf(),
        fc.array(tie("value")),
        fc.array(fc.tuple(key(), tie("value"))).map((entries) => new YamlMap(entries)),
      ),
    }));
    fc.assert(
      fc.property(value, (original) => {
        expect(encodeValue(loadYaml(dumpYaml(original), "dump"))).toEqual(encodeValue(original));
      }),
    );
  });
});

function leaf(): fc.Arbitrary<YamlValue> {
  return fc.oneof(
    key(),
    fc.double().map((value) => new YamlFloat(value)),
  );
}

function key(): fc.Arbitrary<null | boolean | number | string> {
  return fc.oneof(
    fc.string({ unit: "binary" }),
    fc.string({ unit: fc.constantFrom("a", "b", " ", "\n", "'", '"', ":", "#", "-", ",", "[", "]") }),
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
  );
}
