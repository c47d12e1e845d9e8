/**
 * The files in ZFS streams, which are read here and there: in the input itself where they stand there as they are, and from where they are kept
 * where they are compressed or pass once. Whatever can be found wrong is found before there is a first file.
 */
import { damaged } from "../../errors.ts";
import { isSeekable, readAll, type ByteSource, type ByteStream, type SeekableSource } from "../../stream/bytes.ts";
import type { Loss } from "../../tree/loss.ts";
import type { EntrySource } from "../../tree/selected-entries.ts";
import { openFiles } from "../files.ts";
import { KeptStreams } from "../kept-streams.ts";
import { TreeEntries } from "../tree-entries.ts";
import { verifyInput } from "../verify.ts";
import type { CheckedArchive } from "./checked-archive.ts";
import { refusalOf } from "./refusal.ts";

/** Options of reading files. */
export interface FilesOptions {
  /** Whether streams are looked at and digests taken. */
  verify: boolean;
  /** Keeps a stream to be read anywhere, as long as the conversion takes. */
  keep: (bytes: ByteStream) => Promise<SeekableSource>;
  /** Told of whatever the new format cannot hold. */
  onLoss: (loss: Loss) => void;
  /** Told when streams of an archive have been checked, and are read again. @param bytes how much they have */
  onFiles?: (bytes: number) => void;
}

/** Takes files. */
type Use = (files: EntrySource) => Promise<void>;

/** Reads all of an archive, and then the container's files. @throws ToolError damaged; failed for streams of which no files can be read */
export async function useFilesOfArchive(archive: CheckedArchive, { keep, onLoss, onFiles }: FilesOptions, use: Use): Promise<void> {
  const kept = new KeptStreams({ keep, extract: use }, await archive.seekableStreams());
  for await (const stream of archive.streams()) {
    const { member: name, dataset, kind } = stream.facts;
    await kept.take({ name, gzipped: stream.isGzipped, dataset, kind }, stream.unpacked());
  }
  archive.finish();
  onFiles?.(kept.bytes);
  await kept.unpack(archive.head.containerConfig, onLoss);
}

/** Reads a ZFS stream that is in no archive, and then the files of its dataset. @param what what messages call it @throws ToolError likewise */
export async function useFilesOfStream(stream: ByteSource, what: string, options: FilesOptions, use: Use): Promise<void> {
  const source = isSeekable(stream) ? stream : await options.keep(readAll(stream));
  if (options.verify) {
    const { findings, moreFindings } = await verifyInput(source, what);
    if (findings.length > 0) throw refusalOf(findings, findings.length + moreFindings);
  }
  const files = await openFiles(source, what, { keep: options.keep, dataset: undefined, fromDatasetRoot: false });
  if (files.kind === "entries") throw damaged(`Cannot convert "${what}": it changed while it was read`);
  try {
    await use(new TreeEntries(files.tree, files.tree.walk(files.tree.root), options.onLoss));
  } finally {
    await files.close();
  }
}
