/**
 * zstd as ZFS stores it: an 8 byte header, then a frame without its magic number.
 *
 *     | length of the frame u32, big-endian | version of zstd 24 bits, level 8 bits | frame … |
 *
 * @see OpenZFS 2.3 `include/sys/zstd/zstd.h` (`zfs_zstdhdr_t`), `module/zstd/zfs_zstd.c`, RFC 8878 §3.1.1
 */
import { zstdDecompressSync } from "node:zlib";

const HEADER_BYTES = 8;
const MAGIC = Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd);

/** Decompresses a zstd block; undefined unless it comes to exactly `logicalBytes`. */
export function decompressZstd(data: Uint8Array, logicalBytes: number): Uint8Array | undefined {
  if (data.length < HEADER_BYTES) return undefined;
  const frameBytes = new DataView(data.buffer, data.byteOffset).getUint32(0);
  if (frameBytes > data.length - HEADER_BYTES) return undefined;
  const frame = new Uint8Array(MAGIC.length + frameBytes);
  frame.set(MAGIC);
  frame.set(data.subarray(HEADER_BYTES, HEADER_BYTES + frameBytes), MAGIC.length);
  try {
    const out = zstdDecompressSync(frame, { maxOutputLength: logicalBytes });
    return out.length === logicalBytes ? out : undefined;
  } catch {
    return undefined; // as with zlib
  }
}
