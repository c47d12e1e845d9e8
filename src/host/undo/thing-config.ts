/** Configuration that a run made for a container. */
import * as fs from "node:fs";
import * as path from "node:path";
import { removePath } from "../../sys/files.ts";
import { dropAllocation, hasAllocation, hasGrant, revokeDevice, withConfigLock } from "../config-edit.ts";
import { containerFile, groupFile, listContainers, userFile } from "../container.ts";
import { describeDevice } from "../../config/device.ts";
import { hookDirectory } from "../hooks.ts";
import { mapHookFile } from "../import/map-hook.ts";
import type { Pool } from "../pool.ts";
import type { ConfigThing, ThingKinds } from "./thing.ts";

/** How configuration is undone. */
export const CONFIG_KINDS: ThingKinds<ConfigThing> = {
  user: {
    undo: (thing, pool) => {
      if (!isUsed(pool, "user", thing)) removePath(userFile(pool, thing.name));
    },
    exists: (thing, pool) => fs.existsSync(userFile(pool, thing.name)) && !isUsed(pool, "user", thing),
    describe: ({ name, container }) => `user "${name}", made for container "${container}"`,
  },
  group: {
    undo: (thing, pool) => {
      if (!isUsed(pool, "group", thing)) removeWithDirectory(groupFile(pool, thing.name));
    },
    exists: (thing, pool) => fs.existsSync(groupFile(pool, thing.name)) && !isUsed(pool, "group", thing),
    describe: ({ name, container }) => `group "${name}", made for container "${container}"`,
  },
  allocation: {
    undo: async (thing, pool) => await withConfigLock(pool, async () => await Promise.resolve(dropAllocation(pool, thing, thing.owner))),
    exists: (thing, pool) => hasAllocation(pool, thing, thing.owner),
    describe: ({ range, owner }) => `allocation of ID range "${range}" for ${owner}`,
  },
  device: {
    undo: async (thing, pool) => await withConfigLock(pool, async () => await Promise.resolve(revokeDevice(pool, thing))),
    exists: (thing, pool) => hasGrant(pool, thing),
    describe: ({ group, device }) => `device "${describeDevice(device)}" of group "${group}"`,
  },
  hooks: {
    undo: ({ container }, pool) => removePath(hookDirectory(pool, container)),
    exists: ({ container }, pool) => fs.existsSync(hookDirectory(pool, container)),
    describe: ({ container }) => `hooks of container "${container}"`,
  },
  "map-hook": {
    undo: ({ container }, pool) => removeWithDirectory(mapHookFile(pool, container)),
    exists: ({ container }, pool) => fs.existsSync(mapHookFile(pool, container)),
    describe: ({ container }) => `the hook that sets the id maps of container "${container}"`,
  },
  container: {
    undo: ({ container }, pool) => removePath(containerFile(pool, container)),
    exists: ({ container }, pool) => fs.existsSync(containerFile(pool, container)),
    describe: ({ container }) => `configuration of container "${container}"`,
  },
};

function isUsed(pool: Pool, key: "user" | "group", thing: { name: string; container: string }): boolean {
  return listContainers(pool).some((container) => container.id !== thing.container && container[key] === thing.name);
}

/** Removes a file, and the directory that it was alone in. */
function removeWithDirectory(file: string): void {
  removePath(file);
  try {
    fs.rmdirSync(path.dirname(file));
  } catch {
    // something else lives in it
  }
}
