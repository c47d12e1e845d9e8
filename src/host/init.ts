/**
 * Making a zpool or a directory ready to hold containers, in the layout that osctld makes and expects. What is there already stays as it is.
 *
 * @see vpsAdminOS `osctld/lib/osctld/pool.rb` (`ensure_datasets`, `ensure_directories`), `commands/pool/install.rb`, 24.05
 */
import * as fs from "node:fs";
import * as path from "node:path";
import { ToolError } from "../errors.ts";
import { defaultIdRange, encodeIdRange } from "../config/id-range.ts";
import { makeDirectory, writeNewFile } from "../sys/files.ts";
import { systemReason } from "../sys/failure.ts";
import { dumpYaml } from "../yaml/dump.ts";
import type { Zfs } from "../zfs/cli.ts";
import { datasetExists, getProperties, setProperties } from "../zfs/dataset.ts";
import { childDataset, parseDatasetName } from "../zfs/name.ts";
import { CONFIG_MODE } from "./config-edit.ts";
import { groupFile } from "./container.ts";
import { builtInGroup } from "./default-groups.ts";
import { idRangeFile } from "./id-space.ts";
import { MIGRATIONS, migrationsFile } from "./migrations.ts";
import { ACTIVE_PROPERTY, DATASET_PROPERTY, openDirectoryPool, openZfsPool, type Pool } from "./pool.ts";

const PARTS: Readonly<Record<string, number>> = { ct: 0o511, conf: 0o500, hook: 0o500, log: 0o511 };
const CONF_PARTS: readonly string[] = ["pool", "ct", "group", "user", "send-receive", "repository", "id-range"];

/** Makes a zpool ready. @throws ToolError not-found (no such pool), zfs */
export async function initZpool(name: string, zfs: Zfs): Promise<Pool> {
  const root = parseDatasetName(name);
  if (root.includes("/")) throw new ToolError("usage", `Cannot make "${name}" ready: it is a dataset, not a pool`);
  const properties = await getProperties(zfs, root, [DATASET_PROPERTY, "mountpoint", "mounted"]);
  if (properties["mounted"] !== "yes") {
    throw new ToolError("not-found", `Cannot make pool "${name}" ready: its root dataset is not mounted`, { hints: [`zfs mount ${name}`] });
  }
  const configured = properties[DATASET_PROPERTY] ?? "-";
  const dataset = configured === "-" ? root : parseDatasetName(configured);
  for (const part of Object.keys(PARTS)) {
    const child = childDataset(dataset, part);
    if (!(await datasetExists(zfs, child))) await zfs.run(["create", "-p", child], `create "${child}"`);
  }
  const pool = await openZfsPool({ name, dataset }, zfs);
  const { mountpoint } = await getProperties(zfs, childDataset(dataset, "ct"), ["mountpoint"]);
  fill(pool, { ...pool.paths, ct: mountpoint ?? "" }, (mode) => mode);
  await setProperties(zfs, root, { [ACTIVE_PROPERTY]: "yes" });
  return pool;
}

/** Makes a directory ready, its parents included. @throws ToolError failed */
export function initDirectory(directory: string): Pool {
  try {
    fs.mkdirSync(path.join(directory, "conf", "ct"), { recursive: true });
  } catch (error) {
    throw new ToolError("failed", `Cannot create "${directory}": ${systemReason(error)}`);
  }
  const pool = openDirectoryPool(directory);
  for (const part of Object.keys(PARTS)) makeDirectory(path.join(directory, part), 0o755);
  fill(pool, { ...pool.paths, ct: pool.ct }, (mode) => mode | 0o200); // its owner need not be root
  return pool;
}

function fill(pool: Pool, parts: Readonly<Record<string, string>>, adapt: (mode: number) => number): void {
  for (const [part, mode] of Object.entries(PARTS)) fs.chmodSync(parts[part] as string, adapt(mode));
  for (const part of CONF_PARTS) makeDirectory(path.join(pool.paths.conf, part), adapt(0o500));
  for (const part of ["ct", "pool"]) makeDirectory(path.join(pool.paths.hook, part), 0o700);
  makeDirectory(path.join(pool.paths.log, "ct"), 0o755);
  writeIfMissing(migrationsFile(pool), `${MIGRATIONS.join("\n")}\n`, 0o600);
  for (const group of ["/", "/default"]) {
    const file = groupFile(pool, group);
    makeDirectory(path.dirname(file), 0o755);
    writeIfMissing(file, dumpYaml(builtInGroup(group, pool)), CONFIG_MODE);
  }
  writeIfMissing(idRangeFile(pool, "default"), encodeIdRange(defaultIdRange()), CONFIG_MODE);
}

function writeIfMissing(file: string, content: string, mode: number): void {
  if (!fs.existsSync(file)) writeNewFile(file, content, mode);
}
