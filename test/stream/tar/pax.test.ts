import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { ToolError } from "../../../src/errors.ts";
import { encodePax, formatPaxTime, mergePax, parsePax, paxNumber, paxTime, paxXattrs, xattrKey } from "../../../src/stream/tar/pax.ts";

const key = fc.stringMatching(/^[A-Za-z.]{1,20}$/);

describe("parsePax", () => {
  test("undoes encodePax, whatever bytes the values are", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(key, fc.uint8Array({ maxLength: 1200 }))), (records) => {
        expect(parsePax(encodePax(records), 0).map(([name, value]) => [name, [...value]])).toEqual(
          records.map(([name, value]) => [name, [...value]]),
        );
      }),
    );
  });

  test.each([97, 98, 99, 100, 993, 994, 995])("reads back a record around a length of another digit: %d", (length) => {
    const [record] = parsePax(encodePax([["k", "v".repeat(length - 5)]]), 0);
    expect(record?.[1].length).toBe(length - 5);
  });

  test("ends at a NUL, as some writers fill up with them", () => {
    expect(parsePax(Buffer.from("6 a=b\n\0\0\0"), 0)).toHaveLength(1);
  });

  test.each([
    ["no length", "a=b\n"],
    ["a length of 0", "0 a=b\n"],
    ["a length beyond the end", "99 a=b\n"],
    ["a length before the key", "1 a=b\n"],
    ["no newline", "6 a=bc"],
    ["no equals sign", "6 abc\n"],
    ["an equals sign in the next record only", "6 abc\n6 a=b\n"],
    ["a length of many digits", "00000000000000000006 a=b\n"],
  ])("refuses %s", (_, text) => {
    expect(() => parsePax(Buffer.from(text), 512)).toThrow(ToolError);
    expect(() => parsePax(Buffer.from(text), 512)).toThrow("(at byte 512)");
  });
});

describe("mergePax", () => {
  test("takes a record back with an empty value, but keeps an empty attribute", () => {
    const inForce = new Map([["path", Buffer.from("x")]]);
    const merged = mergePax(inForce, parsePax(encodePax([["path", ""], ["SCHILY.xattr.user.empty", ""]]), 0)); // prettier-ignore
    expect([...merged.keys()]).toEqual(["SCHILY.xattr.user.empty"]);
    expect(inForce.has("path")).toBe(true);
  });

  test("joins a map of holes from its records", () => {
    const records = parsePax(encodePax([["GNU.sparse.offset", "0"], ["GNU.sparse.numbytes", "5"], ["GNU.sparse.offset", "9"], ["GNU.sparse.numbytes", "1"]]), 0); // prettier-ignore
    expect(Buffer.from(mergePax(new Map(), records).get("GNU.sparse.map") ?? "").toString()).toBe("0,5,9,1");
  });
});

describe("paxNumber", () => {
  test.each(["-1", "1.5", "", "0x10", "99999999999999999999", "9007199254740992"])("refuses %p", (text) => {
    expect(() => paxNumber(new Map([["uid", Buffer.from(text)]]), "uid", 0)).toThrow(ToolError);
  });
});

describe("paxTime", () => {
  test("undoes formatPaxTime", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n }), (time) => {
        expect(paxTime(new Map([["mtime", Buffer.from(formatPaxTime(time))]]), "mtime", 0)).toBe(time);
      }),
    );
  });

  test.each([
    ["1.5", 1_500_000_000n],
    ["-1.5", -1_500_000_000n],
    ["-0.000000001", -1n],
    ["7.", 7_000_000_000n],
    ["1.1234567899", 1_123_456_789n],
  ])("reads %s", (text, time) => {
    expect(paxTime(new Map([["mtime", Buffer.from(text)]]), "mtime", 0)).toBe(time);
  });

  test.each(["", ".5", "1e9", "--1", "soon", "9999999999999999999"])("refuses %p", (text) => {
    expect(() => paxTime(new Map([["mtime", Buffer.from(text)]]), "mtime", 0)).toThrow(`mtime "${text}"`);
  });
});

describe("paxXattrs", () => {
  test("undoes xattrKey, whatever bytes the name is", () => {
    fc.assert(
      fc.property(fc.uint8Array({ min: 1, maxLength: 40 }), fc.uint8Array(), (name, value) => {
        const [found] = paxXattrs(mergePax(new Map(), parsePax(encodePax([[xattrKey(name), value]]), 0)));
        expect([[...(found?.[0] ?? [])], [...(found?.[1] ?? [])]]).toEqual([[...name], [...value]]);
      }),
    );
  });

  test("writes the signs that GNU tar escapes as it does", () => {
    expect(xattrKey(Buffer.from("user.a=b%c"))).toBe("SCHILY.xattr.user.a%3Db%25c");
  });
});
