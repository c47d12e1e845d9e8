/** Users and groups of a running osctld: it holds them in memory, so it has to make them itself. */
import { describeDevice, devicesOf, type Device } from "../../config/device.ts";
import { formatIdMap, type IdMapEntry } from "../../config/user.ts";
import { ToolError } from "../../errors.ts";
import { YamlFloat, YamlMap, type YamlValue } from "../../yaml/value.ts";
import { ownerOf } from "../id-space.ts";
import type { Osctld } from "./osctld.ts";
import type { NewUser, UserPlan } from "../import/user-plan.ts";

/** Makes a user, and enters the blocks of ID ranges that its maps lie on for it, which `user_create` does for one block only. */
export async function createUser(osctld: Osctld, pool: string, { name, maps }: UserPlan, create: NewUser): Promise<void> {
  const { standalone, attrs, allocations } = create;
  const idMaps = { uid_map: entriesOf(maps.uid), gid_map: entriesOf(maps.gid) };
  await osctld.call("user_create", { pool, name, ...idMaps, standalone }, { action: `create user "${name}"` });
  for (const { range, blockIndex, blockCount } of allocations) {
    const block = { pool, name: range, block_index: blockIndex, block_count: blockCount, owner: ownerOf(name) };
    await osctld.call("id_range_allocate", block, { action: `allocate ids for user "${name}"` });
  }
  if (attrs.size > 0) await osctld.call("user_set", { pool, name, attrs: plain(attrs) }, { action: `set attributes of user "${name}"` });
}

/** Deletes a user, which frees its blocks of ID ranges; one that osctld does not know is none to delete. */
export async function deleteUser(osctld: Osctld, pool: string, name: string): Promise<void> {
  await deleteAccount(osctld, "user", pool, name);
}

/** Makes a group whose parent is there, with its parameters, devices (which the groups above are made to provide) and attributes. */
export async function createGroup(osctld: Osctld, pool: string, name: string, config: YamlMap): Promise<void> {
  await osctld.call("group_create", { pool, name, cgparams: parametersOf(config.get("cgparams")) }, { action: `create group "${name}"` });
  for (const device of devicesOf(config)) await addDevice(osctld, pool, name, device);
  const attrs = config.get("attrs");
  if (attrs instanceof YamlMap && attrs.size > 0) {
    await osctld.call("group_set", { pool, name, attrs: plain(attrs) }, { action: `set attributes of group "${name}"` });
  }
}

/** Deletes a group; one that osctld does not know is none to delete. */
export async function deleteGroup(osctld: Osctld, pool: string, name: string): Promise<void> {
  await deleteAccount(osctld, "group", pool, name);
}

/** A device that the group has from the one above becomes its own, with the archive's mode. */
async function addDevice(osctld: Osctld, pool: string, group: string, device: Device): Promise<void> {
  const { name, ...fields } = device;
  const action = `give group "${group}" device "${describeDevice(device)}"`;
  const opts = { pool, name: group, ...fields, dev_name: name, parents: true };
  try {
    await osctld.call("group_device_add", opts, { action });
  } catch (error) {
    if (!(error instanceof ToolError) || error.facts["message"] !== "device already exists") throw error;
    await osctld.call("group_device_chmod", opts, { action });
  }
}

async function deleteAccount(osctld: Osctld, kind: "user" | "group", pool: string, name: string): Promise<void> {
  const accounts = await osctld.call(`${kind}_list`, { pool, names: [name] });
  if (Array.isArray(accounts) && accounts.length === 0) return;
  await osctld.call(`${kind}_delete`, { pool, name }, { action: `delete ${kind} "${name}"` });
}

function entriesOf(map: readonly IdMapEntry[]): string[] {
  return map.map((entry) => formatIdMap([entry]));
}

/** `cgparams` as the command takes them: the name is called `parameter` there. */
function parametersOf(value: YamlValue | undefined): Record<string, unknown>[] {
  const entries = Array.isArray(value) ? value.filter((entry) => entry instanceof YamlMap) : [];
  return entries.map((entry) => {
    const { name, ...fields } = plain(entry) as Record<string, unknown>;
    return { ...fields, parameter: name };
  });
}

/** A YAML value as JSON knows it. */
function plain(value: YamlValue): unknown {
  if (value instanceof YamlMap) return Object.fromEntries([...value].map(([key, item]) => [String(key), plain(item)]));
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof YamlFloat) return value.value;
  return typeof value === "bigint" ? Number(value) : value;
}
