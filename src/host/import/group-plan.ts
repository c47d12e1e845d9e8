/** The group of an imported container: one of the pool, else made from the archive with all of its configuration, parents included. */
import * as fs from "node:fs";
import { damaged, ToolError } from "../../errors.ts";
import { emptyGroupConfig, parseGroupConfig } from "../../config/group.ts";
import { groupNameProblem } from "../../config/names.ts";
import type { YamlMap } from "../../yaml/value.ts";
import { groupFile } from "../container.ts";
import { isBuiltInGroup } from "../default-groups.ts";
import type { Pool } from "../pool.ts";

/** What the archive and the operator say. */
export interface GroupRequest {
  /** Name in the archive; null in repository images. */
  archived: string | null;
  archivedConfig: Uint8Array | undefined;
  /** The operator's choice, which must exist. */
  asGroup: string | undefined;
}

/** The group that the container gets. */
export interface GroupPlan {
  name: string;
  /** Groups to be made, parents first; the last one is {@link name}. None where it exists. */
  create: { name: string; config: YamlMap }[];
}

/** Chooses the group. @throws ToolError usage, not-found, damaged */
export function planGroup(pool: Pool, { archived, archivedConfig, asGroup }: GroupRequest): GroupPlan {
  const name = checkName(asGroup ?? archived ?? "/default");
  if (groupExists(pool, name)) return { name, create: [] };
  if (asGroup !== undefined)
    throw new ToolError("not-found", `Cannot import as group "${name}": there is no such group on pool "${pool.name}"`);
  if (archivedConfig === undefined) {
    throw damaged(`Cannot import group "${name}": the archive has no "config/group.yml"`, {
      hints: ["Name a group of the pool with --as-group"],
    });
  }
  const config = parseGroupConfig(archivedConfig, "config/group.yml");
  const parents = groupLevels(name).slice(1, -1);
  const missing = parents.filter((level) => !groupExists(pool, level));
  return { name, create: [...missing.map((level) => ({ name: level, config: emptyGroupConfig() })), { name, config }] };
}

/** A group and those above it, from "/" down. */
export function groupLevels(name: string): string[] {
  const components = name.split("/").filter((component) => component !== "");
  return ["/", ...components.map((_, index) => `/${components.slice(0, index + 1).join("/")}`)];
}

function groupExists(pool: Pool, name: string): boolean {
  return isBuiltInGroup(name) || fs.existsSync(groupFile(pool, name));
}

/** Converters wrote names without the leading slash. */
function checkName(given: string): string {
  const name = given.startsWith("/") ? given : `/${given}`;
  const problem = groupNameProblem(name);
  if (problem === undefined) return name;
  throw new ToolError("usage", `Cannot import as group "${given}": ${problem}`, { hints: ["Name a group of the pool with --as-group"] });
}
