/**
 * A container becomes an archive: `source streams → digest → gzip → digest → members → sink`, text members around them, the manifest last.
 */
import { DEFAULT_STREAM_OPTIONS, StreamWriter, type StreamOptions } from "./export-stream.ts";
import { CONTAINER_CONFIG, GROUP_CONFIG, MANIFEST, METADATA, SNAPSHOTS, USER_CONFIG } from "./layout.ts";
import { encodeManifest, type Manifest } from "./manifest.ts";
import { encodeMetadata, encodeSnapshots } from "./metadata.ts";
import type { ContainerHead, ContainerSource, HookScript, SourceStream } from "./source.ts";
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
  const { head } = source;
  const manifest: Manifest = {
    manifest: 1,
    tool: options.tool,
    container: head.metadata.container ?? "",
    texts: [],
    streams: [],
    datasets: [...source.properties],
  };
  const text = async (member: string, content: Uint8Array | string, mode?: number): Promise<void> => {
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    manifest.texts.push({ member, ...(await writer.file(member, bytes, mode)) });
  };

  await writeHead(head, writer, text);
  const streamWriter = new StreamWriter(writer, head.metadata.format, options.streams ?? DEFAULT_STREAM_OPTIONS);
  for await (const stream of source.streams()) {
    options.onStream?.(stream);
    manifest.streams.push(await streamWriter.write(stream));
  }
  if (head.metadata.format === "zfs") await text(SNAPSHOTS, encodeSnapshots(source.snapshots()));
  await writer.file(MANIFEST, new TextEncoder().encode(encodeManifest(manifest)));
  await writer.end();
  return manifest;
}

type WriteText = (member: string, content: Uint8Array | string, mode?: number) => Promise<void>;

async function writeHead(head: ContainerHead, writer: ArchiveWriter, text: WriteText): Promise<void> {
  await text(METADATA, encodeMetadata(head.metadata));
  await writer.directory("config");
  if (head.userConfig !== undefined) await text(USER_CONFIG, head.userConfig);
  if (head.groupConfig !== undefined) await text(GROUP_CONFIG, head.groupConfig);
  await text(CONTAINER_CONFIG, head.containerConfig);
  await writeHooks(head.hooks, writer, text);
  await writer.directory("rootfs");
  if (head.metadata.format !== "zfs") return;
  await writer.directory("rootfs/");
  for (const dataset of head.metadata.datasets) await writer.directory(`rootfs/${dataset}`);
}

async function writeHooks(hooks: readonly HookScript[], writer: ArchiveWriter, text: WriteText): Promise<void> {
  if (hooks.length > 0) await writer.directory("hooks");
  let directory: string | undefined;
  for (const hook of hooks) {
    const slash = hook.name.indexOf("/");
    if (slash > 0 && hook.name.slice(0, slash) !== directory) {
      directory = hook.name.slice(0, slash);
      await writer.directory(`hooks/${directory}`);
    }
    await text(`hooks/${hook.name}`, hook.content, hook.mode);
  }
}
