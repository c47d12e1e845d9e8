/** Changes to configuration files that were there before: blocks in an ID range's table, devices of a group; each can be taken back. */
import * as fs from "node:fs";
import { devicesOf, sameDevice, setDevices, type Device } from "../config/device.ts";
import { defaultIdRange, encodeIdRange, parseIdRange, withAllocation, withoutAllocation, type IdRange } from "../config/id-range.ts";
import { readSmallFile, replaceFile } from "../sys/files.ts";
import { withDirectoryLock } from "../sys/lock.ts";
import { dumpYaml } from "../yaml/dump.ts";
import { groupFile } from "./container.ts";
import { readGroup, type DeviceGrant } from "./import/device-plan.ts";
import { idRangeFile, type Allocation } from "./id-space.ts";
import type { Pool } from "./pool.ts";

/** Mode of all configuration files. */
export const CONFIG_MODE = 0o400;
const LOCK_PATIENCE_MS = 30_000;

/** Does something while no other ctar changes the pool's configuration. @throws ToolError busy */
export async function withConfigLock<T>(pool: Pool, action: () => Promise<T>): Promise<T> {
  return await withDirectoryLock(pool.paths.conf, LOCK_PATIENCE_MS, action);
}

/** Enters blocks into an ID range's table. */
export function recordAllocation(pool: Pool, { range, blockIndex, blockCount }: Allocation, owner: string): void {
  writeIdRange(pool, range, withAllocation(readIdRange(pool, range), { blockIndex, blockCount, owner }));
}

/** Takes blocks out of the table again. */
export function dropAllocation(pool: Pool, { range, blockIndex }: Allocation, owner: string): void {
  if (hasAllocation(pool, { range, blockIndex }, owner)) {
    writeIdRange(pool, range, withoutAllocation(readIdRange(pool, range), { blockIndex, owner }));
  }
}

/** Whether blocks are entered for this owner. */
export function hasAllocation(pool: Pool, { range, blockIndex }: Pick<Allocation, "range" | "blockIndex">, owner: string): boolean {
  const { allocations } = readIdRange(pool, range);
  return allocations.some((entry) => entry.blockIndex === blockIndex && entry.owner === owner);
}

/** Gives a group a device. */
export function grantDevice(pool: Pool, { group, device }: DeviceGrant): void {
  writeDevices(pool, group, (own) => [...own.filter((other) => !sameDevice(other, device)), device]);
}

/** Takes a granted device from a group again, unless somebody changed it meanwhile. */
export function revokeDevice(pool: Pool, grant: DeviceGrant): void {
  const { group, device, before } = grant;
  if (!hasGrant(pool, grant)) return;
  writeDevices(pool, group, (own) =>
    own.flatMap((other) => {
      if (!sameDevice(other, device)) return [other];
      return before === null ? [] : [{ ...other, mode: before }];
    }),
  );
}

/** Whether a group has a device as it was granted. */
export function hasGrant(pool: Pool, { group, device }: DeviceGrant): boolean {
  return (
    fs.existsSync(groupFile(pool, group)) &&
    devicesOf(readGroup(pool, group)).some((own) => sameDevice(own, device) && own.mode === device.mode)
  );
}

function writeDevices(pool: Pool, group: string, change: (own: readonly Device[]) => Device[]): void {
  const config = readGroup(pool, group);
  setDevices(config, change(devicesOf(config)));
  replaceFile(groupFile(pool, group), dumpYaml(config), CONFIG_MODE);
}

function readIdRange(pool: Pool, name: string): IdRange {
  const bytes = readSmallFile(idRangeFile(pool, name));
  return bytes === undefined ? defaultIdRange() : parseIdRange(bytes, idRangeFile(pool, name));
}

function writeIdRange(pool: Pool, name: string, range: IdRange): void {
  replaceFile(idRangeFile(pool, name), encodeIdRange(range), CONFIG_MODE);
}
