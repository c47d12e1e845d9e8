/** The data of a file with holes as segments of a tar: as many as there are ranges of data, but not more than a reader is sure to take. */
import type { ByteStream } from "../stream/bytes.ts";
import type { Segment } from "../stream/tar/sparse.ts";
import type { DataPiece } from "../zfs/zpl/block-reader.ts";
import type { DataRange } from "../zfs/zpl/file-data.ts";

const SEGMENTS_LIMIT = 65536;
const FIRST_GAP_BYTES = 4096;
const ZEROS = new Uint8Array(128 * 1024);

/**
 * The segments of a file of `size` bytes. Where there are too many, small holes are filled.
 *
 * @param ranges gives its ranges of data, in order
 */
export function findSegments(ranges: () => Iterable<DataRange>, size: number): Segment[] {
  let segments = join(ranges(), 0);
  for (let gap = FIRST_GAP_BYTES; segments === undefined; gap *= 2) segments = join(ranges(), gap);
  const last = segments.at(-1);
  const end = last === undefined ? 0 : last.offset + last.length;
  if (end < size) segments.push({ offset: size, length: 0 });
  return segments;
}

/** Segments with holes of more than `gap` bytes between them; undefined if there are too many. */
function join(ranges: Iterable<DataRange>, gap: number): Segment[] | undefined {
  const segments: Segment[] = [];
  for (const { offset, bytes } of ranges) {
    const last = segments.at(-1);
    if (last !== undefined && offset - (last.offset + last.length) <= gap) last.length = offset + bytes - last.offset;
    else segments.push({ offset, length: bytes });
    if (segments.length > SEGMENTS_LIMIT) return undefined;
  }
  return segments;
}

/** The bytes of segments, one behind the other. @param pieces the file's data, none of it across the end of a segment */
export async function* segmentData(pieces: AsyncIterable<DataPiece>, segments: readonly Segment[]): ByteStream {
  let index = 0;
  let at = segments[0]?.offset ?? 0;
  for await (const { offset, bytes } of pieces) {
    for (let segment = segments[index]; segment !== undefined && segment.offset + segment.length <= offset; segment = segments[index]) {
      yield* zeros(segment.offset + segment.length - at);
      index += 1;
      at = segments[index]?.offset ?? offset;
    }
    yield* zeros(offset - at);
    if (bytes.length > 0) yield bytes;
    at = offset + bytes.length;
  }
}

/** That many zeros. */
export function* zeros(count: number): Generator<Uint8Array> {
  for (let left = count; left > 0; left -= ZEROS.length) yield ZEROS.subarray(0, left);
}
