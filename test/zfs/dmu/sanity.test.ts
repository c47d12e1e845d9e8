import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { ToolError } from "../../../src/errors.ts";
import { checkRecord, newSanityState } from "../../../src/zfs/dmu/sanity.ts";
import * as drr from "../../support/drr.ts";
import { END, records, type RecordSketch } from "../../support/dmu.ts";
import { packNvlist, type NvPairSketch } from "../../support/nvlist.ts";
import { damageIn, recordsOf, ZFS_STREAMS, zfsStream } from "../../support/zfs-stream.ts";

async function check(bytes: Uint8Array): Promise<void> {
  const state = newSanityState("tank/p@s1");
  for (const record of await recordsOf(bytes)) checkRecord(record, state);
}

const ALL = 2n ** 64n - 1n;
const PLAIN = drr.streamBegin();
const SPILLS = drr.streamBegin([], [[36, 4, 8]]);
const LARGE = drr.streamBegin(["large"]);
const COMPRESSED = drr.streamBegin(["compressed"]);
const DEDUP = drr.streamBegin(["dedup"]);
const EMBED = drr.streamBegin(["embed"]);
const REDACTED_LIST = packNvlist([["redact_snaps", 16, []]], "xdr");

/** A raw stream up to its first object range. */
const RAW_LIST = packNvlist([["crypt_keydata", 19, []]], "native little");
const RAW = drr.streamBegin(["raw"]);

describe("checkRecord accepts", () => {
  test.each(ZFS_STREAMS)("all of %s", async (name) => {
    await check(zfsStream(name));
  });

  const ACCEPTED: [string, RecordSketch[], Uint8Array?][] = [
    ["a dnode of 16 KiB", [drr.streamBegin(["dnode"]), drr.object({ object: 64, dn_slots: 32, bonuslen: 16192 }, 16192)]],
    ["an object of slots unsaid", [PLAIN, drr.object({ dn_slots: 0, bonuslen: 320 }, 320)]],
    ["types of the new kind", [PLAIN, drr.object({ type: 0x80 | 0x40 | 0x20 | 4, bonustype: 0x80 })]],
    ["a block of 16 MiB", [LARGE, drr.object({ blksz: 2 ** 24 })]],
    ["an object with a spill block", [SPILLS, drr.object({ flags: 4 }), drr.spill({ flags: 4 }, 512)]],
    ["freeing to the end", [PLAIN, drr.freeObjects({ firstobj: 9, numobjs: ALL - 9n }), drr.free({ offset: 512, length: ALL })]],
    ["a block at the end of what there can be", [PLAIN, drr.write({ offset: 2n ** 64n - 1024n }, 512)]],
    ["writes in order", [PLAIN, drr.write({}, 512), drr.write({ offset: 512 }, 512), drr.write({ object: 8 }, 512)]],
    ["a compressed block", [COMPRESSED, drr.write({ logical_size: 131072, compressiontype: 15, compressed_size: 512 }, 512)]],
    ["a block by reference", [DEDUP, drr.write({ flags: 1 }, 512), drr.byref({ offset: 512 })]],
    ["an embedded block", [EMBED, drr.embedded({}, 16)]],
    ["a redacted stream", [drr.streamBegin(["redacted"]), drr.redact()], REDACTED_LIST],
    [
      "a raw stream",
      [RAW, drr.range(), drr.object({ object: 63, raw_bonuslen: 320, indblkshift: 17, nlevels: 12, nblkptr: 3, flags: 2 }, 320)],
      RAW_LIST,
    ],
  ];

  test.each(ACCEPTED.map(([what, sketches, payload]) => [what, sketches, payload] as const))("%s", async (_what, sketches, payload) => {
    await check(drr.bytesOf(sketches, payload));
  });
});

