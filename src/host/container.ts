/**
 * Containers by their configuration files: `conf/ct/<id>.yml`, `conf/user/<name>.yml`, `conf/group/<path>/config.yml`.
 *
 * @see vpsAdminOS `osctld/lib/osctld/{container,user,group}.rb`, 24.05
 */
import * as path from "node:path";
import { damaged, ToolError } from "../errors.ts";
import { containerIdProblem } from "../config/names.ts";
import { listNames, readSmallFile } from "../sys/files.ts";
import { loadYaml } from "../yaml/load.ts";
import { YamlMap, type YamlValue } from "../yaml/value.ts";
import { childDataset, parseDatasetName, type DatasetName } from "../zfs/name.ts";
import type { Pool, ZfsPool } from "./pool.ts";

/** A container's name, as it was given: `web01` or `tank:web01`. */
export interface ContainerRef {
  pool?: string;
  id: string;
}

/** A container of a pool. */
export interface Container {
  id: string;
  config: YamlMap;
  /** Null where the configuration does not say. */
  user: string | null;
  group: string | null;
}

/** Takes `web01` and `tank:web01` apart. @throws ToolError usage */
export function parseContainerRef(text: string): ContainerRef {
  const colon = text.lastIndexOf(":");
  return colon < 0 ? { id: parseContainerId(text) } : { pool: text.slice(0, colon), id: parseContainerId(text.slice(colon + 1)) };
}

/** Checks a container id. @throws ToolError usage */
export function parseContainerId(text: string): string {
  const problem = containerIdProblem(text);
  if (problem === undefined) return text;
  throw new ToolError("usage", `Cannot use container id "${text}": ${problem}`);
}

/** File of a container's configuration. */
export function containerFile(pool: Pool, id: string): string {
  return path.join(pool.paths.conf, "ct", `${id}.yml`);
}

/** File of a user's configuration. */
export function userFile(pool: Pool, name: string): string {
  return path.join(pool.paths.conf, "user", `${name}.yml`);
}

/** File of a group's configuration. @param name with its leading slash; "/" is the root group */
export function groupFile(pool: Pool, name: string): string {
  return path.join(pool.paths.conf, "group", ...name.split("/"), "config.yml");
}

/** Reads a container. @throws ToolError not-found, naming the containers there are; damaged */
export function readContainer(pool: Pool, id: string): Container {
  const file = containerFile(pool, id);
  const bytes = readSmallFile(file);
  if (bytes === undefined) {
    throw new ToolError("not-found", `Cannot find container "${id}" on pool "${pool.name}"`, { hints: [`ctar list --pool ${pool.name}`] });
  }
  const config = loadYaml(bytes, file);
  if (!(config instanceof YamlMap)) throw damaged(`Cannot read "${file}": it is no mapping`);
  return { id, config, user: stringOrNull(config.get("user")), group: stringOrNull(config.get("group")) };
}

/** A container's root dataset: the one that it names, or the one that it is called after. @throws ToolError usage for a name that is none */
export function datasetOf(pool: ZfsPool, { id, config }: Container): DatasetName {
  const configured = config.get("dataset");
  return typeof configured === "string" ? parseDatasetName(configured) : childDataset(pool.dataset, `ct/${id}`);
}

/** Ids of all containers of a pool. */
export function listContainerIds(pool: Pool): string[] {
  const names = listNames(path.join(pool.paths.conf, "ct"));
  return names.filter((name) => name.endsWith(".yml") && !name.startsWith(".")).map((name) => name.slice(0, -".yml".length));
}

/** All containers of a pool; one whose configuration cannot be read is left out and told to `onProblem`. */
export function listContainers(pool: Pool, onProblem: (problem: ToolError) => void = () => undefined): Container[] {
  return listContainerIds(pool).flatMap((id) => {
    try {
      return [readContainer(pool, id)];
    } catch (error) {
      if (!(error instanceof ToolError)) throw error;
      onProblem(error);
      return [];
    }
  });
}

function stringOrNull(value: YamlValue | undefined): string | null {
  return typeof value === "string" ? value : null;
}
