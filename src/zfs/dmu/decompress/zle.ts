/**
 * zle, which only shortens runs of zeros: a byte below 64 says that one more than it literal bytes follow; any other that as many zeros stand here
 * as it is above 63.
 *
 * @see OpenZFS 2.3 `module/zfs/zle.c`, `module/zfs/zio_compress.c` (level 64)
 */

const LITERALS = 64;

/** Decompresses a zle block; undefined unless it comes to exactly `logicalBytes`. */
export function decompressZle(data: Uint8Array, logicalBytes: number): Uint8Array | undefined {
  const out = new Uint8Array(logicalBytes);
  let at = 0;
  let made = 0;
  while (made < logicalBytes) {
    if (at >= data.length) return undefined;
    const length = 1 + (data[at++] as number);
    if (length > LITERALS) {
      made += length - LITERALS;
      continue;
    }
    if (length > data.length - at || length > logicalBytes - made) return undefined;
    for (const end = made + length; made < end;) out[made++] = data[at++] as number;
  }
  return made === logicalBytes ? out : undefined;
}
