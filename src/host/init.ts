/**
 * Making a zpool or a directory ready to hold containers, in the layout that osctld makes and expects. What is there already stays as it is.
 *
 * @see vpsAdminOS `osctld/lib/osctld/pool.rb` (`ensure_datasets`, `ensure_directories`), `commands/pool/install.rb`, 24.05
 */
import * as fs from "node:fs";
import * as path from "node:path";
import { ToolError } from "../errors.ts";
import { makeDirectory, writeNewFile } from "../sys/files.ts";
import { systemReason } from "../sys/failure.ts";
import { dumpYaml } from "../yaml/dump.ts";
import { YamlMap, type YamlValue } from "../yaml/value.ts";
import type { Zfs } from "../zfs/cli.ts";
import { datasetExists, getProperties, setProperties } from "../zfs/dataset.ts";
import { childDataset, parseDatasetName } from "../zfs/name.ts";
import { ACTIVE_PROPERTY, DATASET_PROPERTY, openDirectoryPool, openZfsPool, type Pool } from "./pool.ts";

const PARTS: Readonly<Record<string, number>> = { ct: 0o511, conf: 0o500, hook: 0o500, log: 0o511 };
const CONF_PARTS: readonly string[] = ["pool", "ct", "group", "user", "send-receive", "repository", "id-range"];

/** osctld's migrations that a new pool does not need, being in today's shape. */
const MIGRATIONS: readonly string[] = [
  "20180711154030",
  "20180825200854",
  "20190408134218",
  "20190408152558",
  "20190624220030",
  "20190814085557",
  "20220406162532",
];

/** Devices of the root group: major, minor, name. */
const ROOT_DEVICES: readonly (readonly [string, string, string | null])[] = [
  ["1", "3", "/dev/null"],
  ["1", "5", "/dev/zero"],
  ["1", "7", "/dev/full"],
  ["1", "8", "/dev/random"],
  ["1", "9", "/dev/urandom"],
  ["1", "11", "/dev/kmsg"],
  ["5", "0", "/dev/tty"],
  ["5", "1", null],
  ["5", "2", null],
  ["136", "*", null],
];

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
  fill(path.dirname(pool.paths.conf), pool, { ...pool.paths, ct: mountpoint ?? "" }, (mode) => mode);
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
  fill(directory, pool, { ...pool.paths, ct: pool.ct }, (mode) => mode | 0o200); // its owner need not be root
  return pool;
}

function fill(top: string, pool: Pool, parts: Readonly<Record<string, string>>, adapt: (mode: number) => number): void {
  for (const [part, mode] of Object.entries(PARTS)) fs.chmodSync(parts[part] as string, adapt(mode));
  for (const part of CONF_PARTS) makeDirectory(path.join(pool.paths.conf, part), adapt(0o500));
  for (const part of ["ct", "pool"]) makeDirectory(path.join(pool.paths.hook, part), 0o700);
  makeDirectory(path.join(pool.paths.log, "ct"), 0o755);
  writeIfMissing(path.join(top, ".migrations"), `${MIGRATIONS.join("\n")}\n`, 0o600);
  const group = path.join(pool.paths.conf, "group");
  writeIfMissing(path.join(group, "config.yml"), dumpYaml(rootGroup(pool)), 0o400);
  makeDirectory(path.join(group, "default"), 0o755);
  writeIfMissing(
    path.join(group, "default", "config.yml"),
    dumpYaml(YamlMap.of({ cgparams: [], devices: [], attrs: new YamlMap() })),
    0o400,
  );
  const range = YamlMap.of({ start_id: 1_000_000, block_size: 65_536, block_count: 65_520, allocations: [], attrs: new YamlMap() });
  writeIfMissing(path.join(pool.paths.conf, "id-range", "default.yml"), dumpYaml(range), 0o400);
}

function rootGroup(pool: Pool): YamlMap {
  const named = ROOT_DEVICES.map(([major, minor, name]) => device({ type: "char", major, minor, mode: "rwm", name }));
  const nodes = ["block", "char"].map((type) => device({ type, major: "*", minor: "*", mode: "m", name: null }));
  const name = pool.kind === "zfs" ? pool.name : "dir";
  return YamlMap.of({ cgparams: [], devices: [...named, ...nodes], attrs: new YamlMap(), path: `osctl/pool.${name}` });
}

function device(fields: Record<string, YamlValue>): YamlMap {
  return YamlMap.of({ ...fields, inherit: true, inherited: false });
}

function writeIfMissing(file: string, content: string, mode: number): void {
  if (!fs.existsSync(file)) writeNewFile(file, content, mode);
}
