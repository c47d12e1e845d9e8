import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { ToolError } from "../../../src/errors.ts";
import { checkedStream, emptySummary, type StreamSummary } from "../../../src/zfs/dmu/check.ts";
import { begin, END, REAL_STREAMS, realStream, records, type RecordSketch } from "../../support/dmu.ts";
import { streamOf } from "../../support/tar.ts";

/** Passes bytes through the check. */
async function pass(bytes: Uint8Array, chunkBytes?: readonly number[]): Promise<{ out: Buffer; summary: StreamSummary }> {
  const summary = emptySummary();
  const chunks: Uint8Array[] = [];
  for await (const chunk of checkedStream(streamOf(bytes, chunkBytes), "tank/p@s1", summary)) chunks.push(chunk);
  return { out: Buffer.concat(chunks), summary };
}

/** What the check says of bytes: `message, offset`. */
async function refusal(bytes: Uint8Array, chunkBytes?: readonly number[]): Promise<string> {
  try {
    await pass(bytes, chunkBytes);
  } catch (error) {
    if (error instanceof ToolError && error.code === "damaged") return error.message;
    throw error;
  }
  return "accepted";
}

const WRITE: RecordSketch = { type: 3, fields: [[32, 8, 4096]], payloadBytes: 4096 };

describe("checkedStream passes real streams", () => {
  const chunkSizes = fc.array(fc.integer({ min: 1, max: 200_000 }), { minLength: 1, maxLength: 30 });

  test.each(REAL_STREAMS)("%s unchanged, however it is chunked", async (name) => {
    const stream = realStream(name);
    const { summary } = await pass(stream);
    await fc.assert(
      fc.asyncProperty(chunkSizes, async (sizes) => {
        const { out, summary: again } = await pass(stream, [...sizes, 65536]);
        expect(out.equals(stream)).toBe(true);
        expect(again).toEqual(summary);
      }),
      { numRuns: 20 },
    );
    expect((await pass(stream, [7])).summary).toEqual(summary);
  });

  test("and knows what they are", async () => {
    const [full, incremental, lz4, raw] = await Promise.all(REAL_STREAMS.map(async (name) => (await pass(realStream(name))).summary));
    const names = [full, incremental, lz4, raw].map((summary) => summary?.last?.toName);
    expect(names).toEqual(["tank/p@s1", "tank/p@s3", "tank/lz4@s1", "tank/w@s1"]);
    expect([full?.fromGuid, lz4?.fromGuid, raw?.fromGuid]).toEqual([0n, 0n, 0n]);
    expect(incremental?.fromGuid).toBe(full?.last?.toGuid as bigint);
    expect(incremental?.last?.fromGuid).not.toBe(incremental?.fromGuid as bigint);
  });
});

describe("checkedStream refuses", () => {
  test.each(REAL_STREAMS)("%s cut off, wherever", async (name) => {
    const stream = realStream(name);
    const last = stream.length;
    const cuts = [1, 8, 311, 312, 313, 624, last - 313, last - 312, last - 311, last - 1];
    for (let at = 1013; at < last; at += 4999) cuts.push(at);
    for (const cut of cuts) {
      expect(await refusal(stream.subarray(0, cut), [65536])).toBe(
        `Cannot read ZFS stream "tank/p@s1": it is cut off before its END record (at byte ${cut})`,
      );
    }
  });

  test.each(REAL_STREAMS)("%s with something behind it", async (name) => {
    const stream = realStream(name);
    const trailing = Buffer.concat([stream, records([END])]);
    expect(await refusal(trailing)).toBe(`Cannot read ZFS stream "tank/p@s1": data behind its END record (at byte ${stream.length})`);
    expect(await refusal(Buffer.concat([stream, Buffer.from("x")]))).toMatch(/it is cut off|data behind/);
    expect(await refusal(Buffer.concat([stream, stream]))).toMatch(
      new RegExp(`BEGIN inside a stream or behind its end \\(at byte ${stream.length}\\)$`),
    );
  });

  test("nothing at all", async () => {
    expect(await refusal(new Uint8Array(0))).toBe('Cannot read ZFS stream "tank/p@s1": it is empty (at byte 0)');
  });

  test.each([
    ["text", Buffer.alloc(1000, "this is no stream ")],
    ["zeros", Buffer.alloc(1000)],
    ["a stream without its first record", realStream("p.full.s1").subarray(312)],
    ["a stream that begins one byte late", realStream("p.full.s1").subarray(1)],
  ])("%s", async (_what, bytes) => {
    expect(await refusal(bytes, [100])).toBe('Cannot read ZFS stream "tank/p@s1": it does not begin with a BEGIN record (at byte 0)');
  });

  test.each<[string, RecordSketch[], string]>([
    ["an unknown record", [begin(), { type: 11 }, END], "11 is no record type (at byte 312)"],
    [
      "a huge payload",
      [begin(), { type: 3, fields: [[32, 8, 2n ** 40n]] }],
      "a record announces 1099511627776 bytes of payload (at byte 312)",
    ],
    ["BEGIN in a stream", [begin(), begin()], "BEGIN inside a stream or behind its end (at byte 312)"],
    ["a second stream outside a package", [begin(), END, begin(), END], "BEGIN inside a stream or behind its end (at byte 624)"],
    ["a package in a package", [begin({ compound: true }), END, begin({ compound: true })], "a package inside a package (at byte 624)"],
    ["a package with data in its head", [begin({ compound: true }), WRITE], "a record stands outside BEGIN and END (at byte 312)"],
    [
      "data between the streams of a package",
      [begin({ compound: true }), END, WRITE],
      "a record stands outside BEGIN and END (at byte 624)",
    ],
    ["data behind the end", [begin(), END, WRITE], "a record stands outside BEGIN and END (at byte 624)"],
    ["END twice", [begin(), END, END], "data behind its END record (at byte 624)"],
  ])("%s", async (_what, sketches, message) => {
    expect(await refusal(records(sketches), [100])).toBe(`Cannot read ZFS stream "tank/p@s1": ${message}`);
  });

  test.each<[string, RecordSketch[]]>([
    ["a package without its last END", [begin({ compound: true }), END, begin(), END]],
    ["a stream without END", [begin(), WRITE]],
  ])("%s", async (_what, sketches) => {
    expect(await refusal(records(sketches))).toMatch(/it is cut off before its END record/);
  });
});

