/** Where an import goes: a pool, and what of it the options choose. */
import { writeAdoption, type Adoption } from "../../archive/adoption.ts";
import { ArchiveWriter } from "../../archive/write.ts";
import { ToolError } from "../../errors.ts";
import type { MissingDevices } from "../../host/import/device-plan.ts";
import { DirStorage } from "../../host/import/dir-storage.ts";
import type { MapMode } from "../../host/import/import-plan.ts";
import { chooseRegistrar } from "../../host/import/osctld-registrar.ts";
import type { Storage } from "../../host/import/storage.ts";
import { HostTarget } from "../../host/import/target.ts";
import type { MapChoice } from "../../host/import/user-plan.ts";
import { ZfsStorage } from "../../host/import/zfs-storage.ts";
import type { Pool } from "../../host/pool.ts";
import { Run } from "../../host/undo/run.ts";
import { describeProgram } from "../../sys/environment.ts";
import { createFile, temporaryName } from "../../sys/new-file.ts";
import type { Loss } from "../../tree/loss.ts";
import { childDataset, parseDatasetName } from "../../zfs/name.ts";
import type { Context } from "../context.ts";
import { timeOf } from "../world.ts";

/** The archive for osctld is written to a file, where streams are not cut. */
const ADOPTION_CHUNK_BYTES = 1024 * 1024;

/** What is chosen. */
export interface TargetRequest {
  asId?: string | undefined;
  asUser?: string | undefined;
  asGroup?: string | undefined;
  dataset?: string | undefined;
  missingDevices: MissingDevices;
  map: MapChoice;
  mapMode?: MapMode | undefined;
  zfsProperty: readonly string[];
  hooks: boolean;
  untrusted: boolean;
}

interface TargetParts {
  request: TargetRequest;
  /** Those of `zfsProperty`. */
  properties: Record<string, string>;
  onLoss: (loss: Loss) => void;
  context: Context;
}

/** Makes the target; nothing is changed yet. @throws ToolError failed if osctld has the pool, but does not serve it */
export async function openTarget(pool: Pool, parts: TargetParts): Promise<HostTarget> {
  const { request, context } = parts;
  const { asId, asUser, asGroup, map, mapMode, missingDevices, hooks, untrusted } = request;
  const run = new Run(pool, context.commandLine);
  return new HostTarget(pool, {
    choices: { asId, asUser, asGroup, map, mapMode, missingDevices, hooks, untrusted },
    run,
    registrar: await chooseRegistrar(pool, { ...context, run, missingDevices, writeArchive: adoptionWriter(context) }),
    tell: context.tell,
    storage: (id) => makeStorage(id, pool, { ...parts, run }),
  });
}

/** Reads properties for datasets. @throws ToolError usage */
export function parseProperties(settings: readonly string[]): Record<string, string> {
  const pairs = settings.map((setting) => {
    const match = /^([a-z0-9:._-]+)=(.*)$/s.exec(setting);
    if (match === null) throw new ToolError("usage", `Cannot use --zfs-property "${setting}": it is not name=value`);
    return [match[1] as string, match[2] as string];
  });
  return Object.fromEntries(pairs) as Record<string, string>;
}

/** Writes the archive that a running osctld is given. */
function adoptionWriter(context: Context): (file: string, adoption: Adoption) => Promise<void> {
  return async (file, adoption) => {
    const now = timeOf(context);
    await using target = createFile(file, { temporaryPath: temporaryName(file), force: true, signal: context.signal });
    const writer = new ArchiveWriter(target.output, { mtime: now, chunkBytes: ADOPTION_CHUNK_BYTES });
    await writeAdoption(adoption, writer, { tool: describeProgram(), now });
    await target.publish();
  };
}

function makeStorage(id: string, pool: Pool, { request, properties, onLoss, context, run }: TargetParts & { run: Run }): Storage {
  if (pool.kind === "zfs") {
    const dataset = request.dataset === undefined ? childDataset(pool.dataset, `ct/${id}`) : parseDatasetName(request.dataset);
    return new ZfsStorage(pool, { dataset, properties, run, signal: context.signal, onLoss });
  }
  if (request.dataset !== undefined || request.zfsProperty.length > 0) {
    throw new ToolError("usage", `Cannot use --dataset or --zfs-property: pool "${pool.name}" has no ZFS`);
  }
  return new DirStorage(pool, { id, run, signal: context.signal, onLoss, counter: context.progress });
}
