/**
 * Devices: what a group may give its containers, and what is done about those that it may not.
 *
 * A group has the devices of its file, and of its parent's those that are marked to be inherited; inherited ones are not stored. Whatever a
 * container or a group has in its file must be had by the group above, with at least the same mode.
 *
 * @see vpsAdminOS `osctld/lib/osctld/devices/manager.rb`, `container_manager.rb`, 24.05
 */
import { ToolError } from "../../errors.ts";
import { describeDevice, devicesOf, joinModes, providesMode, sameDevice, setDevices, type Device } from "../../config/device.ts";
import { parseGroupConfig } from "../../config/group.ts";
import { readSmallFile } from "../../sys/files.ts";
import type { YamlMap } from "../../yaml/value.ts";
import { groupFile } from "../container.ts";
import { builtInGroup, isBuiltInGroup } from "../default-groups.ts";
import { groupLevels, type GroupPlan } from "./group-plan.ts";
import type { Pool } from "../pool.ts";

/** What is done about devices that the group does not provide: refuse, add them to the groups, leave them out. */
export type MissingDevices = "check" | "provide" | "remove";

/** A device that an existing group is given. */
export interface DeviceGrant {
  group: string;
  device: Device;
  /** Its mode in the group's file so far; null if it was not there. */
  before: string | null;
}

/** What has to be done about devices. */
export interface DevicePlan {
  grants: DeviceGrant[];
  /** What was left out of the imported configurations, for people. */
  removed: string[];
}

/** Asks for devices on behalf of a container and the groups that are made for it; leaves out of their configurations what `remove` says. */
export function planDevices(pool: Pool, group: GroupPlan, container: YamlMap, missing: MissingDevices): DevicePlan {
  const groups = new GroupDevices(pool, group);
  const removed: string[] = [];
  const settle = (config: YamlMap, owner: string): void => {
    const kept = devicesOf(config).filter((device) => {
      const problem = groups.problem(owner, device);
      if (problem === undefined) return true;
      if (missing === "check") throw unavailable(problem);
      if (missing === "provide") groups.provide(owner, device);
      else removed.push(describeDevice(device));
      return missing === "provide";
    });
    if (kept.length !== devicesOf(config).length) setDevices(config, kept);
  };
  for (const { name, config } of group.create) settle(config, parentOf(name));
  settle(container, group.name);
  return { grants: groups.grants, removed };
}

/** The devices of a pool's groups, as they are and as they become. */
class GroupDevices {
  readonly grants: DeviceGrant[] = [];
  readonly #pool: Pool;
  readonly #own = new Map<string, YamlMap>();
  readonly #isNew: ReadonlySet<string>;

  constructor(pool: Pool, group: GroupPlan) {
    this.#pool = pool;
    for (const { name, config } of group.create) this.#own.set(name, config);
    this.#isNew = new Set(group.create.map(({ name }) => name));
  }

  /** Why a group does not provide a device; undefined if it does. */
  problem(group: string, device: Device): string | undefined {
    const found = this.#effective(group).find((candidate) => sameDevice(candidate, device));
    if (found === undefined) return `device "${describeDevice(device)}" is not available in group "${group}"`;
    if (providesMode(found.mode, device.mode)) return undefined;
    return `group "${group}" provides only mode "${found.mode}" for device "${describeDevice(device)}"`;
  }

  /** Adds a device to a group and all above it, or widens its mode there. */
  provide(group: string, device: Device): void {
    if (this.problem(group, device) === undefined) return;
    if (group !== "/") this.provide(parentOf(group), device);
    const config = this.#config(group);
    const own = devicesOf(config);
    const before = own.find((candidate) => sameDevice(candidate, device));
    const inherited = this.#effective(group).find((candidate) => sameDevice(candidate, device));
    const had = before ?? inherited;
    const granted = had === undefined ? { ...device, inherit: false } : { ...had, mode: joinModes(had.mode, device.mode) };
    setDevices(config, before === undefined ? [...own, granted] : own.map((other) => (other === before ? granted : other)));
    if (!this.#isNew.has(group)) this.grants.push({ group, device: granted, before: before?.mode ?? null });
  }

  #effective(group: string): Device[] {
    let devices: Device[] = [];
    for (const level of groupLevels(group)) {
      const own = devicesOf(this.#config(level));
      const inherited = devices.filter(({ inherit }) => inherit).filter((device) => !own.some((other) => sameDevice(other, device)));
      devices = [...own, ...inherited];
    }
    return devices;
  }

  #config(group: string): YamlMap {
    const known = this.#own.get(group) ?? readGroup(this.#pool, group);
    this.#own.set(group, known);
    return known;
  }
}

/** A group's configuration; what osctld would make of a built-in one that is not there. @throws ToolError not-found, damaged */
export function readGroup(pool: Pool, group: string): YamlMap {
  const file = groupFile(pool, group);
  const bytes = readSmallFile(file);
  if (bytes !== undefined) return parseGroupConfig(bytes, file, { root: group === "/" });
  if (isBuiltInGroup(group)) return builtInGroup(group, pool);
  throw new ToolError("not-found", `Cannot read group "${group}": "${file}" does not exist`);
}

function parentOf(group: string): string {
  return groupLevels(group).at(-2) ?? "/";
}

function unavailable(problem: string): ToolError {
  return new ToolError("failed", `Cannot give the container its devices: ${problem}`, {
    hints: ["Add what is missing to the groups with --missing-devices provide", "Leave it out with --missing-devices remove"],
  });
}
