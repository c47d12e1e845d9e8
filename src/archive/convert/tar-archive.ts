/** An archive of format tar, as an export makes it. */
import { octalLimit } from "../../stream/tar/number-field.ts";
import type { ByteSink } from "../../stream/bytes.ts";
import type { GzipOptions } from "../../stream/gzip.ts";
import type { Entries } from "../../stream/tar/write-entries.ts";
import type { Loss } from "../../tree/loss.ts";
import { Composition, type HeadTexts } from "../composition.ts";
import { StreamWriter } from "../export-stream.ts";
import type { Manifest } from "../manifest.ts";
import type { Metadata } from "../metadata.ts";
import { ArchiveWriter, type WriteOptions } from "../write.ts";
import { tarOf } from "./tar-streams.ts";

/** What is written. */
export interface TarArchive {
  readonly metadata: Metadata & { readonly format: "tar" };
  readonly texts: HeadTexts;
  readonly files: Entries;
}

/** How it is written. */
export interface TarArchiveOptions extends Omit<WriteOptions, "mtime"> {
  /** Name and version that the manifest gives. */
  tool: string;
  gzip: GzipOptions;
  /** Whether digests are taken. */
  verify: boolean;
  /** Told of what a tar cannot hold. */
  onLoss: (loss: Loss) => void;
}

/** Writes the archive. @returns its manifest */
export async function writeTarArchive(
  { metadata, texts, files }: TarArchive,
  sink: ByteSink,
  options: TarArchiveOptions,
): Promise<Manifest> {
  const { onLoss, tool, gzip, verify } = options;
  const writer = openWriter(sink, metadata, options);
  const composition = new Composition(writer, { tool, container: metadata.container ?? "" });
  await composition.begin(texts, metadata);
  const rootfs = { dataset: "", kind: "base", gzip: true, open: () => tarOf(files, onLoss), facts: () => undefined } as const;
  composition.add(await new StreamWriter(writer, "tar", { ...gzip, verify }).write(rootfs));
  return await composition.end({ snapshots: undefined, properties: [] });
}

/** Writes members that are of the time at which the container was exported. */
export function openWriter(sink: ByteSink, { exportedAt }: Metadata, options: Omit<WriteOptions, "mtime">): ArchiveWriter {
  return new ArchiveWriter(sink, { ...options, mtime: Math.max(0, Math.min(exportedAt, octalLimit(12))) });
}
