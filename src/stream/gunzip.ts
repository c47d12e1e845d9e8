/**
 * Gunzip of all members of a gzip file (RFC 1952 §2.2), whoever wrote it. Members that tell their length (gzip-member.ts) are decompressed side
 * by side; from the first other one on it is zlib, on another thread than ours. A cut or corrupted file ends in an error where its end would
 * be; NUL padding behind the last member is ignored, as gzip(1) does.
 */
import * as zlib from "node:zlib";
import { damaged } from "../errors.ts";
import { concat, readAll, type ByteStream } from "./bytes.ts";
import { TRAILER_BYTES } from "./gzip-member.ts";
import { MembersAhead } from "./members-ahead.ts";
import { PeekSource } from "./peek-source.ts";
import { StreamSource } from "./stream-source.ts";
import { throughZlib } from "./zlib-stream.ts";

const NULS_BYTES = 64 * 1024;

/**
 * Decompresses a stream.
 *
 * @param what what messages call it, such as the member's name
 * @throws ToolError damaged if it is no gzip data, is cut off, or fails its CRC
 */
export async function* gunzip(source: ByteStream, what: string): ByteStream {
  const stream = new StreamSource(source);
  const input = new PeekSource(stream);
  try {
    const members = new MembersAhead(input);
    let known = 0;
    for (let content = await members.next(); content !== undefined; content = await members.next()) {
      known += 1;
      if (content.length > 0) yield content;
    }
    const rest = new PeekSource(new StreamSource(withoutPadding(members.rest())));
    const atEnd = (await rest.peek(1)).length === 0;
    if (known === 0 || !atEnd) yield* inflate(readAll(rest), what);
  } finally {
    await stream.close();
  }
}

/** Decompresses members of any kind. */
function inflate(source: ByteStream, what: string): ByteStream {
  return throughZlib(source, zlib.createGunzip({ chunkSize: 256 * 1024 }), (error) => gunzipFailure(error, what));
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
