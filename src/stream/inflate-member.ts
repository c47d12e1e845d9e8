/** Decompressing one gzip member of ours (gzip-member.ts), on the runtime's thread pool, into no more than it says it holds. */
import { promisify } from "node:util";
import * as zlib from "node:zlib";
import { BLOCK_BYTES, HEADER_BYTES, TRAILER_BYTES } from "./gzip-member.ts";

/** With `info` the result tells how much of the input was used. */
type Inflate = (
  data: Uint8Array,
  options: zlib.ZlibOptions & { info: true },
) => Promise<{ buffer: Uint8Array; engine: { bytesWritten: number } }>;

const inflate = promisify(zlib.inflateRaw) as unknown as Inflate;
const CHUNK_BYTES = 64 * 1024;

/**
 * Decompresses a member.
 *
 * @param member header and trailer included
 * @returns its content, or undefined if it is not what header and trailer say: it is for a more patient reader to say what is wrong
 */
export async function inflateMember(member: Uint8Array): Promise<Uint8Array | undefined> {
  const view = new DataView(member.buffer, member.byteOffset, member.length);
  const deflated = member.subarray(HEADER_BYTES, member.length - TRAILER_BYTES);
  const crc32 = view.getUint32(member.length - TRAILER_BYTES, true);
  const size = view.getUint32(member.length - TRAILER_BYTES + 4, true);
  if (size > BLOCK_BYTES) return undefined;
  try {
    const { buffer, engine } = await inflate(deflated, {
      chunkSize: Math.max(size, CHUNK_BYTES),
      maxOutputLength: Math.max(size, 1),
      info: true,
    });
    const whole = buffer.length === size && engine.bytesWritten === deflated.length && zlib.crc32(buffer) === crc32;
    return whole ? buffer : undefined;
  } catch {
    return undefined;
  }
}
