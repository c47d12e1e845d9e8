import { describe, expect, test } from "bun:test";
import { decodeVersionInfo, receiverMust, type FeatureName } from "../../../src/zfs/dmu/features.ts";
import { recordsOf, zfsStream } from "../../support/zfs-stream.ts";

describe("decodeVersionInfo", () => {
  test.each<[Parameters<typeof zfsStream>[0], FeatureName[][]]>([
    ["p.full.s1", [["sa_spill"]]],
    ["p.incr-I.s1-s3", [[], ["sa_spill"], ["sa_spill"]]],
    ["lz4.full-c.s1", [["sa_spill", "lz4", "compressed"]]],
    ["zstd.full-ec.s1", [["sa_spill", "embed_data", "lz4", "compressed", "zstd"]]],
    ["L.full-Lec.s1", [["sa_spill", "embed_data", "lz4", "large_blocks", "compressed"]]],
    ["w.full-w.s1", [["sa_spill", "lz4", "compressed", "raw"]]],
  ])("%s has what its zfs send was told", async (name, expected) => {
    const read = (await recordsOf(zfsStream(name))).flatMap((record) =>
      record.kind === "begin" ? [decodeVersionInfo(record.versionInfo)] : [],
    );
    expect(read.map(({ features }) => [...features])).toEqual(expected);
    expect(read.flatMap(({ unknownFeatures }) => unknownFeatures)).toEqual([]);
  });

  test.each<[number, FeatureName]>([
    [0, "dedup"],
    [1, "dedupprops"],
    [20, "resuming"],
    [21, "redacted"],
    [23, "large_dnode"],
    [26, "holds"],
    [27, "switch_to_large_blocks"],
    [28, "longname"],
    [29, "large_microzap"],
  ])("knows flag %d as %s", (bit, name) => {
    expect([...decodeVersionInfo((1n << BigInt(bit + 2)) | 1n).features]).toEqual([name]);
    expect(receiverMust(name)).not.toBe("");
  });

  test("tells header types, unknown flags and reserved bits apart", () => {
    const flags = (1n << 3n) | (1n << 18n) | (1n << 55n);
    expect(decodeVersionInfo((0x3fn << 58n) | (flags << 2n) | 2n)).toEqual({
      headerType: 2,
      compound: true,
      features: new Set(),
      unknownFeatures: [3, 18, 55],
    });
    expect(decodeVersionInfo(3n)).toMatchObject({ headerType: 3, compound: false });
  });
});
