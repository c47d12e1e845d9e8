/** What records about the content of objects may say. @see OpenZFS 2.3 `module/zfs/dmu_recv.c` (`receive_process_write_record` and below) */
import * as rule from "./sanity-rule.ts";
import type { Rule } from "./sanity-rule.ts";
import type { SanityState } from "./sanity.ts";
import type { FreeRecord, RedactRecord, SpillRecord, WriteByrefRecord, WriteEmbeddedRecord, WriteRecord } from "./stream-record.ts";

const MAX_EMBEDDED_BYTES = 112; // BPE_PAYLOAD_SIZE
const COMPRESS_OFF = 2; // ZIO_COMPRESS_OFF

export const WRITE_RULES: readonly Rule<WriteRecord>[] = [
  ["drr_object", (drr) => drr.object, "1 to 2^48 - 1", (drr) => rule.isObject(drr.object)],
  ["drr_type", (drr) => drr.objectType, "an object type", (drr) => rule.isObjectType(drr.objectType)],
  [
    "drr_logical_size",
    (drr) => drr.logicalBytes,
    "a multiple of 512, up to 128 KiB, or 16 MiB with large_blocks",
    (drr, state) => rule.isBlockSize(drr.logicalBytes, state),
  ],
  ["drr_offset", (drr) => drr.dataOffset, "a block that ends before 2^64", (drr) => rule.fits(drr.dataOffset, drr.logicalBytes)],
  [
    "drr_offset",
    (drr) => drr.dataOffset,
    "records in the order of objects and offsets",
    (drr, { lastWrite }) => drr.object > lastWrite.object || (drr.object === lastWrite.object && drr.dataOffset >= lastWrite.dataOffset),
  ],
  ["drr_checksumtype", (drr) => drr.checksumType, "a checksum", (drr) => rule.isChecksum(drr.checksumType)],
  ["drr_compressiontype", (drr) => drr.compression, "a compression", (drr) => rule.isCompression(drr.compression)],
  [
    "drr_compressiontype",
    (drr) => drr.compression,
    "0 in a stream that is neither compressed nor raw",
    (drr, { features }) => drr.compression === 0 || features.has("compressed") || features.has("raw"),
  ],
  [
    "drr_compressed_size",
    (drr) => drr.compressedBytes,
    "0, or 1 to drr_logical_size with a compression",
    (drr) => (drr.compression === 0 ? drr.compressedBytes === 0 : drr.compressedBytes > 0 && drr.compressedBytes <= drr.logicalBytes),
  ],
  [
    "drr_flags",
    (drr) => drr.flags,
    "none but DRR_CHECKSUM_DEDUP, and DRR_RAW_BYTESWAP in a raw stream",
    (drr, { features }) => rule.onlyFlags(drr.flags, rule.CHECKSUM_DEDUP | (features.has("raw") ? rule.RAW_BYTESWAP : 0)),
  ],
];

export const WRITE_BYREF_RULES: readonly Rule<WriteByrefRecord>[] = [
  ["drr_versioninfo", (_drr) => "no dedup", "a deduplicated stream", (_drr, { features }) => features.has("dedup")],
  ["drr_object", (drr) => drr.object, "1 to 2^48 - 1", (drr) => rule.isObject(drr.object)],
  [
    "drr_length",
    (drr) => drr.length,
    "a multiple of 512, up to 128 KiB, or 16 MiB with large_blocks",
    (drr, state) => rule.isBlockSize(Number(drr.length), state),
  ],
  ["drr_offset", (drr) => drr.dataOffset, "a block that ends before 2^64", (drr) => rule.fits(drr.dataOffset, drr.length)],
  ["drr_refguid", (drr) => drr.refGuid, "a guid", (drr) => drr.refGuid !== 0n],
  ["drr_refobject", (drr) => drr.refObject, "1 to 2^48 - 1", (drr) => rule.isObject(drr.refObject)],
  ["drr_refoffset", (drr) => drr.refOffset, "a block that ends before 2^64", (drr) => rule.fits(drr.refOffset, drr.length)],
];

