/** `ctar import`: an archive, an image or a root filesystem becomes a container. */
import { importArchive } from "../archive/import.ts";
import { importRoot } from "../archive/import-root.ts";
import { ArchiveReader } from "../archive/read.ts";
import { EXIT_CODES } from "../errors.ts";
import type { HostTarget } from "../host/import/target.ts";
import { isSeekable } from "../stream/bytes.ts";
import { unpack } from "../stream/input-start.ts";
import { describeProgram } from "../sys/environment.ts";
import { LossReport, type Loss } from "../tree/loss.ts";
import type { Context } from "./context.ts";
import { defineVerb, type Verb } from "./define.ts";
import { reportLosses } from "./export.ts";
import { importedRoot, openRoot, type RootArguments } from "./importing/import-root.ts";
import { openTarget, parseProperties, type TargetRequest } from "./importing/import-target.ts";
import { IMAGE_ARGS, openSubject, refuseImageChoice, sizeOf, SPOOL_ARG, type Subject } from "./inputs/subject.ts";
import { PROGRESS_ARGS, shown, type ProgressArguments } from "./telling/progress.ts";
import { announce } from "./remote/far-events.ts";
import { JSON_ARG, pathOrNull } from "./telling/results.ts";
import { POOL_ARG, poolOf, printRows } from "./world.ts";
import { writtenResult } from "./telling/written.ts";

/** What `import` was asked for. */
export interface ImportRequest extends RootArguments, TargetRequest {
  pool?: string | undefined;
  dryRun: boolean;
  json: boolean;
  progress?: ProgressArguments["progress"];
}

/** Arguments that `ctar ct import` has too. */
export const IMPORT_ARGS = {
  archive: { type: "positional", completes: "file", description: "A file, or - for stdin" },
  asId: { type: "string", valueHint: "CTID", description: "Id of the new container; the archive's if left out" },
  asUser: { type: "string", valueHint: "USER", description: "A user of the pool, instead of the archive's" },
  asGroup: { type: "string", valueHint: "GROUP", description: "A group of the pool, instead of the archive's" },
  dataset: { type: "string", valueHint: "DATASET", description: "Where the data goes; <pool>/ct/<ctid> if left out" },
  missingDevices: {
    type: "enum",
    options: ["check", "provide", "remove"],
    default: "check",
    description: "Devices that the group lacks: refuse, add to the groups, leave out",
  },
  mapMode: { type: "enum", options: ["zfs", "native"], description: "Where id maps are applied; as the archive says if left out" },
  zfsProperty: { type: "string", valueHint: "NAME=VALUE", repeatable: true, description: "A property set on every dataset" },
} as const;

/** The verb. */
export const importVerb: Verb = defineVerb({
  name: "import",
  summary: "Import a container from an archive, an image or a root filesystem",
  description:
    "Reads the archive once, from a file or a pipe. Data is received under a temporary name; the container appears when everything is there, " +
    "and a failed import leaves nothing behind. A directory pool gets the files in ZFS streams: those that come through a pipe or are gzipped are " +
    "kept there until the last has come, which takes room for the streams, decompressed, and the files.\n\n" +
    "What it is, is told by its content. An image, as docker save, podman save, ctr image export, skopeo and umoci write them, becomes a container of " +
    "its layers put together: entrypoint and command are its init_cmd, and all of the image's configuration is kept for an export as an image. " +
    "A tar of a root filesystem, as docker export writes it, is extracted as it passes. Distribution and version are those of os-release; there are no " +
    "network interfaces, and a user is made with ids of its own, as by osctl ct new. Without --as-id the container is called after the image's name, " +
    "or the file. Images from a pipe, or compressed as a whole, are kept in --spool-dir first. Anything may be compressed with gzip or zstd.",
  args: {
    ...IMPORT_ARGS,
    archive: { type: "positional", completes: "file", description: "A file, an OCI layout's directory, or - for stdin" },
    image: IMAGE_ARGS.image,
    platform: { type: "string", valueHint: "OS/ARCH", description: "One of several platforms of an image; what a root filesystem is for" },
    ...SPOOL_ARG,
    pool: POOL_ARG,
    map: {
      type: "enum",
      options: ["archive", "auto"],
      default: "archive",
      description: "Ids of a new user: the archive's map, or a free block of the pool",
    },
    hooks: { type: "boolean", default: true, negatable: true, description: "Install the archive's hook scripts, which run as root" },
    untrusted: {
      type: "boolean",
      description: "Take no hooks, host mounts, raw LXC, devices or id maps from the archive",
    },
    verify: {
      type: "boolean",
      default: true,
      negatable: true,
      description: "Check the records of streams, and checksums with the manifest",
    },
    dryRun: { type: "boolean", alias: "n", description: "Check the archive's head against the pool, change nothing" },
    ...JSON_ARG,
    ...PROGRESS_ARGS,
  },
  examples: [
    "ctar import web01.tar",
    "ctar import --as-id web02 --as-user web01 - < web01.tar",
    "ctar import --dataset tank/web01 --zfs-property quota=20G web01.tar",
    "ctar import --untrusted --as-id guest1 downloaded.tar",
    "ctar import --pool dir:/srv/containers web01.tar",
    "docker save alpine:3.20 | ctar import --as-id alpine01 -",
    "ctar import --image app:1.2 --platform linux/arm64 images.tar",
    "ssh host1 docker export web | ctar import --as-id web02 -",
  ],
  run: shown("import", runImport),
});

