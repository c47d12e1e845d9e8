/** The user of an imported container: one of the pool where it fits, else made from the archive, with ids that nobody else has. */
import * as fs from "node:fs";
import { damaged, ToolError } from "../../errors.ts";
import { userNameProblem } from "../../config/names.ts";
import { encodeUserConfig, formatIdMap, parseUserConfig, type IdMaps } from "../../config/user.ts";
import { YamlMap } from "../../yaml/value.ts";
import { userFile } from "../container.ts";
import { allocateMaps, blocksUnder, findHolder, readIdSpace, readMaps, type Allocation, type IdSpace } from "../id-space.ts";
import type { Pool } from "../pool.ts";

/** Where a new user's ids come from: its map in the archive, or a free block of the pool. */
export type MapChoice = "archive" | "auto";

/** What the archive and the operator say. */
export interface UserRequest {
  /** Name in the archive; null in repository images. */
  archived: string | null;
  archivedConfig: Uint8Array | undefined;
  /** Id of the container, which a user is called after where the archive names none. */
  containerId: string;
  /** The operator's choice, which must exist. */
  asUser: string | undefined;
  map: MapChoice;
}

/** A user to be made. */
export interface NewUser {
  standalone: boolean;
  attrs: YamlMap;
  /** Content of its file. */
  content: string;
  allocations: readonly Allocation[];
}

/** The user that the container gets. */
export interface UserPlan {
  name: string;
  maps: IdMaps;
  /** Undefined where it exists. */
  create: NewUser | undefined;
}

/** As many ids as a container has that says nothing else. */
const DEFAULT_ID_COUNT = 65_536;

/** Chooses the user. @throws ToolError usage, not-found, exists (other maps, or ids that somebody else has), damaged */
export function planUser(pool: Pool, request: UserRequest): UserPlan {
  const { archived, archivedConfig, asUser } = request;
  if (asUser !== undefined) return existingUser(pool, checkName(pool, asUser));
  const name = checkName(pool, archived ?? request.containerId);
  const exists = fs.existsSync(userFile(pool, name));
  if (archived === null || archivedConfig === undefined) {
    if (exists) return existingUser(pool, name);
    if (archived === null || request.map === "auto") return newUser(name, emptyArchived(), readIdSpace(pool), "auto");
    throw damaged(`Cannot import user "${name}": the archive has no "config/user.yml"`, {
      hints: ["Make one with ids of its own by --map auto", "Name a user of the pool with --as-user"],
    });
  }
  const parsed = parseUserConfig(archivedConfig, "config/user.yml");
  if (!exists) return newUser(name, parsed, readIdSpace(pool), request.map);
  const existing = existingUser(pool, name);
  if (request.map === "archive") checkSameMaps(name, existing.maps, parsed.maps);
  return existing;
}

interface ArchivedUser {
  maps: IdMaps | undefined;
  config: YamlMap;
}

function emptyArchived(): ArchivedUser {
  return { maps: undefined, config: YamlMap.of({ standalone: false, attrs: new YamlMap() }) };
}

function existingUser(pool: Pool, name: string): UserPlan {
  return { name, maps: readMaps(pool, name), create: undefined };
}

function newUser(name: string, archived: ArchivedUser, space: IdSpace, map: MapChoice): UserPlan {
  const chosen = map === "auto" || archived.maps === undefined ? freeMaps(archived.maps, space) : ownMaps(name, archived.maps, space);
  const standalone = archived.config.get("standalone") === true;
  const attrs = archived.config.get("attrs");
  const content = encodeUserConfig(chosen.maps, { standalone, from: archived.config });
  return {
    name,
    maps: chosen.maps,
    create: { standalone, attrs: attrs instanceof YamlMap ? attrs : new YamlMap(), content, allocations: chosen.allocations },
  };
}

interface ChosenMaps {
  maps: IdMaps;
  allocations: readonly Allocation[];
}

/** A free block, as large as the archive's maps reach. */
function freeMaps(archived: IdMaps | undefined, space: IdSpace): ChosenMaps {
  const reach = [...(archived?.uid ?? []), ...(archived?.gid ?? [])].map(({ nsId, count }) => nsId + count);
  const { maps, allocation } = allocateMaps(space, Math.min(2 ** 32, Math.max(DEFAULT_ID_COUNT, ...reach)));
  return { maps, allocations: [allocation] };
}

function ownMaps(name: string, maps: IdMaps, space: IdSpace): ChosenMaps {
  const refuse = (reason: string): never => {
    throw new ToolError("usage", `Cannot import user "${name}": its id map ${formatIdMap(maps.uid)} ${reason}`, {
      hints: ["Allocate free ids with --map auto, the data fits any map", "Name a user of the pool with --as-user"],
    });
  };
  if ([...maps.uid, ...maps.gid].some(({ hostId }) => hostId === 0)) refuse("gives the container root's id on the host");
  const holder = findHolder(space, name, maps);
  if (holder !== undefined) refuse(`overlaps ${holder}`);
  return { maps, allocations: blocksUnder(space, maps) };
}

function checkName(pool: Pool, name: string): string {
  const problem = userNameProblem(name, pool.kind === "zfs" ? pool.name : undefined);
  if (problem === undefined) return name;
  throw new ToolError("usage", `Cannot import as user "${name}": ${problem}`, { hints: ["Name a user of the pool with --as-user"] });
}

function checkSameMaps(user: string, existing: IdMaps, archived: IdMaps): void {
  for (const which of ["uid", "gid"] as const) {
    const [here, there] = [formatIdMap(existing[which]), formatIdMap(archived[which])];
    if (here === there) continue;
    throw new ToolError("exists", `Cannot import user "${user}": it exists with ${which} map ${here}, the archive has ${there}`, {
      hints: ["Take the existing user's map with --map auto, the data fits any map", "Name another user of the pool with --as-user"],
      facts: { expected: there, actual: here },
    });
  }
}
