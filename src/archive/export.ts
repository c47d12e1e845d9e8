/**
 * A container becomes an archive: `source streams → digest → gzip → digest → members → sink`, text members around them, the manifest last.
 */
import { Composition } from "./composition.ts";
import { DEFAULT_STREAM_OPTIONS, StreamWriter, type StreamOptions } from "./export-stream.ts";
import type { Manifest } from "./manifest.ts";
import { encodeMetadata, encodeSnapshots } from "./metadata.ts";
import type { ContainerSource, SourceStream } from "./source.ts";
import type { ArchiveWriter } from "./write.ts";

/** Options of {@link exportArchive}. */
export interface ExportOptions {
  /** Name and version that the manifest gives. */
  tool: string;
  /** How streams are written; one thread, gzip's usual level and all checks unless given. */
  streams?: StreamOptions;
  /** Called when a stream begins. */
  onStream?: (stream: SourceStream) => void;
}

/**
 * Writes the whole archive of a container.
 *
 * @returns the manifest as it was written
 * @throws ToolError whatever source or sink ran into; the archive is then incomplete and its owner has to discard it
 */
export async function exportArchive(source: ContainerSource, writer: ArchiveWriter, options: ExportOptions): Promise<Manifest> {
  const { metadata } = source.head;
  const composition = new Composition(writer, { tool: options.tool, container: metadata.container ?? "" });
  await composition.begin({ ...source.head, metadata: encodeMetadata(metadata) }, metadata);
  const streamWriter = new StreamWriter(writer, metadata.format, options.streams ?? DEFAULT_STREAM_OPTIONS);
  for await (const stream of source.streams()) {
    options.onStream?.(stream);
    composition.add(await streamWriter.write(stream));
  }
  const snapshots = metadata.format === "zfs" ? encodeSnapshots(source.snapshots()) : undefined;
  return await composition.end({ snapshots, properties: [...source.properties] });
}
