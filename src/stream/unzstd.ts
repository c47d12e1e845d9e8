/**
 * Decompression of zstd, all frames of a file, whoever wrote it.
 *
 * `node:zlib` takes a frame that is cut off, and anything behind the last frame, for the end (Bun), or does not see a second frame that comes
 * in one chunk with the first (Deno). So frames are told apart here, by their blocks, and handed on each in chunks of its own; frames to be
 * skipped, in which some writers keep an index, are left out.
 *
 *     frame      28 b5 2f fd | header 2..14 | block … | checksum (4), if the header says so
 *     block      header (3, little-endian): bit 0 last, bits 1-2 type (0 raw, 1 RLE, 2 compressed), bits 3.. size | content; of RLE one byte
 *     skippable  50..5f 2a 4d 18 | length (4) | anything
 *
 * @see RFC 8878 §3.1
 */
import * as zlib from "node:zlib";
import { damaged } from "../errors.ts";
import { readUpTo, type ByteStream } from "./bytes.ts";
import { PeekSource } from "./peek-source.ts";
import { StreamSource } from "./stream-source.ts";
import { throughZlib } from "./zlib-stream.ts";

const CHUNK_BYTES = 256 * 1024;
const MAGIC = 0xfd2fb528;
const SKIPPABLE_MAGIC = 0x184d2a50;
const MAGIC_BYTES = 4;
const BLOCK_HEADER_BYTES = 3;
const CHECKSUM_BYTES = 4;
const RLE = 1;
const RESERVED = 3;
/** Of the frame header's descriptor: sizes of the fields that follow it. */
const DICTIONARY_ID_BYTES = [0, 1, 2, 4];
const CONTENT_SIZE_BYTES = [0, 2, 4, 8];

/**
 * Decompresses a stream.
 *
 * @param what what messages call it
 * @throws ToolError damaged if it is no zstd data, is cut off, fails its checksum, or needs a window of more than 128 MiB
 */
export async function* unzstd(source: ByteStream, what: string): ByteStream {
  const decoder = zlib.createZstdDecompress({ chunkSize: CHUNK_BYTES });
  yield* throughZlib(frames(source, what), decoder, (error) => unzstdFailure(error, what));
}

/** The frames that have content; no chunk has bytes of two of them. */
async function* frames(source: ByteStream, what: string): ByteStream {
  const stream = new StreamSource(source);
  const reader = new FrameReader(new PeekSource(stream), what);
  try {
    do yield* reader.frame();
    while (!(await reader.isAtEnd()));
  } finally {
    await stream.close();
  }
}

class FrameReader {
  readonly #input: PeekSource;
  readonly #what: string;

  constructor(input: PeekSource, what: string) {
    this.#input = input;
    this.#what = what;
  }

  async isAtEnd(): Promise<boolean> {
    return (await this.#input.peek(1)).length === 0;
  }

  /** The next frame; nothing for one to be skipped. */
  async *frame(): ByteStream {
    const magic = littleEndian(await this.#peek(MAGIC_BYTES));
    if ((magic & 0xfffffff0) >>> 0 === SKIPPABLE_MAGIC) return await this.#skipFrame();
    if (magic !== MAGIC) throw this.#refusal("it is no zstd data");
    const descriptor = (await this.#peek(MAGIC_BYTES + 1))[MAGIC_BYTES] ?? 0;
    yield* this.#take(MAGIC_BYTES + headerBytes(descriptor));
    for (let isLast = false; !isLast;) {
      const header = littleEndian(await this.#peek(BLOCK_HEADER_BYTES));
      const type = (header >> 1) & 3;
      if (type === RESERVED) throw this.#refusal("it has a block of no known type");
      yield* this.#take(BLOCK_HEADER_BYTES + (type === RLE ? 1 : header >> 3));
      isLast = (header & 1) === 1;
    }
    if ((descriptor & 4) !== 0) yield* this.#take(CHECKSUM_BYTES);
  }

  async #skipFrame(): Promise<void> {
    await this.#input.skip(MAGIC_BYTES);
    const length = littleEndian(await readUpTo(this.#input, (await this.#peek(MAGIC_BYTES)).length));
    if ((await this.#input.skip(length)) < length) throw this.#cutOff();
  }

  async #peek(count: number): Promise<Uint8Array> {
    const bytes = await this.#input.peek(count);
    if (bytes.length < count) throw this.#cutOff();
    return bytes;
  }

  async *#take(count: number): ByteStream {
    for (let left = count; left > 0;) {
      const chunk = await this.#input.read(left);
      if (chunk === undefined) throw this.#cutOff();
      left -= chunk.length;
      yield chunk;
    }
  }

  #cutOff(): Error {
    return this.#refusal("it is cut off");
  }

  #refusal(reason: string): Error {
    return damaged(`Cannot decompress "${this.#what}": ${reason}`);
  }
}

/** Bytes of the header, the descriptor included. */
function headerBytes(descriptor: number): number {
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const contentSize = CONTENT_SIZE_BYTES[descriptor >> 6] || (isSingleSegment ? 1 : 0);
  return 1 + (isSingleSegment ? 0 : 1) + (DICTIONARY_ID_BYTES[descriptor & 3] ?? 0) + contentSize;
}

function littleEndian(bytes: Uint8Array): number {
  return bytes.reduceRight((number, byte) => number * 256 + byte, 0);
}

/** Bun's errors have a code, Deno's a text that begins so. */
function unzstdFailure(error: unknown, what: string): unknown {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code?.startsWith("ZSTD_") !== true && !message.startsWith("Zstd decompress error")) return error;
  return damaged(`Cannot decompress "${what}": ${message}`);
}
