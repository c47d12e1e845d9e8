/** `ctar export`: a container becomes an archive. */
import { EXIT_CODES } from "../errors.ts";
import { parseContainerRef } from "../host/container.ts";
import { Run } from "../host/undo/run.ts";
import type { ByteSink } from "../stream/bytes.ts";
import { openStdout } from "../sys/output.ts";
import { LossReport } from "../tree/loss.ts";
import type { Context } from "./context.ts";
import { defineVerb, type Verb } from "./define.ts";
import { writeOut } from "./exporting/export-output.ts";
import { IMAGE_ARGS } from "./exporting/new-image.ts";
import { prepareExport, type ExportRequest, type PreparedExport } from "./exporting/prepared-export.ts";
import { PROGRESS_ARGS, shown } from "./telling/progress.ts";
import { REMOTE_ARGS, remoteImportOf } from "./remote/remote-arguments.ts";
import type { RemoteImport } from "./remote/remote-import.ts";
import { JSON_ARG, pathOrNull } from "./telling/results.ts";
import { formatSize, POOL_ARG, poolOf, printRows } from "./world.ts";
import { DEFAULT_CHUNK_SIZE, DEFAULT_LEVEL, parseWriteArguments, WRITE_ARGS } from "./exporting/write-arguments.ts";
import { describeWritten, writtenResult, type Written } from "./telling/written.ts";

/** What osctl's spelling of the command does not say. */
export const EXPORT_DEFAULTS: Omit<ExportRequest, "ctid" | "consistent" | "compression"> = {
  chunkSize: DEFAULT_CHUNK_SIZE,
  level: DEFAULT_LEVEL,
  raw: false,
  largeBlocks: false,
  embedded: false,
  verify: true,
  layers: false,
  tag: [],
  change: [],
  force: false,
  dryRun: false,
  bootstrap: false,
  json: false,
};

/** The verb. */
export const exportVerb: Verb = defineVerb({
  name: "export",
  summary: "Export a container into an archive",
  description:
    "Writes configuration and data of a container into one tar archive, which ctar import and osctl ct import read. A running container is " +
    "snapshotted, then stopped for a second snapshot only, unless --no-consistent is given.\n\n" +
    "With --to, the system's ssh runs ctar import on another host, and the archive goes there. Nothing is begun here before that has found its pool, " +
    "and of ZFS streams no container is stopped before it has accepted what comes. A failure there is the failure of this run, exit code included. " +
    "Ports and the like stand in ssh_config(5); what else an import can do is for a pipe into ssh.\n\n" +
    "Formats docker and oci are an image, gzipped, for docker load, podman load, ctr image import and skopeo: an OCI layout, and for docker with its " +
    "manifest.json. rootfs is the files alone, as docker export writes them. A layer is called by its digest, so each that does not go straight " +
    "into a file is kept until it is complete: in TMPDIR if the output is a pipe; of --layers, those above the first, beside the output.",
  args: {
    ctid: { type: "positional", completes: "container", description: "The container, as ID or POOL:ID" },
    archive: { type: "positional", required: false, completes: "file", description: "A new file, or - for stdout; stdout if left out" },
    ...REMOTE_ARGS,
    pool: POOL_ARG,
    consistent: { type: "boolean", default: true, negatable: true, description: "Stop a running container for a moment" },
    compression: {
      type: "enum",
      alias: "c",
      options: ["auto", "off", "gzip"],
      default: "auto",
      description: "auto sends blocks as compressed as ZFS holds them and gzips the rest",
    },
    format: {
      type: "enum",
      options: ["zfs", "tar", "rootfs", "docker", "oci"],
      description: "ZFS streams, or the root filesystem as a tar, in an archive for imports; a flat tar; an image. zfs where there is ZFS",
    },
    ...IMAGE_ARGS,
    ...WRITE_ARGS,
    raw: { type: "boolean", description: "Send encrypted datasets as they are, without their keys" },
    largeBlocks: { type: "boolean", description: "Send blocks larger than 128 KiB whole; the other side must know the feature" },
    embedded: { type: "boolean", description: "Send very small blocks as the pool holds them; the other side must know the feature" },
    verify: { type: "boolean", default: true, negatable: true, description: "Check the records of streams and write their checksums down" },
    stopCommand: { type: "string", valueHint: "COMMAND", description: "Stops the container where osctld does not run" },
    startCommand: { type: "string", valueHint: "COMMAND", description: "Starts it again" },
    force: { type: "boolean", alias: "f", description: "Replace an existing archive file" },
    dryRun: { type: "boolean", alias: "n", description: "Say what would be done and how large it is, change nothing" },
    ...JSON_ARG,
    ...PROGRESS_ARGS,
  },
  examples: [
    "ctar export web01 web01.tar",
    "ctar export web01 --to root@host2",
    "ctar export web01 --to host2:tank --as-id web02 --bootstrap",
    "ctar export web01 - | ssh host2 ctar import --dataset tank/fast/web -",
    "ctar export --format tar web01 web01-rootfs.tar",
    "ctar export --pool dir:/srv/containers web01 web01.tar",
    "ctar export --format docker --tag web:1 web01 - | docker load",
    "ctar export --format docker --change 'CMD [\"nginx\"]' web01 web.tar",
    "ctar export --format oci --layers --tag example.org/web web01 web.tar",
    'ctar export web01 web01.tar --stop-command "lxc-stop -n web01" \\\n    --start-command "lxc-start -n web01"',
  ],
  run: shown("export", runExport),
});