/** Imports a container. @returns the exit code */
export async function runImport(request: ImportRequest, context: Context): Promise<number> {
  const properties = parseProperties(request.zfsProperty);
  // before the input, which may be a pipe that waits for us
  const pool = await poolOf(request.pool, context);
  announce({ event: "ready", tool: describeProgram(), pool: pool.name }, request, context);
  await using subject = await openSubject(request.archive, context);
  const losses = new LossReport();
  const onLoss = (loss: Loss): void => losses.add(loss);
  const target = await openTarget(pool, { request, properties, onLoss, context });
  const { rows, facts, proof } = await importSubject(subject, target, { request, context, onLoss });
  const { id: container, user, group, dataset, hooks } = target.planned;
  const place = { container, pool: pool.name, user, group, dataset: dataset ?? null };
  const about = { verb: "import", dryRun: request.dryRun, archive: pathOrNull(request.archive) };
  const { compression } = subject;
  context.results.set({ ...about, ...place, hooks, compression, ...facts, ...context.results.common(losses) });
  if (request.dryRun) {
    const placeRows = ["container", "user", "group", "pool", "dataset"] as const;
    if (!request.json) await printRows([...placeRows.map((key) => [key, place[key] ?? "-"] as const), ...rows], context);
    return EXIT_CODES.done;
  }
  context.talk(`imported container "${container}" to pool "${pool.name}" (${proof})`);
  return losses.isEmpty ? EXIT_CODES.done : reportLosses(losses, context);
}

/** What was imported: rows to show, what scripts are told, and why it can be relied on. */
interface Imported {
  rows: readonly (readonly [label: string, value: string])[];
  facts: object;
  proof: string;
}

interface ImportParts {
  request: ImportRequest;
  context: Context;
  onLoss: (loss: Loss) => void;
}

async function importSubject(subject: Subject, target: HostTarget, { request, context, onLoss }: ImportParts): Promise<Imported> {
  const { dryRun, verify } = request;
  const { progress } = context;
  progress.begin({ phase: "import", total: sizeOf(subject) });
  if (subject.kind !== "archive") {
    await using root = await openRoot(subject, request, context);
    await importRoot(importedRoot(root), target, { dryRun });
    const { rows, passing, what } = root;
    if (dryRun) return { rows, facts: root.facts, proof: what };
    for (const warning of passing.warnings()) context.tell("warning", warning);
    const { release } = passing;
    const facts = { ...root.facts, distribution: release?.distribution ?? null, version: release?.version ?? null };
    return { rows, facts, proof: release === undefined ? what : `${what}, ${release.distribution} ${release.version}` };
  }
  refuseImageChoice(request);
  await using unpacked = await unpack(subject.input, subject.name);
  const isFile = isSeekable(unpacked.source);
  const { head, checked, streams } = await importArchive(new ArchiveReader(unpacked.source), target, {
    dryRun,
    verify,
    onLoss,
    onAccepted: () => announce({ event: "accepted", container: target.planned.id }, request, context),
    onStream: ({ kind: phase, dataset }, bytes) => progress.enter({ phase, dataset, total: isFile ? bytes : undefined }),
    onFiles: (total) => progress.begin({ phase: "files", total }),
  });
  const { metadata, hooks } = head;
  const { format, datasets, exportedAt } = metadata;
  const rows = [["format", format], ["subdatasets", datasets.join(" ") || "-"], ["hooks", `${hooks.length}`]] as const; // prettier-ignore
  const made = dryRun ? {} : { checked, ...writtenResult({ streams }) };
  const facts = { origin: "archive", format, exportedAt, datasets, ...made };
  const unchecked = verify ? "the archive has no manifest to check against" : "not checked";
  return { rows, facts, proof: checked ? "checked against its manifest" : unchecked };
}
