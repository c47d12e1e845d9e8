/**
 * Makes a ZFS stream of any size: a real one of a few files (test/fixtures/streams), and behind its records those of as many more files, with the
 * content of this machine's files. Every checksum holds; `zfs recv` takes it.
 *
 * `plain` is what `zfs send` gives. `packed` is what `zfs send -c` gives of a dataset with compression=zstd: each block that gains from it is a
 * zstd frame, behind a header of 8 bytes, padded to sectors.
 *
 * @see OpenZFS 2.3 `include/sys/zfs_ioctl.h` (`drr_object`, `drr_write`, `drr_free`), `module/zstd/zfs_zstd.c` (`zfs_zstdhdr_t`)
 */
import * as fs from "node:fs";
import * as path from "node:path";
import { Fletcher4 } from "../../src/zfs/dmu/fletcher4.ts";
import { fileBlocks, hostFiles, roundUp } from "./host-files.ts";
import { readTemplate, type StreamTemplate, type TemplateRecord } from "./stream-template.ts";
import { StreamWriter } from "./stream-writer.ts";

/** How blocks are in the stream: as they are, or compressed. */
export type BlockFlavour = "plain" | "packed";

/** What was made. */
export interface StreamFacts {
  readonly bytes: number;
  readonly records: number;
  readonly files: number;
}

const TEMPLATE = path.join(import.meta.dirname, "../../test/fixtures/streams/p.full.s1.zfs.gz");
const TO_NAME = "bench/ct/source@osctl-base-0";
const SECTOR_BYTES = 512;

/** `drr_versioninfo`: a stream with the features SA_SPILL, and for `packed` LZ4, COMPRESSED, ZSTD. */
const VERSION_INFO = { plain: 0x11n, packed: 0x9080011n } as const;
const COMPRESS = { off: 2, zstd: 16 } as const;
/** `zfs_zstdhdr_t`: level 3, version 1.4.5, behind the length. */
const ZSTD_HEADER_BYTES = 8;
const ZSTD_LEVEL_AND_VERSION = 0x030028a5;
const ZSTD_MAGIC_BYTES = 4;

/** Makes a stream of at least `bytes`. */
export function makeStream(file: string, flavour: BlockFlavour, bytes: number): StreamFacts {
  const template = readTemplate(TEMPLATE);
  const fd = fs.openSync(file, "w");
  try {
    const writer = new StreamWriter(fd);
    writer.write(beginRecord(template, flavour));
    for (const { record, payload } of template.middle) writer.write(record, payload);
    const files = writeFiles({ writer, template, flavour, bytes });
    writer.write(template.end.record);
    writer.flush();
    return { bytes: writer.bytes, records: writer.records, files };
  } finally {
    fs.closeSync(fd);
  }
}

function beginRecord({ begin }: StreamTemplate, flavour: BlockFlavour): Uint8Array {
  const record = begin.record.slice();
  new DataView(record.buffer).setBigUint64(16, VERSION_INFO[flavour], true);
  record.fill(0, 56); // drr_toname
  record.set(new TextEncoder().encode(TO_NAME), 56);
  return record;
}

/** Writes files, all of the machine's and again, until the stream is large enough. @returns how many */
function writeFiles(options: { writer: StreamWriter; template: StreamTemplate; flavour: BlockFlavour; bytes: number }): number {
  const { writer, template, flavour, bytes } = options;
  const encode = flavour === "packed" ? packed : plain;
  const names = hostFiles();
  let count = 0;
  while (writer.bytes < bytes) {
    const before = writer.bytes;
    for (const name of names) {
      if (writer.bytes >= bytes) return count;
      writeFile(writer, template.file, { number: template.nextObject + count, blocks: fileBlocks(name), encode });
      count += 1;
    }
    if (writer.bytes === before) throw new Error("this machine has no files to make a stream of");
  }
  return count;
}

type Encoder = (block: Uint8Array) => { stored: Uint8Array; compression: number };
type NewFile = { number: number; blocks: Iterable<Uint8Array>; encode: Encoder };

function writeFile(writer: StreamWriter, template: StreamTemplate["file"], { number, blocks, encode }: NewFile): void {
  let offset = 0;
  for (const block of blocks) {
    if (offset === 0) {
      writer.write(objectRecord(template.object, number, block.length), template.object.payload);
      writer.write(freeRecord(template.free, number, block.length));
    }
    const { stored, compression } = encode(block);
    writer.write(writeRecord(template.write, { number, offset, logicalBytes: block.length, stored, compression }), stored);
    offset += block.length;
  }
}

function objectRecord({ record }: TemplateRecord, number: number, blockBytes: number): Uint8Array {
  return patched(record, number, (view) => view.setUint32(24, blockBytes, true)); // drr_blksz
}

/** Nothing is behind the end. */
function freeRecord({ record }: TemplateRecord, number: number, offset: number): Uint8Array {
  return patched(record, number, (view) => view.setBigUint64(16, BigInt(offset), true)); // drr_offset
}

type Block = { number: number; offset: number; logicalBytes: number; stored: Uint8Array; compression: number };

const blockSum = new Fletcher4();

function writeRecord({ record }: TemplateRecord, { number, offset, logicalBytes, stored, compression }: Block): Uint8Array {
  const sectors = (bytes: number): bigint => BigInt(bytes / SECTOR_BYTES - 1);
  blockSum.reset(true);
  blockSum.update(stored);
  return patched(record, number, (view) => {
    view.setBigUint64(24, BigInt(offset), true); // drr_offset
    view.setBigUint64(32, BigInt(logicalBytes), true); // drr_logical_size
    view.setUint8(50, compression === COMPRESS.off ? 0 : compression); // drr_compressiontype
    for (const [index, sum] of blockSum.sums().entries()) view.setBigUint64(56 + 8 * index, sum, true); // ddk_cksum
    view.setBigUint64(88, sectors(logicalBytes) | (sectors(stored.length) << 16n) | (BigInt(compression) << 32n), true); // ddk_prop
    view.setBigUint64(96, compression === COMPRESS.off ? 0n : BigInt(stored.length), true); // drr_compressed_size
  });
}

function patched(record: Uint8Array, number: number, patch: (view: DataView) => void): Uint8Array {
  const copy = record.slice();
  const view = new DataView(copy.buffer);
  view.setBigUint64(8, BigInt(number), true); // drr_object
  patch(view);
  return copy;
}

function plain(block: Uint8Array): ReturnType<Encoder> {
  return { stored: block, compression: COMPRESS.off };
}

/** As ZFS does: compressed only if that saves an eighth. */
function packed(block: Uint8Array): ReturnType<Encoder> {
  const frame = Bun.zstdCompressSync(block, { level: 3 }).subarray(ZSTD_MAGIC_BYTES);
  const storedBytes = roundUp(ZSTD_HEADER_BYTES + frame.length, SECTOR_BYTES);
  if (storedBytes > block.length - block.length / 8) return plain(block);
  const stored = new Uint8Array(storedBytes);
  const view = new DataView(stored.buffer);
  view.setUint32(0, frame.length);
  view.setUint32(4, ZSTD_LEVEL_AND_VERSION);
  stored.set(frame, ZSTD_HEADER_BYTES);
  return { stored, compression: COMPRESS.zstd };
}
