import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { planGroup, type GroupPlan, type GroupRequest } from "../../../src/host/import/group-plan.ts";
import { dumpYaml } from "../../../src/yaml/dump.ts";
import { bytesOf, messageOf, PoolFiles } from "../../support/pool-files.ts";

const EMPTY = "---\ncgparams: []\ndevices: []\nattrs: {}\n";
const GOLD = `---
cgparams:
- version: 2
  subsystem: memory
  name: memory.max
  value:
  - 1073741824
  persistent: true
devices: []
attrs:
  org.example:tier: gold
`;

let files: PoolFiles;
beforeEach(() => {
  files = new PoolFiles();
});
afterEach(() => files[Symbol.dispose]());

function plan(request: Partial<GroupRequest>): GroupPlan {
  return planGroup(files.pool, { archived: "/customers/gold", archivedConfig: bytesOf(GOLD), asGroup: undefined, ...request });
}

function textsOf({ create }: GroupPlan): [string, string][] {
  return create.map(({ name, config }) => [name, dumpYaml(config)]);
}

describe("planGroup", () => {
  test("makes the group with all it had, and an empty one for each level that is missing", () => {
    expect(textsOf(plan({}))).toEqual([
      ["/customers", EMPTY],
      ["/customers/gold", GOLD],
    ]);
  });

  test("leaves parents alone that are there", () => {
    files.write("conf/group/customers/config.yml", GOLD);
    expect(textsOf(plan({}))).toEqual([["/customers/gold", GOLD]]);
  });

  test("uses a group that is there without looking at the archive's", () => {
    files.write("conf/group/customers/gold/config.yml", EMPTY);
    expect(plan({ archivedConfig: bytesOf("---\nbroken: [") })).toEqual({ name: "/customers/gold", create: [] });
  });

  test.each(["/", "/default"])("uses %s, which osctld makes itself", (name) => {
    expect(plan({ archived: name, archivedConfig: undefined })).toEqual({ name, create: [] });
  });

  test("uses /default where the archive names none", () => {
    expect(plan({ archived: null, archivedConfig: undefined })).toEqual({ name: "/default", create: [] });
  });

  test("reads a converter's name without its slash", () => {
    expect(plan({ archived: "default", archivedConfig: bytesOf("---\npath: default\ncgparams: []\n") })).toEqual({
      name: "/default",
      create: [],
    });
  });

  test("writes an old file in today's form", () => {
    const old = '---\npath: "/old"\ncgparams:\n- subsystem: memory\n  name: memory.limit_in_bytes\n  value:\n  - 1073741824\n';
    const [[, text] = ["", ""]] = textsOf(plan({ archived: "/old", archivedConfig: bytesOf(old) }));
    expect(text).not.toContain("path:");
    expect(text).toContain("version: 1\n");
    expect(text).toContain("memory.limit_in_bytes\n");
  });

  test.each([
    [{ asGroup: "/none" }, 'Cannot import as group "/none": there is no such group on pool "'],
    [{ archivedConfig: undefined }, 'Cannot import group "/customers/gold": the archive has no "config/group.yml"'],
    [{ archived: "/a/../b" }, 'Cannot import as group "/a/../b": '],
    [{ archived: "/a//b" }, 'Cannot import as group "/a//b": '],
    [{ archived: `/${"a".repeat(101)}` }, 'Cannot import as group "/aaa'],
  ])("refuses %j", (request, message) => {
    expect(messageOf(() => plan(request)).slice(0, message.length)).toBe(message);
  });
});
