/**
 * A container becomes an archive: `source streams → digest → gzip → digest → members → sink`, text members around them, the manifest last.
 */
import { Digester, digested } from "../stream/digest.ts";
import { gzip } from "../stream/gzip.ts";
import { CONTAINER_CONFIG, GROUP_CONFIG, MANIFEST, METADATA, ROOTFS_TAR, SNAPSHOTS, streamMember, USER_CONFIG } from "./layout.ts";
import { encodeManifest, type Manifest, type StreamRecord } from "./manifest.ts";
import { encodeMetadata, encodeSnapshots } from "./metadata.ts";
import type { ContainerHead, ContainerSource, HookScript, SourceStream } from "./source.ts";
import type { ArchiveWriter } from "./write.ts";

/** Options of {@link exportArchive}. */
export interface ExportOptions {
  /** Name and version that the manifest gives. */
  tool: string;
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
  for await (const stream of source.streams()) {
    options.onStream?.(stream);
    manifest.streams.push(await writeStream(stream, head.metadata.format, writer));
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

async function writeStream(stream: SourceStream, format: "zfs" | "tar", writer: ArchiveWriter): Promise<StreamRecord> {
  const { dataset, kind } = stream;
  const member = format === "tar" ? ROOTFS_TAR : streamMember(stream, stream.gzip);
  const raw = new Digester();
  const bytes = digested(stream.open(), raw);
  const { pieces, stored } = await writer.stream(member, stream.gzip ? gzip(bytes) : bytes);
  const facts = stream.facts();
  return { dataset, kind, member, pieces, stored, raw: raw.finish(), ...(facts === undefined ? {} : { facts }) };
}
