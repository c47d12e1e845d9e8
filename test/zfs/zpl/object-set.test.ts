/** What the records of a stream and its incrementals do to a file's data, seen through the file system. */
import { describe, expect, test } from "bun:test";
import { deflateSync } from "node:zlib";
import fc from "fast-check";
import { damageIn } from "../../support/zfs-stream.ts";
import { at, contents, FILE, fileObject, filesOf, openFiles, streamBytes } from "../../support/zpl-files.ts";
import { OT, type ZplStream } from "../../support/zpl-stream.ts";

const BLOCK = 512;
const INCREMENT = { toGuid: 2n, fromGuid: 1n };
const NAMES = { f: FILE };

/** A block of one letter. */
function block(letter: string, blocks = 1): Buffer {
  return Buffer.alloc(blocks * BLOCK, letter);
}

describe("data", () => {
  test("of later blocks replaces, frees leave holes, and a hole reads as zeros", async () => {
    const base = streamBytes({
      names: NAMES,
      records: (stream) => [
        fileObject(stream, { SIZE: 4 * BLOCK }),
        ..."abcd".split("").map((letter, index) => stream.write(FILE, index * BLOCK, block(letter))),
      ],
    });
    const next = streamBytes({
      begin: INCREMENT,
      records: (stream) => [
        fileObject(stream, { SIZE: 5 * BLOCK + 1 }),
        stream.free(FILE, 6 * BLOCK),
        stream.write(FILE, BLOCK, block("B")),
        stream.free(FILE, 2 * BLOCK, BLOCK),
        stream.write(FILE, 5 * BLOCK, block("F")),
      ],
    });
    const files = await openFiles([base, next]);
    const expected = Buffer.concat([block("a"), block("B"), block("\0"), block("d"), block("\0"), Buffer.from("F")]);
    expect(await contents(files, "f")).toEqual(expected);
    expect([...files.ranges(await at(files, "f"))]).toEqual([
      { offset: 0, bytes: 2 * BLOCK },
      { offset: 3 * BLOCK, bytes: BLOCK },
      { offset: 5 * BLOCK, bytes: 1 },
    ]);
  });

  test("is what a file has that went through the same changes", async () => {
    const blocks = 12;
    const change = fc.record({ isFree: fc.boolean(), at: fc.integer({ min: 0, max: blocks - 1 }), count: fc.integer({ min: 1, max: 4 }) });
    const streams = fc.array(fc.array(change, { maxLength: 10 }), { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(streams, fc.boolean(), async (all, piped) => {
        const model = Buffer.alloc(blocks * BLOCK);
        const bytes = all.map((changes, index) => {
          // the first changes free in any order, writes come in that of their offsets
          const ordered = [
            ...changes.filter(({ isFree }) => isFree),
            ...changes.filter(({ isFree }) => !isFree).toSorted((a, b) => a.at - b.at),
          ];
          return streamBytes({
            begin: { toGuid: BigInt(index + 1), fromGuid: BigInt(index) },
            ...(index === 0 ? { names: NAMES } : {}),
            records: (stream) => [
              fileObject(stream, { SIZE: blocks * BLOCK }),
              ...ordered.map((each, step) => applied(stream, model, { ...each, fill: 1 + index * 40 + step })),
            ],
          });
        });
        const files = await openFiles(bytes, { piped });
        if (!piped) expect((await contents(files, "f")).equals(model)).toBe(true);
        const ranges = [...files.ranges(await at(files, "f"))];
        for (let offset = 0; offset < model.length; offset += BLOCK) {
          const isData = ranges.some((range) => range.offset <= offset && offset < range.offset + range.bytes);
          expect(isData).toBe(model[offset] !== 0);
        }
      }),
      { numRuns: 150 },
    );
  });

  test("is decompressed, also where only the end of a block counts", async () => {
    const plain = Buffer.from("0123456789abcdef".repeat(64));
    const packed = deflateSync(plain);
    const base = streamBytes({
      names: NAMES,
      records: (stream) => [
        fileObject(stream, { SIZE: 4096 }, { blockSize: 1024 }),
        stream.write(FILE, 0, packed, { logicalBytes: plain.length, compression: 6 }),
        stream.embedded(FILE, 1024, packed, { logicalBytes: plain.length, compression: 6 }),
        stream.free(FILE, 0, 1500),
      ],
    });
    expect(await contents(await openFiles([base]), "f")).toEqual(
      Buffer.concat([Buffer.alloc(1500), plain.subarray(476), Buffer.alloc(2048)]),
    );
  });

  test("of a file that was sent in one piece and overwritten in many places is read in one pass", async () => {
    const blocks = 400;
    const base = streamBytes({
      names: NAMES,
      records: (stream) => [
        fileObject(stream, { SIZE: blocks * BLOCK }),
        ...Array.from({ length: blocks }, (_, index) => stream.write(FILE, index * BLOCK, Buffer.alloc(BLOCK, 1 + (index % 100)))),
      ],
    });
    const next = streamBytes({
      begin: INCREMENT,
      records: (stream) =>
        Array.from({ length: blocks / 2 }, (_, index) => stream.write(FILE, index * 2 * BLOCK, Buffer.alloc(BLOCK, 200))),
    });
    const expected = Buffer.concat(
      Array.from({ length: blocks }, (_, index) => Buffer.alloc(BLOCK, index % 2 === 0 ? 200 : 1 + (index % 100))),
    );
    expect((await contents(await openFiles([base, next]), "f")).equals(expected)).toBe(true);
  });
});

describe("an object made anew between two snapshots", () => {
  const base = (options: { size: number; blockSize?: number; slots?: number }): Buffer =>
    streamBytes({
      names: NAMES,
      records: (stream) => [fileObject(stream, { SIZE: options.size }, options), stream.write(FILE, 0, Buffer.alloc(options.size, "o"))],
    });

  test.each([
    ["loses its data if its block size is another", { GEN: 8 }, { blockSize: 1024 }, "\0"],
    ["loses its data if its dnode is larger", { GEN: 7 }, { slots: 2 }, "\0"],
    ["keeps its data if only the block size is another, as with -L", { GEN: 7 }, { blockSize: 1024 }, "o"],
    ["keeps its data if nothing tells, as the stream then says itself what is gone", { GEN: 8 }, {}, "o"],
  ])("%s", async (_, values, options, expected) => {
    const next = streamBytes({ begin: INCREMENT, records: (stream) => [fileObject(stream, { SIZE: BLOCK, ...values }, options)] });
    const files = await openFiles([base({ size: BLOCK }), next]);
    expect(await contents(files, "f")).toEqual(block(expected));
  });

  test("FREEOBJECTS takes objects away, and what a new one has is its own", async () => {
    const next = streamBytes({
      begin: INCREMENT,
      records: (stream) => [stream.freeObjects(FILE, 1), fileObject(stream, { SIZE: BLOCK, GEN: 9 }, { object: FILE + 1 })],
    });
    const files = await openFiles([base({ size: BLOCK }), next]);
    expect(await damageIn(() => files.stat(FILE))).toContain(`object ${FILE}: it does not exist`);
    expect((await files.stat(FILE + 1)).generation).toBe(9);
  });

  test("a large dnode takes away the objects in its slots", async () => {
    const next = streamBytes({ begin: INCREMENT, records: (stream) => [fileObject(stream, { SIZE: 0 }, { object: FILE - 3, slots: 4 })] });
    const files = await openFiles([base({ size: BLOCK }), next]);
    expect(await damageIn(() => files.stat(FILE))).toContain("it does not exist");
  });
});

describe("blocks by reference (-D)", () => {
  const DEDUP = { begin: { features: 1n } };

  test("are read from where they came first", async () => {
    const files = await filesOf({
      ...DEDUP,
      names: { f: FILE, g: FILE + 1 },
      records: (stream) => [
        fileObject(stream, { SIZE: 3 * BLOCK }),
        ..."abc".split("").map((letter, index) => stream.write(FILE, index * BLOCK, block(letter))),
        fileObject(stream, { SIZE: 2 * BLOCK }, { object: FILE + 1 }),
        stream.writeByref(FILE + 1, { offset: 0, length: BLOCK, refObject: FILE, refOffset: 2 * BLOCK }),
        stream.writeByref(FILE + 1, { offset: BLOCK, length: BLOCK, refObject: FILE, refOffset: 0 }),
      ],
    });
    expect(await contents(files, "g")).toEqual(Buffer.concat([block("c"), block("a")]));
  });

  test("that are in no stream are refused", async () => {
    const run = (refObject: number, refGuid?: bigint): Promise<unknown> =>
      filesOf({
        ...DEDUP,
        names: NAMES,
        records: (stream) => [
          fileObject(stream, { SIZE: BLOCK }),
          stream.writeByref(FILE, { offset: 0, length: BLOCK, refObject, refOffset: 0, ...(refGuid === undefined ? {} : { refGuid }) }),
        ],
      });
    expect(await damageIn(() => run(99))).toContain("a block refers to one of object 99 that did not come");
    await expect(run(FILE, 77n)).rejects.toThrow("is in another snapshot's stream");
  });
});

describe("a stream is refused", () => {
  const rows: [what: string, expected: string, records: (stream: ZplStream) => Uint8Array[]][] = [
    ["data of no object", "a record changes object 500, which does not exist", (stream) => [stream.write(500, 0, block("a"))]],
    [
      "data in disorder",
      "its records are not in the order of objects and offsets",
      (stream) => [fileObject(stream, {}), stream.write(FILE, BLOCK, block("a")), stream.write(FILE, 0, block("a"))],
    ],
    [
      "objects in disorder",
      "its records are not in the order of objects",
      (stream) => [fileObject(stream, {}), fileObject(stream, {}, { object: FILE - 1 })],
    ],
    [
      "FREEOBJECTS in disorder",
      "its records are not in the order of objects",
      (stream) => [fileObject(stream, {}), stream.freeObjects(FILE, 1)],
    ],
    [
      "data at an absurd offset",
      `data of object ${FILE} is at offset 9223372036854775808`,
      (stream) => [fileObject(stream, {}), stream.write(FILE, 2n ** 63n, block("a"))],
    ],
    [
      "a block of 0 bytes",
      `a block of object ${FILE} has sizes that make no sense`,
      (stream) => [fileObject(stream, {}), stream.write(FILE, 0, new Uint8Array(0))],
    ],
    [
      "a block of 1 GiB",
      `a block of object ${FILE} has sizes that make no sense`,
      (stream) => [fileObject(stream, {}), stream.write(FILE, 0, block("a"), { compression: 15, logicalBytes: 2 ** 30 })],
    ],
    ["blocks of 1000 bytes", `object ${FILE} has properties that no object has`, (stream) => [fileObject(stream, {}, { blockSize: 1000 })]],
    [
      "a bonus larger than its dnode",
      `object ${FILE} has properties that no object has`,
      (stream) => [stream.object({ object: FILE, type: OT.file, bonus: new Uint8Array(400) })],
    ],
    ["a FREE beyond 2^64", "a FREE reaches beyond 2^64", (stream) => [fileObject(stream, {}), stream.free(FILE, 2n ** 63n, 2n ** 63n)]],
  ];
  test.each(rows)("%s: %s", async (what, expected, records) => {
    const message = await damageIn(() => filesOf({ names: NAMES, records }));
    expect(message).toContain(expected);
    expect(message).toMatch(/\(at byte \d+\)$/);
    expect(what).not.toBe("");
  });

  test("records in wild disorder do not take forever", async () => {
    const bytes = streamBytes({
      names: NAMES,
      records: function* (stream) {
        yield fileObject(stream, { SIZE: 1 });
        for (let index = 0; index < 6000; index += 1) yield stream.write(FILE, index * 2 * BLOCK, block("a"));
        for (let index = 0; index < 6000; index += 1) yield stream.free(FILE, index % 2 === 0 ? 6000 * 2 * BLOCK : 1, 1);
      },
    });
    expect(await damageIn(() => openFiles([bytes]))).toContain("its records are in disorder");
  });
});

/** Applies a change to the model and makes its record. */
function applied(stream: ZplStream, model: Buffer, change: { isFree: boolean; at: number; count: number; fill: number }): Buffer {
  const offset = change.at * BLOCK;
  const end = Math.min(model.length, offset + change.count * BLOCK);
  model.fill(change.isFree ? 0 : change.fill, offset, end);
  return change.isFree ? stream.free(FILE, offset, end - offset) : stream.write(FILE, offset, Buffer.alloc(end - offset, change.fill));
}
