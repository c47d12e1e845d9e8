/** Datasets, their properties and snapshots: everything but their data. */
import { ToolError } from "../errors.ts";
import type { Zfs } from "./cli.ts";
import { parseDatasetName, type DatasetName } from "./name.ts";

/** Filesystems at and below `root`, parents before children. @throws ToolError not-found */
export async function listFilesystems(zfs: Zfs, root: DatasetName): Promise<DatasetName[]> {
  const rows = await zfs.table(["list", "-H", "-p", "-r", "-t", "filesystem", "-o", "name", root], `list datasets of "${root}"`);
  return rows.map(([name]) => parseDatasetName(name ?? ""));
}

/** Names of a dataset's snapshots, the part behind `@`. */
export async function listSnapshots(zfs: Zfs, dataset: DatasetName): Promise<string[]> {
  const rows = await zfs.table(["list", "-H", "-p", "-d", "1", "-t", "snapshot", "-o", "name", dataset], `list snapshots of "${dataset}"`);
  return rows.map(([name = ""]) => name.slice(name.indexOf("@") + 1));
}

/** A snapshot and when it was taken. */
export interface SnapshotTime {
  dataset: string;
  /** The part behind `@`. */
  name: string;
  /** Unix time, seconds. */
  createdAt: number;
  /** Value of the user property that was asked for, if it is set. */
  property: string | undefined;
}

/** The snapshots of a dataset and all below it, of each the oldest first. */
export async function listSnapshotTimes(zfs: Zfs, root: DatasetName, property: string): Promise<SnapshotTime[]> {
  const args = ["list", "-H", "-p", "-r", "-t", "snapshot", "-s", "createtxg", "-o", `name,creation,${property}`, root];
  const rows = await zfs.table(args, `list snapshots of "${root}"`);
  return rows.map(([full = "", creation = "", value = "-"]) => {
    const at = full.indexOf("@");
    return {
      dataset: full.slice(0, at),
      name: full.slice(at + 1),
      createdAt: Number(creation),
      property: value === "-" ? undefined : value,
    };
  });
}

/** Names of all imported pools' root datasets. */
export async function listPools(zfs: Zfs): Promise<DatasetName[]> {
  const rows = await zfs.table(["list", "-H", "-d", "0", "-t", "filesystem", "-o", "name"], "list pools");
  return rows.map(([name]) => parseDatasetName(name ?? ""));
}

/** Whether a dataset is there. */
export async function datasetExists(zfs: Zfs, dataset: DatasetName): Promise<boolean> {
  try {
    await zfs.run(["list", "-H", "-o", "name", dataset], `look for "${dataset}"`);
    return true;
  } catch (error) {
    if (error instanceof ToolError && error.code === "not-found" && error.facts["argv"] !== undefined && isMissingDataset(error))
      return false;
    throw error;
  }
}

/** Values of properties of one dataset, by name; `-` for those that are not set. */
export async function getProperties(zfs: Zfs, dataset: DatasetName, names: readonly string[]): Promise<Record<string, string>> {
  const rows = await zfs.table(["get", "-H", "-p", "-o", "property,value", names.join(","), dataset], `read properties of "${dataset}"`);
  return Object.fromEntries(rows.map(([property, value]) => [property ?? "", value ?? ""]));
}

/** Properties set on the dataset itself, not inherited. */
export async function getLocalProperties(zfs: Zfs, dataset: DatasetName): Promise<Record<string, string>> {
  const args = ["get", "-H", "-p", "-s", "local,received", "-o", "property,value", "all", dataset];
  const rows = await zfs.table(args, `read properties of "${dataset}"`);
  return Object.fromEntries(rows.map(([property, value]) => [property ?? "", value ?? ""]));
}

/** Datasets and snapshots at and below `root` that carry a user property of their own. */
export async function findMarked(zfs: Zfs, root: DatasetName, property: string): Promise<{ name: string; value: string }[]> {
  const args = ["get", "-H", "-p", "-r", "-s", "local", "-t", "filesystem,volume,snapshot", "-o", "name,value", property, root];
  const rows = await zfs.table(args, `search "${root}" for property "${property}"`);
  return rows.map(([name, value]) => ({ name: name ?? "", value: value ?? "" }));
}

/** Whether this ZFS has vpsAdminOS's `uidmap` and `gidmap` properties; stock OpenZFS has not. */
export async function knowsIdMaps(zfs: Zfs, pool: DatasetName): Promise<boolean> {
  try {
    await zfs.run(["get", "-H", "-o", "value", "uidmap", pool], "read the id map");
    return true;
  } catch (error) {
    // bad property list: invalid property 'uidmap'
    if (error instanceof ToolError && /invalid property/.test(String((error.cause as Error | undefined)?.message))) return false;
    throw error;
  }
}

/** Creates a dataset whose parent is there; with `canmount=noauto` among the properties it is not mounted. @throws ToolError exists, not-found */
export async function createDataset(zfs: Zfs, dataset: DatasetName, properties: Readonly<Record<string, string>>): Promise<void> {
  const settings = Object.entries(properties).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
  await zfs.run(["create", ...settings, dataset], `create "${dataset}"`);
}

/** Sets properties of one dataset. */
export async function setProperties(zfs: Zfs, dataset: DatasetName, properties: Readonly<Record<string, string>>): Promise<void> {
  const settings = Object.entries(properties).map(([name, value]) => `${name}=${value}`);
  await zfs.run(["set", ...settings, dataset], `set ${Object.keys(properties).join(", ")} on "${dataset}"`);
}

/** Removes a property set on a dataset. */
export async function inheritProperty(zfs: Zfs, dataset: DatasetName, property: string): Promise<void> {
  await zfs.run(["inherit", property, dataset], `clear ${property} on "${dataset}"`);
}

/** Snapshots a dataset and everything below it at one instant; each snapshot carries the properties. @throws ToolError exists */
export async function snapshotTree(
  zfs: Zfs,
  dataset: DatasetName,
  snapshot: string,
  properties: Readonly<Record<string, string>>,
): Promise<void> {
  const settings = Object.entries(properties).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
  await zfs.run(["snapshot", "-r", ...settings, `${dataset}@${snapshot}`], `snapshot "${dataset}@${snapshot}"`);
}

/** Destroys snapshots of a dataset and everything below it; where one is missing, it is passed over. */
export async function destroySnapshots(zfs: Zfs, dataset: DatasetName, snapshots: readonly string[]): Promise<void> {
  if (snapshots.length === 0) return;
  const names = snapshots.join(",");
  try {
    await zfs.run(["destroy", "-r", `${dataset}@${names}`], `destroy snapshots "${dataset}@${names}"`);
  } catch (error) {
    // could not find any snapshots to destroy; check snapshot names.
    if (!(error instanceof ToolError) || !/could not find any snapshots/.test(String((error.cause as Error | undefined)?.message)))
      throw error;
  }
}

/** Destroys a dataset with everything below it. */
export async function destroyTree(zfs: Zfs, dataset: DatasetName): Promise<void> {
  await zfs.run(["destroy", "-r", dataset], `destroy "${dataset}"`);
}

/** Renames a dataset together with everything below it. @throws ToolError exists */
export async function renameDataset(zfs: Zfs, from: DatasetName, to: DatasetName): Promise<void> {
  await zfs.run(["rename", "-u", from, to], `rename "${from}" to "${to}"`);
}

function isMissingDataset(error: ToolError): boolean {
  return error.message.endsWith("dataset does not exist");
}
