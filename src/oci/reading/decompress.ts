/** Content that may be compressed, told by its first bytes, and bounded (see expansion.ts). */
import { readAll, type ByteStream } from "../../stream/bytes.ts";
import { compressionOf, decompressed, MAGIC_BYTES, type Compression } from "../../stream/compression.ts";
import { observed } from "../../stream/digest.ts";
import { PeekSource } from "../../stream/peek-source.ts";
import { StreamSource } from "../../stream/stream-source.ts";
import { Expansion } from "./expansion.ts";

/** What is read. */
export interface Reading {
  /** What messages call it. */
  readonly name: string;
  readonly expansion: Expansion;
  /** Where it is needed. */
  readonly use: unknown;
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

/** Decompresses a stream, or passes it on. @throws ToolError damaged, also for what becomes too large */
export async function* decompress(stored: ByteStream, compression: Compression, { name, expansion, use }: Reading): ByteStream {
  const [before, after] = [new Counter(), new Counter()];
  for await (const chunk of decompressed(observed(stored, before), compression, name)) {
    after.update(chunk);
    expansion.note(name, use, { stored: before.bytes, content: after.bytes });
    yield chunk;
  }
}

/** Decompresses a stream if it is compressed. @param name what messages call it */
export async function* decompressAny(stored: ByteStream, name: string): ByteStream {
  const { compression, source, close } = await sniff(stored, `"${name}"`);
  try {
    yield* decompress(readAll(source), compression, { name, expansion: new Expansion(), use: name });
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
