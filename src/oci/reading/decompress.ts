/**
 * Content that may be compressed, told by its first bytes, and the bound of what may come of it.
 *
 * A few kilobytes can decompress to as many terabytes, and nothing in an image says how large a layer becomes. Data of people is seldom compressed
 * to less than a hundredth; so what becomes larger than 1 GiB and than 250 times of what is stored is refused.
 */
import { damaged } from "../../errors.ts";
import { readAll, type ByteStream } from "../../stream/bytes.ts";
import { observed } from "../../stream/digest.ts";
import { gunzip } from "../../stream/gunzip.ts";
import { PeekSource } from "../../stream/peek-source.ts";
import { StreamSource } from "../../stream/stream-source.ts";
import { unzstd } from "../../stream/unzstd.ts";
import type { Compression } from "../media-type.ts";

/** How large what is decompressed may become, as a multiple of what is stored. */
export const EXPANSION_LIMIT = 250;

const FREE_BYTES = 1024 ** 3;
/** Bytes that the compression is told by. */
export const MAGIC_BYTES = 6;
const MAGICS: readonly (readonly [name: Compression | "bzip2" | "xz", magic: Uint8Array])[] = [
  ["gzip", Buffer.of(0x1f, 0x8b)],
  ["zstd", Buffer.of(0x28, 0xb5, 0x2f, 0xfd)],
  ["bzip2", Buffer.from("BZh")],
  ["xz", Buffer.from("\xfd7zXZ\0", "latin1")],
];

/** How content is compressed that begins so. @param what what messages call it, quoted @throws ToolError damaged for what is not read here */
export function compressionOf(head: Uint8Array, what: string): Compression {
  const found = MAGICS.find(([, magic]) => magic.length <= head.length && Buffer.compare(magic, head.subarray(0, magic.length)) === 0);
  const name = found?.[0] ?? (isSkippableFrame(head) ? "zstd" : "none");
  if (name !== "bzip2" && name !== "xz") return name;
  throw damaged(`Cannot read ${what}: it is compressed with ${name}, which images are not today`, {
    hints: [`Decompress it with ${name} first`],
  });
}

/** The compression of a stream, and the stream with nothing taken from it, to be closed if it is not read to its end. */
export async function sniff(
  stored: ByteStream,
  what: string,
): Promise<{ compression: Compression; source: PeekSource; close: () => Promise<void> }> {
  const stream = new StreamSource(stored);
  const source = new PeekSource(stream);
  try {
    const compression = compressionOf(await source.peek(MAGIC_BYTES), what);
    return { compression, source, close: async () => await stream.close() };
  } catch (error) {
    await stream.close();
    throw error;
  }
}

/** Decompresses a stream. @param name what messages call it @throws ToolError damaged, also for what becomes too large */
export async function* decompress(
  stored: ByteStream,
  compression: Compression,
  { name, limit }: { name: string; limit: number },
): ByteStream {
  if (compression === "none") return yield* stored;
  const [before, after] = [new Counter(), new Counter()];
  const counted = observed(stored, before);
  for await (const chunk of compression === "gzip" ? gunzip(counted, name) : unzstd(counted, name)) {
    after.update(chunk);
    if (after.bytes > Math.max(FREE_BYTES, before.bytes * limit)) throw tooLarge(name, before.bytes, limit);
    yield chunk;
  }
}

/** Decompresses a stream if it is compressed. */
export async function* decompressAny(stored: ByteStream, options: { name: string; limit: number }): ByteStream {
  const { compression, source, close } = await sniff(stored, `"${options.name}"`);
  try {
    yield* decompress(readAll(source), compression, options);
  } finally {
    await close();
  }
}

class Counter {
  bytes = 0;

  update(chunk: Uint8Array): void {
    this.bytes += chunk.length;
  }
}

function isSkippableFrame(head: Uint8Array): boolean {
  return head.length >= 4 && ((head[0] ?? 0) & 0xf0) === 0x50 && head[1] === 0x2a && head[2] === 0x4d && head[3] === 0x18;
}

function tooLarge(name: string, stored: number, limit: number): Error {
  return damaged(`Cannot read "${name}": it decompresses to more than 1 GiB and ${limit} times of the ${stored} bytes that are stored`);
}
