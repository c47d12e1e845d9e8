import { describe, expect, test } from "bun:test";
import { fields } from "../../support/drr.ts";
import { begin, END, records, type RecordSketch } from "../../support/dmu.ts";
import { recordsOf } from "../../support/zfs-stream.ts";

/** A record of each kind with another number in every field, and what it is to become. */
const FIELDS: [kind: string, RecordSketch, Record<string, unknown>][] = [
  [
    "OBJECT",
    {
      type: 1,
      fields: fields("8/8=1 16/4=2 20/4=3 24/4=4 28/4=5 32/1=6 33/1=7 34/1=8 35/1=9 40/8=11 48/1=12 49/1=13 50/1=14 56/8=15"),
      payloadBytes: 8,
    },
    {
      kind: "object",
      object: 1,
      objectType: 2,
      bonusType: 3,
      blockSize: 4,
      bonusBytes: 5,
      checksumType: 6,
      compression: 7,
      dnodeSlots: 8,
      flags: 9,
      rawBonusBytes: 0,
      toGuid: 11n,
      indirectShift: 12,
      levels: 13,
      blockPointers: 14,
      maxBlockId: 15n,
      payloadBytes: 8,
    },
  ],
  [
    "OBJECT of a raw stream",
    { type: 1, fields: fields("28/4=5 36/4=12"), payloadBytes: 12 },
    { kind: "object", bonusBytes: 5, rawBonusBytes: 12, payloadBytes: 12 },
  ],
  [
    "FREEOBJECTS",
    { type: 2, fields: fields("4/4=9 8/8=1 16/8=2 24/8=3") },
    { kind: "freeObjects", firstObject: 1, objects: 2n, toGuid: 3n, declaredPayloadBytes: 9, payloadBytes: 0 },
  ],
  [
    "WRITE",
    {
      type: 3,
      fields: fields("8/8=1 16/4=2 24/8=3 32/8=4 40/8=5 48/1=6 49/1=7 50/1=8 56/8=9 64/8=10 72/8=11 80/8=12 88/8=13 96/8=16"),
      payloadBytes: 16,
    },
    {
      kind: "write",
      object: 1,
      objectType: 2,
      dataOffset: 3n,
      logicalBytes: 4,
      toGuid: 5n,
      checksumType: 6,
      flags: 7,
      compression: 8,
      key: { checksum: [9n, 10n, 11n, 12n], properties: 13n },
      compressedBytes: 16,
      crypt: undefined,
      payloadBytes: 16,
    },
  ],
  [
    "WRITE without compression",
    { type: 3, fields: fields("32/8=24"), payloadBytes: 24 },
    { kind: "write", logicalBytes: 24, compression: 0, compressedBytes: 0, payloadBytes: 24 },
  ],
  [
    "FREE",
    { type: 4, fields: fields("8/8=1 16/8=2 24/8=0xffffffffffffffff 32/8=4") },
    { kind: "free", object: 1, dataOffset: 2n, length: 2n ** 64n - 1n, toGuid: 4n, payloadBytes: 0 },
  ],
  [
    "WRITE_BYREF",
    {
      type: 6,
      fields: fields("8/8=1 16/8=2 24/8=3 32/8=4 40/8=5 48/8=6 56/8=7 64/1=8 65/1=9 72/8=10 80/8=11 88/8=12 96/8=13 104/8=14"),
    },
    {
      kind: "writeByref",
      object: 1,
      dataOffset: 2n,
      length: 3n,
      toGuid: 4n,
      refGuid: 5n,
      refObject: 6,
      refOffset: 7n,
      checksumType: 8,
      flags: 9,
      key: { checksum: [10n, 11n, 12n, 13n], properties: 14n },
      payloadBytes: 0,
    },
  ],
  [
    "SPILL",
    { type: 7, fields: fields("8/8=1 16/8=24 24/8=3 32/1=4 33/1=5 40/8=16 84/4=7"), payloadBytes: 16 },
    {
      kind: "spill",
      object: 1,
      logicalBytes: 24,
      toGuid: 3n,
      flags: 4,
      compression: 5,
      compressedBytes: 16,
      blockType: 7,
      crypt: undefined,
      payloadBytes: 16,
    },
  ],
  [
    "WRITE_EMBEDDED",
    { type: 8, fields: fields("8/8=1 16/8=2 24/8=3 32/8=4 40/1=5 41/1=6 48/4=7 52/4=9"), payloadBytes: 16 },
    {
      kind: "writeEmbedded",
      object: 1,
      dataOffset: 2n,
      length: 3,
      toGuid: 4n,
      compression: 5,
      embeddedType: 6,
      logicalBytes: 7,
      storedBytes: 9,
      payloadBytes: 16,
    },
  ],
  [
    "OBJECT_RANGE",
    { type: 9, fields: fields("8/8=1 16/8=2 24/8=3 32/1=4 39/1=5 40/1=6 51/1=7 52/1=8 67/1=9 68/1=10") },
    { kind: "objectRange", firstObject: 1, slots: 2, toGuid: 3n, flags: 10, payloadBytes: 0 },
  ],
  [
    "REDACT",
    { type: 10, fields: fields("8/8=1 16/8=2 24/8=3 32/8=4") },
    { kind: "redact", object: 1, dataOffset: 2n, length: 3n, toGuid: 4n, payloadBytes: 0 },
  ],
];

