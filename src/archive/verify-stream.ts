/** One stream of an archive, checked: `member → digest → gunzip → digest → records`, or for format tar the entries of the tar. */
import { drain, readAll, type ByteStream } from "../stream/bytes.ts";
import { observed, type Measure } from "../stream/digest.ts";
import { gunzip } from "../stream/gunzip.ts";
import { StreamSource } from "../stream/stream-source.ts";
import { TarReader } from "../stream/tar/read.ts";
import { openDigest } from "../stream/threads/digest.ts";
import { StreamPortrait, type StreamDescription } from "../zfs/dmu/describe.ts";
import { verifyStream } from "../zfs/dmu/verify.ts";
import { ROOTFS_TAR, type StreamPlace } from "./layout.ts";
import { MemberBytes } from "./member-bytes.ts";
import type { ArchiveMember } from "./member.ts";
import { offsetIn, problemOf, type Finding } from "../stream/findings.ts";

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
  const { name, offset } = member;
  const stream = unreadStream(member);
  const bytes = new MemberBytes(member, position);
  let finding: Finding | undefined;
  try {
    await verifyStored(stream, bytes.read());
  } catch (error) {
    if (bytes.hasFailed) throw error;
    finding = findingOf(error, name, isGzipped(stream) ? (position ?? (() => offset)) : (at) => bytes.locate(at));
  }
  stream.pieces = member.pieces;
  return { stream, finding };
}

/** A stream that nothing is known of but its place. */
export function unreadStream({ name: member, kind, offset }: ArchiveMember): VerifiedStream {
  const place: StreamPlace = kind.is === "stream" ? { dataset: kind.dataset, kind: kind.kind } : { dataset: "", kind: "base" };
  return { ...place, member, offset, pieces: 0, stored: undefined, raw: undefined };
}

/** Whether a stream is stored compressed. */
export function isGzipped({ member }: VerifiedStream): boolean {
  return member.endsWith(".gz");
}

/**
 * Reads a stream as it is stored, and fills in what it is.
 *
 * @param isChecked whether digests are taken and contents looked at; without, sizes and gzip's own checksums are all
 * @throws ToolError damaged; what the bytes threw
 */
export async function verifyStored(stream: VerifiedStream, bytes: ByteStream, isChecked = true): Promise<void> {
  if (isGzipped(stream)) {
    using stored = openDigest(isChecked ? "here" : "nowhere");
    await verifyUnpacked(stream, gunzip(observed(bytes, stored), stream.member), isChecked);
    stream.stored = await stored.finish();
  } else {
    await verifyUnpacked(stream, bytes, isChecked);
    stream.stored = stream.raw;
  }
}

/** Reads a stream once decompressed, and fills in what that is: see {@link verifyStored}. */
export async function verifyUnpacked(stream: VerifiedStream, bytes: ByteStream, isChecked = true): Promise<void> {
  using raw = openDigest(isChecked ? "thread" : "nowhere");
  const unpacked = observed(bytes, raw);
  if (!isChecked) await drain(unpacked);
  else if (stream.member === ROOTFS_TAR) stream.entries = await verifyTar(unpacked);
  else await verifyRecords(stream, unpacked);
  stream.raw = await raw.finish();
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
