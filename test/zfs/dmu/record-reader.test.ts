import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { readRecords } from "../../../src/zfs/dmu/record-reader.ts";
import type { StreamRecord } from "../../../src/zfs/dmu/stream-record.ts";
import { begin, END, records, type RecordSketch } from "../../support/dmu.ts";
import { VirtualFile } from "../../support/virtual-file.ts";
import { damageIn, recordsOf, ZFS_STREAMS, zfsStream, zstreamDump } from "../../support/zfs-stream.ts";
import { dumpLines, dumpRecord } from "../../support/zstream-dump.ts";

const WRITE: RecordSketch = { type: 3, fields: [[32, 8, 4096]], payloadBytes: 4096 };

describe("readRecords", () => {
  test.each(["p.repl-R.s4", "L.full-Lec.s1", "w.full-w.s1"] as const)("reads of %s what zstream dump reads of it", async (name) => {
    const read = await recordsOf(zfsStream(name), { wantsChecksum: true });
    expect(read.flatMap(dumpRecord)).toEqual(dumpLines(zstreamDump(name)));
  });

  test("gives the same records and payloads, however the stream is chunked", async () => {
    const stream = zfsStream("L.full-Lec.s1");
    const expected = await recordsOf(stream);
    const chunkSizes = fc.array(fc.integer({ min: 1, max: 200_000 }), { minLength: 1, maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(chunkSizes, async (sizes) => {
        expect(await recordsOf(stream, { chunkBytes: [...sizes, 65536] })).toEqual(expected);
      }),
      { numRuns: 20 },
    );
    expect(await recordsOf(stream, { chunkBytes: [100] })).toEqual(expected);
  });

  test("gives payloads as they stand in the stream, where records say", async () => {
    const stream = zfsStream("p.repl-R.s4");
    let end = 0;
    for (const record of await recordsOf(stream)) {
      expect([record.offset, record.payloadOffset]).toEqual([end, end + 312]);
      end = record.payloadOffset + record.payloadBytes;
      const payload = Buffer.from(record.payload ?? []);
      expect(payload.equals(stream.subarray(record.payloadOffset, end))).toBe(true);
    }
    expect(end).toBe(stream.length);
  });

  test("does not read from a file what nobody wants", async () => {
    const stream = zfsStream("p.full.s1");
    const file = VirtualFile.of(stream);
    const read: StreamRecord[] = [];
    for await (const record of readRecords(file, { what: "p", wantsPayload: ({ kind }) => kind === "object" })) read.push(record);
    const all = await recordsOf(stream);
    expect(read).toEqual(all.map((record) => (record.kind === "object" ? record : { ...record, payload: undefined })));
    expect(file.bytesRead).toBeLessThan(stream.length / 2);
  });

  test("says of each END what it closes", async () => {
    const ends = (await recordsOf(zfsStream("p.repl-R.s4"))).flatMap((record) => (record.kind === "end" ? [record.closes] : []));
    expect(ends).toEqual(["packageHead", "stream", "stream", "stream", "stream", "stream", "package"]);
    const single = (await recordsOf(zfsStream("p.full.s1"))).flatMap((record) => (record.kind === "end" ? [record.closes] : []));
    expect(single).toEqual(["stream"]);
  });
});

describe("readRecords refuses", () => {
  test.each(["p.incr-I.s1-s3", "w.full-w.s1"] as const)("%s cut off, wherever", async (name) => {
    const stream = zfsStream(name);
    const boundaries = (await recordsOf(stream)).flatMap(({ offset, payloadOffset }) => [
      offset,
      offset + 1,
      payloadOffset,
      payloadOffset + 1,
    ]);
    for (const cut of new Set(boundaries.filter((at) => at > 0 && at < stream.length))) {
      for (const wantsPayload of [() => true, () => false]) {
        const damage = await damageIn(() => recordsOf(stream.subarray(0, cut), { wantsPayload }));
        expect(damage).toMatch(new RegExp(`^it is cut off .* \\(at byte ${cut}\\)$`));
      }
    }
  });

  test.each<[string, Buffer, string]>([
    ["nothing at all", Buffer.alloc(0), "it is empty (at byte 0)"],
    ["text", Buffer.alloc(1000, "this is no stream "), "it does not begin with a BEGIN record (at byte 0)"],
    ["a stream without its first record", zfsStream("p.full.s1").subarray(312), "it does not begin with a BEGIN record (at byte 0)"],
    ["an unknown record", records([begin(), { type: 11 }, END]), "11 is no record type (at byte 312)"],
    [
      "a payload of more than 16 MiB",
      records([begin(), { type: 3, fields: [[32, 8, 2 ** 24 + 512]] }]),
      "a record announces 16777728 bytes of payload (at byte 312)",
    ],
    [
      "an nvlist of more than 64 MiB",
      records([{ ...begin(), fields: [...(begin().fields ?? []), [4, 4, 2 ** 26 + 4]] }]),
      "a record announces 67108868 bytes of payload (at byte 0)",
    ],
    [
      "a size that is no number",
      records([begin(), { type: 3, fields: [[32, 8, 2n ** 63n]] }]),
      "drr_logical_size is 9223372036854775808 (at byte 312)",
    ],
    [
      "an object that is no number",
      records([begin(), { type: 4, fields: [[8, 8, 2n ** 53n]] }]),
      "drr_object is 9007199254740992 (at byte 312)",
    ],
    ["BEGIN in a stream", records([begin(), begin()]), "BEGIN inside a stream (at byte 312)"],
    ["a second stream outside a package", records([begin(), END, begin(), END]), "data behind its END record (at byte 624)"],
    [
      "a package in a package",
      records([begin({ compound: true }), END, begin({ compound: true })]),
      "a package inside a package (at byte 624)",
    ],
    ["a package with data in its head", records([begin({ compound: true }), WRITE]), "a record stands outside BEGIN and END (at byte 312)"],
    ["data between streams", records([begin({ compound: true }), END, WRITE]), "a record stands outside BEGIN and END (at byte 624)"],
    ["data behind the end", records([begin(), END, WRITE]), "data behind its END record (at byte 624)"],
    ["bytes behind the end", Buffer.concat([records([begin(), END]), Buffer.alloc(7)]), "it is cut off inside a record (at byte 631)"],
    [
      "a package without its last END",
      records([begin({ compound: true }), END, begin(), END]),
      "it is cut off before its END record (at byte 1248)",
    ],
  ])("%s", async (_what, bytes, message) => {
    expect(await damageIn(() => recordsOf(bytes, { chunkBytes: [100] }))).toBe(message);
  });

  test("nothing else than damage: random bytes, and real streams with a byte changed", async () => {
    const real = zfsStream("lz4.full-c.s1");
    const flipped = fc.tuple(fc.nat(real.length - 1), fc.integer({ min: 1, max: 255 })).map(([at, bits]) => {
      const copy = Buffer.from(real);
      copy[at] = (copy[at] ?? 0) ^ bits;
      return copy;
    });
    const behindBegin = fc.uint8Array({ maxLength: 2000 }).map((bytes) => Buffer.concat([records([begin()]), bytes]));
    const options = { wantsPayload: ({ payloadBytes }: StreamRecord) => payloadBytes < 1_000_000 };
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.uint8Array({ maxLength: 2000 }), behindBegin, flipped), async (bytes) => {
        await damageIn(() => recordsOf(bytes, options));
      }),
      { numRuns: 300 },
    );
  });

  test("no stream of the fixtures", async () => {
    for (const name of ZFS_STREAMS) expect((await recordsOf(zfsStream(name))).length).toBeGreaterThan(80);
  });
});
