/** `ctar export`: a container becomes an archive. */
import { availableParallelism } from "node:os";
import { exportArchive } from "../archive/export.ts";
import { MEMBER_LIMIT_BYTES } from "../archive/layout.ts";
import type { ContainerSource } from "../archive/source.ts";
import type { Manifest } from "../archive/manifest.ts";
import { ArchiveWriter } from "../archive/write.ts";
import { EXIT_CODES, ToolError } from "../errors.ts";
import { parseContainerRef } from "../host/container.ts";
import { openDirSource } from "../host/export/dir-source.ts";
import { findLifecycle } from "../host/export/lifecycle.ts";
import type { Pool } from "../host/pool.ts";
import { Run } from "../host/undo/run.ts";
import { openZfsSource, type Compression, type ZfsSource } from "../host/export/zfs-source.ts";
import { openZfsTarSource } from "../host/export/zfs-tar-source.ts";
import type { ByteSink } from "../stream/bytes.ts";
import { GZIP_LEVELS } from "../stream/gzip.ts";
import { describeProgram } from "../sys/environment.ts";
import { createFile, temporaryName } from "../sys/new-file.ts";
import { openSpecialFile, openStdout } from "../sys/output.ts";
import { LossReport, type Loss } from "../tree/loss.ts";
import type { Context } from "./context.ts";
import { defineVerb, type Verb } from "./define.ts";
import { formatSize, parseSize, POOL_ARG, poolOf, timeOf } from "./world.ts";

/** Pieces of a stream on a pipe; larger ones cost memory and gain nothing (see ARCHITECTURE.md). */
const DEFAULT_CHUNK_SIZE = "4M";
const DEFAULT_LEVEL = String(GZIP_LEVELS.default);

/** What osctl's spelling of the command does not say. */
export const EXPORT_DEFAULTS: Pick<ExportRequest, "chunkSize" | "level" | "raw" | "largeBlocks" | "embedded" | "verify" | "dryRun"> = {
  chunkSize: DEFAULT_CHUNK_SIZE,
  level: DEFAULT_LEVEL,
  raw: false,
  largeBlocks: false,
  embedded: false,
  verify: true,
  dryRun: false,
};

const THREADS_LIMIT = 256;

/** What `export` was asked for. */
export interface ExportRequest {
  ctid: string;
  archive?: string | undefined;
  pool?: string | undefined;
  consistent: boolean;
  compression: Compression;
  /** Undefined: what the pool holds, ZFS streams or a tar. */
  format?: "zfs" | "tar" | undefined;
  chunkSize: string;
  level: string;
  threads?: string | undefined;
  raw: boolean;
  largeBlocks: boolean;
  embedded: boolean;
  verify: boolean;
  stopCommand?: string | undefined;
  startCommand?: string | undefined;
  force: boolean;
  dryRun: boolean;
}

/** The verb. */
export const exportVerb: Verb = defineVerb({
  name: "export",
  summary: "Export a container into an archive",
  description:
    "Writes configuration and data of a container into one tar archive, which ctar import and osctl ct import read. A running container is " +
    "snapshotted, then stopped for a second snapshot only, unless --no-consistent is given.",
  args: {
    ctid: { type: "positional", description: "The container, as ID or POOL:ID" },
    archive: { type: "positional", required: false, description: "A new file, or - for stdout; stdout if left out" },
    pool: POOL_ARG,
    consistent: { type: "boolean", default: true, negatable: true, description: "Stop a running container for a moment" },
    compression: {
      type: "enum",
      alias: "c",
      options: ["auto", "off", "gzip"],
      default: "auto",
      description: "auto sends blocks as compressed as ZFS holds them and gzips the rest",
    },
    format: { type: "enum", options: ["zfs", "tar"], description: "ZFS streams, or the root filesystem as a tar; zfs where there is ZFS" },
    chunkSize: {
      type: "string",
      valueHint: "SIZE",
      default: DEFAULT_CHUNK_SIZE,
      description: "Pieces of a stream on a pipe, held in memory",
    },
    level: {
      type: "string",
      valueHint: "1-12",
      default: DEFAULT_LEVEL,
      description: "Gzip's effort; 1 to 9 as gzip has them",
    },
    threads: { type: "string", valueHint: "N", description: "Cores that gzip may keep busy; all of them if left out" },
    raw: { type: "boolean", description: "Send encrypted datasets as they are, without their keys" },
    largeBlocks: { type: "boolean", description: "Send blocks larger than 128 KiB whole; the other side must know the feature" },
    embedded: { type: "boolean", description: "Send very small blocks as the pool holds them; the other side must know the feature" },
    verify: { type: "boolean", default: true, negatable: true, description: "Check the records of streams and write their checksums down" },
    stopCommand: { type: "string", valueHint: "COMMAND", description: "Stops the container where osctld does not run" },
    startCommand: { type: "string", valueHint: "COMMAND", description: "Starts it again" },
    force: { type: "boolean", alias: "f", description: "Replace an existing archive file" },
    dryRun: { type: "boolean", alias: "n", description: "Say what would be done and how large it is, change nothing" },
  },
  examples: [
    "ctar export web01 web01.tar",
    "ctar export web01 - | ssh host2 ctar import --as-id web02 -",
    "ctar export --format tar web01 web01-rootfs.tar",
    "ctar export --pool dir:/srv/containers web01 web01.tar",
    'ctar export --stop-command "lxc-stop -n web01" --start-command "lxc-start -n web01" web01 web01.tar',
  ],
  run: async (args, context) => await runExport(args, context),
});

