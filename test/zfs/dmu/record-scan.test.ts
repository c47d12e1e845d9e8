import { describe, expect, test } from "bun:test";
import { RecordScan } from "../../../src/zfs/dmu/record-scan.ts";
import type { StreamRecord } from "../../../src/zfs/dmu/stream-record.ts";
import { begin, records } from "../../support/dmu.ts";
import { damageIn, recordsOf, ZFS_STREAMS, zfsStream } from "../../support/zfs-stream.ts";

/** Records that a scan finds in chunks of this size. */
function scanned(bytes: Uint8Array, chunkBytes: number): StreamRecord[] {
  const found: StreamRecord[] = [];
  const scan = new RecordScan("tank/p@s1", (record) => found.push(record));
  for (let at = 0; at < bytes.length; at += chunkBytes) scan.feed(bytes.subarray(at, at + chunkBytes));
  return found;
}

describe("RecordScan finds what readRecords reads", () => {
  test.each(ZFS_STREAMS)("of %s, however it is cut", async (name) => {
    const bytes = zfsStream(name);
    const expected = await recordsOf(bytes, { wantsPayload: ({ kind }) => kind === "begin" });
    for (const chunkBytes of [100, 312, 1000, 65_537, bytes.length]) expect(scanned(bytes, chunkBytes)).toEqual(expected);
  });
});

test("RecordScan refuses a BEGIN that announces more than any nvlist has", async () => {
  const bytes = records([begin({ payloadBytes: 0 })]);
  bytes.writeUInt32LE(64 * 1024 * 1024 + 8, 4);
  expect(await damageIn(() => scanned(bytes, 312))).toBe("a record announces 67108872 bytes of payload (at byte 0)");
});
