/** Compression of whole inputs, told by their first bytes; several members or frames one behind the other are one input. */
import { damaged } from "../errors.ts";
import type { ByteStream } from "./bytes.ts";
import { gunzip } from "./gunzip.ts";
import { unzstd } from "./unzstd.ts";

/** How content is stored. */
export type Compression = "none" | "gzip" | "zstd";

/** Bytes that it is told by. */
export const MAGIC_BYTES = 6;

const MAGICS: readonly (readonly [name: Compression | "bzip2" | "xz", magic: RegExp])[] = [
  ["gzip", /^\x1f\x8b/],
  ["zstd", /^\x28\xb5\x2f\xfd|^[\x50-\x5f]\x2a\x4d\x18/],
  ["bzip2", /^BZh[1-9]1A/],
  ["xz", /^\xfd7zXZ\0/],
];

/**
 * How content is compressed that begins so.
 *
 * @param head its first {@link MAGIC_BYTES} bytes, or all of it
 * @param what what messages call it, quoted
 * @throws ToolError damaged for what is not read here
 */
export function compressionOf(head: Uint8Array, what: string): Compression {
  const text = Buffer.from(head).toString("latin1");
  const name = MAGICS.find(([, magic]) => magic.test(text))?.[0] ?? "none";
  if (name !== "bzip2" && name !== "xz") return name;
  throw damaged(`Cannot read ${what}: it is compressed with ${name}`, { hints: [`Decompress it with ${name} first`] });
}

/** Decompresses a stream. @param what what messages call it @throws ToolError damaged */
export function decompressed(stored: ByteStream, compression: Compression, what: string): ByteStream {
  if (compression === "gzip") return gunzip(stored, what);
  return compression === "zstd" ? unzstd(stored, what) : stored;
}