/** Exports a container. @returns the exit code */
export async function runExport(request: ExportRequest, context: Context): Promise<number> {
  const { archive = "-", dryRun } = request;
  await using remote = remoteImportOf(request, context);
  const toStdout = archive === "-" && remote === undefined;
  if (toStdout && !dryRun) context.results.takeStdout();
  const ref = parseContainerRef(request.ctid);
  const writing = parseWriteArguments(request);
  const stdout = toStdout && !dryRun ? await openStdout(context.signal) : undefined;
  const pool = await poolOf(request.pool ?? ref.pool, context);
  const run = new Run(pool, context.commandLine);
  const losses = new LossReport();
  const exported = await prepareExport({ pool, id: ref.id, request, run, losses, context, beforeStop: remote?.accepted }, writing);
  const about = { container: ref.id, pool: pool.name, archive: pathOrNull(archive), ...(remote && { to: request.to }) };
  await remote?.connect();
  if (dryRun) return await explain(exported, about, { request, remote, losses, context });
  const write = async (sink: ByteSink): Promise<[Written, number]> => [await exported.write(sink), sink.offset];
  const [written, bytes] = await writeOut(write, remote ?? stdout ?? archive, { force: request.force, run, context });
  const target = toStdout ? "standard output" : `"${request.to ?? archive}"`;
  const outcome = remote === undefined ? "" : `; ${remote.outcome}`;
  context.talk(`exported container "${ref.id}" to ${target}: ${describeWritten(written, bytes)}${outcome}`);
  const result = {
    ...exportResult(exported, about, request),
    bytes,
    ...exported.facts,
    ...writtenResult(written),
    ...(remote && { imported: remote.imported }),
  };
  context.results.set({ ...result, ...context.results.common(losses) });
  if (!losses.isEmpty) return reportLosses(losses, context);
  return remote?.hasLosses === true ? EXIT_CODES.losses : EXIT_CODES.done;
}

/** What is exported, and where to. */
interface About {
  container: string;
  pool: string;
  /** Null for stdout. */
  archive: string | null;
  /** With `--to`. */
  to?: string | undefined;
}

/** What scripts are told of an export that is going to be or has been. */
function exportResult({ willStop }: PreparedExport, about: About, { compression, consistent, dryRun }: ExportRequest): object {
  return { verb: "export", dryRun, ...about, compression, consistent, stopped: willStop };
}

/** Says what would be. @returns the exit code */
async function explain(
  exported: PreparedExport,
  about: About,
  { request, remote, losses, context }: { request: ExportRequest; remote: RemoteImport | undefined; losses: LossReport; context: Context },
): Promise<number> {
  const estimates = await exported.estimate();
  const result = { ...exportResult(exported, about, request), ...exported.facts, ...(estimates === undefined ? {} : { estimates }) };
  context.results.set({ ...result, ...context.results.common(losses) });
  const sizes = (estimates ?? []).map(({ dataset, bytes }) => {
    return ["base stream", `${dataset === "" ? "/" : dataset}  ${formatSize(bytes)} (${bytes} bytes before gzip)`] as const;
  });
  const to = remote === undefined ? [] : [["to", remote.place] as const];
  if (!request.json) await printRows([...exported.rows, ...to, ...sizes], context);
  return EXIT_CODES.done;
}

/** Says what was lost. @returns the exit code for it */
export function reportLosses(losses: LossReport, context: Context): number {
  context.warn(losses.summary());
  return EXIT_CODES.losses;
}
