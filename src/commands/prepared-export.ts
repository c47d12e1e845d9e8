/** What an export writes, and what it would write, known before anything is changed. */
import { exportArchive } from "../archive/export.ts";
import type { ContainerSource } from "../archive/source.ts";
import { ArchiveWriter } from "../archive/write.ts";
import { EXIT_CODES } from "../errors.ts";
import type { Compression, ZfsSource } from "../host/export/zfs-source.ts";
import type { ByteSink } from "../stream/bytes.ts";
import { describeProgram } from "../sys/environment.ts";
import type { Context } from "./context.ts";
import { prepareFiles, type FilesFormat, type FilesRequest } from "./export-files.ts";
import { openSource, openTrees, type SourceParts } from "./export-source.ts";
import { refuseImageOptions } from "./new-image.ts";
import { formatSize } from "./world.ts";
import type { parseWriteArguments, WriteArguments } from "./write-arguments.ts";

/** What `export` was asked for. */
export interface ExportRequest extends WriteArguments, Omit<FilesRequest, "format"> {
  ctid: string;
  pool?: string | undefined;
  consistent: boolean;
  compression: Compression;
  /** Undefined: what the pool holds, ZFS streams or a tar. */
  format?: "zfs" | "tar" | FilesFormat | undefined;
  raw: boolean;
  largeBlocks: boolean;
  embedded: boolean;
  verify: boolean;
  stopCommand?: string | undefined;
  startCommand?: string | undefined;
  force: boolean;
  dryRun: boolean;
}

const LABEL_WIDTH = 13;

/** How archives are written. */
type Writing = ReturnType<typeof parseWriteArguments>;

/** An export that can begin. */
export interface PreparedExport {
  /** @returns what was written, for people */
  readonly write: (sink: ByteSink) => Promise<string>;
  /** Says what would be. @returns the exit code */
  readonly explain: () => Promise<number>;
}

/** Prepares an export. @throws ToolError not-found, usage */
export async function prepareExport(parts: SourceParts<ExportRequest>, writing: Writing): Promise<PreparedExport> {
  const { request } = parts;
  const { format } = request;
  if (format === "rootfs" || format === "docker" || format === "oci")
    return await prepareForOthers({ ...parts, request: { ...request, format } }, writing);
  refuseImageOptions(request);
  return await prepareArchive(parts, writing);
}

async function prepareArchive(parts: SourceParts<ExportRequest>, { chunkBytes, gzip }: Writing): Promise<PreparedExport> {
  const { request, context } = parts;
  const source = await openSource(parts);
  const write = async (sink: ByteSink): Promise<string> => {
    const writer = new ArchiveWriter(sink, { mtime: source.head.metadata.exportedAt, chunkBytes });
    const { streams } = await exportArchive(source, writer, { tool: describeProgram(), streams: { ...gzip, verify: request.verify } });
    return `${formatSize(streams.reduce((sum, { stored }) => sum + stored.bytes, 0))} of data`;
  };
  return { write, explain: async () => await explain(source, request, context) };
}

async function prepareForOthers(parts: SourceParts<ExportRequest & FilesRequest>, { gzip }: Writing): Promise<PreparedExport> {
  const { request, id, losses, context } = parts;
  const trees = await openTrees(parts);
  const { facts, write } = await prepareFiles(trees, request, { gzip, onLoss: (loss) => losses.add(loss), signal: context.signal });
  const explainFiles = async (): Promise<number> => {
    const rows = [["container", id], ["format", request.format], ...facts, ["consistent", consistency(trees)]] as const;
    for (const [label, value] of rows) await context.print(`${label.padEnd(LABEL_WIDTH)}${value}`);
    return EXIT_CODES.done;
  };
  const writeFiles = async (sink: ByteSink): Promise<string> => {
    const what = await write(sink);
    return `${what}, ${formatSize(sink.offset)}`;
  };
  return { write: writeFiles, explain: explainFiles };
}

async function explain(source: ContainerSource & { willStop: boolean }, request: ExportRequest, context: Context): Promise<number> {
  const { metadata } = source.head;
  await context.print(`container    ${metadata.container}`);
  await context.print(`format       ${metadata.format}`);
  await context.print(`datasets     ${["/", ...metadata.datasets].join(" ")}`);
  await context.print(`hooks        ${source.head.hooks.length}`);
  await context.print(`consistent   ${consistency(source)}`);
  await context.print(`compression  ${metadata.format === "tar" ? "gzip" : request.compression}`);
  if (!("estimate" in source)) return EXIT_CODES.done;
  for (const { dataset, bytes } of await (source as unknown as ZfsSource).estimate()) {
    await context.print(`base stream  ${dataset === "" ? "/" : dataset}  ${formatSize(bytes)} (${bytes} bytes before gzip)`);
  }
  return EXIT_CODES.done;
}

function consistency({ willStop }: { willStop: boolean }): string {
  return willStop ? "yes, the container is stopped for a moment" : "the container is not stopped";
}
