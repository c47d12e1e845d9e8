/** A stream of `node:zlib`, which works on another thread than ours, as a step of a byte stream. */
import type { Transform } from "node:stream";
import type { ByteStream } from "./bytes.ts";

/**
 * What comes out of zlib.
 *
 * @param zlibStream new; it is destroyed at the end
 * @param failure the error to throw for one of zlib or of the source
 */
export async function* throughZlib(source: ByteStream, zlibStream: Transform, failure: (error: unknown) => unknown): ByteStream {
  const ended = Promise.withResolvers<void>();
  let feedFailure: unknown;
  const fed = feed(zlibStream, source, ended.promise).catch((error: unknown) => {
    feedFailure = error;
    zlibStream.destroy(error as Error);
  });
  try {
    for await (const chunk of zlibStream as AsyncIterable<Buffer>) yield chunk;
    await fed;
    if (feedFailure !== undefined) throw feedFailure as Error;
  } catch (error) {
    throw failure(feedFailure ?? error);
  } finally {
    zlibStream.destroy();
    ended.resolve();
    await fed;
  }
}

/**
 * Feeds until the source or the reader ends. `stream.pipeline` does the same, but under Bun it never settles now and then when the reader ends
 * while zlib is at work.
 */
async function feed(into: Transform, source: ByteStream, ended: Promise<void>): Promise<void> {
  for await (const chunk of source) {
    if (into.destroyed) return;
    if (into.write(chunk)) continue;
    await Promise.race([new Promise((resolve) => into.once("drain", resolve)), ended]);
  }
  if (!into.destroyed) into.end();
}
