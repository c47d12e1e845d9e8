/** A file's data as ranges and as bytes. */
import type { ByteStream } from "../../stream/bytes.ts";
import type { DataPiece } from "./block-reader.ts";
import type { ObjectData } from "./object-data.ts";

/** A part of a file that has data. */
export interface DataRange {
  offset: number;
  bytes: number;
}

const ZEROS = new Uint8Array(128 * 1024);

/** The ranges of a file that have data, in order, as long as they can be. @param size the file's */
export function* dataRanges(data: ObjectData, size: number): Generator<DataRange> {
  let range: DataRange | undefined;
  for (const { start, end } of data.extents()) {
    const bytes = Math.min(end, size) - start;
    if (bytes <= 0) break;
    if (range !== undefined && range.offset + range.bytes === start) range.bytes += bytes;
    else {
      if (range !== undefined) yield range;
      range = { offset: start, bytes };
    }
  }
  if (range !== undefined) yield range;
}

/** The bytes of a file, zeros for its holes. @param size the file's */
export async function* withHoles(pieces: AsyncIterable<DataPiece>, size: number): ByteStream {
  let offset = 0;
  for await (const piece of pieces) {
    yield* zeros(piece.offset - offset);
    if (piece.bytes.length > 0) yield piece.bytes;
    offset = piece.offset + piece.bytes.length;
  }
  yield* zeros(size - offset);
}

function* zeros(count: number): Generator<Uint8Array> {
  for (let left = count; left > 0; left -= ZEROS.length) yield new Uint8Array(Math.min(left, ZEROS.length));
}
