import { describe, expect, test } from "bun:test";
import { dumpYaml } from "../../src/yaml/dump.ts";
import { YamlMap } from "../../src/yaml/value.ts";

describe("YamlMap", () => {
  test("keeps the place of a key that is set again, and adds new ones at the end", () => {
    const map = YamlMap.of({ user: "a", group: "/default" });
    map.set("user", "b").set("arch", "x86_64");
    expect([...map]).toEqual([
      ["user", "b"],
      ["group", "/default"],
      ["arch", "x86_64"],
    ]);
  });

  test("tells the key 4 from the key '4'", () => {
    const map = new YamlMap([
      [4, "number"],
      ["4", "string"],
    ]);
    expect([map.get(4), map.get("4")]).toEqual(["number", "string"]);
  });

  test("rename keeps the place and replaces an entry of the new name", () => {
    const map = new YamlMap([
      ["first", 1],
      [4, 2],
      ["v4", 3],
      ["last", 4],
    ]);
    map.rename(4, "v4");
    expect([...map]).toEqual([
      ["first", 1],
      ["v4", 2],
      ["last", 4],
    ]);
  });

  test.each([
    ["absent", "there"],
    ["there", "there"],
  ])("rename from %p to %p changes nothing", (from, to) => {
    const map = YamlMap.of({ there: 1, other: 2 });
    map.rename(from, to);
    expect(dumpYaml(map)).toBe("---\nthere: 1\nother: 2\n");
  });
});
