/** Inputs of any size that take no space: some bytes at some places, zeros in between. */
import type { ByteSource, SeekableSource } from "../../src/stream/bytes.ts";

/** Bytes that stand somewhere. */
export interface PlacedBytes {
  at: number;
  bytes: Uint8Array;
}

const ZEROS = new Uint8Array(1024 * 1024);

/** A file in memory; counts what is read of it. */
export class VirtualFile implements SeekableSource {
  readonly size: number;
  readonly #parts: readonly PlacedBytes[];
  offset = 0;
  /** Calls of {@link read}, and bytes they gave. */
  reads = 0;
  bytesRead = 0;

  /** @param parts in order, not overlapping */
  constructor(size: number, parts: readonly PlacedBytes[]) {
    this.size = size;
    this.#parts = parts;
  }

  static of(bytes: Uint8Array): VirtualFile {
    return new VirtualFile(bytes.length, [{ at: 0, bytes }]);
  }

  seek(offset: number): void {
    this.offset = offset;
  }

  async read(maxBytes: number): Promise<Uint8Array | undefined> {
    const left = Math.min(maxBytes, this.size - this.offset);
    if (left <= 0) return await Promise.resolve(undefined);
    const chunk = this.#next(left);
    this.reads += 1;
    this.bytesRead += chunk.length;
    this.offset += chunk.length;
    return chunk;
  }

  async skip(count: number): Promise<number> {
    const step = Math.max(0, Math.min(count, this.size - this.offset));
    this.offset += step;
    return await Promise.resolve(step);
  }

  #next(count: number): Uint8Array {
    const part = this.#parts.find(({ at, bytes }) => at + bytes.length > this.offset);
    const ahead = part === undefined ? Infinity : part.at - this.offset;
    if (part !== undefined && ahead <= 0) return part.bytes.subarray(-ahead, -ahead + count);
    return ZEROS.subarray(0, Math.min(count, ahead, ZEROS.length));
  }
}

/** The same as a pipe brings it. */
export function pipeOf(file: VirtualFile): ByteSource {
  return {
    get offset() {
      return file.offset;
    },
    size: undefined,
    read: async (maxBytes) => await file.read(maxBytes),
    skip: async (count) => await file.skip(count),
  };
}