/** Exports a container. @returns the exit code */
export async function runExport(request: ExportRequest, context: Context): Promise<number> {
  const ref = parseContainerRef(request.ctid);
  const chunkBytes = parseSize(request.chunkSize, "--chunk-size");
  if (chunkBytes > MEMBER_LIMIT_BYTES)
    throw new ToolError("usage", `Cannot use --chunk-size "${request.chunkSize}": it is at most 8 GiB - 1`);
  const toStdout = request.archive === undefined || request.archive === "-";
  const streams = { level: parseLevel(request.level), threads: parseThreads(request.threads), verify: request.verify };
  const stdout = toStdout && !request.dryRun ? await openStdout(context.signal) : undefined;
  const pool = await poolOf(request.pool ?? ref.pool, context);
  const run = new Run(pool, context.commandLine);
  const losses = new LossReport();
  const source = await openSource({ pool, id: ref.id, request, run, losses, context });
  if (request.dryRun) return await explain(source, request, context);

  const write = async (sink: ByteSink): Promise<Manifest> => {
    const writer = new ArchiveWriter(sink, { mtime: source.head.metadata.exportedAt, chunkBytes });
    return await exportArchive(source, writer, { tool: describeProgram(), streams });
  };
  const manifest = stdout === undefined ? await writeFile(request, run, context, write) : await write(stdout);
  const stored = manifest.streams.reduce((sum, stream) => sum + stream.stored.bytes, 0);
  context.talk(`exported container "${ref.id}" to ${toStdout ? "standard output" : `"${request.archive}"`}: ${formatSize(stored)} of data`);
  return losses.isEmpty ? EXIT_CODES.done : reportLosses(losses, context);
}

function parseLevel(text: string): number {
  const level = /^\d{1,2}$/.test(text) ? Number(text) : 0;
  if (level >= GZIP_LEVELS.min && level <= GZIP_LEVELS.max) return level;
  throw new ToolError("usage", `Cannot use --level "${text}": it is 1 to 12`);
}

function parseThreads(text: string | undefined): number {
  const threads = text === undefined ? availableParallelism() : Number(/^\d{1,3}$/.test(text) ? text : 0);
  if (threads >= 1 && threads <= THREADS_LIMIT) return threads;
  throw new ToolError("usage", `Cannot use --threads "${text}": it is 1 to ${THREADS_LIMIT}`);
}

/** Says what was lost. @returns the exit code for it */
export function reportLosses(losses: LossReport, context: Context): number {
  context.talk(losses.summary());
  return EXIT_CODES.losses;
}

async function openSource(parts: {
  pool: Pool;
  id: string;
  request: ExportRequest;
  run: Run;
  losses: LossReport;
  context: Context;
}): Promise<(ContainerSource & { willStop: boolean }) | ZfsSource> {
  const { pool, id, request, run, losses, context } = parts;
  const { stopCommand, startCommand, consistent, compression } = request;
  const { signal, commandLine } = context;
  const lifecycle = consistent
    ? await findLifecycle(pool, id, { stopCommand, startCommand, commandLine, signal })
    : { running: false, startCommand: null, stop: async () => await Promise.resolve() };
  const common = { consistent, now: timeOf(context), lifecycle, run, talk: context.talk };
  const onLoss = (loss: Loss): void => losses.add(loss);
  if (pool.kind === "dir" && request.format === "zfs") {
    throw new ToolError("usage", `Cannot export in format "zfs": pool "${pool.name}" has no ZFS`, { hints: ["Leave --format out"] });
  }
  if (pool.kind === "dir") return openDirSource(pool, id, { ...common, onLoss });
  if (request.format === "tar") return await openZfsTarSource(pool, id, { ...common, signal, onLoss });
  const { raw, largeBlocks, embedded, verify } = request;
  return await openZfsSource(pool, id, { ...common, compression, form: { raw, largeBlocks, embedded }, verify });
}

async function writeFile(
  request: ExportRequest,
  run: Run,
  context: Context,
  write: (sink: ByteSink) => Promise<Manifest>,
): Promise<Manifest> {
  const target = request.archive as string;
  const special = openSpecialFile(target, context.signal);
  if (special !== undefined) return await write(special);
  const temporary = { is: "path", path: temporaryName(target) } as const;
  run.intend(temporary);
  try {
    await using file = createFile(target, { temporaryPath: temporary.path, force: request.force, signal: context.signal });
    const manifest = await write(file.output);
    await file.publish();
    return manifest;
  } finally {
    run.forget(temporary);
  }
}

async function explain(source: ContainerSource & { willStop: boolean }, request: ExportRequest, context: Context): Promise<number> {
  const { metadata } = source.head;
  await context.print(`container    ${metadata.container}`);
  await context.print(`format       ${metadata.format}`);
  await context.print(`datasets     ${["/", ...metadata.datasets].join(" ")}`);
  await context.print(`hooks        ${source.head.hooks.length}`);
  await context.print(`consistent   ${source.willStop ? "yes, the container is stopped for a moment" : "the container is not stopped"}`);
  await context.print(`compression  ${metadata.format === "tar" ? "gzip" : request.compression}`);
  if (!("estimate" in source)) return EXIT_CODES.done;
  for (const { dataset, bytes } of await (source as unknown as ZfsSource).estimate()) {
    await context.print(`base stream  ${dataset === "" ? "/" : dataset}  ${formatSize(bytes)} (${bytes} bytes before gzip)`);
  }
  return EXIT_CODES.done;
}
