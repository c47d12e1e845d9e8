/** Reading and writing the bytes of a regular file without its holes. */
import type { ByteStream } from "../stream/bytes.ts";
import type { Segment, SparseMap } from "../stream/tar/sparse.ts";
import { LibcError, type Libc } from "../sys/libc.ts";
import { SEEK_DATA, SEEK_HOLE, type FileStatus } from "../sys/linux.ts";

const CHUNK_BYTES = 1024 * 1024;
/** Segments begin and end at blocks, as GNU tar pads every one of them to whole blocks. */
const ALIGNMENT = 512;
/** Bound of a map in memory; the file's rest, holes and all, is the last segment then. */
const SEGMENTS_LIMIT = 65536;

/** Where a file has data; undefined if it has no holes that the file system tells of. */
export function findSegments(libc: Libc, fd: number, { size, blocks }: FileStatus): Segment[] | undefined {
  if (blocks * 512 >= size) return undefined;
  try {
    const segments = scan(libc, fd, size);
    return segments[0]?.length === size ? undefined : segments;
  } catch (error) {
    if (error instanceof LibcError && (error.code === "EINVAL" || error.code === "ENOTSUP")) return undefined;
    throw error;
  }
}

function scan(libc: Libc, fd: number, size: number): Segment[] {
  const segments: Segment[] = [];
  let end = 0;
  while (end < size) {
    const data = libc.seek(fd, end, SEEK_DATA) ?? size;
    if (data >= size) break;
    const offset = data - (data % ALIGNMENT);
    const hole = segments.length === SEGMENTS_LIMIT ? size : (libc.seek(fd, data, SEEK_HOLE) ?? size);
    end = Math.min(size, Math.ceil(hole / ALIGNMENT) * ALIGNMENT);
    segments.push({ offset, length: end - offset });
  }
  if (end < size) segments.push({ offset: size, length: 0 });
  return segments;
}

/** Reads a segment to its full length; bytes that are not there any more come as zeros. @returns whether all were there @throws LibcError */
export function* readSegment(libc: Libc, fd: number, { offset, length }: Segment): Generator<Uint8Array, boolean> {
  let whole = true;
  for (let done = 0; done < length;) {
    const chunk = new Uint8Array(Math.min(CHUNK_BYTES, length - done));
    const filled: number = whole ? readOrEnd(libc, fd, chunk, offset + done) : 0;
    whole = filled > 0;
    const bytes = whole ? chunk.subarray(0, filled) : chunk;
    yield bytes;
    done += bytes.length;
  }
  return whole;
}

/** What an entry holds of a file. */
export interface FileData {
  sparse: SparseMap | undefined;
  body(): ByteStream;
}

/** Writes an entry's data where it belongs in an empty file. @throws LibcError */
export async function writeFileData(libc: Libc, fd: number, data: FileData): Promise<void> {
  const segments = data.sparse?.segments ?? [{ offset: 0, length: Number.MAX_SAFE_INTEGER }];
  let index = 0;
  let within = 0;
  for await (const chunk of data.body()) {
    for (let done = 0; done < chunk.length && index < segments.length;) {
      const { offset, length } = segments[index] as Segment;
      const bytes = chunk.subarray(done, done + Math.min(length - within, chunk.length - done));
      libc.write(fd, bytes, offset + within);
      done += bytes.length;
      within += bytes.length;
      if (within < length) continue;
      index += 1;
      within = 0;
    }
  }
  if (data.sparse !== undefined) libc.truncate(fd, data.sparse.size);
}

/** Bytes read; 0 at the end of the file, and where the disk fails. */
function readOrEnd(libc: Libc, fd: number, into: Uint8Array, position: number): number {
  try {
    return libc.read(fd, into, position);
  } catch (error) {
    if (error instanceof LibcError && error.code === "EIO") return 0;
    throw error;
  }
}