describe.each(["little", "big"])("StreamRecordDecoder takes every field from its place, %s-endian", (order) => {
  const littleEndian = order === "little";

  test.each(FIELDS)("of %s", async (_kind, sketch, expected) => {
    const [first, record] = await recordsOf(records([begin(), sketch, END], littleEndian), { wantsChecksum: true });
    expect(first).toMatchObject({ kind: "begin", littleEndian, toGuid: 5n, toName: "t@s", toNameBytes: 3 });
    expect(record).toMatchObject(expected);
  });

  test("of BEGIN, and the checksum at the end of every other", async () => {
    const sketch = begin({ compound: true, toGuid: 6n, fromGuid: 7n });
    const head = { ...sketch, fields: [...(sketch.fields ?? []), ...fields("24/8=8 32/4=9 36/4=10")] };
    const end: RecordSketch = { type: 5, fields: fields("40/8=11 280/8=12 288/8=13 296/8=14 304/8=15") };
    const [first, last] = await recordsOf(records([head, end, END], littleEndian), { wantsChecksum: true });
    const expected = { compound: true, creationTime: 8n, objsetType: 9, flags: 10, toGuid: 6n, fromGuid: 7n, checksum: undefined };
    expect(first).toMatchObject(expected);
    expect(last).toMatchObject({ kind: "end", toGuid: 11n, checksum: [12n, 13n, 14n, 15n] });
  });
});

test("StreamRecordDecoder takes salt, iv and mac of a raw stream from their places", async () => {
  const raw: RecordSketch = { ...begin(), fields: [...(begin().fields ?? []), [16, 8, (1n << 26n) | 1n]] };
  const sketches: [RecordSketch, at: number][] = [
    [{ type: 3 }, 104],
    [{ type: 7 }, 48],
    [{ type: 9 }, 32],
  ];
  const bytes = records([raw, ...sketches.map(([sketch]) => sketch), END]);
  const params = Uint8Array.from({ length: 36 }, (_, index) => index + 1);
  sketches.forEach(([, at], index) => bytes.set(params, 312 * (index + 1) + at));
  const crypt = { salt: params.slice(0, 8), iv: params.slice(8, 20), mac: params.slice(20) };
  const read = (await recordsOf(bytes)).flatMap((record) => ("crypt" in record ? [record.crypt] : []));
  expect(read).toEqual([crypt, crypt, crypt]);
});
