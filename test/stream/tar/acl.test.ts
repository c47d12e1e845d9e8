import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { formatAcl, groupPermissions, parseAcl } from "../../../src/stream/tar/acl.ts";

/** An attribute, from its entries in hexadecimal as struct posix_acl_xattr_entry has them: tag, permissions, id. */
function attribute(...entries: string[]): Buffer {
  return Buffer.from(`02000000${entries.join("")}`.replaceAll(" ", ""), "hex");
}

const MINIMAL = ["0100 0600 ffffffff", "0400 0400 ffffffff", "2000 0000 ffffffff"];
const EXTENDED = attribute(
  "0100 0600 ffffffff",
  "0200 0700 d2040000",
  "0400 0400 ffffffff",
  "0800 0100 feffffff",
  "1000 0500 ffffffff",
  "2000 0000 ffffffff",
);
const EXTENDED_TEXT = "user::rw-\nuser:1234:rwx\ngroup::r--\ngroup:4294967294:--x\nmask::r-x\nother::---\n";

const nobody = (): undefined => undefined;

describe("formatAcl", () => {
  test("writes what acl_to_text(3) does, with ids", () => {
    expect(formatAcl(EXTENDED)).toBe(EXTENDED_TEXT);
    expect(formatAcl(attribute(...MINIMAL))).toBe("user::rw-\ngroup::r--\nother::---\n");
  });

  test.each([
    ["nothing", ""],
    ["another version", "03000000"],
    ["half an entry", "0200000001000600"],
    ["an unknown tag", "020000004000060000000000"],
  ])("understands nothing of %s", (_, hex) => {
    expect(formatAcl(Buffer.from(hex, "hex"))).toBeUndefined();
  });
});

describe("parseAcl", () => {
  const known: Readonly<Record<string, number>> = { "user joe": 1234, "group j\xf6e": 4294967294 };
  const accounts = (kind: string, name: Uint8Array): number | undefined => known[`${kind} ${Buffer.from(name).toString("latin1")}`];

  test.each([
    ["lines", EXTENDED_TEXT],
    ["commas", EXTENDED_TEXT.replaceAll("\n", ",")],
    ["names", EXTENDED_TEXT.replace("1234", "joe").replace("4294967294", "j\xf6e")],
    ["names with their ids, as star writes them", EXTENDED_TEXT.replace("1234:rwx", "x:rwx:1234").replace("4294967294:--x", "y:--x:4294967294")], // prettier-ignore
    ["letters and comments", "u::rw-\nu:1234:rwx #effective:r-x\ng::r\ng:joe:x:4294967294\nm:rx\n\no:---"],
    ["another order", EXTENDED_TEXT.split("\n").toReversed().join("\n")],
  ])("reads %s", (_, text) => {
    expect(parseAcl(text, accounts)).toEqual({ value: new Uint8Array(EXTENDED), unknown: [] });
  });

  test("leaves out entries of names that are not known, and says so", () => {
    const text = "user::rw-,user:gone:rwx,group::r--,group:gone:rwx:7,other::---";
    const { value, unknown } = parseAcl(text, nobody) ?? {};
    expect(unknown).toEqual(["user:gone:rwx"]);
    expect(formatAcl(value as Uint8Array)).toBe("user::rw-\ngroup::r--\ngroup:7:rwx\nother::---\n");
  });

  test.each(["user", "user::rwz", "user:a:b:rwx", "root::rwx", "user::rw-;other::r--", "user:1:rwx:x", "user:a\0b:rwx"])(
    "refuses %j",
    (text) => {
      expect(parseAcl(text, nobody)).toBeUndefined();
    },
  );

  test("looks up no more accounts than an ACL has room for", () => {
    let asked = 0;
    expect(parseAcl("user:a:rwx,".repeat(10_000), () => asked++)).toBeUndefined();
    expect(asked).toBe(0);
  });

  test("undoes formatAcl", () => {
    const id = fc.integer({ min: 0, max: 0xfffffffe });
    const permissions = fc.integer({ min: 0, max: 7 });
    const named = fc.array(fc.tuple(id, permissions), { maxLength: 5 });
    fc.assert(
      fc.property(named, named, permissions, (users, groups, all) => {
        const text = [
          `user::${letters(all)}`,
          ...sorted(users).map(([user, may]) => `user:${user}:${letters(may)}`),
          `group::${letters(all)}`,
          ...sorted(groups).map(([group, may]) => `group:${group}:${letters(may)}`),
          `other::${letters(all)}`,
          "",
        ].join("\n");
        expect(formatAcl(parseAcl(text, nobody)?.value ?? new Uint8Array(0))).toBe(text);
      }),
    );
  });
});

test("groupPermissions is what the group may do, not what the mask lets others do", () => {
  expect(groupPermissions(attribute(...MINIMAL))).toBe(4);
  expect(groupPermissions(EXTENDED)).toBe(4);
  expect(groupPermissions(attribute("0400 0700 ffffffff", "1000 0200 ffffffff"))).toBe(2);
  expect(groupPermissions(Buffer.from("nonsense"))).toBeUndefined();
});

function letters(permissions: number): string {
  return ["r", "w", "x"].map((letter, index) => ((permissions >> (2 - index)) & 1 ? letter : "-")).join("");
}

function sorted(entries: [id: number, permissions: number][]): [number, number][] {
  return entries.toSorted(([a], [b]) => a - b);
}
