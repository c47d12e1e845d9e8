/**
 * `metadata.yml` and `snapshots.yml`: what an archive says of itself.
 *
 * @see vpsAdminOS `libosctl/lib/libosctl/exporter/base.rb` (`dump_metadata`), `exporter/zfs.rb` (`dump_snapshots`), 24.05
 */
import { damaged } from "../errors.ts";
import { dumpYaml } from "../yaml/dump.ts";
import { loadYaml } from "../yaml/load.ts";
import { YamlMap, type YamlValue } from "../yaml/value.ts";
import { datasetPathProblem, snapshotNameProblem } from "../zfs/name.ts";
import { METADATA, SNAPSHOTS } from "./layout.ts";

/** More subdatasets than any container has. */
const DATASETS_LIMIT = 10_000;

/** What `metadata.yml` says. */
export interface Metadata {
  /** `skel` archives carry configuration only; `osctl ct send` makes them. */
  type: "full" | "skel";
  format: "zfs" | "tar";
  /** User, group with its leading slash, container id; null in repository images. */
  user: string | null;
  group: string | null;
  container: string | null;
  /** Subdatasets relative to the root dataset, parents first. */
  datasets: readonly string[];
  /** Unix time, seconds. */
  exportedAt: number;
}

/** `metadata.yml` as upstream writes it. */
export function encodeMetadata(metadata: Metadata): string {
  const { type, format, user, group, container, datasets, exportedAt } = metadata;
  return dumpYaml(YamlMap.of({ type, format, user, group, container, datasets: [...datasets], exported_at: exportedAt }));
}

/**
 * Reads `metadata.yml`; archives from before February 2018 lack `format` (then it is zfs) and `datasets` (then there are none).
 *
 * @throws ToolError damaged on bad YAML, a missing or unknown value, or a dataset name that is absolute, climbs, or repeats
 */
export function decodeMetadata(bytes: Uint8Array): Metadata {
  const value = loadYaml(bytes, METADATA);
  if (!(value instanceof YamlMap)) throw damaged(`Cannot read "${METADATA}": it is no mapping`);
  const exportedAt = value.get("exported_at");
  return {
    type: oneOf(value, "type", ["full", "skel"], "full"),
    format: oneOf(value, "format", ["zfs", "tar"], "zfs"),
    user: optionalString(value, "user"),
    group: optionalString(value, "group"),
    container: optionalString(value, "container"),
    datasets: subdatasets(value.get("datasets")),
    exportedAt: typeof exportedAt === "number" ? exportedAt : 0,
  };
}

/** Whether an archive is from before February 2018, when snapshots.yml was not yet in each of format zfs. */
export function isBeforeFormats(bytes: Uint8Array): boolean {
  const value = loadYaml(bytes, METADATA);
  return value instanceof YamlMap && !value.has("format");
}

/** `snapshots.yml` as upstream writes it. @param names newest first */
export function encodeSnapshots(names: readonly string[]): string {
  return dumpYaml([...names]);
}

/** Reads `snapshots.yml`: bare snapshot names. @throws ToolError damaged */
export function decodeSnapshots(bytes: Uint8Array): string[] {
  const value = loadYaml(bytes, SNAPSHOTS);
  if (!Array.isArray(value)) throw damaged(`Cannot read "${SNAPSHOTS}": it is no list`);
  return value.map((name) => {
    if (typeof name !== "string" || snapshotNameProblem(name) !== undefined) {
      throw damaged(`Cannot read "${SNAPSHOTS}": ${show(name)} is no snapshot name`);
    }
    return name;
  });
}

function oneOf<T extends string>(map: YamlMap, key: string, allowed: readonly T[], absent: T): T {
  const value = map.get(key) ?? absent;
  const known = allowed.find((candidate) => candidate === value);
  if (known === undefined) {
    const shown = typeof value === "string" ? `"${value}"` : "not a string";
    throw damaged(`Cannot read "${METADATA}": ${key} is ${shown}, expected ${allowed.map((name) => `"${name}"`).join(" or ")}`);
  }
  return known;
}

function optionalString(map: YamlMap, key: string): string | null {
  const value = map.get(key) ?? null;
  if (value !== null && typeof value !== "string") throw damaged(`Cannot read "${METADATA}": ${key} is not a string`);
  return value;
}

function show(value: YamlValue): string {
  return typeof value === "string" ? JSON.stringify(value) : "an item";
}

function subdatasets(value: YamlValue | undefined): string[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw damaged(`Cannot read "${METADATA}": datasets is no list`);
  if (value.length > DATASETS_LIMIT) throw damaged(`Cannot read "${METADATA}": there are more than ${DATASETS_LIMIT} datasets`);
  const seen = new Set<string>([""]);
  for (const name of value) {
    const problem = typeof name === "string" ? datasetPathProblem(name) : "it is not a string";
    if (problem !== undefined) throw damaged(`Cannot read "${METADATA}": dataset ${show(name)}: ${problem}`);
    const parent = (name as string).split("/").slice(0, -1).join("/");
    if (!seen.has(parent)) throw damaged(`Cannot read "${METADATA}": dataset "${name as string}" comes before its parent`);
    if (seen.has(name as string)) throw damaged(`Cannot read "${METADATA}": dataset "${name as string}" is there twice`);
    seen.add(name as string);
  }
  return [...seen].slice(1);
}
