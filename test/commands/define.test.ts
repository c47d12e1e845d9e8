import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { parseArguments } from "../../src/commands/command-line/arguments.ts";
import { kebabCase } from "../../src/commands/define.ts";
import { ToolError } from "../../src/errors.ts";
import { packVerb } from "../support/example-commands.ts";

const DEFAULTS = {
  box: "b",
  things: [],
  compression: "auto",
  asId: undefined,
  level: "6",
  zfsProperty: [],
  consistent: true,
  largeBlocks: false,
  noHooks: false,
  json: false,
};

function parse(words: readonly string[]): unknown {
  return parseArguments(words, packVerb.args, "ctar pack");
}

function refuse(words: readonly string[]): ToolError {
  try {
    parse(words);
  } catch (error) {
    if (error instanceof ToolError) return error;
    throw error;
  }
  throw new Error(`accepted ${words.join(" ")}`);
}

describe("parseArguments reads", () => {
  test.each<[string, string[], object]>([
    ["defaults", ["b"], {}],
    ["a lone dash as an argument", ["-"], { box: "-" }],
    ["a list of arguments", ["b", "x", "y"], { things: ["x", "y"] }],
    ["an option after the arguments", ["b", "x", "--as-id", "7"], { things: ["x"], asId: "7" }],
    ["an option between the arguments", ["b", "--as-id=7", "x"], { things: ["x"], asId: "7" }],
    ["a value with an equals sign", ["--as-id=a=b", "b"], { asId: "a=b" }],
    ["a value that begins with a dash after =", ["--as-id=-x", "b"], { asId: "-x" }],
    ["a short option", ["-c", "gzip", "b"], { compression: "gzip" }],
    ["a short option with its value attached", ["-cgzip", "b"], { compression: "gzip" }],
    ["a short option with =", ["-c=gzip", "b"], { compression: "gzip" }],
    ["bundled short options", ["-jl9", "b"], { json: true, level: "9" }],
    ["a repeated option", ["--zfs-property", "a=1", "b", "--zfs-property=b=2"], { zfsProperty: ["a=1", "b=2"] }],
    ["a negated option", ["--no-consistent", "b"], { consistent: false }],
    ["an affirmed option", ["--consistent", "--large-blocks", "b"], { largeBlocks: true }],
    ["a negated option of two words", ["--no-large-blocks", "b"], { largeBlocks: false }],
    ["an option whose name begins with no", ["--no-hooks", "b"], { noHooks: true }],
    ["what follows -- as arguments", ["--", "b", "--json", "-c"], { things: ["--json", "-c"] }],
    ["a second -- as an argument", ["--", "b", "--"], { things: ["--"] }],
    ["a default said aloud", ["--level=6", "-c", "auto", "b"], {}],
    ["names that objects have", ["__proto__", "constructor"], { box: "__proto__", things: ["constructor"] }],
  ])("%s", (_, words, expected) => {
    expect(parse(words)).toEqual({ ...DEFAULTS, ...expected });
  });
});

describe("parseArguments refuses", () => {
  test.each<[string[], string, string | undefined]>([
    [["b", "--consitent"], 'Unknown option "--consitent"', "Did you mean --consistent?"],
    [["b", "--verbos"], 'Unknown option "--verbos"', "Did you mean --verbose?"],
    [["b", "--no-json"], 'Unknown option "--no-json"', "Did you mean --json?"],
    [["b", "--asId", "7"], 'Unknown option "--asId"', "Did you mean --as-id?"],
    [["b", "--__proto__"], 'Unknown option "--__proto__"', undefined],
    [["b", "-x"], 'Unknown option "-x"', undefined],
    [["b", "-json"], 'Unknown option "-json"', "Did you mean --json?"],
    [["b", "-as-id=7"], 'Unknown option "-as-id"', "Did you mean --as-id?"],
    [["b", "-zfs-propert", "a=1"], 'Unknown option "-zfs-propert"', "Did you mean --zfs-property?"],
    [["b", "--level", "1", "--comp", "gzip"], 'Unknown option "--comp"', "Did you mean --compression?"],
    [["b", "-jx"], 'Unknown option "-x"', undefined],
    [["b", "--as-id"], "Option --as-id needs a value", undefined],
    [["b", "--as-id="], "Option --as-id needs a value", undefined],
    [["b", "--as-id", ""], "Option --as-id needs a value", undefined],
    [["--as-id", "-"], "Option --as-id needs a value", 'A value that begins with "-" is written --as-id=-'],
    [["b", "--as-id", "--json"], "Option --as-id needs a value", 'A value that begins with "-" is written --as-id=--json'],
    [["b", "-c"], "Option -c needs a value", undefined],
    [["b", "-c", "gzpi"], 'Option -c cannot be "gzpi": it is one of auto, off, gzip', "Did you mean gzip?"],
    [["b", "--compression=lz4"], 'Option --compression cannot be "lz4": it is one of auto, off, gzip', undefined],
    [["b", "--json=yes"], 'Option --json takes no value, and got "yes"', undefined],
    [["b", "-j=1"], 'Option -j takes no value, and got "1"', undefined],
    [["b", "--json", "-j"], "Option -j is given more than once", undefined],
    [["b", "--consistent", "--no-consistent"], "Option --no-consistent is given more than once", undefined],
    [["b", "--level", "1", "-l2"], "Option -l is given more than once", undefined],
    [[], "Missing argument <box>", undefined],
    [[""], "Argument <box> is empty", undefined],
  ])("%p", (words, message, meant) => {
    const error = refuse(words);
    expect([error.message, error.code, error.exitCode]).toEqual([message, "usage", 2]);
    expect(error.hints).toEqual([...(meant === undefined ? [] : [meant]), "See ctar pack --help"]);
  });

  test("a missing required option and a surplus argument", () => {
    const args = { pool: { type: "string", description: "", valueHint: "POOL", required: true } } as const;
    expect(() => parseArguments([], args, "ctar init")).toThrow("Missing option --pool");
    expect(() => parseArguments(["--pool", "a", "b"], args, "ctar init")).toThrow('Unexpected argument "b"');
  });
});

test("parseArguments returns every argument after -- unchanged", () => {
  const word = fc.string({ minLength: 1 });
  fc.assert(
    fc.property(word, fc.array(word), fc.array(word), (box, things, zfsProperty) => {
      const options = zfsProperty.map((value) => `--zfs-property=${value}`);
      expect(parse([...options, "--", box, ...things])).toEqual({ ...DEFAULTS, box, things, zfsProperty });
    }),
  );
});

test("parseArguments returns a value or a usage error for any words", () => {
  const word = fc.oneof(fc.string(), fc.constantFrom("-", "--", "-c", "-j", "--as-id", "--json", "--no-", "--=", "-=", "--no-consistent"));
  fc.assert(
    fc.property(fc.array(word), (words) => {
      try {
        expect(parse(words)).toHaveProperty("box");
      } catch (error) {
        expect(error).toHaveProperty("code", "usage");
      }
    }),
  );
});

test.each([
  ["json", "json"],
  ["asId", "as-id"],
  ["zfsPropertyName", "zfs-property-name"],
])("kebabCase of %s", (key, name) => {
  expect(kebabCase(key)).toBe(name);
});
