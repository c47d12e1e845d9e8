/** One stream of an archive, checked: `member → digest → gunzip → digest → records`, or for format tar the entries of the tar. */
import { drain, readAll, type ByteStream } from "../stream/bytes.ts";
import { observed, type Measure } from "../stream/digest.ts";
import { gunzip } from "../stream/gunzip.ts";
import { StreamSource } from "../stream/stream-source.ts";
import { TarReader } from "../stream/tar/read.ts";
import { openDigest } from "../stream/threads/digest.ts";
import { StreamPortrait, type StreamDescription } from "../zfs/dmu/describe.ts";
import { verifyStream } from "../zfs/dmu/verify.ts";
import type { StreamPlace } from "./layout.ts";
import { MemberBytes } from "./member-bytes.ts";
import type { ArchiveMember } from "./member.ts";
import { offsetIn, problemOf, type Finding } from "./verify-findings.ts";

/** A stream that was read; sizes in bytes. */
export interface VerifiedStream extends StreamPlace {
  member: string;
  /** Where its first header stands. */
  offset: number;
  pieces: number;
  /** Of what is stored and what it is once decompressed; undefined if it is damaged. */
  stored: Measure | undefined;
  raw: Measure | undefined;
  /** What its records say, of a damaged one those in front of the damage; undefined for format tar. */
  description?: StreamDescription;
  /** Entries of the tar. */
  entries?: number;
}

/** Where a damaged member is, and what is wrong. */
export interface StreamOutcome {
  stream: VerifiedStream;
  finding: Finding | undefined;
}

/**
 * Reads a stream to its end.
 *
 * @param position how far the archive has been read; undefined for a member whose pieces are read one by one
 * @throws ToolError damaged if the archive itself ends or breaks off; what is wrong with the stream is returned
 */
export async function verifyMember(member: ArchiveMember, position?: () => number): Promise<StreamOutcome> {
  const { name, kind, offset } = member;
  const isTar = kind.is === "rootfs-tar";
  const place: StreamPlace = kind.is === "stream" ? { dataset: kind.dataset, kind: kind.kind } : { dataset: "", kind: "base" };
  const gzipped = isTar || (kind.is === "stream" && kind.gzipped);
  const stream: VerifiedStream = { ...place, member: name, offset, pieces: 0, stored: undefined, raw: undefined };
  const bytes = new MemberBytes(member, position);
  let finding: Finding | undefined;
  try {
    await readThrough(stream, bytes, { gzipped, isTar });
  } catch (error) {
    if (bytes.hasFailed) throw error;
    finding = findingOf(error, name, gzipped ? (position ?? (() => offset)) : (at) => bytes.locate(at));
  }
  stream.pieces = member.pieces;
  return { stream, finding };
}

async function readThrough(
  stream: VerifiedStream,
  bytes: MemberBytes,
  { gzipped, isTar }: { gzipped: boolean; isTar: boolean },
): Promise<void> {
  using stored = openDigest(gzipped ? "here" : "nowhere");
  using raw = openDigest("thread");
  const unpacked = observed(gzipped ? gunzip(observed(bytes.read(), stored), stream.member) : bytes.read(), raw);
  if (isTar) stream.entries = await verifyTar(unpacked);
  else await verifyRecords(stream, unpacked);
  stream.raw = await raw.finish();
  stream.stored = gzipped ? await stored.finish() : stream.raw;
}

async function verifyRecords(stream: VerifiedStream, bytes: ByteStream): Promise<void> {
  const portrait = new StreamPortrait(stream.member);
  try {
    await verifyStream(bytes, portrait, stream.member);
  } finally {
    stream.description = portrait.describe();
  }
}

/** Reads a tar to its end, and what is behind that. @returns how many entries it has */
async function verifyTar(bytes: ByteStream): Promise<number> {
  const source = new StreamSource(bytes);
  try {
    const tar = new TarReader(source);
    let entries = 0;
    while ((await tar.next()) !== undefined) entries += 1;
    await drain(readAll(source));
    return entries;
  } finally {
    await source.close();
  }
}

function findingOf(error: unknown, member: string, locate: (streamOffset: number) => number): Finding {
  const streamOffset = offsetIn(error);
  const problem = problemOf(error);
  return { offset: locate(streamOffset ?? 0), member, ...(streamOffset === undefined ? {} : { streamOffset }), problem };
}
