/** Archives with real ZFS streams, whole ones and what can be made of them. */
import { exportArchive } from "../../src/archive/export.ts";
import { verifyInput, type Verification } from "../../src/archive/verify.ts";
import { ArchiveWriter } from "../../src/archive/write.ts";
import type { ByteSource } from "../../src/stream/bytes.ts";
import { StreamSource } from "../../src/stream/stream-source.ts";
import { MemorySink, sketchHead, sketchSource, type SketchStream } from "./archive.ts";
import { streamOf } from "./tar.ts";
import { VirtualFile } from "./virtual-file.ts";
import { zfsStream } from "./zfs-stream.ts";

/** As exports come: into a file, through a pipe in pieces, with gzipped streams. */
export const FORMS = ["file", "piped", "gzip"] as const;
export type Form = (typeof FORMS)[number];

const PIECE_BYTES = 50_000;

/** The streams of a root dataset with an incremental one, and of a subdataset. */
export const STREAMS: readonly (SketchStream & { bytes: Uint8Array })[] = [
  { dataset: "", kind: "base", bytes: zfsStream("p.full.s1") },
  { dataset: "srv", kind: "base", bytes: zfsStream("zstd.full-ec.s1") },
  { dataset: "", kind: "incremental", bytes: zfsStream("p.incr-I.s1-s3") },
];

/** Exports a container of those streams. */
export async function exported(
  form: Form,
  streams: readonly SketchStream[] = STREAMS,
  snapshots: readonly string[] = ["s3", "s1"],
): Promise<Buffer> {
  const sink = new MemorySink(form === "piped" ? "pipe" : "file");
  const head = sketchHead({ datasets: ["srv"] }, { "pre-start": "#!/bin/sh\nexit 0\n" });
  const source = sketchSource(
    head,
    streams.map((stream) => ({ ...stream, gzip: form === "gzip" })),
    snapshots,
  );
  await exportArchive(source, new ArchiveWriter(sink, { mtime: 1_729_850_600, chunkBytes: PIECE_BYTES }), { tool: "ctar test" });
  return sink.bytes();
}

/** Checks bytes as a file, or as a pipe brings them. */
export async function verified(bytes: Uint8Array, from: "file" | "pipe" = "file"): Promise<Verification> {
  return await verifyInput(from === "file" ? VirtualFile.of(bytes) : piped(bytes), "a.tar");
}

/** What is wrong with bytes, as `member: problem`. */
export async function problemsOf(bytes: Uint8Array, from: "file" | "pipe" = "file"): Promise<string[]> {
  const { findings } = await verified(bytes, from);
  return findings.map(({ member, problem }) => (member === undefined ? problem : `${member}: ${problem}`));
}

function piped(bytes: Uint8Array): ByteSource {
  return new StreamSource(streamOf(bytes, [100_000]));
}
