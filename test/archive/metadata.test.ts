import { describe, expect, test } from "bun:test";
import { decodeMetadata, decodeSnapshots, encodeMetadata, encodeSnapshots, type Metadata } from "../../src/archive/metadata.ts";
import { ToolError } from "../../src/errors.ts";
import { example } from "../support/archive.ts";

const WEB01: Metadata = {
  type: "full",
  format: "zfs",
  user: "web01",
  group: "/customers/gold",
  container: "web01",
  datasets: ["srv", "srv/data"],
  exportedAt: 1729850401,
};

const EXAMPLES: readonly (readonly [string, Metadata])[] = [
  ["01-full-zfs-consistent", WEB01],
  [
    "02-full-zfs-minimal-stopped",
    { ...WEB01, user: "mail01", group: "/default", container: "mail01", datasets: [], exportedAt: 1729850600 },
  ],
  ["03-skel-for-send", { ...WEB01, type: "skel", group: "/default", container: "web01-clone", exportedAt: 1729850700 }],
  ["04-repository-image-tar", { ...WEB01, format: "tar", user: null, group: null, container: null, datasets: [], exportedAt: 1729700000 }],
  ["05-repository-image-zfs", { ...WEB01, user: null, group: null, container: null, datasets: ["nix"], exportedAt: 1729700000 }],
  [
    "06-openvz-converter-tar",
    { ...WEB01, format: "tar", user: "default", group: "default", container: "101", datasets: [], exportedAt: 1560000000 },
  ],
  ["08-newer-upstream-2025plus", { ...WEB01, user: "app7", group: "/default", container: "app7", datasets: [], exportedAt: 1767225600 }],
];

function refusal(decode: (bytes: Uint8Array) => unknown, text: string): string {
  try {
    decode(Buffer.from(text));
  } catch (error) {
    if (error instanceof ToolError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return "accepted";
}

describe("decodeMetadata", () => {
  test.each(EXAMPLES)("reads example %s", (name, metadata) => {
    expect(decodeMetadata(example(`${name}/metadata.yml`))).toEqual(metadata);
  });

  test("takes an archive from before February 2018 as one of ZFS streams without subdatasets", () => {
    expect(decodeMetadata(example("07-legacy-2018-shapes/metadata.yml"))).toEqual({
      type: "full",
      format: "zfs",
      user: "user01",
      group: "/default",
      container: "old01",
      datasets: [],
      exportedAt: 1517400000,
    });
  });

  test.each([
    ["a list", "- 1\n", "it is no mapping"],
    ["nothing", "", "it is no mapping"],
    ["an unknown type", "type: half\n", 'type is "half", expected "full" or "skel"'],
    ["an unknown format", "format: btrfs\n", 'format is "btrfs", expected "zfs" or "tar"'],
    ["a format that is a number", "format: 1\n", 'format is not a string, expected "zfs" or "tar"'],
    ["a user that is a list", "user: []\n", "user is not a string"],
    ["a container that is a number", "container: 101\n", "container is not a string"],
    ["datasets that are a mapping", "datasets: {a: b}\n", "datasets is no list"],
    ["a dataset that is a number", "datasets: [1]\n", "dataset an item: it is not a string"],
    ["an absolute dataset", "datasets: [/srv]\n", 'dataset "/srv": a component is empty'],
    ["a dataset that climbs", "datasets: [srv, srv/..]\n", 'dataset "srv/..": ".." is no name'],
    ["a dataset without a name", "datasets: ['']\n", 'dataset "": a component is empty'],
    ["a snapshot for a dataset", "datasets: [srv@a]\n", 'dataset "srv@a": "srv@a" has a character that ZFS does not take'],
    ["a child before its parent", "datasets: [srv/data, srv]\n", 'dataset "srv/data" comes before its parent'],
    ["a dataset twice", "datasets: [srv, srv]\n", 'dataset "srv" is there twice'],
  ])("refuses %s", (_what, text, reason) => {
    expect(refusal(decodeMetadata, text)).toBe(`damaged: Cannot read "metadata.yml": ${reason}`);
  });

  test("refuses what is no YAML", () => {
    expect(refusal(decodeMetadata, "type: [full\n")).toContain("Cannot read metadata.yml: line 2");
  });
});

describe("encodeMetadata", () => {
  test.each(EXAMPLES)("writes example %s as Psych did", (name) => {
    const text = example(`${name}/metadata.yml`);
    expect(encodeMetadata(decodeMetadata(text))).toBe(text.toString());
  });
});

describe("decodeSnapshots", () => {
  test.each([
    ["a mapping", "a: b\n", "it is no list"],
    ["nothing", "", "it is no list"],
    ["a number", "- 1\n", "an item is no snapshot name"],
    ["a full name", "- tank/a@b\n", '"tank/a@b" is no snapshot name'],
    ["several in one", "- a,b\n", '"a,b" is no snapshot name'],
    ["a range", "- a%b\n", '"a%b" is no snapshot name'],
    ["an empty one", "- ''\n", '"" is no snapshot name'],
  ])("refuses %s", (_what, text, reason) => {
    expect(refusal(decodeSnapshots, text)).toBe(`damaged: Cannot read "snapshots.yml": ${reason}`);
  });

  test("takes an empty list", () => {
    expect(decodeSnapshots(Buffer.from("--- []\n"))).toEqual([]);
  });
});

describe("encodeSnapshots", () => {
  test.each(["01-full-zfs-consistent", "02-full-zfs-minimal-stopped", "05-repository-image-zfs", "08-newer-upstream-2025plus"])(
    "writes those of example %s as Psych did",
    (name) => {
      const text = example(`${name}/snapshots.yml`);
      expect(encodeSnapshots(decodeSnapshots(text))).toBe(text.toString());
    },
  );
});
