import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { ToolError } from "../../src/errors.ts";
import { MAX_DOCUMENT_LENGTH, loadYaml } from "../../src/yaml/load.ts";
import { YamlFloat, YamlMap, type YamlValue } from "../../src/yaml/value.ts";
import { decodeValue, encodeValue, type EncodedValue } from "./nasty-values.ts";

const load = (text: string | Uint8Array): EncodedValue => encodeValue(loadYaml(text, "config/user.yml"));

/** The error that reading ends in. */
function failure(text: string | Uint8Array): ToolError {
  try {
    loadYaml(text, "config/user.yml");
  } catch (error) {
    if (error instanceof ToolError) return error;
    throw error;
  }
  throw new Error(`accepted ${JSON.stringify(text).slice(0, 100)}`);
}

describe("loadYaml", () => {
  test.each<[string, YamlValue]>([
    ["", null],
    ["~", null],
    ["Null", null],
    ["yes", true],
    ["Off", false],
    ["y", "y"],
    ["N", "N"],
    ["017", 15],
    ["08", "08"],
    ["0o17", "0o17"],
    ["0x1F", 31],
    ["-0x1f", -31],
    ["0b101", 5],
    ["1_000", 1000],
    ["1,000", 1000],
    ["+12", 12],
    ["9007199254740991", 9007199254740991],
    ["9007199254740993", 9007199254740993n],
    ["-18446744073709551616", -18446744073709551616n],
    ["1:30:15", 5415],
    ["1:30", 5400],
    ["-1:30", -1800],
    ["0:666000:65536", "0:666000:65536"],
    ["00:16:3e:5a:1c:77", "00:16:3e:5a:1c:77"],
    ["22.04", new YamlFloat(22.04)],
    ["22.0", new YamlFloat(22)],
    ["1.5e+3", new YamlFloat(1500)],
    ["1e3", "1e3"],
    ["190:20:30.15", new YamlFloat(685230.15)],
    [".inf", new YamlFloat(Infinity)],
    ["-.INF", new YamlFloat(-Infinity)],
    [".NaN", new YamlFloat(NaN)],
    ["=", "="],
    ["2024-01-01", "2024-01-01"],
    ["2024-01-01 10:00:00 Z", "2024-01-01 10:00:00 Z"],
    [":nofile", ":nofile"],
    ["0x_", "0x_"],
    ["'12'", "12"],
    ["!!str 12", "12"],
    ["!!int '12'", 12],
    ["!!float 12", new YamlFloat(12)],
    ["! 'yes'", true],
    ["!binary xI0=", "č"],
  ])("reads %p as Psych would", (text, value) => {
    expect(load(`- ${text}\n`)).toEqual(encodeValue([value]));
    expect(load(`${text}\n`)).toEqual(encodeValue(value));
  });

  test("keeps the types of keys", () => {
    expect(load("4: a\n'4': b\n:nofile: c\nyes: d\n~: e\n")).toEqual(
      encodeValue(
        new YamlMap([
          [4, "a"],
          ["4", "b"],
          [":nofile", "c"],
          [true, "d"],
          [null, "e"],
        ]),
      ),
    );
  });

  test("strips a byte order mark, from bytes and from text", () => {
    expect([load("\ufeffa"), load(new TextEncoder().encode("\ufeffa"))]).toEqual(["a", "a"]);
  });

  test("gives a block cut off by the end of the document no line break", () => {
    expect([load("a: |\n  x"), load("a: |\n  x\n"), load("a: |\n  x\n  ")].map((value) => decodeValue(value))).toEqual(
      ["x", "x\n", "x\n"].map((text) => YamlMap.of({ a: text })),
    );
  });

  test("makes a copy for every alias", () => {
    const root = loadYaml("a: &x\n- 1\nb: *x\n", "text") as YamlMap;
    (root.get("a") as YamlValue[]).push(2);
    expect(root.get("b")).toEqual([1]);
  });

  test("an alias stands for the last anchor before it", () => {
    expect(load("- &a 1\n- &b [*a]\n- &a 2\n- *b\n- *a\n")).toEqual(encodeValue([1, [1], 2, [1], 2]));
  });

  test.each<[string, string, YamlMap]>([
    ["under what comes after", "<<: {a: 1, b: 1}\nb: 2\n", YamlMap.of({ a: 1, b: 2 })],
    ["over what comes before", "b: 2\n<<: {a: 1, b: 1}\n", YamlMap.of({ b: 1, a: 1 })],
    ["the first of several over the others", "<<: [{a: 1}, {a: 2, b: 2}]\n", YamlMap.of({ a: 1, b: 2 })],
    ["nothing but maps", "<<: 1\n", YamlMap.of({ "<<": 1 })],
    ["no key that says it is a string", "!!str <<: {a: 1}\n", YamlMap.of({ "<<": YamlMap.of({ a: 1 }) })],
  ])("<< merges %s", (_, text, value) => {
    expect(decodeValue(load(text))).toEqual(value);
  });

  test.each([
    ["a: 1\na: 2\n", 2, 1, 'key "a" appears twice'],
    ["a: 1\n? *b\n: 2\n", 2, 3, 'alias "b" stands for nothing before it'],
    ["&a [*a]\n", 1, 5, 'alias "a" stands for nothing before it'],
    ["a\n---\nb\n", 2, 1, "more than one document"],
    ["k: !ruby/object:Foo\n  a: 1\n", 2, 3, 'tag "!ruby/object:Foo" is not allowed'],
    ["k: !ruby/sym a\n", 1, 14, 'tag "!ruby/sym" is not allowed'],
    ["k: !!set {a}\n", 1, 10, 'tag "tag:yaml.org,2002:set" is not allowed'],
    ["k: !binary /w==\n", 1, 12, "binary data that is not UTF-8"],
    ["k: !!float x\n", 1, 12, '"x" is not a number'],
    ["? [a]\n: 1\n", 1, 3, "a list or mapping as key"],
    ["1.5: a\n", 1, 1, "a floating point number as key"],
    ["a: \x07\n", 1, 4, "character U+0007 must be escaped"],
    ["a: x\rb\n", 1, 5, "character U+000D must be escaped"],
    ["a: x\u0085\n", 1, 5, "character U+0085 must be escaped"],
    ["a: 'x\u2028  y'\n", 1, 6, "character U+2028 must be escaped"],
    ['a: "\\ud800"\n', 1, 4, "escaped half of a surrogate pair"],
    ["a: b: c\n", 1, 4, "Nested mappings are not allowed in compact mappings"],
    [`a: ${"1".repeat(1001)}\n`, 1, 4, "a number of 1001 characters"],
  ])("refuses %p and says where", (text, line, column, problem) => {
    const error = failure(text);
    expect(error.message).toBe(`Cannot read config/user.yml: line ${line}, column ${column}: ${problem}`);
    expect([error.code, error.facts]).toEqual(["damaged", { line, column }]);
  });

  test("refuses bytes that are not UTF-8, and too many of them", () => {
    expect(failure(Uint8Array.of(0x61, 0xff)).message).toBe("Cannot read config/user.yml: not UTF-8");
    expect(failure(new Uint8Array(MAX_DOCUMENT_LENGTH + 1)).message).toBe("Cannot read config/user.yml: longer than 1048576 bytes");
  });

  test.each([
    [
      "a bomb of aliases",
      `a0: &a0 [x, x]\n${Array.from({ length: 40 }, (_, i) => `a${i + 1}: &a${i + 1} [*a${i}, *a${i}]\n`).join("")}`,
      "more than 200000 values",
    ],
    [
      "a chain of aliases",
      `- &a0 [x]\n${Array.from({ length: 500 }, (_, i) => `- &a${i + 1} [*a${i}]\n`).join("")}`,
      "nested deeper than 100 levels",
    ],
    ["deep lists", `${"- ".repeat(200)}a\n`, "nested deeper than 100 levels"],
    ["very deep lists", "[".repeat(100_000), "nested too deep"],
  ])("refuses %s", (_, text, problem) => {
    const error = failure(text);
    expect([error.code, error.message.endsWith(problem)]).toEqual(["damaged", true]);
  });

  test("ends in a value or in an error of ours, whatever the text", () => {
    const pieces = [
      "a",
      "k: ",
      "- ",
      "\n",
      "\n  ",
      "? ",
      ": ",
      "[",
      "]",
      "{",
      "}",
      ", ",
      "&a ",
      "*a ",
      "!!str ",
      "! ",
      "<<: ",
      "|\n ",
      ">",
      "'",
      '"',
      "\\u",
      "#",
      "%TAG ",
      "---\n",
      "...",
    ];
    const text = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.array(fc.constantFrom(...pieces)).map((parts) => parts.join("")),
    );
    fc.assert(fc.property(text, endsWell), { numRuns: 2000 });
    fc.assert(fc.property(fc.uint8Array(), endsWell));
  });
});

function endsWell(text: string | Uint8Array): void {
  try {
    loadYaml(text, "text");
  } catch (error) {
    expect(error).toBeInstanceOf(ToolError);
    expect((error as ToolError).code).toBe("damaged");
  }
}
