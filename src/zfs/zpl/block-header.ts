/**
 * How a block of data is stored: what of a WRITE, WRITE_EMBEDDED or SPILL record is needed to read the data behind it, be the record still in
 * its stream or kept in memory as this header. The record's type tells its byte order.
 *
 * @see OpenZFS 2.3 `include/sys/zfs_ioctl.h` (`drr_write`, `drr_write_embedded`, `drr_spill`)
 */
import type { StreamRecord } from "../dmu/stream-record.ts";
import { DRR } from "../dmu/record.ts";

/** A block as stored. */
export interface BlockHeader {
  logicalBytes: number;
  /** Bytes behind the record that count; what follows them up to `payloadBytes` is padding. */
  storedBytes: number;
  payloadBytes: number;
  /** Id of `enum zio_compress`, 0 for none. */
  compression: number;
}

/** Bytes of a header in memory: logical size, stored size, compression. */
export const KEPT_HEADER_BYTES = 12;
const MAX_BLOCK_BYTES = 16 * 1024 * 1024;

/** The header of a record that brings a block; undefined if its sizes make no sense. */
export function blockHeader(record: StreamRecord): BlockHeader | undefined {
  if (record.kind === "write") return writeHeader(record);
  if (record.kind === "spill") return spillHeader(record);
  if (record.kind !== "writeEmbedded") return undefined;
  const { logicalBytes, storedBytes, payloadBytes, compression } = record;
  return checked({ logicalBytes, storedBytes, payloadBytes, compression });
}

/** Decodes the header out of a record in its stream; undefined if the record brings no block. */
export function decodeBlockHeader(view: DataView, at: number): BlockHeader | undefined {
  const littleEndian = view.getUint8(at) !== 0;
  const u32 = (offset: number): number => view.getUint32(at + offset, littleEndian);
  const u64 = (offset: number): number => Number(view.getBigUint64(at + offset, littleEndian));
  switch (u32(0)) {
    case DRR.write:
      return writeHeader({ logicalBytes: u64(32), compressedBytes: u64(96), compression: view.getUint8(at + 50) });
    case DRR.spill:
      return spillHeader({ logicalBytes: u64(16), compressedBytes: u64(40), compression: view.getUint8(at + 33) });
    case DRR.writeEmbedded:
      return checked({
        logicalBytes: u32(48),
        storedBytes: u32(52),
        payloadBytes: Math.ceil(u32(52) / 8) * 8,
        compression: view.getUint8(at + 40),
      });
    default:
      return undefined;
  }
}

/** Encodes a header to be kept in front of its block. */
export function encodeKeptHeader({ logicalBytes, storedBytes, compression }: BlockHeader): Uint8Array {
  const view = new DataView(new ArrayBuffer(KEPT_HEADER_BYTES));
  view.setUint32(0, logicalBytes);
  view.setUint32(4, storedBytes);
  view.setUint8(8, compression);
  return new Uint8Array(view.buffer);
}

/** Decodes a kept header. */
export function decodeKeptHeader(view: DataView, at: number): BlockHeader {
  const storedBytes = view.getUint32(at + 4);
  return { logicalBytes: view.getUint32(at), storedBytes, payloadBytes: storedBytes, compression: view.getUint8(at + 8) };
}

interface Sizes {
  logicalBytes: number;
  compressedBytes: number;
  compression: number;
}

function writeHeader({ logicalBytes, compressedBytes, compression }: Sizes): BlockHeader | undefined {
  const payloadBytes = compression === 0 ? logicalBytes : compressedBytes;
  return checked({ logicalBytes, storedBytes: payloadBytes, payloadBytes, compression });
}

/** Spill blocks are only sent compressed in raw streams; others leave the compressed size 0. */
function spillHeader({ logicalBytes, compressedBytes, compression }: Sizes): BlockHeader | undefined {
  const isPlain = compressedBytes === 0;
  const payloadBytes = isPlain ? logicalBytes : compressedBytes;
  return checked({ logicalBytes, storedBytes: payloadBytes, payloadBytes, compression: isPlain ? 0 : compression });
}

function checked(header: BlockHeader): BlockHeader | undefined {
  const { logicalBytes, storedBytes, payloadBytes } = header;
  const isSane = logicalBytes > 0 && logicalBytes <= MAX_BLOCK_BYTES && storedBytes <= payloadBytes && payloadBytes <= MAX_BLOCK_BYTES;
  return isSane ? header : undefined;
}
