/** What an input begins with, which is how it is told what it is. */
import { isSeekable, readAll, type ByteSource } from "./bytes.ts";
import { compressionOf, decompressed, MAGIC_BYTES, type Compression } from "./compression.ts";
import { PeekSource } from "./peek-source.ts";
import { StreamSource } from "./stream-source.ts";

/** An input without the compression around all of it. Disposing leaves the input itself open. */
export interface Unpacked extends AsyncDisposable {
  readonly compression: Compression;
  readonly source: ByteSource;
}

/** The first bytes, and a source that gives all of them: of a file, from its beginning. */
export async function startOf(source: ByteSource, count: number): Promise<{ head: Buffer; all: ByteSource }> {
  if (isSeekable(source)) source.seek(0);
  const start = new PeekSource(source);
  const head = Buffer.from(await start.peek(count));
  if (!isSeekable(source)) return { head, all: start };
  source.seek(0);
  return { head, all: source };
}

/** Takes off the compression around an input. @param what what messages call it @throws ToolError damaged for one that is not read */
export async function unpack(source: ByteSource, what: string): Promise<Unpacked> {
  const { head, all } = await startOf(source, MAGIC_BYTES);
  const compression = compressionOf(head, `"${what}"`);
  if (compression === "none") return { compression, source: all, [Symbol.asyncDispose]: async () => await Promise.resolve() };
  const unpacked = new StreamSource(decompressed(readAll(all), compression, what));
  return { compression, source: unpacked, [Symbol.asyncDispose]: async () => await unpacked.close() };
}
