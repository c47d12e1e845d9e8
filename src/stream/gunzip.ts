/**
 * Gunzip of all members of a gzip file (RFC 1952 §2.2), whoever wrote it. A cut or corrupted file ends in an error where its end would be;
 * NUL padding behind the last member is ignored, as gzip(1) does.
 */
import * as zlib from "node:zlib";
import { damaged } from "../errors.ts";
import { concat, type ByteStream } from "./bytes.ts";

/** CRC and size at the end of a member. */
const TRAILER_BYTES = 8;
const NULS_BYTES = 64 * 1024;

/**
 * Decompresses a stream.
 *
 * @param what what messages call it, such as the member's name
 * @throws ToolError damaged if it is no gzip data, is cut off, or fails its CRC
 */
export async function* gunzip(source: ByteStream, what: string): ByteStream {
  const inflate = zlib.createGunzip({ chunkSize: 256 * 1024 });
  const ended = Promise.withResolvers<void>();
  let failure: unknown;
  const fed = feed(inflate, withoutPadding(source), ended.promise).catch((error: unknown) => {
    failure = error;
    inflate.destroy(error as Error);
  });
  try {
    for await (const chunk of inflate as AsyncIterable<Buffer>) yield chunk;
    await fed;
    if (failure !== undefined) throw failure as Error;
  } catch (error) {
    throw gunzipFailure(failure ?? error, what);
  } finally {
    inflate.destroy();
    ended.resolve();
    await fed;
  }
}

/**
 * Feeds until the source or the reader ends. `stream.pipeline` does the same, but under Bun it never settles now and then when the reader ends
 * while zlib is at work.
 */
async function feed(inflate: zlib.Gunzip, source: ByteStream, ended: Promise<void>): Promise<void> {
  for await (const chunk of source) {
    if (inflate.destroyed) return;
    if (inflate.write(chunk)) continue;
    await Promise.race([new Promise((resolve) => inflate.once("drain", resolve)), ended]);
  }
  if (!inflate.destroyed) inflate.end();
}

/**
 * Leaves out NULs at the end but for as many as a gzip trailer may end with, and gives those in one chunk with the byte before them: Bun's
 * zlib takes padding for a broken member when it comes in a chunk of its own.
 */
async function* withoutPadding(source: ByteStream): ByteStream {
  let last: Uint8Array | undefined;
  let zeros = 0;
  for await (const chunk of source) {
    const end = lengthWithoutNuls(chunk);
    if (end > 0) {
      if (last !== undefined) yield last;
      yield* nuls(zeros);
      if (end > 1) yield chunk.subarray(0, end - 1);
      last = chunk.subarray(end - 1, end);
      zeros = 0;
    }
    zeros += chunk.length - end;
  }
  if (last !== undefined) yield concat([last, new Uint8Array(Math.min(zeros, TRAILER_BYTES))]);
}

function lengthWithoutNuls(bytes: Uint8Array): number {
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0) end -= 1;
  return end;
}

function* nuls(count: number): Generator<Uint8Array> {
  for (let left = count; left > 0; left -= NULS_BYTES) yield new Uint8Array(Math.min(left, NULS_BYTES));
}

function gunzipFailure(error: unknown, what: string): unknown {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === undefined || !code.startsWith("Z_")) return error;
  const reason = code === "Z_BUF_ERROR" ? "it is cut off" : (error as Error).message;
  return damaged(`Cannot decompress "${what}": ${reason}`, { facts: { zlib: code } });
}
