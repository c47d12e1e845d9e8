/** gzip-1 to gzip-9, which are one zlib stream (RFC 1950), without a gzip header. @see OpenZFS 2.3 `module/zfs/gzip.c` */
import { inflateSync } from "node:zlib";

/** Decompresses a gzip block; undefined unless it comes to exactly `logicalBytes`. */
export function decompressGzip(data: Uint8Array, logicalBytes: number): Uint8Array | undefined {
  try {
    const out = inflateSync(data, { maxOutputLength: logicalBytes });
    return out.length === logicalBytes ? out : undefined;
  } catch {
    return undefined; // zlib's own words (a wrong checksum, more than maxOutputLength) are of no use to anyone
  }
}
