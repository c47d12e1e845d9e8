/**
 * Pools: where containers live. Either a zpool with the vpsAdminOS layout, found by the user properties on its root dataset, or the same
 * layout in a plain directory (`dir:/path`), with no ZFS anywhere.
 *
 *     conf/{ct,user,group,id-range,pool,...}   hook/{ct,pool}   log/   ct/<id>[/<subdataset>]
 *
 * Paths always come from ZFS, never from joining names: under an altroot the two differ.
 *
 * @see vpsAdminOS `osctld/lib/osctld/pool.rb`, 24.05
 */
import * as fs from "node:fs";
import * as path from "node:path";
import { ToolError } from "../errors.ts";
import type { Zfs } from "../zfs/cli.ts";
import { childDataset, parseDatasetName, type DatasetName } from "../zfs/name.ts";

/** On the zpool's root dataset: `yes` where osctld may use the pool, and the dataset below which it keeps everything. */
export const ACTIVE_PROPERTY = "org.vpsadminos.osctl:active";
export const DATASET_PROPERTY = "org.vpsadminos.osctl:dataset";

/** Directories of a pool. */
export interface PoolPaths {
  conf: string;
  hook: string;
  log: string;
}

/** A zpool. */
export interface ZfsPool {
  readonly kind: "zfs";
  /** Name of the zpool. */
  readonly name: string;
  /** The dataset that holds `ct`, `conf`, `hook`, `log`. */
  readonly dataset: DatasetName;
  readonly paths: PoolPaths;
  readonly zfs: Zfs;
}

/** A directory. */
export interface DirPool {
  readonly kind: "dir";
  /** `dir:/path`. */
  readonly name: string;
  readonly paths: PoolPaths;
  /** Where containers' directories are. */
  readonly ct: string;
}

/** A place that holds containers. */
export type Pool = ZfsPool | DirPool;

/** The path of a `dir:` pool, absolute; undefined for the name of a zpool. */
export function directoryOf(poolName: string): string | undefined {
  return poolName.startsWith("dir:") ? path.resolve(poolName.slice("dir:".length)) : undefined;
}

/**
 * Finds the pool of that name, or the only one there is.
 *
 * @throws ToolError not-found (no such pool, none installed, conf not mounted), usage (several, none named)
 */
export async function findPool(poolName: string | undefined, zfs: Zfs): Promise<Pool> {
  const directory = poolName === undefined ? undefined : directoryOf(poolName);
  if (directory !== undefined) return openDirectoryPool(directory);
  const pools = await listInstalledPools(zfs);
  const found = pools.find(({ name }) => name === poolName) ?? (poolName === undefined && pools.length === 1 ? pools[0] : undefined);
  if (found !== undefined) return await openZfsPool(found, zfs);
  if (poolName !== undefined) {
    throw new ToolError("not-found", `Cannot use pool "${poolName}": no such pool is installed`, {
      hints: [`zpool import -N ${poolName}`, `ctar init ${poolName}`],
    });
  }
  if (pools.length > 0) {
    const names = pools.map(({ name }) => name).join(", ");
    throw new ToolError("usage", `Cannot choose a pool: there are several: ${names}`, { hints: ["Name one with --pool"] });
  }
  throw new ToolError("not-found", "Cannot find a pool: none is installed here", {
    hints: ["Name a directory with --pool dir:/path, or make a pool ready with: ctar init <pool>"],
  });
}

/** An installed zpool, not yet looked into. */
export interface InstalledPool {
  name: string;
  dataset: DatasetName;
}

/** The zpools that osctld may use. @throws ToolError zfs where ZFS does not run */
export async function listInstalledPools(zfs: Zfs): Promise<InstalledPool[]> {
  const columns = ["name", ACTIVE_PROPERTY, DATASET_PROPERTY].join(",");
  const rows = await zfs.table(["list", "-H", "-p", "-d", "0", "-t", "filesystem", "-o", columns], "list pools");
  return rows
    .filter(([, active]) => active === "yes")
    .map(([name = "", , dataset = "-"]) => ({ name, dataset: parseDatasetName(dataset === "-" ? name : dataset) }));
}

/** Opens an installed zpool. @throws ToolError not-found if its configuration is not mounted */
export async function openZfsPool(installed: InstalledPool, zfs: Zfs): Promise<ZfsPool> {
  const { name, dataset } = installed;
  const at = async (part: string): Promise<string> => await mountpoint(zfs, childDataset(dataset, part));
  return { kind: "zfs", name, dataset, zfs, paths: { conf: await at("conf"), hook: await at("hook"), log: await at("log") } };
}

async function mountpoint(zfs: Zfs, dataset: DatasetName): Promise<string> {
  const rows = await zfs.table(["get", "-H", "-p", "-o", "value", "mounted,mountpoint", dataset], `find the mountpoint of "${dataset}"`);
  const [mounted, where] = rows.map(([value]) => value ?? "");
  if (mounted === "yes" && where !== undefined) return where;
  throw new ToolError("not-found", `Cannot use "${dataset}": it is not mounted`, { hints: [`zfs mount ${dataset}`] });
}

/** Opens a directory pool. @throws ToolError not-found if it is none */
export function openDirectoryPool(directory: string): DirPool {
  const pool: DirPool = {
    kind: "dir",
    name: `dir:${directory}`,
    paths: { conf: path.join(directory, "conf"), hook: path.join(directory, "hook"), log: path.join(directory, "log") },
    ct: path.join(directory, "ct"),
  };
  if (fs.existsSync(path.join(pool.paths.conf, "ct"))) return pool;
  throw new ToolError("not-found", `Cannot use "${pool.name}": it is no pool`, { hints: [`ctar init ${pool.name}`] });
}
