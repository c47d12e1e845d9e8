/**
 * lz4 as ZFS stores it: 4 bytes of length, big-endian, then one block in LZ4 block format, a run of sequences:
 *
 *     | token: literals 4 bits, match - 4 4 bits | more literal length … | literals | offset u16, little-endian | more match length … |
 *
 * Four bits of 15 go on in the bytes that follow, up to one that is not 255. The last sequence ends behind its literals. A match is copied from
 * `offset` bytes before, and may overlap what it makes.
 *
 * @see https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md, OpenZFS 2.3 `module/zfs/lz4_zfs.c` (`zfs_lz4_decompress_buf`)
 */

const LENGTH_BYTES = 4;
const MIN_MATCH = 4;
/** From here on a call that copies a run is faster than a loop. */
const LONG_RUN = 24;

/** Decompresses an lz4 block; undefined unless it comes to exactly `logicalBytes`. */
export function decompressLz4(data: Uint8Array, logicalBytes: number): Uint8Array | undefined {
  if (data.length < LENGTH_BYTES) return undefined;
  const end = LENGTH_BYTES + new DataView(data.buffer, data.byteOffset).getUint32(0);
  if (end > data.length) return undefined;
  const out = new Uint8Array(logicalBytes);
  return decodeSequences(data, end, out) === logicalBytes ? out : undefined;
}

/** Decodes sequences up to `end`; returns how many bytes they made, or -1 if they are damaged. */
// One function over plain numbers: this is where reading a compressed stream spends its time.
function decodeSequences(data: Uint8Array, end: number, out: Uint8Array): number {
  let at = LENGTH_BYTES;
  let made = 0;
  while (at < end) {
    const token = data[at++] as number;
    let literals = token >> 4;
    if (literals === 15) {
      let more = 255;
      while (more === 255 && at < end) {
        more = data[at++] as number;
        literals += more;
      }
    }
    if (literals > end - at || literals > out.length - made) return -1;
    if (literals < LONG_RUN) for (const stop = made + literals; made < stop;) out[made++] = data[at++] as number;
    else {
      out.set(data.subarray(at, at + literals), made);
      made += literals;
      at += literals;
    }
    if (at === end) return made;

    if (end - at < 2) return -1;
    const offset = (data[at] as number) | ((data[at + 1] as number) << 8);
    at += 2;
    let match = (token & 15) + MIN_MATCH;
    if (match === 15 + MIN_MATCH) {
      let more = 255;
      while (more === 255 && at < end) {
        more = data[at++] as number;
        match += more;
      }
    }
    if (offset === 0 || offset > made || match > out.length - made) return -1;
    copyMatch(out, made, offset, match);
    made += match;
  }
  return made;
}

/** Copies `match` bytes from `offset` before `at`. A match longer than its offset repeats itself: each copy doubles what is there. */
function copyMatch(out: Uint8Array, at: number, offset: number, match: number): void {
  const end = at + match;
  if (match < LONG_RUN) {
    for (let to = at; to < end; to++) out[to] = out[to - offset] as number;
    return;
  }
  const from = at - offset;
  for (let to = at; to < end;) {
    const step = Math.min(to - from, end - to);
    out.copyWithin(to, from, from + step);
    to += step;
  }
}
