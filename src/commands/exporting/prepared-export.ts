/** What an export writes, and what it would write, known before anything is changed. */
import { exportArchive } from "../../archive/export.ts";
import { ArchiveWriter } from "../../archive/write.ts";
import type { Compression } from "../../host/export/zfs-source.ts";
import type { ByteSink } from "../../stream/bytes.ts";
import { describeProgram } from "../../sys/environment.ts";
import { prepareFiles, type FilesFormat, type FilesRequest } from "./export-files.ts";
import { openSource, openTrees, type SourceParts } from "./export-source.ts";
import { refuseImageOptions } from "./new-image.ts";
import type { ProgressArguments } from "../telling/progress.ts";
import type { RemoteArguments } from "../remote/remote-arguments.ts";
import type { parseWriteArguments, WriteArguments } from "./write-arguments.ts";
import type { Written } from "../telling/written.ts";

/** What `export` was asked for. */
export interface ExportRequest extends WriteArguments, RemoteArguments, Omit<FilesRequest, "format"> {
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
  json: boolean;
  progress?: ProgressArguments["progress"];
}

/** How archives are written. */
type Writing = ReturnType<typeof parseWriteArguments>;

/** An export that can begin. */
export interface PreparedExport {
  /** What is known of it before, for people and for scripts. */
  readonly rows: readonly (readonly [label: string, value: string])[];
  readonly facts: object;
  /** Whether the container is stopped for it. */
  readonly willStop: boolean;
  /** Bytes of each base stream; undefined where nobody knows. */
  readonly estimate: () => Promise<readonly { dataset: string; bytes: number }[] | undefined>;
  readonly write: (sink: ByteSink) => Promise<Written>;
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
  const { request } = parts;
  const { progress } = parts.context;
  const source = await openSource(parts);
  const { metadata, hooks } = source.head;
  const { format, datasets, exportedAt } = metadata;
  const write = async (sink: ByteSink): Promise<Written> => {
    const writer = new ArchiveWriter(sink, { mtime: exportedAt, chunkBytes });
    const { streams } = await exportArchive(source, writer, {
      tool: describeProgram(),
      streams: { ...gzip, verify: request.verify, progress },
      onStream: ({ kind: phase, dataset }) => progress.begin({ phase, dataset }),
    });
    return { streams };
  };
  const rows = [
    ["container", parts.id],
    ["format", format],
    ["datasets", ["/", ...datasets].join(" ")],
    ["hooks", `${hooks.length}`],
    ["consistent", consistency(source)],
    ["compression", format === "tar" ? "gzip" : request.compression],
  ] as const;
  return {
    rows,
    facts: { format, exportedAt, datasets, hooks: hooks.map(({ name }) => name) },
    willStop: source.willStop,
    estimate: async () => ("estimate" in source ? await source.estimate() : undefined),
    write,
  };
}

async function prepareForOthers(parts: SourceParts<ExportRequest & FilesRequest>, { gzip }: Writing): Promise<PreparedExport> {
  const { request, id, losses, context } = parts;
  const { format } = request;
  const trees = await openTrees(parts);
  const { rows, facts, write } = await prepareFiles(trees, request, { gzip, onLoss: (loss) => losses.add(loss), context });
  return {
    rows: [["container", id], ["format", format], ...rows, ["consistent", consistency(trees)]],
    facts: { format, ...facts },
    willStop: trees.willStop,
    estimate: async () => await Promise.resolve(undefined),
    write,
  };
}

function consistency({ willStop }: { willStop: boolean }): string {
  return willStop ? "yes, the container is stopped for a moment" : "the container is not stopped";
}
