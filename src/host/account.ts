/** The user and the group of an imported container: those of the pool where they fit, else made from the archive. */
import { damaged, ToolError } from "../errors.ts";
import { readSmallFile } from "../sys/files.ts";
import { groupFile, parseIdMaps, userFile, type IdMaps } from "./container.ts";
import type { Pool } from "./pool.ts";

/** What has to be written for a user or group; content is undefined where it exists. */
export interface Account {
  name: string;
  content: Uint8Array | undefined;
}

/** What the archive says. */
export interface ArchivedAccounts {
  user: string | null;
  group: string | null;
  userConfig?: Uint8Array;
  groupConfig?: Uint8Array;
}

/** System users are called `<pool>-<user>`, and those names end at 32 characters. */
const SYSTEM_NAME_LIMIT = 31;

/** Chooses the user. @param asUser the operator's choice, which must exist. @throws ToolError usage, not-found, exists (other maps), damaged */
export function planUser(pool: Pool, archived: ArchivedAccounts, asUser: string | undefined): Account & { maps: IdMaps } {
  if (asUser !== undefined) {
    const existing = readSmallFile(userFile(pool, checkUserName(pool, asUser)));
    if (existing === undefined)
      throw new ToolError("not-found", `Cannot import as user "${asUser}": there is no such user on pool "${pool.name}"`);
    return { name: asUser, content: undefined, maps: parseIdMaps(existing, userFile(pool, asUser)) };
  }
  if (archived.user === null) {
    throw new ToolError("usage", "Cannot choose a user: the archive names none", { hints: ["Name one of the pool with --as-user"] });
  }
  const name = checkUserName(pool, archived.user);
  const existing = readSmallFile(userFile(pool, name));
  if (archived.userConfig === undefined) {
    if (existing === undefined)
      throw damaged(`Cannot import user "${name}": the archive has no "config/user.yml"`, {
        hints: ["Name a user of the pool with --as-user"],
      });
    return { name, content: undefined, maps: parseIdMaps(existing, userFile(pool, name)) };
  }
  const maps = parseIdMaps(archived.userConfig, "config/user.yml");
  if (existing === undefined) return { name, content: archived.userConfig, maps };
  checkSameMaps(name, parseIdMaps(existing, userFile(pool, name)), maps);
  return { name, content: undefined, maps };
}

/** Chooses the group. @throws ToolError usage, not-found, damaged */
export function planGroup(pool: Pool, archived: ArchivedAccounts, asGroup: string | undefined): Account {
  const name = checkGroupName(asGroup ?? archived.group);
  if (readSmallFile(groupFile(pool, name)) !== undefined || (asGroup === undefined && isBuiltIn(name))) return { name, content: undefined };
  if (asGroup !== undefined)
    throw new ToolError("not-found", `Cannot import as group "${name}": there is no such group on pool "${pool.name}"`);
  if (archived.groupConfig === undefined) {
    throw damaged(`Cannot import group "${name}": the archive has no "config/group.yml"`, {
      hints: ["Name a group of the pool with --as-group"],
    });
  }
  return { name, content: archived.groupConfig };
}

function checkUserName(pool: Pool, name: string): string {
  const limit = SYSTEM_NAME_LIMIT - (pool.kind === "zfs" ? pool.name.length : 0);
  if (/^[a-z0-9_-]+$/.test(name) && name.length <= limit) return name;
  throw new ToolError("usage", `Cannot import user "${name}": on pool "${pool.name}" a name takes 1 to ${limit} of a-z, 0-9, "_" and "-"`, {
    hints: ["Name a user of the pool with --as-user"],
  });
}

function checkGroupName(name: string | null): string {
  if (name === null) {
    throw new ToolError("usage", "Cannot choose a group: the archive names none", {
      hints: ["Name one of the pool with --as-group, such as /default"],
    });
  }
  if (name === "/" || /^(\/[a-z0-9_-]{1,100})+$/i.test(name)) return name;
  throw new ToolError("usage", `Cannot import group "${name}": a name is "/" and components of a-z, 0-9, "_" and "-"`, {
    hints: ["Name a group of the pool with --as-group"],
  });
}

/** osctld makes these two itself. */
function isBuiltIn(group: string): boolean {
  return group === "/" || group === "/default";
}

function checkSameMaps(user: string, existing: IdMaps, archived: IdMaps): void {
  for (const which of ["uid", "gid"] as const) {
    const [here, there] = [existing[which].join(","), archived[which].join(",")];
    if (here === there) continue;
    throw new ToolError("exists", `Cannot import user "${user}": it exists with ${which} map ${here}, the archive has ${there}`, {
      hints: ["Name another user of the pool with --as-user; the data fits any map"],
      facts: { expected: there, actual: here },
    });
  }
}
