/**
 * Registering a container by its configuration files, where no osctld runs. The container's own file comes last: before it nothing is there
 * that osctld would load.
 *
 * @see vpsAdminOS `osctld/lib/osctld/pool.rb` (`load_users`, `load_groups`, `load_cts`), 24.05
 */
import * as fs from "node:fs";
import * as path from "node:path";
import { ToolError } from "../../errors.ts";
import { listNames, makeDirectory, writeNewFile } from "../../sys/files.ts";
import { dumpYaml } from "../../yaml/dump.ts";
import { CONFIG_MODE, grantDevice, recordAllocation, withConfigLock } from "../config-edit.ts";
import { containerFile, groupFile, userFile } from "../container.ts";
import { hookDirectory, installHooks } from "../hooks.ts";
import { ownerOf } from "../id-space.ts";
import type { ImportPlan } from "./import-plan.ts";
import { mapHookFile, mapHookScript } from "./map-hook.ts";
import type { Pool } from "../pool.ts";
import type { ReadyContainer, Registrar } from "./registrar.ts";
import type { Run } from "../undo/run.ts";
import type { Thing } from "../undo/thing.ts";

const DIRECTORY_MODE = 0o755;
const HOOK_MODE = 0o700;

/** Writes configuration files. */
export class FileRegistrar implements Registrar {
  readonly #pool: Pool;
  readonly #run: Run;

  constructor(pool: Pool, run: Run) {
    this.#pool = pool;
    this.#run = run;
  }

  async check(id: string): Promise<void> {
    if (fs.lstatSync(containerFile(this.#pool, id), { throwIfNoEntry: false }) !== undefined) throw containerExists(this.#pool, id);
    const hooks = hookDirectory(this.#pool, id);
    if (listNames(hooks).length === 0) return await Promise.resolve();
    throw new ToolError("exists", `Cannot import container "${id}": "${hooks}" exists`, {
      hints: [`Move it away if nothing needs it: mv ${hooks} ${hooks}.old`],
    });
  }

  async exclusively(action: () => Promise<void>): Promise<void> {
    await withConfigLock(this.#pool, action);
  }

  async register({ plan, config, unmapped }: ReadyContainer): Promise<void> {
    const { id } = plan;
    await this.check(id);
    this.#writeGroups(plan);
    this.#writeUser(plan);
    this.#make({ is: "hooks", container: id }, () => installHooks(this.#pool, id, plan.hooks));
    if (unmapped.length > 0) this.#writeMapHook(plan, unmapped);
    this.#make({ is: "container", container: id }, () => writeNewFile(containerFile(this.#pool, id), config, CONFIG_MODE));
  }

  #writeGroups({ id, group, grants }: ImportPlan): void {
    for (const grant of grants) this.#make({ is: "device", ...grant }, () => grantDevice(this.#pool, grant));
    for (const { name, config } of group.create) {
      const file = groupFile(this.#pool, name);
      this.#make({ is: "group", name, container: id }, () => {
        makeDirectory(path.dirname(file), DIRECTORY_MODE);
        writeNewFile(file, dumpYaml(config), CONFIG_MODE);
      });
    }
  }

  #writeUser({ id, user: { name, create } }: ImportPlan): void {
    if (create === undefined) return;
    this.#make({ is: "user", name, container: id }, () => writeNewFile(userFile(this.#pool, name), create.content, CONFIG_MODE));
    for (const allocation of create.allocations) {
      const owner = ownerOf(name);
      this.#make({ is: "allocation", ...allocation, owner }, () => recordAllocation(this.#pool, allocation, owner));
    }
  }

  #writeMapHook({ id, user }: ImportPlan, datasets: readonly string[]): void {
    const file = mapHookFile(this.#pool, id);
    this.#make({ is: "map-hook", container: id }, () => {
      makeDirectory(path.dirname(path.dirname(file)), HOOK_MODE);
      makeDirectory(path.dirname(file), HOOK_MODE);
      writeNewFile(file, mapHookScript(id, datasets, user.maps), HOOK_MODE);
    });
  }

  /** Makes something that is on the run's list; what turns out to be somebody else's is taken off it. */
  #make(thing: Thing, make: () => void): void {
    this.#run.intend(thing);
    try {
      make();
    } catch (error) {
      if (error instanceof ToolError && error.code === "exists") this.#run.forget(thing);
      throw error;
    }
  }
}

function containerExists(pool: Pool, id: string): ToolError {
  return new ToolError("exists", `Cannot import container "${id}": it exists on pool "${pool.name}"`, {
    hints: ["Choose another id with --as-id"],
  });
}
