/** A part of a file as a stream, whoever else reads in that file meanwhile. */
import { damaged } from "../errors.ts";
import type { ByteStream, SeekableSource } from "./bytes.ts";

const CHUNK_BYTES = 1024 * 1024;

/** Bytes of a source. */
export interface ByteRange {
  /** Where they begin. */
  readonly offset: number;
  readonly size: number;
}

/**
 * Reads a part, the next chunk being on its way while one is in use.
 *
 * @param name what messages call the part
 * @throws ToolError damaged if the source ends before
 */
export async function* readRange(source: SeekableSource, { offset, size }: ByteRange, name: string): ByteStream {
  let next = readAt(source, { offset, size }, name);
  try {
    for (let done = 0; done < size;) {
      const chunk = await next;
      done += chunk.length;
      next = readAt(source, { offset: offset + done, size: size - done }, name);
      yield chunk;
    }
  } finally {
    await next.catch(() => undefined);
  }
}

async function readAt(source: SeekableSource, { offset, size }: ByteRange, name: string): Promise<Uint8Array> {
  if (size === 0) return new Uint8Array(0);
  source.seek(offset);
  const chunk = await source.read(Math.min(size, CHUNK_BYTES));
  if (chunk === undefined) throw damaged(`Cannot read "${name}": the file became shorter while it was read`, { offset });
  return chunk;
}
