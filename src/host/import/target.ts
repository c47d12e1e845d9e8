/**
 * A pool as the place where a container is imported.
 *
 *     decide → data, under a staging name → decide again → maps, snapshots → final name → groups, user, hooks, container → mark removed
 *
 * Everything up to the container is on the run's list and undone if anything fails; with the container the import is done.
 */
import { dropSubdatasetMounts } from "../../config/mount.ts";
import type { ByteStream } from "../../stream/bytes.ts";
import type { EntrySource } from "../../tree/selected-entries.ts";
import { dumpYaml } from "../../yaml/dump.ts";
import { planImport, type ImportChoices, type ImportedHead, type ImportPlan } from "./import-plan.ts";
import { migrationWarnings } from "../migrations.ts";
import type { Pool } from "../pool.ts";
import type { Registrar } from "./registrar.ts";
import type { Tell } from "../tell.ts";
import { settleProblems, type Run } from "../undo/run.ts";
import type { FilesStorage, Storage, StreamPlace } from "./storage.ts";
import { warningsFor } from "./warnings.ts";

/** Options of {@link HostTarget}. */
export interface HostTargetOptions {
  choices: ImportChoices;
  run: Run;
  registrar: Registrar;
  tell: Tell;
  /** Makes the storage once the container's id is known. */
  storage: (id: string) => Storage;
}

const MAPS_LATER =
  "the ZFS here has no id maps; a hook on the pool sets them when vpsAdminOS next starts, before containers do (zfs get -r uidmap,gidmap shows them)";

/** Imports a container to a pool; satisfies the archive room's `ContainerTarget` and `RootTarget`. */
export class HostTarget {
  readonly #pool: Pool;
  readonly #options: HostTargetOptions;
  #begun: { head: ImportedHead; plan: ImportPlan; storage: Storage } | undefined;

  constructor(pool: Pool, options: HostTargetOptions) {
    this.#pool = pool;
    this.#options = options;
  }

  /** The container as it will be, once {@link begin} has looked at it. */
  get planned(): { id: string; user: string; group: string; dataset: string | undefined; hooks: readonly string[] } {
    const { plan, storage } = this.#started();
    const hooks = plan.hooks.map(({ name }) => name);
    return { id: plan.id, user: plan.user.name, group: plan.group.name, dataset: storage.dataset, hooks };
  }

  get files(): FilesStorage | undefined {
    return this.#begun?.storage.files;
  }

  /** Checks everything that can be checked before data comes. @throws ToolError usage, exists, not-found, failed, damaged */
  async begin(head: ImportedHead): Promise<void> {
    const { choices, registrar, tell } = this.#options;
    const plan = planImport(this.#pool, head, choices);
    await registrar.check(plan.id);
    const storage = this.#options.storage(plan.id);
    await storage.check(head.metadata);
    for (const omission of plan.omissions) tell("left out", omission);
    for (const warning of migrationWarnings(this.#pool)) tell("warning", warning);
    for (const warning of warningsFor(this.#pool, plan.id, plan.config)) tell("warning", warning);
    this.#begun = { head, plan, storage };
  }

  async receive(place: StreamPlace, bytes: ByteStream): Promise<void> {
    await this.#started().storage.receive(place, bytes);
  }

  /** Makes the files of a container that comes without streams. */
  async extract(entries: EntrySource): Promise<void> {
    await this.#started().storage.extract(entries);
  }

  /** @param containerConfig what is known by now, if it is more than what it began with */
  async finish(snapshots: readonly string[], containerConfig?: Uint8Array): Promise<void> {
    const { head: known, storage } = this.#started();
    const head = containerConfig === undefined ? known : { ...known, containerConfig };
    const { choices, registrar, run, tell } = this.#options;
    storage.close();
    let unmapped: readonly string[] = [];
    await registrar.exclusively(async () => {
      const plan = planImport(this.#pool, head, choices);
      unmapped = await storage.seal(plan.mapMode === "native" ? undefined : plan.user.maps, snapshots);
      await storage.publish();
      await registrar.register({ plan, dataset: storage.dataset, config: configOf(plan, storage.dataset), unmapped });
    });
    await storage.settle();
    run.keepAll();
    if (unmapped.length > 0) tell("note", MAPS_LATER);
  }

  async undo(): Promise<void> {
    this.#begun?.storage.close();
    settleProblems(await this.#options.run.undoAll(), false, this.#options.tell);
  }

  #started(): { head: ImportedHead; plan: ImportPlan; storage: Storage } {
    if (this.#begun === undefined) throw new TypeError("begin() comes first");
    return this.#begun;
  }
}

/** Where there are no datasets, the files of those that the container mounts are in its tree. */
function configOf({ config }: ImportPlan, dataset: string | undefined): string {
  if (dataset === undefined) {
    config.delete("dataset");
    dropSubdatasetMounts(config);
  } else config.set("dataset", dataset);
  return dumpYaml(config);
}
