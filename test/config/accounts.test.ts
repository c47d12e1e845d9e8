import { describe, expect, test } from "bun:test";
import { emptyGroupConfig, parseGroupConfig } from "../../src/config/group.ts";
import { attributeNameProblem, containerIdProblem, groupNameProblem, userNameProblem } from "../../src/config/names.ts";
import { encodeUserConfig, formatIdMap, parseUserConfig } from "../../src/config/user.ts";
import { dumpYaml } from "../../src/yaml/dump.ts";
import { example } from "../support/archive.ts";
import { bytesOf, messageOf, userConfig } from "../support/pool-files.ts";

describe("parseUserConfig", () => {
  test.each([
    ["a user of before 2018", example("07-legacy-2018-shapes/config/user.yml")],
    ["a converter's, with an alias", example("06-openvz-converter-tar/config/user.yml")],
  ])("reads %s in today's form", (_what, bytes) => {
    const { maps, config } = parseUserConfig(bytes, "user.yml");
    expect([formatIdMap(maps.uid), formatIdMap(maps.gid)]).toEqual(["0:666000:65536", "0:666000:65536"]);
    expect(dumpYaml(config).replace(/^---\n/, "")).toBe(
      "uid_map:\n- 0:666000:65536\ngid_map:\n- 0:666000:65536\nstandalone: true\nattrs: {}\n",
    );
  });

  test("gives the file back that encodeUserConfig makes of it", () => {
    const text = userConfig("0:1000000:65536").replace("attrs: {}", "attrs:\n  a:b: c\nmore: 1");
    const { maps, config } = parseUserConfig(bytesOf(text), "user.yml");
    expect(encodeUserConfig(maps, { standalone: false, from: config })).toBe(text);
  });

  test.each([
    ["0:1000000:0", '"ns:host:count" of ids below 4294967295'],
    ["0:-1:65536", '"ns:host:count"'],
    ["0:1000000", '"ns:host:count"'],
    ["0:4294967295:1", '"ns:host:count"'],
    ["0:4294967000:65536", '"ns:host:count"'],
    ["1:1000000:65535", "does not map id 0"],
  ])("refuses the map %s", (entry, message) => {
    expect(messageOf(() => parseUserConfig(bytesOf(userConfig(entry)), "user.yml"))).toContain(message);
  });

  test("refuses maps that give an id twice, have too many entries, or none", () => {
    const maps = (entries: readonly string[]): string =>
      `---\nuid_map:${entries.map((entry) => `\n- ${entry}`).join("")}\ngid_map:\n- 0:1:1\n`;
    expect(messageOf(() => parseUserConfig(bytesOf(maps(["0:1000:10", "20:1005:10"])), "user.yml"))).toContain("gives an id twice");
    expect(messageOf(() => parseUserConfig(bytesOf(maps(["0:1000:10", "5:2000:10"])), "user.yml"))).toContain("gives an id twice");
    const many = Array.from({ length: 11 }, (_, index) => `${index}:${1000 + index}:1`);
    expect(messageOf(() => parseUserConfig(bytesOf(maps(many)), "user.yml"))).toContain("has more than 10 entries");
    expect(messageOf(() => parseUserConfig(bytesOf(maps([])), "user.yml"))).toContain("uid_map");
    expect(messageOf(() => parseUserConfig(bytesOf("---\nattrs: {}\n"), "user.yml"))).toContain("uid_map is missing");
  });
});

describe("parseGroupConfig", () => {
  test("keeps a group as it is, and fills in what an old file lacks", () => {
    const text = example("01-full-zfs-consistent/config/group.yml").toString();
    expect(dumpYaml(parseGroupConfig(bytesOf(text), "group.yml"))).toBe(text);
    expect(parseGroupConfig(bytesOf("---\npath: default\ncgparams: []\n"), "group.yml")).toEqual(emptyGroupConfig());
  });

  test("keeps the path of the root group alone", () => {
    const root = example("pool-on-disk/conf/group/config.yml").toString();
    expect(dumpYaml(parseGroupConfig(bytesOf(root), "group.yml", { root: true }))).toBe(root);
  });
});

describe("names", () => {
  test.each([
    ["web01", true],
    ["Web_01-x", true],
    ["a".repeat(100), true],
    ["a".repeat(101), false],
    ["", false],
    ["a/b", false],
    ["..", false],
    ["tank:web01", false],
    ["a\n", false],
    ["-o", true],
  ])("containerIdProblem of %j", (name, fine) => {
    expect(containerIdProblem(name) === undefined).toBe(fine);
  });

  test.each([
    ["web01", "tank", true],
    ["a".repeat(27), "tank", true],
    ["a".repeat(28), "tank", false],
    ["a".repeat(31), undefined, true],
    ["a".repeat(32), undefined, false],
    ["Web01", "tank", false],
    ["../x", "tank", false],
  ])("userNameProblem of %j on pool %p", (name, pool, fine) => {
    expect(userNameProblem(name, pool) === undefined).toBe(fine);
  });

  test.each([
    ["/", true],
    ["/default", true],
    ["/a/b-c/D_1", true],
    ["default", false],
    ["/a//b", false],
    ["/a/", false],
    ["/../a", false],
  ])("groupNameProblem of %j", (name, fine) => {
    expect(groupNameProblem(name) === undefined).toBe(fine);
  });

  test.each([
    ["org.example:owner", true],
    ["owner", false],
    [":owner", false],
    ["a:", false],
  ])("attributeNameProblem of %j", (name, fine) => {
    expect(attributeNameProblem(name) === undefined).toBe(fine);
  });
});
