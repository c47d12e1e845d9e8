/**
 * Is it whole? Checks a container archive or a bare ZFS send stream, compressed or not, told apart by content.
 */
import { readAll, type ByteSource } from "../stream/bytes.ts";
import type { Compression } from "../stream/compression.ts";
import { Findings, inOrder, offsetIn, type Finding } from "../stream/findings.ts";
import { StreamPortrait, type StreamDescription } from "../zfs/dmu/describe.ts";
import { beginsStream, STREAM_START_BYTES, verifyStream } from "../zfs/dmu/verify.ts";
import { startOf, unpack } from "../stream/input-start.ts";
import type { StreamPlace } from "./layout.ts";
import { verifyArchive, type VerifiedArchive } from "./verify-archive.ts";

/** What an input is, and what is wrong with it. */
export interface Verification {
  /** In the order of their offsets; empty if it is whole. */
  findings: readonly Finding[];
  /** How many there were beyond those. */
  moreFindings: number;
  /** How all of it is compressed; offsets are those of what it holds. */
  compression: Compression;
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
 * @param onStream called when a stream of an archive begins
 * @throws ToolError if it cannot be read at all; what is wrong with it is returned
 */
export async function verifyInput(source: ByteSource, what: string, onStream?: (place: StreamPlace) => void): Promise<Verification> {
  await using unpacked = await unpack(source, what);
  return { compression: unpacked.compression, ...(await verifyPlain(unpacked.source, what, onStream)) };
}

async function verifyPlain(
  source: ByteSource,
  what: string,
  onStream: ((place: StreamPlace) => void) | undefined,
): Promise<Omit<Verification, "compression">> {
  const findings = new Findings();
  const result: Pick<Verification, "archive" | "stream"> = {};
  let input = source;
  try {
    const { head, all } = await startOf(source, STREAM_START_BYTES);
    input = all;
    if (beginsStream(head)) await verifyBareStream(all, what, result);
    else result.archive = await verifyArchive(all, findings, onStream);
  } catch (error) {
    findings.addError(error, { offset: offsetIn(error) ?? input.offset });
  }
  return { findings: inOrder(findings.list), moreFindings: findings.more, bytes: input.offset, ...result };
}

async function verifyBareStream(source: ByteSource, what: string, result: Pick<Verification, "stream">): Promise<void> {
  const portrait = new StreamPortrait(what);
  try {
    await verifyStream(readAll(source), portrait, what);
  } finally {
    result.stream = portrait.describe();
  }
}
