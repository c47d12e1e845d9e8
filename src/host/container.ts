/**
 * Containers by their configuration files: `conf/ct/<id>.yml`, `conf/user/<name>.yml`, `conf/group/<path>/config.yml`.
 *
 * @see vpsAdminOS `osctld/lib/osctld/{container,user,group}.rb`, 24.05
 */
import * as path from "node:path";
import { damaged, ToolError } from "../errors.ts";
import { listNames, readSmallFile } from "../sys/files.ts";
import { loadYaml } from "../yaml/load.ts";
import { YamlMap, type YamlValue } from "../yaml/value.ts";
import type { Pool } from "./pool.ts";

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
  if (/^[a-z0-9_-]{1,100}$/i.test(text)) return text;
  throw new ToolError("usage", `Cannot use container id "${text}": it takes 1 to 100 letters, digits, "_" and "-"`);
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
  return parseContainer(id, bytes, file);
}

/** Reads a container's configuration from its text. @throws ToolError damaged */
export function parseContainer(id: string, bytes: Uint8Array, what: string): Container {
  const config = loadYaml(bytes, what);
  if (!(config instanceof YamlMap)) throw damaged(`Cannot read "${what}": it is no mapping`);
  return { id, config, user: stringOrNull(config.get("user")), group: stringOrNull(config.get("group")) };
}

/** Ids of all containers of a pool. */
function listContainerIds(pool: Pool): string[] {
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

/** A user's id maps, each `ns:host:count`. */
export interface IdMaps {
  uid: string[];
  gid: string[];
}

/** Reads the maps of a user's configuration; files from before 2018 have `offset` and `size` instead. @throws ToolError damaged */
export function parseIdMaps(bytes: Uint8Array, what: string): IdMaps {
  const config = loadYaml(bytes, what);
  if (!(config instanceof YamlMap)) throw damaged(`Cannot read "${what}": it is no mapping`);
  const offset = config.get("offset");
  const size = config.get("size");
  const old = typeof offset === "number" && typeof size === "number" ? [`0:${offset}:${size}`] : [];
  return { uid: mapEntries(config.get("uid_map"), old, what), gid: mapEntries(config.get("gid_map"), old, what) };
}

function mapEntries(value: YamlValue | undefined, absent: string[], what: string): string[] {
  const entries = value ?? absent;
  if (Array.isArray(entries) && entries.length > 0 && entries.every(isMapEntry)) return entries;
  throw damaged(`Cannot read "${what}": an id map is missing or no list of "ns:host:count"`);
}

function isMapEntry(entry: unknown): entry is string {
  return typeof entry === "string" && /^\d+:\d+:[1-9]\d*$/.test(entry);
}

function stringOrNull(value: YamlValue | undefined): string | null {
  return typeof value === "string" ? value : null;
}
