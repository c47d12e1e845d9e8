/**
 * lzjb: a map byte tells of the eight items behind it, lowest bit first, whether each is a literal byte (0) or a match (1) of two bytes:
 *
 *     | length - 3, 6 bits | offset, 10 bits |
 *
 * There is no end mark: the block ends with its last byte, inside a match if need be.
 *
 * @see OpenZFS 2.3 `module/zfs/lzjb.c`
 */

const MIN_MATCH = 3;

/** Decompresses an lzjb block; undefined unless it comes to exactly `logicalBytes`. */
export function decompressLzjb(data: Uint8Array, logicalBytes: number): Uint8Array | undefined {
  const out = new Uint8Array(logicalBytes);
  let at = 0;
  let made = 0;
  let map = 0;
  for (let item = 0; made < logicalBytes; item++) {
    if (item % 8 === 0) map = at < data.length ? (data[at++] as number) : 0;
    const isMatch = ((map >> (item % 8)) & 1) === 1;
    if (at + (isMatch ? 2 : 1) > data.length) return undefined;
    if (!isMatch) {
      out[made++] = data[at++] as number;
      continue;
    }
    const pair = ((data[at] as number) << 8) | (data[at + 1] as number);
    at += 2;
    const offset = pair & 0x3ff;
    if (offset === 0 || offset > made) return undefined;
    const end = Math.min(made + (pair >> 10) + MIN_MATCH, logicalBytes);
    for (; made < end; made++) out[made] = out[made - offset] as number;
  }
  return out;
}