/** Records that break one rule each, and what is said of the last of them. */
const REFUSED: [RecordSketch[], string, Uint8Array?][] = [
  [[drr.streamBegin([], [[16, 8, 3]])], "BEGIN record: drr_versioninfo is 3, expected a stream or a package"],
  [[drr.streamBegin([], [[57, 1, 0x61]])], 'BEGIN record: drr_toname is "tas", expected dataset@snapshot'],
  [[drr.streamBegin([], [[58, 1, 0]])], 'BEGIN record: drr_toname is "t@", expected dataset@snapshot'],
  [[drr.streamBegin([], [[32, 4, 1]])], "BEGIN record: drr_type is 1, expected 2 (file system) or 3 (volume)"],
  [[drr.streamBegin([], [[40, 8, 0]])], "BEGIN record: drr_toguid is 0, expected a guid"],
  [[drr.streamBegin([], [[48, 8, drr.GUID]])], "BEGIN record: drr_fromguid is 5, expected another than drr_toguid"],
  [[drr.streamBegin([], [[36, 4, 1]])], "BEGIN record: drr_fromguid is 0, expected the guid of its origin in a clone's stream"],
  [[drr.streamBegin(["raw"], [[36, 4, 0]])], "BEGIN record: drr_flags is 0, expected DRR_FLAG_SPILL_BLOCK in a raw stream", RAW_LIST],
  [[drr.streamBegin(["raw", "embed"])], "BEGIN record: drr_versioninfo is 67371009, expected no embedded data in a raw stream", RAW_LIST],
  [[RAW], "BEGIN record: drr_payloadlen is 0, expected an nvlist in a raw, resumed or redacted stream"],
  [[RAW], 'BEGIN record: crypt_keydata is "missing", expected an nvlist', packNvlist([], "xdr")],
  [
    [drr.streamBegin(["redacted"])],
    'BEGIN record: redact_snaps is "bigint", expected an array of guids',
    packNvlist([["redact_snaps", 8, 1n]], "xdr"),
  ],
  [
    [drr.streamBegin(["resuming"])],
    'BEGIN record: resume_offset is "missing", expected a number',
    packNvlist([["resume_object", 8, 1n]], "xdr"),
  ],

  [[PLAIN, drr.free({ payloadlen: 8 })], "FREE record of object 7: drr_payloadlen is 8, expected 0 or the length of the payload"],
  [[PLAIN, drr.free({ toguid: 6 })], "FREE record of object 7: drr_toguid is 6, expected that of BEGIN"],

  [[PLAIN, drr.object({ object: 0 })], "OBJECT record of object 0: drr_object is 0, expected 1 to 2^48 - 1"],
  [
    [PLAIN, drr.object({ object: 2 ** 48 })],
    "OBJECT record of object 281474976710656: drr_object is 281474976710656, expected 1 to 2^48 - 1",
  ],
  [[PLAIN, drr.object({ type: 0 })], "OBJECT record of object 7: drr_type is 0, expected an object type"],
  [[PLAIN, drr.object({ type: 54 })], "OBJECT record of object 7: drr_type is 54, expected an object type"],
  [[PLAIN, drr.object({ type: 0x8a })], "OBJECT record of object 7: drr_type is 138, expected an object type"],
  [[PLAIN, drr.object({ bonustype: 54 })], "OBJECT record of object 7: drr_bonustype is 54, expected an object type"],
  [[PLAIN, drr.object({ bonustype: 0x180 })], "OBJECT record of object 7: drr_bonustype is 384, expected an object type"],
  [[PLAIN, drr.object({ checksumtype: 15 })], "OBJECT record of object 7: drr_checksumtype is 15, expected a checksum"],
  [[PLAIN, drr.object({ compress: 17 })], "OBJECT record of object 7: drr_compress is 17, expected a compression"],
  ...[0, 511, 513, 131584].map((blksz): [RecordSketch[], string] => [
    [PLAIN, drr.object({ blksz })],
    `OBJECT record of object 7: drr_blksz is ${blksz}, expected a multiple of 512, up to 128 KiB, or 16 MiB with large_blocks`,
  ]),
  [
    [LARGE, drr.object({ blksz: 2 ** 24 + 512 })],
    "drr_blksz is 16777728, expected a multiple of 512, up to 128 KiB, or 16 MiB with large_blocks",
  ],
  [[PLAIN, drr.object({ dn_slots: 2 })], "drr_dn_slots is 2, expected 0 or 1, or more with large_dnode, within one block of 32"],
  [
    [drr.streamBegin(["dnode"]), drr.object({ object: 31, dn_slots: 2 })],
    "drr_dn_slots is 2, expected 0 or 1, or more with large_dnode, within one block of 32",
  ],
  [[PLAIN, drr.object({ bonuslen: 321 }, 328)], "OBJECT record of object 7: drr_bonuslen is 321, expected at most what its slots hold"],
  [[SPILLS, drr.object({ flags: 2 })], "drr_flags is 2, expected none but DRR_OBJECT_SPILL, and DRR_RAW_BYTESWAP in a raw stream"],
  [[PLAIN, drr.object({ flags: 4 })], "drr_flags is 4, expected DRR_OBJECT_SPILL only if BEGIN has DRR_FLAG_SPILL_BLOCK"],
  [
    [PLAIN, drr.object({ raw_bonuslen: 8 }, 8)],
    "drr_raw_bonuslen is 8, expected 0, or in a raw stream at least drr_bonuslen and at most what its slots hold",
  ],
  [[PLAIN, drr.object({ indblkshift: 17 })], "drr_indblkshift is 17, expected 0, or up to 24 in a raw stream"],
  [[PLAIN, drr.object({ nlevels: 1 })], "drr_nlevels is 1, expected 0, or up to 12 in a raw stream"],
  [[PLAIN, drr.object({ nblkptr: 1 })], "drr_nblkptr is 1, expected 0, or up to 3 in a raw stream"],
  [
    [RAW, drr.range(), drr.object({ object: 40, bonuslen: 8, raw_bonuslen: 4 }, 4)],
    "drr_raw_bonuslen is 4, expected 0, or in a raw stream",
    RAW_LIST,
  ],
  [
    [RAW, drr.range(), drr.object({ object: 40, raw_bonuslen: 324 }, 324)],
    "drr_raw_bonuslen is 324, expected 0, or in a raw stream",
    RAW_LIST,
  ],
  [[RAW, drr.range(), drr.object({ object: 40, indblkshift: 25 })], "drr_indblkshift is 25", RAW_LIST],
  [[RAW, drr.range(), drr.object({ object: 40, nlevels: 13 })], "drr_nlevels is 13", RAW_LIST],
  [[RAW, drr.range(), drr.object({ object: 40, nblkptr: 4 })], "drr_nblkptr is 4", RAW_LIST],
  [[RAW, drr.object({ object: 40 })], "OBJECT record of object 40: drr_object is 40, expected one of the last OBJECT_RANGE", RAW_LIST],
  [[RAW, drr.range(), drr.object({ object: 31 })], "drr_object is 31, expected one of the last OBJECT_RANGE", RAW_LIST],
  [[RAW, drr.range(), drr.object({ object: 64 })], "drr_object is 64, expected one of the last OBJECT_RANGE", RAW_LIST],

  [
    [PLAIN, drr.freeObjects({ firstobj: 2, numobjs: ALL - 1n })],
    "FREEOBJECTS record: drr_numobjs is 18446744073709551614, expected no more than there are up to 2^64",
  ],

  [[PLAIN, drr.range()], 'OBJECT_RANGE record: drr_versioninfo is "not raw", expected a raw stream'],
  [[RAW, drr.range({ numslots: 31 })], "OBJECT_RANGE record: drr_numslots is 31, expected 32", RAW_LIST],
  [[RAW, drr.range({ firstobj: 33 })], "OBJECT_RANGE record: drr_firstobj is 33, expected a multiple of 32 below 2^48", RAW_LIST],
  [[RAW, drr.range({ flags: 1 })], "OBJECT_RANGE record: drr_flags is 1, expected none but DRR_RAW_BYTESWAP", RAW_LIST],

  [[PLAIN, drr.write({ object: 0 }, 512)], "WRITE record of object 0: drr_object is 0, expected 1 to 2^48 - 1"],
  [[PLAIN, drr.write({ type: 54 }, 512)], "WRITE record of object 7: drr_type is 54, expected an object type"],
  [
    [PLAIN, drr.write({ logical_size: 0 })],
    "drr_logical_size is 0, expected a multiple of 512, up to 128 KiB, or 16 MiB with large_blocks",
  ],
  [[PLAIN, drr.write({ logical_size: 131584 }, 131584)], "drr_logical_size is 131584, expected a multiple of 512"],
  [[PLAIN, drr.write({ offset: 2n ** 64n - 512n }, 512)], "drr_offset is 18446744073709551104, expected a block that ends before 2^64"],
  [[PLAIN, drr.write({ offset: 512 }, 512), drr.write({}, 512)], "drr_offset is 0, expected records in the order of objects and offsets"],
  [
    [PLAIN, drr.write({ object: 8 }, 512), drr.write({ offset: 512 }, 512)],
    "drr_offset is 512, expected records in the order of objects and offsets",
  ],
  [[PLAIN, drr.write({ checksumtype: 15 }, 512)], "drr_checksumtype is 15, expected a checksum"],
  [[COMPRESSED, drr.write({ compressiontype: 17, compressed_size: 512 }, 512)], "drr_compressiontype is 17, expected a compression"],
  [
    [PLAIN, drr.write({ compressiontype: 15, compressed_size: 512 }, 512)],
    "drr_compressiontype is 15, expected 0 in a stream that is neither compressed nor raw",
  ],
  [
    [PLAIN, drr.write({ compressed_size: 512 }, 512)],
    "drr_compressed_size is 512, expected 0, or 1 to drr_logical_size with a compression",
  ],
  [[COMPRESSED, drr.write({ compressiontype: 15 })], "drr_compressed_size is 0, expected 0, or 1 to drr_logical_size with a compression"],
  [
    [COMPRESSED, drr.write({ compressiontype: 15, compressed_size: 1024 }, 1024)],
    "drr_compressed_size is 1024, expected 0, or 1 to drr_logical_size",
  ],
  [[PLAIN, drr.write({ flags: 2 }, 512)], "drr_flags is 2, expected none but DRR_CHECKSUM_DEDUP, and DRR_RAW_BYTESWAP in a raw stream"],

  [[PLAIN, drr.byref()], 'WRITE_BYREF record of object 7: drr_versioninfo is "no dedup", expected a deduplicated stream'],
  [[DEDUP, drr.byref({ object: 0 })], "drr_object is 0"],
  [[DEDUP, drr.byref({ length: 100 })], "drr_length is 100, expected a multiple of 512"],
  [[DEDUP, drr.byref({ offset: ALL })], "drr_offset is 18446744073709551615, expected a block that ends before 2^64"],
  [[DEDUP, drr.byref({ refguid: 0 })], "drr_refguid is 0, expected a guid"],
  [[DEDUP, drr.byref({ refobject: 0 })], "drr_refobject is 0, expected 1 to 2^48 - 1"],
  [[DEDUP, drr.byref({ refoffset: ALL })], "drr_refoffset is 18446744073709551615, expected a block that ends before 2^64"],

  [
    [PLAIN, drr.embedded({}, 16)],
    'WRITE_EMBEDDED record of object 7: drr_versioninfo is "no embed_data", expected a stream with embed_data',
  ],
  [[EMBED, drr.embedded({ object: 0 }, 16)], "drr_object is 0"],
  [[EMBED, drr.embedded({ length: 0 }, 16)], "drr_length is 0, expected 1 byte to 16 MiB"],
  [[EMBED, drr.embedded({ length: 2 ** 24 + 1 }, 16)], "drr_length is 16777217, expected 1 byte to 16 MiB"],
  [[EMBED, drr.embedded({ offset: ALL }, 16)], "drr_offset is 18446744073709551615, expected a block that ends before 2^64"],
  [[EMBED, drr.embedded({ etype: 2 }, 16)], "drr_etype is 2, expected 0 (data)"],
  [[EMBED, drr.embedded({ compression: 17 }, 16)], "drr_compression is 17, expected a compression"],
  [[EMBED, drr.embedded({ compression: 1 }, 16)], "drr_compression is 1, expected a compression"],
  [[EMBED, drr.embedded({ lsize: 1024 }, 16)], "drr_lsize is 1024, expected drr_length"],
  [[EMBED, drr.embedded({ psize: 0 })], "drr_psize is 0, expected 1 to 112"],
  [[EMBED, drr.embedded({ psize: 113 }, 120)], "drr_psize is 113, expected 1 to 112"],

  [[PLAIN, drr.spill({ object: 0 }, 512)], "SPILL record of object 0: drr_object is 0"],
  [[PLAIN, drr.spill({ length: 100 }, 100)], "drr_length is 100, expected a multiple of 512"],
  [[PLAIN, drr.spill({ flags: 1 }, 512)], "drr_flags is 1, expected none but DRR_SPILL_UNMODIFIED, and DRR_RAW_BYTESWAP in a raw stream"],
  [[PLAIN, drr.spill({ flags: 4 }, 512)], "drr_flags is 4, expected DRR_SPILL_UNMODIFIED only if BEGIN has DRR_FLAG_SPILL_BLOCK"],
  [[PLAIN, drr.spill({ type: 54 }, 512)], "drr_type is 54, expected an object type"],
  [[PLAIN, drr.spill({ compressiontype: 15 }, 512)], "drr_compressiontype is 15, expected 0, or a compression in a raw stream"],
  [[PLAIN, drr.spill({ compressed_size: 512 }, 512)], "drr_compressed_size is 512, expected 0, or 1 to drr_length in a raw stream"],
  [
    [RAW, drr.spill({ compressiontype: 17, compressed_size: 512 }, 512)],
    "drr_compressiontype is 17, expected 0, or a compression",
    RAW_LIST,
  ],
  [[RAW, drr.spill({ compressiontype: 2 }, 512)], "drr_compressed_size is 0, expected 0, or 1 to drr_length in a raw stream", RAW_LIST],
  [
    [RAW, drr.spill({ compressed_size: 1024 }, 1024)],
    "drr_compressed_size is 1024, expected 0, or 1 to drr_length in a raw stream",
    RAW_LIST,
  ],

  [[PLAIN, drr.free({ object: 0 })], "FREE record of object 0: drr_object is 0"],
  [[PLAIN, drr.free({ offset: 512, length: ALL - 1n })], "drr_length is 18446744073709551614, expected a range that ends before 2^64"],
  [[PLAIN, drr.redact()], 'REDACT record of object 7: drr_versioninfo is "not redacted", expected a redacted stream'],
  [[drr.streamBegin(["redacted"]), drr.redact({ object: 0 })], "REDACT record of object 0: drr_object is 0", REDACTED_LIST],
  [
    [drr.streamBegin(["redacted"]), drr.redact({ length: ALL - 1n, offset: 9 })],
    "REDACT record of object 7: drr_length is 18446744073709551614",
    REDACTED_LIST,
  ],
];

