import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { memberKind } from "../../src/archive/layout.ts";
import type { Metadata } from "../../src/archive/metadata.ts";
import { OnePassOrder, sortForImport } from "../../src/archive/order.ts";
import { ToolError } from "../../src/errors.ts";

const METADATA: Metadata = {
  type: "full",
  format: "zfs",
  user: null,
  group: null,
  container: "ct",
  datasets: ["srv", "srv/data", "var"],
  exportedAt: 0,
};
const HEAD = ["metadata.yml", "config/container.yml", "hooks/pre-start", "hooks/pre-start.d/a", "snapshots.yml"];
const DATA = [
  "rootfs/base.dat",
  "rootfs/srv/base.dat.gz",
  "rootfs/srv/data/base.dat",
  "rootfs/var/base.dat",
  "rootfs/incremental.dat",
  "rootfs/srv/incremental.dat",
  "rootfs/var/incremental.dat.gz",
];

function sorted(names: readonly string[], metadata: Metadata | undefined = METADATA): string[] {
  return sortForImport(
    names.map((name) => ({ name, kind: memberKind(name) })),
    metadata,
  ).map(({ name }) => name);
}

/** The names that a pipe which brings them hands out, or what is wrong with them. */
function onePass(...names: string[]): string[] | string {
  const order = new OnePassOrder();
  try {
    return names.filter((name, index) => order.wants({ name, kind: memberKind(name), offset: index * 512 }));
  } catch (error) {
    if (error instanceof ToolError && error.code === "damaged" && error.hints.length > 0) return error.message;
    throw error;
  }
}

describe("sortForImport", () => {
  test("puts members that stand anyhow in the order of an import, and leaves those alike as they stood", () => {
    fc.assert(
      fc.property(fc.shuffledSubarray([...HEAD, ...DATA], { minLength: HEAD.length + DATA.length }), (names) => {
        const found = sorted(names);
        const hooks = names.filter((name) => name.startsWith("hooks/"));
        expect(found).toEqual(["metadata.yml", "config/container.yml", ...hooks, "snapshots.yml", ...DATA]);
      }),
    );
  });

  test.each([
    ["a stream of an unknown dataset", "rootfs/old/base.dat"],
    ["an incremental stream without a base", "rootfs/old/incremental.dat"],
    ["a root filesystem in an archive of streams", "rootfs/base.tar.gz"],
  ])("puts %s before all data, to be refused", (_, name) => {
    expect(sorted([...DATA, name, ...HEAD]).slice(HEAD.length)).toEqual([name, ...DATA]);
  });

  test("puts streams before nothing when there is no metadata.yml", () => {
    expect(sorted([...DATA, "config/user.yml"], undefined)).toEqual(["config/user.yml", ...DATA]);
  });

  test.each([["rootfs"], ["rootfs/var"]])("refuses an archive without a base stream in %s", (path) => {
    const gone = ["base.dat", "incremental.dat", "incremental.dat.gz"].map((name) => `${path}/${name}`);
    const names = [...HEAD, ...DATA].filter((name) => !gone.includes(name));
    expect(() => sorted(names)).toThrow(`Cannot read archive: it has no "${path}/base.dat" nor "${path}/base.dat.gz"`);
  });

  test("refuses an archive of format tar without a root filesystem", () => {
    const metadata: Metadata = { ...METADATA, format: "tar", datasets: [] };
    expect(() => sorted(HEAD, metadata)).toThrow('it has no "rootfs/base.tar.gz"');
    expect(sorted(["rootfs/base.tar.gz", ...HEAD], metadata)).toEqual([...HEAD, "rootfs/base.tar.gz"]);
  });

  test("expects no data of type skel", () => {
    expect(sorted(HEAD, { ...METADATA, type: "skel" })).toEqual(HEAD);
  });
});

describe("OnePassOrder", () => {
  test("lets the order of an export pass, snapshots.yml and the manifest at the end", () => {
    const names = [...HEAD.slice(0, -1), ...DATA, "snapshots.yml", "ctar/manifest.json"];
    expect(onePass(...names)).toEqual(names);
  });

  test("leaves out what means nothing, and texts that were there before", () => {
    const names = ["metadata.yml", "README", "metadata.yml", "config/container.yml", "rootfs/base.dat", "metadata.yml", "snapshots.yml", "snapshots.yml"]; // prettier-ignore
    expect(onePass(...names)).toEqual(["metadata.yml", "config/container.yml", "rootfs/base.dat", "snapshots.yml"]);
  });

  test("hands out a hook each time it comes", () => {
    expect(onePass("hooks/on-start", "hooks/on-start")).toEqual(["hooks/on-start", "hooks/on-start"]);
  });

  const BEGUN = ["metadata.yml", "config/container.yml", "rootfs/base.dat"];
  test.each([
    [["rootfs/base.dat", "metadata.yml"], '"metadata.yml" does not come before the data (at byte 0)'],
    [["metadata.yml", "rootfs/base.tar.gz"], '"config/container.yml" does not come before the data (at byte 512)'],
    [[...BEGUN, "config/user.yml"], '"config/user.yml" comes behind the data it belongs to (at byte 1536)'],
    [[...BEGUN, "hooks/pre-start"], '"hooks/pre-start" comes behind the data it belongs to (at byte 1536)'],
    [[...BEGUN, "rootfs/srv/incremental.dat"], '"rootfs/srv/incremental.dat" comes before its base stream (at byte 1536)'],
    [[...BEGUN, "rootfs/srv/data/base.dat"], '"rootfs/srv/data/base.dat" comes before the base stream of its parent (at byte 1536)'],
    [[...BEGUN.slice(0, 2), "rootfs/srv/base.dat"], '"rootfs/srv/base.dat" comes before the base stream of its parent (at byte 1024)'],
    [[...BEGUN, "rootfs/srv/base.dat", "rootfs/base.dat"], 'the pieces of "rootfs/base.dat" are not one behind the other (at byte 2048)'],
  ])("refuses %j", (names, problem) => {
    expect(onePass(...names)).toBe(`Cannot read archive in one pass: ${problem}`);
  });
});
