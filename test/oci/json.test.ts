import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { JSON_LIMIT_BYTES, parseJson } from "../../src/oci/json.ts";
import { refusalOf } from "../support/oci.ts";

function parse(text: string): unknown {
  return parseJson(Buffer.from(text), '"x.json"');
}

describe("parseJson", () => {
  test("reads what JSON.stringify writes", () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), fc.constantFrom(undefined, 1, "\t"), (value, space) => {
        const text = JSON.stringify(value, null, space);
        expect(JSON.stringify(parse(text))).toBe(JSON.stringify(JSON.parse(text)));
      }),
    );
  });

  test("takes or refuses a text as JSON.parse does", () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom("{", "}", "[", "]", ",", ":", '"a"', '"b"', "1", "-", "0", "e", ".", "null", "tru", " ", '"', "\\", "\n")),
        (parts) => {
          const text = parts.join("");
          const unique = !/"a":.*"a":|"b":.*"b":/s.test(text.replaceAll(/\s/g, ""));
          fc.pre(unique);
          let isJson = true;
          try {
            JSON.parse(text);
          } catch {
            isJson = false;
          }
          let isTaken = true;
          try {
            parse(text);
          } catch {
            isTaken = false;
          }
          expect(isTaken).toBe(isJson);
        },
      ),
      { numRuns: 2000 },
    );
  });

  test.each([
    ['{"a":1,"a":2}', 'the key "a" comes twice'],
    ['{"a":1,"\\u0061":2}', 'the key "a" comes twice'],
    ['{"__proto__":1,"__proto__":2}', 'the key "__proto__" comes twice'],
    ["[".repeat(100_000), "it is nested deeper than 64"],
    [`[${"1,".repeat(500_000)}1]`, "it has more than 500000 values"],
    ['{"a":1} x', "it is no JSON, from character 8 on"],
    ["", "it is no JSON, from character 0 on"],
    ["\ufeff{}", "it is no JSON, from character 0 on"],
    ['"\n"', "it is no JSON, from character 0 on"],
  ])("refuses %p", async (text, reason) => {
    expect(await refusalOf(() => parse(text))).toBe(`damaged: Cannot read "x.json": ${reason}`);
  });

  test("refuses what is not UTF-8", async () => {
    expect(await refusalOf(() => parseJson(Buffer.from('"\xff"', "latin1"), '"x.json"'))).toContain("it is not UTF-8");
  });

  test("takes __proto__ for a key like any other", () => {
    const value = parse('{"__proto__":{"layers":[]}}') as Record<string, unknown>;
    expect(value["layers"]).toBe(undefined);
    expect(Object.keys(value)).toEqual(["__proto__"]);
  });

  test("is quick with a string as long as a text may be, quotes escaped", () => {
    const text = `"${'\\\\\\"'.repeat(JSON_LIMIT_BYTES / 4 - 1)}"`;
    expect((parse(text) as string).length).toBe(2 * (JSON_LIMIT_BYTES / 4 - 1));
  });
});