describe("checkRecord refuses", () => {
  test.each(REFUSED.map(([sketches, message, payload]) => [message, sketches, payload] as const))(
    "%s",
    async (message, sketches, payload) => {
      const damage = await damageIn(() => check(drr.bytesOf(sketches, payload)));
      expect(damage).toContain(message);
      const last = sketches.slice(0, -1).reduce((at, { payloadBytes = 0 }) => at + 312 + payloadBytes, 0);
      expect(damage.endsWith(`(at byte ${last + (last > 0 ? (payload?.length ?? 0) : 0)})`)).toBe(true);
    },
  );

  test("a name that does not end", async () => {
    const bytes = drr.bytesOf([PLAIN]);
    bytes.fill(0x61, 59, 312);
    expect(await damageIn(() => check(bytes))).toMatch(/^BEGIN record: drr_toname is "t@sa+", expected a name that ends with NUL/);
  });

  test("a package without its list of file systems", async () => {
    const list: NvPairSketch[] = [["tosnap", 9, "s1"]];
    const head = drr.streamBegin(
      [],
      [
        [16, 8, 2],
        [32, 4, 0],
      ],
    );
    const bytes = Buffer.concat([drr.bytesOf([head], packNvlist(list, "xdr")), records([END])]);
    expect(await damageIn(() => check(bytes))).toMatch(/^BEGIN record: fss is "missing", expected an nvlist/);
  });

  test("END of another snapshot", async () => {
    expect(await damageIn(() => check(records([PLAIN, END])))).toBe("END record: drr_toguid is 0, expected that of BEGIN (at byte 312)");
  });

  test("with the facts as fields", async () => {
    const error = await check(drr.bytesOf([PLAIN, drr.object({ blksz: 513 })])).catch((caught: unknown) => caught);
    const facts = { record: "OBJECT", field: "drr_blksz", actual: 513, offset: 312 };
    expect(error instanceof ToolError && error.facts).toMatchObject(facts);
  });

  test("nothing else than damage, whatever a record says", async () => {
    const real = zfsStream("w.full-w.s1");
    const heads = (await recordsOf(real)).map(({ offset }) => offset);
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...heads),
        fc.uint8Array({ minLength: 104, maxLength: 104 }),
        fc.nat(103),
        async (head, noise, from) => {
          const copy = Buffer.from(real);
          copy.set(noise.subarray(from), head + 4 + from);
          await damageIn(() => check(copy));
        },
      ),
      { numRuns: 200 },
    );
  });
});
