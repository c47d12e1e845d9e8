/** `ctar import`: an archive becomes a container. */
import { importArchive } from "../archive/import.ts";
import { ArchiveReader } from "../archive/read.ts";
import { EXIT_CODES, ToolError } from "../errors.ts";
import { DirStorage } from "../host/dir-storage.ts";
import type { Pool } from "../host/pool.ts";
import { Run } from "../host/run.ts";
import type { Storage } from "../host/storage.ts";
import { HostTarget } from "../host/target.ts";
import { ZfsStorage } from "../host/zfs-storage.ts";
import { openInput } from "../sys/input.ts";
import { LossReport } from "../tree/loss.ts";
import { childDataset, parseDatasetName } from "../zfs/name.ts";
import type { Context } from "./context.ts";
import { defineVerb, type Verb } from "./define.ts";
import { reportLosses } from "./export.ts";
import { POOL_ARG, poolOf } from "./world.ts";

/** What `import` was asked for. */
export interface ImportRequest {
  archive: string;
  pool?: string | undefined;
  asId?: string | undefined;
  asUser?: string | undefined;
  asGroup?: string | undefined;
  dataset?: string | undefined;
  zfsProperty: readonly string[];
  dryRun: boolean;
}

/** Arguments that `ctar ct import` has too. */
export const IMPORT_ARGS = {
  archive: { type: "positional", description: "A file, or - for stdin" },
  asId: { type: "string", valueHint: "CTID", description: "Id of the new container; the archive's if left out" },
  asUser: { type: "string", valueHint: "USER", description: "A user of the pool, instead of the archive's" },
  asGroup: { type: "string", valueHint: "GROUP", description: "A group of the pool, instead of the archive's" },
  dataset: { type: "string", valueHint: "DATASET", description: "Where the data goes; <pool>/ct/<ctid> if left out" },
  zfsProperty: { type: "string", valueHint: "NAME=VALUE", repeatable: true, description: "A property set on every dataset" },
} as const;

/** The verb. */
export const importVerb: Verb = defineVerb({
  name: "import",
  summary: "Import a container from an archive",
  description:
    "Reads the archive once, from a file or a pipe. Data is received under a temporary name; the container appears when everything is there, " +
    "and a failed import leaves nothing behind.",
  args: {
    ...IMPORT_ARGS,
    pool: POOL_ARG,
    dryRun: { type: "boolean", alias: "n", description: "Check the archive's head against the pool, change nothing" },
  },
  examples: [
    "ctar import web01.tar",
    "ctar import --as-id web02 --as-user web01 - < web01.tar",
    "ctar import --pool tank --dataset tank/fast/web01 --zfs-property quota=20G web01.tar",
    "ctar import --pool dir:/srv/containers web01.tar",
  ],
  run: async (args, context) => await runImport(args, context),
});

/** Imports a container. @returns the exit code */
export async function runImport(request: ImportRequest, context: Context): Promise<number> {
  const properties = parseProperties(request.zfsProperty);
  await using input = await openInput(request.archive, context.signal);
  const pool = await poolOf(request.pool, context);
  const run = new Run(pool, context.commandLine);
  const losses = new LossReport();
  const storage = (id: string): Storage => makeStorage({ id, pool, run, losses, request, properties, context });
  const { asId, asUser, asGroup, dryRun } = request;
  const target = new HostTarget(pool, { asId, asUser, asGroup, run, talk: context.talk, storage });
  const { head, checked } = await importArchive(new ArchiveReader(input), target, { dryRun });
  const { id, user, group, dataset } = target.planned;
  if (dryRun) {
    await context.print(`container    ${id}`);
    await context.print(`user         ${user}`);
    await context.print(`group        ${group}`);
    await context.print(`pool         ${pool.name}`);
    await context.print(`dataset      ${dataset ?? "-"}`);
    await context.print(`format       ${head.metadata.format}`);
    await context.print(`subdatasets  ${head.metadata.datasets.join(" ") || "-"}`);
    await context.print(`hooks        ${head.hooks.length}`);
    return EXIT_CODES.done;
  }
  const proof = checked ? "checked against its manifest" : "the archive has no manifest to check against";
  context.talk(`imported container "${id}" to pool "${pool.name}" (${proof})`);
  return losses.isEmpty ? EXIT_CODES.done : reportLosses(losses, context);
}

function makeStorage(parts: {
  id: string;
  pool: Pool;
  run: Run;
  losses: LossReport;
  request: ImportRequest;
  properties: Record<string, string>;
  context: Context;
}): Storage {
  const { id, pool, run, losses, request, properties, context } = parts;
  if (pool.kind === "zfs") {
    const dataset = request.dataset === undefined ? childDataset(pool.dataset, `ct/${id}`) : parseDatasetName(request.dataset);
    return new ZfsStorage(pool, { dataset, properties, run, talk: context.talk });
  }
  if (request.dataset !== undefined || request.zfsProperty.length > 0) {
    throw new ToolError("usage", `Cannot use --dataset or --zfs-property: pool "${pool.name}" has no ZFS`);
  }
  return new DirStorage(pool, { id, run, onLoss: (loss) => losses.add(loss) });
}

function parseProperties(settings: readonly string[]): Record<string, string> {
  const pairs = settings.map((setting) => {
    const match = /^([a-z0-9:._-]+)=(.*)$/s.exec(setting);
    if (match === null) throw new ToolError("usage", `Cannot use --zfs-property "${setting}": it is not name=value`);
    return [match[1] as string, match[2] as string];
  });
  return Object.fromEntries(pairs) as Record<string, string>;
}
