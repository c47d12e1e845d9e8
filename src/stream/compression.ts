/** Compression of whole inputs, told by their first bytes; several members or frames one behind the other are one input. */
import { damaged } from "../errors.ts";
import type { ByteStream } from "./bytes.ts";
import { gunzip } from "./gunzip.ts";
import { unzstd } from "./unzstd.ts";

/** How content is stored. */
export type Compression = "none" | "gzip" | "zstd";

/** Bytes that it is told by. */
export const MAGIC_BYTES = 6;

/** In hexadecimal digits. */
const MAGICS: readonly (readonly [name: Compression | "bzip2" | "xz", magic: RegExp])[] = [
  ["gzip", /^1f8b/],
  ["zstd", /^(?:28b52ffd|5[0-9a-f]2a4d18)/],
  ["bzip2", /^425a683[1-9]3141/],
  ["xz", /^fd377a585a00/],
];

/**
 * How content is compressed that begins so.
 *
 * @param head its first {@link MAGIC_BYTES} bytes, or all of it
 * @param what what messages call it, quoted
 * @throws ToolError damaged for what is not read here
 */
export function compressionOf(head: Uint8Array, what: string): Compression {
  const digits = Buffer.from(head).toString("hex");
  const name = MAGICS.find(([, magic]) => magic.test(digits))?.[0] ?? "none";
  if (name !== "bzip2" && name !== "xz") return name;
  throw damaged(`Cannot read ${what}: it is compressed with ${name}`, { hints: [`Decompress it with ${name} first`] });
}

/** Decompresses a stream. @param what what messages call it @throws ToolError damaged */
export function decompressed(stored: ByteStream, compression: Compression, what: string): ByteStream {
  if (compression === "gzip") return gunzip(stored, what);
  return compression === "zstd" ? unzstd(stored, what) : stored;
}
