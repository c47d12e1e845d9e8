import { describe, expect, test } from "bun:test";
import { emptyGroupConfig, parseGroupConfig } from "../../src/config/group.ts";
import { attributeNameProblem, containerIdFrom, containerIdProblem, groupNameProblem, userNameProblem } from "../../src/config/names.ts";
import { encodeUserConfig, formatIdMap, parseIdMapProperty, parseUserConfig } from "../../src/config/user.ts";
import { dumpYaml } from "../../src/yaml/dump.ts";
import { example } from "../support/archive.ts";
import { bytesOf, messageOf, userConfig } from "../support/pool-files.ts";
import { refusalBy } from "./refusal.ts";

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
    ["0:4294901759:65537", '"ns:host:count"'],
    ["0:0:4294967296", '"ns:host:count"'],
    ["0:1:99999999999", '"ns:host:count"'],
    ["0:1:2", "uid_map[0] is 62, expected"],
    ["0:1000000:65536:1", '"ns:host:count"'],
    ["1:1000000:65535", "does not map id 0"],
  ])("refuses the map %s", (entry, message) => {
    expect(messageOf(() => parseUserConfig(bytesOf(userConfig(entry)), "user.yml"))).toContain(message);
  });

  test.each(["0:4294901759:65536", "0:0:4294967295", "0:01000:10"])("takes the map %s, up to the last id that the kernel maps", (entry) => {
    const { maps } = parseUserConfig(bytesOf(userConfig(entry)), "user.yml");
    expect(formatIdMap(maps.uid)).toBe(entry.replace(":0100", ":100"));
  });

  test("takes ten entries, in their order, different for users and groups", () => {
    const entries = Array.from({ length: 10 }, (_, index) => `${9 - index}:${1000 + index}:1`);
    const text = `---\nuid_map:\n${entries.map((entry) => `- ${entry}\n`).join("")}gid_map:\n- 0:5000:10\n`;
    const { maps } = parseUserConfig(bytesOf(text), "user.yml");
    expect([formatIdMap(maps.uid), formatIdMap(maps.gid)]).toEqual([entries.join(","), "0:5000:10"]);
  });

  test.each([
    ["standalone: true\n", true],
    ["standalone: false\n", false],
    ["standalone:\n", false],
    ["", true],
  ])("takes %j for standalone %p", (line, standalone) => {
    const text = userConfig("0:1000:10").replace("standalone: false\n", line);
    expect(parseUserConfig(bytesOf(text), "user.yml").config.get("standalone")).toBe(standalone);
  });

  test.each([
    ["standalone: false\n", "standalone: maybe\n", 'standalone is "maybe", expected true or false'],
    ["attrs: {}\n", "attrs:\n  owner: me\n", 'attrs.<name> is "owner", expected "<vendor>:<key>"'],
    ["gid_map:\n- 0:1000:10\n", "", 'gid_map is missing, expected entries "ns:host:count"'],
    ["gid_map:\n- 0:1000:10\n", "gid_map: []\n", 'gid_map is an empty list, expected entries "ns:host:count"'],
    ["gid_map:\n- 0:1000:10\n", "gid_map: 0:1000:10\n", 'gid_map is "0:1000:10", expected a list'],
  ])("refuses %j as %j", (from, to, reason) => {
    expect(refusalBy(parseUserConfig, userConfig("0:1000:10").replace(from, to))).toBe(`damaged: Cannot read "file.yml": ${reason}`);
  });

  test("takes old keys only where there are no maps, and drops them", () => {
    const text = `${userConfig("0:1000:10")}ugid: 5\noffset: 7\nsize: 8\ntype: static\n`;
    expect(dumpYaml(parseUserConfig(bytesOf(text), "user.yml").config)).toBe(userConfig("0:1000:10"));
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

describe("parseIdMapProperty", () => {
  test("reads what formatIdMap writes", () => {
    const map = [
      { nsId: 0, hostId: 100_000, count: 65_536 },
      { nsId: 65_536, hostId: 500_000, count: 1 },
    ];
    expect(parseIdMapProperty(formatIdMap(map), "tank/ct/web01")).toEqual(map);
  });

  test.each([["none"], ["-"]])("finds no map in %j", (text) => {
    expect(parseIdMapProperty(text, "tank/ct/web01")).toBeUndefined();
  });

  test("refuses what is no map", () => {
    expect(() => parseIdMapProperty("0:1", "tank/ct/web01")).toThrow('"tank/ct/web01"');
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
    expect(dumpYaml(parseGroupConfig(bytesOf(root), "group.yml"))).toBe(root.replace("path: osctl/pool.tank\n", ""));
  });

  test.each([
    ["devices:\n- type: fifo\n", 'devices[0].type is "fifo", expected "char" or "block"'],
    ["cgparams:\n- name: memory.max\n", "cgparams[0].subsystem is missing, expected text"],
    ["attrs: none\n", 'attrs is "none", expected a mapping'],
    ["[]\n", "the document is an empty list, expected a mapping"],
  ])("refuses %j", (text, reason) => {
    expect(refusalBy(parseGroupConfig, `---\n${text}`)).toBe(`damaged: Cannot read "file.yml": ${reason}`);
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
    ["alpine", "alpine"],
    ["My.App_1..2", "my-app_1-2"],
    ["-über-", "ber"],
    ["a b\n../c", "a-b-c"],
    ["x".repeat(300), "x".repeat(100)],
    [`${"x".repeat(99)}..y`, "x".repeat(99)],
    ["", undefined],
    ["..", undefined],
  ])("containerIdFrom %j is %j", (text, id) => {
    expect(containerIdFrom(text)).toBe(id);
    expect(id === undefined || containerIdProblem(id) === undefined).toBe(true);
  });

  test.each([
    ["web01", "tank", true],
    ["a".repeat(27), "tank", true],
    ["a".repeat(28), "tank", false],
    ["a".repeat(31), undefined, true],
    ["a".repeat(32), undefined, false],
    ["Web01", "tank", false],
    ["a", "p".repeat(30), true],
    ["a", "p".repeat(31), false],
    ["", "tank", false],
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
    ["", false],
    [`/${"a".repeat(100)}`, true],
    [`/${"a".repeat(101)}`, false],
    ["/a\n", false],
  ])("groupNameProblem of %j", (name, fine) => {
    expect(groupNameProblem(name) === undefined).toBe(fine);
  });

  test.each([
    ["org.example:owner", true],
    ["owner", false],
    [":owner", false],
    ["a:", false],
    ["a:b:c", true],
    ["a\nb:c", false],
    ["a:b\u0085", false],
  ])("attributeNameProblem of %j", (name, fine) => {
    expect(attributeNameProblem(name) === undefined).toBe(fine);
  });
});
