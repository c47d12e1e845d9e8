/**
 * What an input is: a container archive or a bare ZFS send stream, either of them compressed or not, told apart by content. A file is stepped
 * through and not read but for its texts and the heads of its streams, unless everything is asked for. What passes once is read anyway, so there
 * everything is counted.
 */
import { damaged } from "../errors.ts";
import { isSeekable, readAll, type ByteSource } from "../stream/bytes.ts";
import type { Compression } from "../stream/compression.ts";
import { startOf, unpack } from "../stream/input-start.ts";
import { beginsStream, STREAM_START_BYTES } from "../zfs/dmu/verify.ts";
import { inspectArchive, type ArchiveInspection } from "./inspect-archive.ts";
import { countedSize, lookInto, type Depth, type StreamContent, type StreamSize } from "./inspect-stream.ts";

/** An input seen from outside. */
export type Inspection = (ArchiveInspection | BareInspection) & {
  /** How all of it is compressed. */
  compression: Compression;
};

/** A ZFS stream that is in no archive. */
export interface BareInspection {
  /** One. */
  streams: (StreamSize & StreamContent)[];
}

/** Options of {@link inspectInput}. */
export interface InspectOptions {
  /** Whether to read all streams and count their records. */
  records: boolean;
}

/**
 * Looks at an input. What is wrong with a stream is said of the stream.
 *
 * @param what what messages call the input
 * @throws ToolError damaged if it is neither archive nor stream, or an archive that is cut off
 */
export async function inspectInput(source: ByteSource, what: string, { records }: InspectOptions): Promise<Inspection> {
  const depth: Depth = records || !isSeekable(source) ? "all" : "head";
  await using unpacked = await unpack(source, what);
  return { compression: unpacked.compression, ...(await inspectPlain(unpacked.source, { what, depth, stored: source })) };
}

/** @param stored what the bytes are read from, as it is stored */
async function inspectPlain(
  source: ByteSource,
  { what, depth, stored }: { what: string; depth: Depth; stored: ByteSource },
): Promise<ArchiveInspection | BareInspection> {
  const { head, all } = await startOf(source, STREAM_START_BYTES);
  if (head.length === 0) throw damaged(`Cannot inspect "${what}": it is empty`);
  if (!beginsStream(head)) return await inspectArchive(all, isSeekable(all) ? depth : "all");
  const content = await lookInto(readAll(all), { what, gzipped: false, depth });
  const passedBytes = content.damage === undefined ? stored.offset : undefined;
  return { streams: [{ storedBytes: stored.size ?? passedBytes, ...countedSize(content), ...content }] };
}
