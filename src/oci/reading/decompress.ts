/**
 * Content that may be compressed, told by its first bytes, and the bound of what may come of it.
 *
 * A few kilobytes can decompress to as many terabytes, and nothing in an image says how large a layer becomes. Data of people is seldom compressed
 * to less than a hundredth; so what becomes larger than 1 GiB and than 250 times of what is stored is refused.
 */
import { damaged } from "../../errors.ts";
import { readAll, type ByteStream } from "../../stream/bytes.ts";
import { compressionOf, decompressed, MAGIC_BYTES, type Compression } from "../../stream/compression.ts";
import { observed } from "../../stream/digest.ts";
import { PeekSource } from "../../stream/peek-source.ts";
import { StreamSource } from "../../stream/stream-source.ts";

/** How large what is decompressed may become, as a multiple of what is stored. */
export const EXPANSION_LIMIT = 250;

const FREE_BYTES = 1024 ** 3;

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
  for await (const chunk of decompressed(counted, compression, name)) {
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

function tooLarge(name: string, stored: number, limit: number): Error {
  return damaged(`Cannot read "${name}": it decompresses to more than 1 GiB and ${limit} times of the ${stored} bytes that are stored`);
}
