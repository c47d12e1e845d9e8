/**
 * What an import is going to make, decided from the archive's configuration, the operator's choices and what the pool holds. Deciding changes
 * nothing, so it is done twice: before any data is taken, and again when nobody else can change the pool's configuration any more.
 */
import { damaged, ToolError } from "../../errors.ts";
import { parseContainerConfig } from "../../config/container.ts";
import { YamlMap } from "../../yaml/value.ts";
import { parseContainerId } from "../container.ts";
import { planDevices, type DeviceGrant, type MissingDevices } from "./device-plan.ts";
import { planGroup, type GroupPlan } from "./group-plan.ts";
import { MOMENTARY_KEYS } from "../head.ts";
import { checkHookNames, type Hook } from "../hooks.ts";
import type { Pool } from "../pool.ts";
import { restrictContainer, restrictGroup } from "./untrusted.ts";
import { planUser, type MapChoice, type UserPlan } from "./user-plan.ts";

/** What a plan takes from an archive; the archive room's `ContainerHead` satisfies it. */
export interface ImportedHead {
  readonly metadata: {
    readonly format: "zfs" | "tar";
    readonly container: string | null;
    readonly user: string | null;
    readonly group: string | null;
    readonly datasets: readonly string[];
  };
  readonly containerConfig: Uint8Array;
  readonly userConfig?: Uint8Array;
  readonly groupConfig?: Uint8Array;
  readonly hooks: readonly Hook[];
}

/** Where id maps are applied: by ZFS, between memory and VFS, or by the kernel's idmapped mounts. */
export type MapMode = "zfs" | "native";

/** The operator's choices. */
export interface ImportChoices {
  asId: string | undefined;
  asUser: string | undefined;
  asGroup: string | undefined;
  map: MapChoice;
  /** Undefined: as the archive says. */
  mapMode: MapMode | undefined;
  missingDevices: MissingDevices;
  hooks: boolean;
  /** Takes nothing from the archive that reaches beyond the container. */
  untrusted: boolean;
}

/** What is going to be made. */
export interface ImportPlan {
  id: string;
  user: UserPlan;
  group: GroupPlan;
  /** Devices that groups of the pool are given. */
  grants: readonly DeviceGrant[];
  /** container.yml, but for the name of the dataset. */
  config: YamlMap;
  mapMode: MapMode;
  hooks: readonly Hook[];
  /** What of the archive is left out, for people. */
  omissions: readonly string[];
}

/** Marks a container that the system's configuration declares; a copy of it would be collected as garbage. */
const DECLARATIVE = "org.vpsadminos.osctl:declarative";

/** Decides. @throws ToolError usage, not-found, exists, failed (devices), damaged */
export function planImport(pool: Pool, head: ImportedHead, choices: ImportChoices): ImportPlan {
  const { metadata } = head;
  const id = containerId(metadata.container, choices.asId);
  const config = parseContainerConfig(head.containerConfig, "config/container.yml");
  checkDistribution(config);
  checkHookNames(head.hooks);
  const omissions = choices.untrusted ? restrictContainer(config) : [];
  const user = planUser(pool, {
    archived: metadata.user,
    archivedConfig: head.userConfig,
    containerId: id,
    asUser: choices.asUser,
    map: choices.untrusted ? "auto" : choices.map,
  });
  const group = planGroup(pool, { archived: metadata.group, archivedConfig: head.groupConfig, asGroup: choices.asGroup });
  if (choices.untrusted) for (const created of group.create) omissions.push(...restrictGroup(created.config));
  const devices = planDevices(pool, group, config, choices.missingDevices);
  omissions.push(...devices.removed.map((device) => `device "${device}"`));
  const keepsHooks = choices.hooks && !choices.untrusted;
  if (!keepsHooks && head.hooks.length > 0) omissions.push(`${head.hooks.length} hook(s)`);
  omissions.push(...settle(config, { id, archivedId: metadata.container, user, group, mapMode: choices.mapMode }));
  const mapMode = config.get("map_mode") === "native" ? "native" : "zfs";
  return { id, user, group, grants: devices.grants, config, mapMode, hooks: keepsHooks ? head.hooks : [], omissions };
}

/** Makes the archive's configuration fit its new place. @returns what was left out */
function settle(
  config: YamlMap,
  place: { id: string; archivedId: string | null; user: UserPlan; group: GroupPlan; mapMode: MapMode | undefined },
): string[] {
  for (const key of [...MOMENTARY_KEYS, "incarnation_id"]) config.delete(key);
  if (!config.has("user")) prepend(config, ["user", "group", "dataset"]);
  config.set("user", place.user.name);
  config.set("group", place.group.name);
  if (place.mapMode !== undefined) config.set("map_mode", place.mapMode);
  const attrs = config.get("attrs");
  const isCopy = place.archivedId !== null && place.archivedId !== place.id;
  return isCopy && attrs instanceof YamlMap && attrs.delete(DECLARATIVE) ? [`attribute "${DECLARATIVE}"`] : [];
}

/** osctld makes a path of it, and does not survive that there is none. */
function checkDistribution(config: YamlMap): void {
  for (const key of ["distribution", "version"]) {
    if (typeof config.get(key) !== "string") throw damaged(`Cannot import "config/container.yml": it has no ${key}`);
  }
}

/** Where osctld writes them: first. */
function prepend(config: YamlMap, keys: readonly string[]): void {
  const entries = [...config];
  config.clear();
  for (const key of keys) config.set(key, null);
  for (const [key, value] of entries) config.set(key, value);
}

function containerId(archived: string | null, asId: string | undefined): string {
  if (asId !== undefined) return parseContainerId(asId);
  if (archived !== null) return parseContainerId(archived);
  throw new ToolError("usage", "Cannot choose a container id: the archive names none", { hints: ["Name one with --as-id"] });
}