describe("checkedStream refuses a flipped bit", () => {
  // not of a package, whose own END records have no checksum
  test.each(REAL_STREAMS.filter((name) => !name.includes("-I")))("of %s, wherever", async (name) => {
    const stream = realStream(name);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: stream.length * 8 - 1 }), async (bit) => {
        const flipped = Buffer.from(stream);
        flipped.writeUInt8(flipped.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
        expect(await refusal(flipped)).toMatch(/^Cannot read ZFS stream.* \(at byte \d+\)$/);
      }),
      { numRuns: 100 },
    );
  });

  test("in a stream of the other byte order", async () => {
    const stream = records([begin(), WRITE, END], false);
    stream.writeUInt8(0xef, 624);
    expect(await refusal(stream)).toMatch(/END is not what its checksum says/);
  });
});

describe("checkedStream finds the next record behind", () => {
  test.each<[string, RecordSketch]>([
    ["OBJECT, its bonus padded to 8", { type: 1, fields: [[28, 4, 5]], payloadBytes: 8 }],
    [
      "OBJECT with a raw bonus",
      {
        type: 1,
        fields: [
          [28, 4, 5],
          [36, 4, 320],
        ],
        payloadBytes: 320,
      },
    ],
    ["FREEOBJECTS", { type: 2, fields: [[8, 8, 1]] }],
    ["WRITE", WRITE],
    [
      "WRITE, compressed",
      {
        type: 3,
        fields: [
          [32, 8, 4096],
          [50, 1, 15],
          [96, 8, 1024],
        ],
        payloadBytes: 1024,
      },
    ],
    ["FREE", { type: 4, fields: [[24, 8, 4096]] }],
    ["WRITE_BYREF", { type: 6, fields: [[24, 8, 4096]] }],
    ["SPILL", { type: 7, fields: [[16, 8, 512]], payloadBytes: 512 }],
    [
      "SPILL, compressed",
      {
        type: 7,
        fields: [
          [16, 8, 1024],
          [40, 8, 512],
        ],
        payloadBytes: 512,
      },
    ],
    ["WRITE_EMBEDDED, padded to 8", { type: 8, fields: [[52, 4, 13]], payloadBytes: 16 }],
    ["OBJECT_RANGE", { type: 9, fields: [[8, 8, 32]] }],
    ["REDACT", { type: 10, fields: [[8, 8, 32]] }],
    ["BEGIN with an nvlist", begin({ payloadBytes: 40 })],
  ])("%s, in both byte orders", async (_what, sketch) => {
    const sketches = sketch.type === 0 ? [sketch, END] : [begin(), sketch, END];
    for (const littleEndian of [true, false]) {
      const { summary } = await pass(records(sketches, littleEndian), [50]);
      expect(summary.records).toBe(sketches.length);
      expect(summary.last?.toGuid).toBe(5n);
      expect(summary.last?.toName).toBe("t@s");
    }
  });
});

describe("checkedStream on a package", () => {
  test("tells where it starts and where it ends", async () => {
    const streams = [begin({ fromGuid: 1n, toGuid: 2n }), WRITE, END, begin({ fromGuid: 2n, toGuid: 3n }), END];
    const { summary } = await pass(records([begin({ compound: true, payloadBytes: 64 }), END, ...streams, END]));
    expect([summary.records, summary.fromGuid, summary.last?.toGuid]).toEqual([8, 1n, 3n]);
  });
});
