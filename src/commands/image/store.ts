/** Where a pool keeps its images: in its dataset `image`, or the directory of that name. */
import * as fs from "node:fs";
import * as path from "node:path";
import { ToolError } from "../../errors.ts";
import type { Pool, ZfsPool } from "../../host/pool.ts";
import type { DeadRun } from "../../host/undo/leftovers.ts";
import { ImageStore } from "../../oci/store/store.ts";
import type { InputOptions } from "../../sys/input.ts";
import { datasetExists, getProperties } from "../../zfs/dataset.ts";
import { childDataset, type DatasetName } from "../../zfs/name.ts";
import type { Context } from "../context.ts";
import { poolOf } from "../world.ts";

const PART = "image";

/** A pool and its images. */
export interface PoolImages {
  readonly pool: Pool;
  readonly store: ImageStore;
}

/** The images of a pool that has some. @throws ToolError not-found */
export async function openPoolImages(poolName: string | undefined, context: Context): Promise<PoolImages> {
  const pool = await poolOf(poolName, context);
  return { pool, store: ImageStore.open(await locate(pool, false), reading(context)) };
}

/** The images of a pool, with room for them made if there is none. */
export async function createPoolImages(poolName: string | undefined, context: Context): Promise<PoolImages> {
  const pool = await poolOf(poolName, context);
  return { pool, store: ImageStore.create(await locate(pool, true), reading(context)) };
}

/** Runs that ended without cleaning up among a pool's images: a lease each. */
export async function findDeadImageRuns(pool: Pool, signal: AbortSignal): Promise<DeadRun[]> {
  const store = await storeIfThere(pool, signal);
  if (store === undefined) return [];
  const clean = async (): Promise<void> => await store.exclusively(async () => await Promise.resolve(store.removeLeftovers()));
  return store.deadLeases().map((lease) => ({ command: undefined, left: [`unfinished "${lease}"`], clean }));
}

function reading({ signal, progress }: Context): InputOptions {
  return { signal, counter: progress };
}

async function storeIfThere(pool: Pool, signal: AbortSignal): Promise<ImageStore | undefined> {
  try {
    return ImageStore.open(await locate(pool, false), { signal });
  } catch (error) {
    if (error instanceof ToolError && error.code === "not-found") return undefined;
    throw error;
  }
}

/** @param create whether to make the dataset, where the pool has datasets and neither it nor the directory is there */
async function locate(pool: Pool, create: boolean): Promise<string> {
  if (pool.kind === "dir") return path.join(path.dirname(pool.ct), PART);
  const dataset = childDataset(pool.dataset, PART);
  if (await datasetExists(pool.zfs, dataset)) return await mountpointOf(pool, dataset);
  const directory = path.join(await mountpointOf(pool, pool.dataset), PART);
  if (!create || fs.existsSync(directory)) return directory;
  await pool.zfs.run(["create", dataset], `create "${dataset}"`);
  return await mountpointOf(pool, dataset);
}

async function mountpointOf({ zfs }: ZfsPool, dataset: DatasetName): Promise<string> {
  const { mounted, mountpoint } = await getProperties(zfs, dataset, ["mounted", "mountpoint"]);
  if (mounted === "yes" && mountpoint !== undefined) return mountpoint;
  throw new ToolError("not-found", `Cannot use "${dataset}": it is not mounted`, { hints: [`zfs mount ${dataset}`] });
}
