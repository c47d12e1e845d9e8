/**
 * Is it whole? Checks whatever ctar reads without needing ZFS: a container archive or a bare ZFS send stream, either of them gzipped or not, told
 * apart by content.
 */
import { isSeekable, readAll, type ByteSource } from "../stream/bytes.ts";
import { gunzip } from "../stream/gunzip.ts";
import { PeekSource } from "../stream/peek-source.ts";
import { StreamSource } from "../stream/stream-source.ts";
import { StreamPortrait, type StreamDescription } from "../zfs/dmu/describe.ts";
import { beginsStream, STREAM_START_BYTES, verifyStream } from "../zfs/dmu/verify.ts";
import { verifyArchive, type VerifiedArchive } from "./verify-archive.ts";
import { Findings, offsetIn, type Finding } from "./verify-findings.ts";

/** What an input is, and what is wrong with it. */
export interface Verification {
  /** In the order of their offsets; empty if it is whole. */
  findings: readonly Finding[];
  /** How many there were beyond those. */
  moreFindings: number;
  /** Whether all of it is gzipped; offsets are then those of what it holds. */
  gzipped: boolean;
  /** Size of what was read, decompressed. */
  bytes: number;
  /** One of the two, unless it cannot be told what it is. */
  archive?: VerifiedArchive;
  stream?: StreamDescription;
}

/**
 * Reads an input to its end.
 *
 * @param what what messages call it
 * @throws ToolError if it cannot be read at all; what is wrong with it is returned
 */
export async function verifyInput(source: ByteSource, what: string): Promise<Verification> {
  const { head, all } = await startOf(source, GZIP_MAGIC.length);
  if (!head.equals(GZIP_MAGIC)) return await verifyPlain(all, what, false);
  const unpacked = new StreamSource(gunzip(readAll(all), what));
  try {
    return await verifyPlain(unpacked, what, true);
  } finally {
    await unpacked.close();
  }
}

const GZIP_MAGIC = Buffer.of(0x1f, 0x8b);

async function verifyPlain(source: ByteSource, what: string, gzipped: boolean): Promise<Verification> {
  const findings = new Findings();
  const result: Pick<Verification, "archive" | "stream"> = {};
  let input = source;
  try {
    const { head, all } = await startOf(source, STREAM_START_BYTES);
    input = all;
    if (beginsStream(head)) await verifyBareStream(all, what, result);
    else result.archive = await verifyArchive(all, findings);
  } catch (error) {
    findings.addError(error, { offset: offsetIn(error) ?? input.offset });
  }
  const sorted = findings.list.toSorted((a, b) => a.offset - b.offset);
  return { findings: sorted, moreFindings: findings.more, gzipped, bytes: input.offset, ...result };
}

async function verifyBareStream(source: ByteSource, what: string, result: Pick<Verification, "stream">): Promise<void> {
  const portrait = new StreamPortrait(what);
  try {
    await verifyStream(readAll(source), portrait, what);
  } finally {
    result.stream = portrait.describe();
  }
}

/** The first bytes, and a source that gives all of them. */
async function startOf(source: ByteSource, count: number): Promise<{ head: Buffer; all: ByteSource }> {
  const start = new PeekSource(source);
  const head = Buffer.from(await start.peek(count));
  if (!isSeekable(source)) return { head, all: start };
  source.seek(0);
  return { head, all: source };
}
