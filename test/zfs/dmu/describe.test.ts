import { describe, expect, test } from "bun:test";
import { StreamPortrait, type StreamDescription } from "../../../src/zfs/dmu/describe.ts";
import type { RecordKind } from "../../../src/zfs/dmu/stream-record.ts";
import { beginsStream } from "../../../src/zfs/dmu/verify.ts";
import { begin, records } from "../../support/dmu.ts";
import { recordsOf, zstreamDump, zfsStream, type ZFS_STREAMS } from "../../support/zfs-stream.ts";

const DRR_NAMES: Readonly<Record<Exclude<RecordKind, "objectRange" | "redact">, string>> = {
  begin: "BEGIN",
  end: "END",
  object: "OBJECT",
  freeObjects: "FREEOBJECTS",
  write: "WRITE",
  writeByref: "WRITE_BYREF",
  writeEmbedded: "WRITE_EMBEDDED",
  free: "FREE",
  spill: "SPILL",
};

async function described(name: (typeof ZFS_STREAMS)[number]): Promise<StreamDescription> {
  const portrait = new StreamPortrait(name);
  for (const record of await recordsOf(zfsStream(name))) portrait.take(record);
  return portrait.describe();
}

describe("StreamPortrait", () => {
  test.each(["p.repl-R.s4", "L.full-Lec.s1", "w.full-w.s1"] as const)("counts and measures %s as zstream dump does", async (name) => {
    const dump = zstreamDump(name);
    const { records: counts, bytes } = await described(name);
    for (const [kind, drrName] of Object.entries(DRR_NAMES) as [keyof typeof DRR_NAMES, string][]) {
      const total = Number(new RegExp(`Total DRR_${drrName} records = (\\d+)`).exec(dump)?.[1]);
      expect([kind, counts[kind] ?? 0]).toEqual([kind, total]);
    }
    expect(bytes).toBe(Number(/Total stream length = (\d+)/.exec(dump)?.[1]));
  });

  test.each(["p.repl-R.s4", "L.full-Lec.s1", "w.full-w.s1"] as const)("names the snapshots of %s as zstream dump does", async (name) => {
    const field = (text: string, key: string): string => new RegExp(`${key} = (\\S+)`).exec(text)?.[1] ?? "";
    const begins = zstreamDump(name).split("BEGIN record").slice(1).filter((text) => field(text, "hdrtype") === "1"); // prettier-ignore
    const { snapshots } = await described(name);
    expect(snapshots.map(({ dataset, snapshot }) => `${dataset}@${snapshot}`)).toEqual(begins.map((text) => field(text, "toname")));
    expect(snapshots.map(({ toGuid }) => BigInt(toGuid).toString(16))).toEqual(begins.map((text) => field(text, "toguid")));
    expect(snapshots.map(({ fromGuid = "0" }) => BigInt(fromGuid).toString(16))).toEqual(begins.map((text) => field(text, "fromguid")));
    expect(snapshots.map(({ created }) => created.toString(16))).toEqual(begins.map((text) => field(text, "creation_time")));
  });

  test.each([
    ["p.full.s1", { compound: false, encrypted: false, features: ["sa_spill"] }],
    ["p.repl-R.s4", { compound: true, encrypted: false }],
    ["w.full-w.s1", { compound: false, encrypted: true }],
  ] as const)("tells what %s is", async (name, expected) => {
    expect(await described(name)).toMatchObject({ ...expected, byteOrder: "little", content: "filesystem", unknownFeatures: [] });
  });

  test("says what a receiver must be able to do", async () => {
    const { features, receiverMust } = await described("zstd.full-ec.s1");
    expect(features).toContain("zstd");
    expect(receiverMust).toContain("have the pool feature zstd_compress");
    expect(receiverMust).toHaveLength(features.length);
  });

  test("tells the size of data as it is sent, and decompressed", async () => {
    const [packed, plain] = [await described("lz4.full-c.s1"), await described("p.full.s1")];
    expect(packed.dataBytes).toBeLessThan(packed.logicalBytes);
    expect(plain.dataBytes).toBe(plain.logicalBytes);
  });

  test("describes nothing as nothing", () => {
    expect(new StreamPortrait("x").describe()).toMatchObject({ snapshots: [], records: {}, bytes: 0, content: undefined });
  });
});

describe("beginsStream", () => {
  test.each([true, false])("knows a BEGIN record, little-endian: %p", (littleEndian) => {
    expect(beginsStream(records([begin()], littleEndian))).toBe(true);
  });

  test.each([
    ["zeros", Buffer.alloc(512)],
    ["too little", records([begin()]).subarray(0, 15)],
    ["another record", records([{ type: 5 }])],
  ])("does not take %s for one", (_, bytes) => {
    expect(beginsStream(bytes)).toBe(false);
  });
});
