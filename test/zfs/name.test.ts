import { describe, expect, test } from "bun:test";
import { ToolError } from "../../src/errors.ts";
import { childDataset, datasetPathProblem, parentDataset, parseDatasetName, poolOf, snapshotNameProblem } from "../../src/zfs/name.ts";

function refusal(action: () => unknown): string {
  try {
    return `accepted: ${String(action())}`;
  } catch (error) {
    if (error instanceof ToolError) return `${error.code}: ${error.message}`;
    throw error;
  }
}

describe("parseDatasetName", () => {
  test.each(["tank", "tank/ct/web01", "t", "tank/a b/c", "tank/_x:y.z-1", "tank/.hidden", "tank/...", `tank/${"x".repeat(250)}`])(
    "takes %s",
    (name) => {
      expect<string>(parseDatasetName(name)).toBe(name);
    },
  );

  test.each([
    ["", "a pool's name begins with a letter"],
    ["1tank", "a pool's name begins with a letter"],
    ["/tank", "a pool's name begins with a letter"],
    ["-r", "a pool's name begins with a letter"],
    ["tank/", "a component is empty"],
    ["tank//ct", "a component is empty"],
    ["tank/../rpool", '".." is no name'],
    ["tank/./ct", '"." is no name'],
    ["tank/ct@snap", '"ct@snap" has a character that ZFS does not take'],
    ["tank/ct#mark", '"ct#mark" has a character that ZFS does not take'],
    ["tank/a%b", '"a%b" has a character that ZFS does not take'],
    ["tank/a\tb", '"a\tb" has a character that ZFS does not take'],
    ["tank/a\n", '"a\n" has a character that ZFS does not take'],
    ["tank/ä", '"ä" has a character that ZFS does not take'],
    [`tank/${"x".repeat(251)}`, "it is longer than 255 bytes"],
  ])("refuses %j", (name, reason) => {
    expect(refusal(() => parseDatasetName(name))).toBe(`usage: Cannot use dataset name "${name}": ${reason}`);
  });
});

describe("datasetPathProblem", () => {
  test.each(["srv", "srv/data", "1", "-"])("finds nothing wrong with %s", (name) => {
    expect(datasetPathProblem(name)).toBeUndefined();
  });

  test.each([
    ["", "a component is empty"],
    ["/srv", "a component is empty"],
    ["../srv", '".." is no name'],
  ])("refuses %j", (name, reason) => {
    expect(datasetPathProblem(name)).toBe(reason);
  });
});

describe("snapshotNameProblem", () => {
  test.each(["osctl-base-1729850402", "a b", "x".repeat(255)])("finds nothing wrong with %s", (name) => {
    expect(snapshotNameProblem(name)).toBeUndefined();
  });

  test.each(["", "a/b", "a@b", "a,b", "a%b", "a\n", "x".repeat(256)])("refuses %j", (name) => {
    expect(snapshotNameProblem(name)).toBe("it is no snapshot name");
  });
});

describe("a dataset's relatives", () => {
  const root = parseDatasetName("tank/ct/web01");

  test.each([
    ["", "tank/ct/web01"],
    ["srv/data", "tank/ct/web01/srv/data"],
  ])("childDataset of %j", (relative, expected) => {
    expect<string>(childDataset(root, relative)).toBe(expected);
  });

  test("childDataset refuses to climb", () => {
    expect(refusal(() => childDataset(root, "../web02"))).toMatch(/^usage: Cannot use dataset name "tank\/ct\/web01\/\.\.\/web02"/);
  });

  test("parentDataset", () => {
    expect<string | undefined>(parentDataset(root)).toBe("tank/ct");
    expect(parentDataset(parseDatasetName("tank"))).toBeUndefined();
  });

  test("poolOf", () => {
    expect(poolOf(root)).toBe("tank");
    expect(poolOf(parseDatasetName("tank"))).toBe("tank");
  });
});
