/**
 * What one ZFS stream is. Its BEGIN record says which snapshot it brings and what a receiver must know; of a package that is the BEGIN of its
 * first stream, behind that of the package. How many records there are takes reading all of them, and what is read is checked too.
 */
import { damaged } from "../errors.ts";
import type { ByteStream } from "../stream/bytes.ts";
import { gunzip } from "../stream/gunzip.ts";
import { StreamSource } from "../stream/stream-source.ts";
import { StreamPortrait, type StreamDescription } from "../zfs/dmu/describe.ts";
import { readRecords } from "../zfs/dmu/record-reader.ts";
import { checkRecord, newSanityState } from "../zfs/dmu/sanity.ts";
import { verifyStream } from "../zfs/dmu/verify.ts";
import { offsetIn, problemOf } from "../stream/findings.ts";

/** How much of a stream is read: up to its first BEGIN, or everything. */
export type Depth = "head" | "all";

/** What takes all of a stream. */
type Counted = "records" | "bytes" | "dataBytes" | "logicalBytes";

/** What a stream says of itself. Without counts, a package's snapshots and features are those of its first stream. */
export type SeenStream = Omit<StreamDescription, Counted> & Partial<Pick<StreamDescription, Counted>>;

/** A stream that was looked into. */
export interface StreamContent {
  /** Undefined if it is so damaged that nothing can be said. */
  description?: SeenStream;
  /** What is wrong with it, and where in the stream, decompressed. */
  damage?: { problem: string; streamOffset?: number };
}

/** How large a stream is. */
export interface StreamSize {
  /** Bytes as it is stored; undefined of a damaged one that came through a pipe. */
  storedBytes: number | undefined;
  /** Bytes once decompressed, where they were counted or a manifest says. */
  rawBytes: number | undefined;
  /** How many records it has, likewise. */
  recordCount: number | undefined;
}

/** Options of {@link lookInto}. */
export interface LookOptions {
  /** What messages call the stream. */
  what: string;
  gzipped: boolean;
  depth: Depth;
}

/** More than the head of any stream takes: the nvlist of a package has at most 64 MiB. */
const HEAD_LIMIT_BYTES = 65 * 1024 * 1024;
const STEP_BYTES = 4096;

/** Looks into a stream; what is wrong with it is returned. @throws ToolError for what is not about the stream */
export async function lookInto(bytes: ByteStream, { what, gzipped, depth }: LookOptions): Promise<StreamContent> {
  const portrait = new StreamPortrait(what);
  try {
    if (depth === "all") await verifyStream(beginningInSteps(gzipped ? gunzip(bytes, what) : bytes), portrait, what);
    else await readHead(bytes, portrait, { what, gzipped });
    return { description: seen(portrait, depth) };
  } catch (error) {
    const streamOffset = offsetIn(error);
    const damage = { problem: problemOf(error), ...(streamOffset === undefined ? {} : { streamOffset }) };
    const description = seen(portrait, "head");
    return description.byteOrder === undefined ? { damage } : { description, damage };
  }
}

/** How large a stream is by its own records, if they were counted. */
export function countedSize({ description }: StreamContent): Pick<StreamSize, "rawBytes" | "recordCount"> {
  if (description?.records === undefined) return { rawBytes: undefined, recordCount: undefined };
  const recordCount = Object.values(description.records).reduce((sum, count) => sum + count, 0);
  return { rawBytes: description.bytes, recordCount };
}

async function readHead(bytes: ByteStream, portrait: StreamPortrait, { what, gzipped }: Omit<LookOptions, "depth">): Promise<void> {
  const beginning = atMost(bytes, HEAD_LIMIT_BYTES, what);
  const source = new StreamSource(gzipped ? gunzip(beginning, what) : beginning);
  const sanity = newSanityState(what);
  try {
    for await (const record of readRecords(source, { what })) {
      checkRecord(record, sanity);
      portrait.take(record);
      if (record.kind === "begin" && !record.compound) return;
    }
  } finally {
    await source.close();
  }
}

/** Cuts up the first chunk: of a chunk with damage, no record is taken. */
async function* beginningInSteps(bytes: ByteStream): ByteStream {
  let isFirst = true;
  for await (const chunk of bytes) {
    const step = isFirst ? STEP_BYTES : chunk.length;
    for (let at = 0; at < chunk.length; at += step) yield chunk.subarray(at, at + step);
    isFirst = false;
  }
}

async function* atMost(bytes: ByteStream, limitBytes: number, what: string): ByteStream {
  let passed = 0;
  for await (const chunk of bytes) {
    passed += chunk.length;
    if (passed > limitBytes) throw damaged(`Cannot read ZFS stream "${what}": it has no BEGIN record in its first ${limitBytes} bytes`);
    yield chunk;
  }
}

/** A description, without counts of what was not read. */
function seen(portrait: StreamPortrait, depth: Depth): SeenStream {
  const { records, bytes, dataBytes, logicalBytes, ...head } = portrait.describe();
  return depth === "all" ? { ...head, records, bytes, dataBytes, logicalBytes } : head;
}
