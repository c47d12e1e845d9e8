/**
 * Gunzip of all members of a gzip file (RFC 1952 §2.2), whoever wrote it. A cut or corrupted file ends in an error where its end would be;
 * NUL padding behind the last member is ignored, as gzip(1) does.
 */
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import * as zlib from "node:zlib";
import { damaged } from "../errors.ts";
import type { ByteStream } from "./bytes.ts";

/**
 * Decompresses a stream.
 *
 * @param what what messages call it, such as the member's name
 * @throws ToolError damaged if it is no gzip data, is cut off, or fails its CRC
 */
export async function* gunzip(source: ByteStream, what: string): ByteStream {
  const input = Readable.from(source, { objectMode: false, highWaterMark: 1024 * 1024 });
  const inflate = zlib.createGunzip({ chunkSize: 256 * 1024 });
  let failure: unknown;
  const pumped = pipeline(input, inflate).catch((error: unknown) => {
    failure ??= error;
  });
  try {
    for await (const chunk of inflate as AsyncIterable<Buffer>) yield chunk;
    await pumped;
    if (failure !== undefined) throw failure as Error;
  } catch (error) {
    throw gunzipFailure(failure ?? error, what);
  } finally {
    inflate.destroy();
    input.destroy();
    await pumped;
  }
}

function gunzipFailure(error: unknown, what: string): unknown {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === undefined || !code.startsWith("Z_")) return error;
  const reason = code === "Z_BUF_ERROR" ? "it is cut off" : (error as Error).message;
  return damaged(`Cannot decompress "${what}": ${reason}`, { facts: { zlib: code } });
}
