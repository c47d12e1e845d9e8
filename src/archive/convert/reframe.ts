/**
 * An archive as a canonical one of the same format: texts in today's form, each stream one member where it is written to a file and pieces where
 * it is written to a pipe, the manifest anew. Data passes as it is stored, unless it is to be stored in another way.
 */
import { observed } from "../../stream/digest.ts";
import { gzip, type GzipOptions } from "../../stream/gzip.ts";
import { openDigest } from "../../stream/threads/digest.ts";
import { Composition } from "../composition.ts";
import { ROOTFS_TAR, streamMember } from "../layout.ts";
import type { Manifest, StreamRecord } from "../manifest.ts";
import { encodeSnapshots, type Metadata } from "../metadata.ts";
import { factsOf } from "../verify-manifest.ts";
import type { ArchiveWriter } from "../write.ts";
import type { CheckedArchive } from "./checked-archive.ts";
import type { CheckedStream } from "./checked-stream.ts";
import { headOfToday } from "./today.ts";

/** How streams are stored: as they were, raw, or gzipped unless they were. */
export type Recompression = "keep" | "off" | "gzip";

/** Options of {@link reframe}. */
export interface ReframeOptions {
  /** Name and version that the manifest gives. */
  tool: string;
  compression: Recompression;
  gzip: GzipOptions;
  /** Whether streams are looked at and digests taken. */
  verify: boolean;
}

/** Writes the archive. @returns its manifest @throws ToolError damaged; what was written is then incomplete, and its owner has to discard it */
export async function reframe(archive: CheckedArchive, writer: ArchiveWriter, options: ReframeOptions): Promise<Manifest> {
  const { head } = archive;
  const { metadata } = head;
  const composition = new Composition(writer, { tool: options.tool, container: metadata.container ?? "" });
  await composition.begin(headOfToday(head), metadata);
  for await (const stream of archive.streams()) composition.add(await writeStream(stream, writer, options));
  archive.finish();
  return await composition.end({
    snapshots: archive.snapshots ?? absentSnapshots(metadata),
    properties: archive.manifest?.datasets ?? [],
  });
}

/** An archive without the list of snapshots that an import destroys has none. */
function absentSnapshots({ type, format }: Metadata): string | undefined {
  return type === "full" && format === "zfs" ? encodeSnapshots([]) : undefined;
}

async function writeStream(stream: CheckedStream, writer: ArchiveWriter, options: ReframeOptions): Promise<StreamRecord> {
  const { dataset, kind, member: name } = stream.facts;
  const gzipped = options.compression === "keep" ? stream.isGzipped : options.compression === "gzip";
  const member = name === ROOTFS_TAR ? name : streamMember({ dataset, kind }, gzipped);
  const written = await writeData(stream, writer, { ...options, member, gzipped });
  const { description } = stream.facts;
  const facts = description === undefined ? undefined : factsOf(description);
  return { dataset, kind, member, ...written, ...(facts === undefined ? {} : { facts }) };
}

async function writeData(
  stream: CheckedStream,
  writer: ArchiveWriter,
  { member, gzipped, gzip: gzipOptions, verify }: ReframeOptions & { member: string; gzipped: boolean },
): Promise<Pick<StreamRecord, "pieces" | "stored" | "raw">> {
  if (gzipped && !stream.isGzipped) {
    using stored = openDigest(verify ? "here" : "nowhere");
    const pieces = await writer.stream(member, observed(gzip(stream.unpacked(), gzipOptions), stored));
    return { pieces, stored: await stored.finish(), raw: stream.raw };
  }
  const pieces = await writer.stream(member, gzipped ? stream.asStored() : stream.unpacked());
  return { pieces, stored: gzipped ? stream.stored : stream.raw, raw: stream.raw };
}
