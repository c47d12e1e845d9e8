/**
 * A gzip member as ctar writes it: RFC 1952, with the member's own length in an extra field, so that a reader finds the next one without
 * decompressing.
 *
 *     1f 8b 08 04 | mtime 0 (4) | xfl 0 | os 3 | xlen 8 (2) | "Ct" | 4 (2) | length of the member (4) | deflate … | crc32 (4) | size (4)
 *
 * @see RFC 1952 §2.3, §2.3.1.1
 */

/** Input bytes per member: large enough that a fresh dictionary costs less than 0.5 %, small enough to hold many in memory. */
export const BLOCK_BYTES: number = 1024 * 1024;

/** Bytes of the header. */
export const HEADER_BYTES = 20;
/** CRC-32 and size. */
export const TRAILER_BYTES = 8;

const PLAIN_HEADER_BYTES = 10;
const FLAGS_AT = 3;
const LENGTH_AT = 16;
const HEADER = Uint8Array.of(0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 3, 8, 0, 0x43, 0x74, 4, 0, 0, 0, 0, 0);
/** Deflate never makes a block longer than by 5 bytes for each 65535, were it not for how libraries split them. */
const MEMBER_LIMIT_BYTES = BLOCK_BYTES + BLOCK_BYTES / 64 + HEADER_BYTES + TRAILER_BYTES;

/** Gives a plain gzip member, one without any optional field, the header of ours. @returns it in two parts */
export function withLength(plain: Uint8Array): [header: Uint8Array, rest: Uint8Array] {
  if (plain[FLAGS_AT] !== 0) throw new TypeError("a gzip member with optional fields");
  const rest = plain.subarray(PLAIN_HEADER_BYTES);
  const header = HEADER.slice();
  new DataView(header.buffer).setUint32(LENGTH_AT, HEADER_BYTES + rest.length, true);
  return [header, rest];
}

/** Length of the member that begins with these bytes, if it is one of ours. */
export function memberLength(bytes: Uint8Array): number | undefined {
  if (bytes.length < HEADER_BYTES || HEADER.some((byte, index) => index < LENGTH_AT && bytes[index] !== byte)) return undefined;
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(LENGTH_AT, true);
  return length > HEADER_BYTES + TRAILER_BYTES && length <= MEMBER_LIMIT_BYTES ? length : undefined;
}
