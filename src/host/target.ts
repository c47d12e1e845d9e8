/**
 * A pool as the place where a container is imported.
 *
 *     checks → data, under a staging name → maps, snapshots → final name → user, group, hooks → container file → mark removed
 *
 * Everything up to the container file is on the run's list and undone if anything fails; with the container file the import is done.
 */
import * as fs from "node:fs";
import * as path from "node:path";
import { ToolError } from "../errors.ts";
import type { ByteStream } from "../stream/bytes.ts";
import { makeDirectory, writeNewFile } from "../sys/files.ts";
import { dumpYaml } from "../yaml/dump.ts";
import { YamlMap } from "../yaml/value.ts";
import { planGroup, planUser, type Account, type ArchivedAccounts } from "./account.ts";
import { containerFile, groupFile, parseContainer, parseContainerId, userFile, type IdMaps } from "./container.ts";
import { MOMENTARY_KEYS } from "./head.ts";
import { checkHookNames, hookDirectory, installHooks, type Hook } from "./hooks.ts";
import type { Pool } from "./pool.ts";
import type { Run } from "./run.ts";
import type { Storage } from "./storage.ts";
import type { Thing } from "./thing.ts";

/** What a target takes from an archive; the archive room's `ContainerHead` satisfies it. */
export interface ImportedHead extends Omit<ArchivedAccounts, "user" | "group"> {
  readonly metadata: {
    readonly format: "zfs" | "tar";
    readonly container: string | null;
    readonly user: string | null;
    readonly group: string | null;
  };
  readonly containerConfig: Uint8Array;
  readonly hooks: readonly Hook[];
}

/** Options of {@link HostTarget}. */
export interface HostTargetOptions {
  asId?: string | undefined;
  asUser?: string | undefined;
  asGroup?: string | undefined;
  run: Run;
  talk: (line: string) => void;
  /** Makes the storage once the container's id is known. */
  storage: (id: string) => Storage;
}

/** What has been decided before any data comes. */
interface Plan {
  id: string;
  user: Account & { maps: IdMaps };
  group: Account;
  config: YamlMap;
  hooks: readonly Hook[];
  storage: Storage;
}

const CONFIG_MODE = 0o400;
const DIRECTORY_MODE = 0o755;
const EMPTY_GROUP: YamlMap = YamlMap.of({ cgparams: [], devices: [], attrs: new YamlMap() });

/** Imports a container to a pool; satisfies the archive room's `ContainerTarget`. */
export class HostTarget {
  readonly #pool: Pool;
  readonly #options: HostTargetOptions;
  #plan: Plan | undefined;

  constructor(pool: Pool, options: HostTargetOptions) {
    this.#pool = pool;
    this.#options = options;
  }

  /** The container as it will be, once {@link begin} has looked at it. */
  get planned(): { id: string; user: string; group: string; dataset: string | undefined } {
    const { id, user, group, storage } = this.#planned();
    return { id, user: user.name, group: group.name, dataset: storage.dataset };
  }

  /** Checks everything that can be checked before data comes. @throws ToolError usage, exists, not-found, damaged */
  async begin(head: ImportedHead): Promise<void> {
    const { asId, asUser, asGroup, storage: makeStorage } = this.#options;
    const id = containerId(head, asId);
    const file = containerFile(this.#pool, id);
    if (fs.lstatSync(file, { throwIfNoEntry: false }) !== undefined) throw containerExists(this.#pool, id);
    const archived: ArchivedAccounts = { ...head, user: head.metadata.user, group: head.metadata.group };
    const user = planUser(this.#pool, archived, asUser);
    const group = planGroup(this.#pool, archived, asGroup);
    checkHookNames(head.hooks);
    const { config } = parseContainer(id, head.containerConfig, "config/container.yml");
    const storage = makeStorage(id);
    await storage.check(head.metadata);
    this.#plan = { id, user, group, config, hooks: head.hooks, storage };
  }

  async receive(place: { dataset: string; kind: "base" | "incremental" }, bytes: ByteStream): Promise<void> {
    await this.#planned().storage.receive(place, bytes);
  }

  async finish(snapshots: readonly string[]): Promise<void> {
    const { id, user, group, hooks, storage } = this.#planned();
    const pool = this.#pool;
    await storage.seal(user.maps, snapshots);
    await storage.publish();
    if (user.content !== undefined) {
      const { name, content } = user;
      this.#make({ is: "user", name, container: id }, () => writeNewFile(userFile(pool, name), content, CONFIG_MODE));
    }
    if (group.content !== undefined) this.#writeGroup(group.name, group.content);
    if (fs.existsSync(hookDirectory(pool, id))) {
      throw new ToolError("exists", `Cannot write hooks of container "${id}": "${hookDirectory(pool, id)}" exists`);
    }
    this.#make({ is: "hooks", container: id }, () => installHooks(pool, id, hooks));
    this.#make({ is: "container", container: id }, () => writeNewFile(containerFile(pool, id), this.#finalConfig(), CONFIG_MODE));
    await storage.settle();
    this.#options.run.keepAll();
  }

  async undo(): Promise<void> {
    for (const problem of await this.#options.run.undoAll()) {
      this.#options.talk(`warning: ${problem.message}; "ctar doctor --clean" tries again`);
    }
  }

  #planned(): Plan {
    if (this.#plan === undefined) throw new TypeError("begin() comes first");
    return this.#plan;
  }

  /** The archive's configuration for its new place. */
  #finalConfig(): string {
    const { config, user, group, storage } = this.#planned();
    for (const key of [...MOMENTARY_KEYS, "incarnation_id"]) config.delete(key);
    config.set("user", user.name);
    config.set("group", group.name);
    if (storage.dataset === undefined) config.delete("dataset");
    else config.set("dataset", storage.dataset);
    return dumpYaml(config);
  }

  /** Writes the group, and an empty one for each level above it that is missing. */
  #writeGroup(name: string, content: Uint8Array): void {
    const levels = name.split("/").slice(1);
    for (let depth = 1; depth <= levels.length; depth += 1) {
      const level = `/${levels.slice(0, depth).join("/")}`;
      const file = groupFile(this.#pool, level);
      if (fs.existsSync(file)) continue;
      this.#make({ is: "group", name: level, container: this.#planned().id }, () => {
        makeDirectory(path.dirname(file), DIRECTORY_MODE);
        writeNewFile(file, level === name ? content : dumpYaml(EMPTY_GROUP), CONFIG_MODE);
      });
    }
  }

  /** Makes something that is on the run's list; what turns out to be somebody else's is taken off it. */
  #make(thing: Thing, make: () => void): void {
    const { run } = this.#options;
    run.intend(thing);
    try {
      make();
    } catch (error) {
      if (error instanceof ToolError && error.code === "exists") run.forget(thing);
      throw error;
    }
  }
}

function containerId({ metadata }: ImportedHead, asId: string | undefined): string {
  if (asId !== undefined) return parseContainerId(asId);
  if (metadata.container !== null) return parseContainerId(metadata.container);
  throw new ToolError("usage", "Cannot choose a container id: the archive names none", { hints: ["Name one with --as-id"] });
}

function containerExists(pool: Pool, id: string): ToolError {
  return new ToolError("exists", `Cannot import container "${id}": it exists on pool "${pool.name}"`, {
    hints: ["Choose another id with --as-id"],
  });
}