export const WRITE_EMBEDDED_RULES: readonly Rule<WriteEmbeddedRecord>[] = [
  ["drr_versioninfo", (_drr) => "no embed_data", "a stream with embed_data", (_drr, { features }) => features.has("embed_data")],
  ["drr_object", (drr) => drr.object, "1 to 2^48 - 1", (drr) => rule.isObject(drr.object)],
  [
    // More than 128 KiB does come without large_blocks: OpenZFS up to 2.3 forgets to ask.
    "drr_length",
    (drr) => drr.length,
    "1 byte to 16 MiB",
    (drr) => drr.length > 0 && drr.length <= rule.MAX_BLOCK_BYTES,
  ],
  ["drr_offset", (drr) => drr.dataOffset, "a block that ends before 2^64", (drr) => rule.fits(drr.dataOffset, drr.length)],
  ["drr_etype", (drr) => drr.embeddedType, "0 (data)", (drr) => drr.embeddedType === 0],
  [
    "drr_compression",
    (drr) => drr.compression,
    "a compression",
    (drr) => drr.compression >= COMPRESS_OFF && rule.isCompression(drr.compression),
  ],
  ["drr_lsize", (drr) => drr.logicalBytes, "drr_length", (drr) => drr.logicalBytes === drr.length],
  ["drr_psize", (drr) => drr.storedBytes, "1 to 112", (drr) => drr.storedBytes > 0 && drr.storedBytes <= MAX_EMBEDDED_BYTES],
];

export const SPILL_RULES: readonly Rule<SpillRecord>[] = [
  ["drr_object", (drr) => drr.object, "1 to 2^48 - 1", (drr) => rule.isObject(drr.object)],
  [
    "drr_length",
    (drr) => drr.logicalBytes,
    "a multiple of 512, up to 128 KiB, or 16 MiB with large_blocks",
    (drr, state) => rule.isBlockSize(drr.logicalBytes, state),
  ],
  [
    "drr_flags",
    (drr) => drr.flags,
    "none but DRR_SPILL_UNMODIFIED, and DRR_RAW_BYTESWAP in a raw stream",
    (drr, { features }) => rule.onlyFlags(drr.flags, rule.SPILL_FLAG | (features.has("raw") ? rule.RAW_BYTESWAP : 0)),
  ],
  [
    "drr_flags",
    (drr) => drr.flags,
    "DRR_SPILL_UNMODIFIED only if BEGIN has DRR_FLAG_SPILL_BLOCK",
    (drr, state) => (drr.flags & rule.SPILL_FLAG) === 0 || rule.hasSpillFlags(state),
  ],
  ["drr_type", (drr) => drr.blockType, "an object type", (drr) => rule.isObjectType(drr.blockType)],
  [
    "drr_compressiontype",
    (drr) => drr.compression,
    "0, or a compression in a raw stream",
    (drr, { features }) => (features.has("raw") ? rule.isCompression(drr.compression) : drr.compression === 0),
  ],
  [
    "drr_compressed_size",
    (drr) => drr.compressedBytes,
    "0, or 1 to drr_length in a raw stream",
    (drr, { features }) =>
      features.has("raw") ? drr.compressedBytes > 0 && drr.compressedBytes <= drr.logicalBytes : drr.compressedBytes === 0,
  ],
];

export const FREE_RULES: readonly Rule<FreeRecord>[] = rangeRules();

export const REDACT_RULES: readonly Rule<RedactRecord>[] = [
  ["drr_versioninfo", (_drr) => "not redacted", "a redacted stream", (_drr, { features }: SanityState) => features.has("redacted")],
  ...rangeRules(),
];

function rangeRules(): Rule<FreeRecord | RedactRecord>[] {
  return [
    ["drr_object", (drr) => drr.object, "1 to 2^48 - 1", (drr) => rule.isObject(drr.object)],
    ["drr_length", (drr) => drr.length, "a range that ends before 2^64", (drr) => rule.fitsOrToTheEnd(drr.dataOffset, drr.length)],
  ];
}
