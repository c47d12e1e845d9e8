import { describe, expect, test } from "bun:test";
import { PathPattern } from "../../src/tree/path-pattern.ts";

function parts(path: string): Buffer[] {
  return path === "" ? [] : path.split("/").map((name) => Buffer.from(name, "latin1"));
}

describe("PathPattern.relate", () => {
  test.each([
    ["etc", "etc", "itself"],
    ["/./etc//", "etc", "itself"],
    ["etc", "etc/ssh/key", "below"],
    ["etc/ssh", "etc", "above"],
    ["etc", "et", undefined],
    ["", "", "itself"],
    ["", "any", "below"],
    ["*", "any", "itself"],
    ["*", "any/thing", "below"],
    ["a*c", "abbc", "itself"],
    ["a*c", "ab", undefined],
    ["a?c", "a\xc3\xa9c", "itself"],
    ["a?c", "a\xe9c", "itself"],
    ["[a-c]x", "bx", "itself"],
    ["[!a-c]x", "bx", undefined],
    ["[]]", "]", "itself"],
    ["a[1]", "a[1]", "itself"],
    ["a[1]", "a1", "itself"],
    ["a.b", "axb", undefined],
    ["x[z-a]", "x[z-a]", "itself"],
    ["(a|b)*", "(a|b)c", "itself"],
    ["?", "\n", "itself"],
  ])("%j and %j: %p", (pattern, path, expected) => {
    expect(new PathPattern(pattern).relate(parts(path))).toBe(expected as never);
  });

  test("takes no time for stars in a row", () => {
    const began = performance.now();
    expect(new PathPattern(`${"*".repeat(50)}x`).relate([Buffer.from("a".repeat(255))])).toBe(undefined);
    expect(performance.now() - began).toBeLessThan(10_000);
  });
});
