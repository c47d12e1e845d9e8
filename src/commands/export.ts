/** `ctar export`: a container becomes an archive. */
import { EXIT_CODES } from "../errors.ts";
import { parseContainerRef } from "../host/container.ts";
import { Run } from "../host/undo/run.ts";
import type { ByteSink } from "../stream/bytes.ts";
import { temporaryName } from "../sys/new-file.ts";
import { openSpecialFile, openStdout } from "../sys/output.ts";
import { LossReport } from "../tree/loss.ts";
import type { Context } from "./context.ts";
import { defineVerb, type Verb } from "./define.ts";
import { IMAGE_ARGS } from "./new-image.ts";
import { prepareExport, type ExportRequest } from "./prepared-export.ts";
import { POOL_ARG, poolOf } from "./world.ts";
import { DEFAULT_CHUNK_SIZE, DEFAULT_LEVEL, parseWriteArguments, WRITE_ARGS, writeNewFile } from "./write-arguments.ts"; // prettier-ignore

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
};

/** The verb. */
export const exportVerb: Verb = defineVerb({
  name: "export",
  summary: "Export a container into an archive",
  description:
    "Writes configuration and data of a container into one tar archive, which ctar import and osctl ct import read. A running container is " +
    "snapshotted, then stopped for a second snapshot only, unless --no-consistent is given.\n\n" +
    "Formats docker and oci are an image, gzipped, for docker load, podman load, ctr image import and skopeo: an OCI layout, and for docker with its " +
    "manifest.json. rootfs is the files alone, as docker export writes them. A layer is called by its digest, so each that does not go straight " +
    "into a file is kept until it is complete: in TMPDIR if the output is a pipe; of --layers, those above the first, beside the output.",
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
  },
  examples: [
    "ctar export web01 web01.tar",
    "ctar export web01 - | ssh host2 ctar import --as-id web02 -",
    "ctar export --format tar web01 web01-rootfs.tar",
    "ctar export --pool dir:/srv/containers web01 web01.tar",
    "ctar export --format docker --tag web:1 --change 'CMD [\"nginx\"]' web01 - | docker load",
    "ctar export --format oci --layers --tag registry.example/web:1 web01 web01-image.tar",
    'ctar export --stop-command "lxc-stop -n web01" --start-command "lxc-start -n web01" web01 web01.tar',
  ],
  run: async (args, context) => await runExport(args, context),
});

/** Exports a container. @returns the exit code */
export async function runExport(request: ExportRequest, context: Context): Promise<number> {
  const ref = parseContainerRef(request.ctid);
  const writing = parseWriteArguments(request);
  const toStdout = request.archive === undefined || request.archive === "-";
  const stdout = toStdout && !request.dryRun ? await openStdout(context.signal) : undefined;
  const pool = await poolOf(request.pool ?? ref.pool, context);
  const run = new Run(pool, context.commandLine);
  const losses = new LossReport();
  const exported = await prepareExport({ pool, id: ref.id, request, run, losses, context }, writing);
  if (request.dryRun) return await exported.explain();
  const what = stdout === undefined ? await writeFile(request, run, context, exported.write) : await exported.write(stdout);
  context.talk(`exported container "${ref.id}" to ${toStdout ? "standard output" : `"${request.archive}"`}: ${what}`);
  return losses.isEmpty ? EXIT_CODES.done : reportLosses(losses, context);
}

/** Says what was lost. @returns the exit code for it */
export function reportLosses(losses: LossReport, context: Context): number {
  context.talk(losses.summary());
  return EXIT_CODES.losses;
}

async function writeFile<T>(request: ExportRequest, run: Run, context: Context, write: (sink: ByteSink) => Promise<T>): Promise<T> {
  const target = request.archive as string;
  const special = openSpecialFile(target, context.signal);
  if (special !== undefined) return await write(special);
  const temporary = { is: "path", path: temporaryName(target) } as const;
  run.intend(temporary);
  try {
    return await writeNewFile(target, { temporaryPath: temporary.path, force: request.force, signal: context.signal }, write);
  } finally {
    run.forget(temporary);
  }
}
