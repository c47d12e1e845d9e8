/**
 * Registering a container with the osctld that runs, which holds everything in memory and would overwrite files of ours: users and groups are
 * made by its commands, then it imports a small archive that has the configuration and an empty root filesystem. The dataset with the real
 * data is in place by then; osctld accepts it as it is.
 *
 * @see vpsAdminOS `osctld/lib/osctld/commands/container/import.rb`, `container/importer.rb`, 24.05
 */
import * as fs from "node:fs";
import * as path from "node:path";
import { ToolError } from "../../errors.ts";
import { makeDirectory } from "../../sys/files.ts";
import { childDataset } from "../../zfs/name.ts";
import { containerFile } from "../container.ts";
import { FileRegistrar } from "./file-registrar.ts";
import type { MissingDevices } from "./device-plan.ts";
import type { Hook } from "../hooks.ts";
import { connectOsctld, type Osctld } from "../osctld/osctld.ts";
import { createGroup, createUser } from "../osctld/osctld-accounts.ts";
import type { Pool, ZfsPool } from "../pool.ts";
import type { ReadyContainer, Registrar } from "./registrar.ts";
import type { Run } from "../undo/run.ts";
import { runDirectory } from "../undo/run.ts";
import type { Thing } from "../undo/thing.ts";

/** What the archive that osctld is given holds besides an empty root filesystem. */
export interface AdoptionHead {
  container: string;
  user: string;
  group: string;
  config: string;
  hooks: readonly Hook[];
}

/** Options of {@link chooseRegistrar}. */
export interface RegistrarOptions {
  run: Run;
  /** The command as it was typed, shown to others as the lock's holder. */
  commandLine: string;
  signal: AbortSignal;
  missingDevices: MissingDevices;
  /** Writes the archive that osctld is given to a new file. */
  writeArchive: (file: string, head: AdoptionHead) => Promise<void>;
  /** osctld's own if left out. */
  socketPath?: string;
}

/** The osctld that runs, where it uses the pool; else files. @throws ToolError failed if osctld has the pool, but does not serve it */
export async function chooseRegistrar(pool: Pool, options: RegistrarOptions): Promise<Registrar> {
  const files = new FileRegistrar(pool, options.run);
  if (pool.kind === "dir") return files;
  using osctld = await connect(options);
  const state = await osctld?.showPool(pool.name);
  if (state === undefined) return files;
  if (state === "active") return new OsctldRegistrar(pool, files, options);
  throw new ToolError("failed", `Cannot import to pool "${pool.name}": osctld says that it is ${state}`, {
    hints: [`osctl pool show ${pool.name}`],
  });
}

/** Has osctld adopt containers. */
class OsctldRegistrar implements Registrar {
  readonly #pool: ZfsPool;
  readonly #files: FileRegistrar;
  readonly #options: RegistrarOptions;

  constructor(pool: ZfsPool, files: FileRegistrar, options: RegistrarOptions) {
    this.#pool = pool;
    this.#files = files;
    this.#options = options;
  }

  async check(id: string): Promise<void> {
    await this.#files.check(id);
    using osctld = await this.#connect();
    if ((await osctld.showContainer(this.#pool.name, id)) === undefined) return;
    throw new ToolError("exists", `Cannot import container "${id}": osctld knows one on pool "${this.#pool.name}"`, {
      hints: ["Choose another id with --as-id"],
    });
  }

  async exclusively(action: () => Promise<void>): Promise<void> {
    await action();
  }

  async register({ plan, config, dataset }: ReadyContainer): Promise<void> {
    const { id, user, group, hooks, mapMode } = plan;
    using osctld = await this.#connect();
    for (const { name, config: groupConfig } of group.create) {
      await this.#make({ is: "osctld-group", name }, async () => await createGroup(osctld, this.#pool.name, name, groupConfig));
    }
    const { create } = user;
    if (create !== undefined) {
      await this.#make({ is: "osctld-user", name: user.name }, async () => await createUser(osctld, this.#pool.name, user, create));
    }
    const archive = this.#archiveFile();
    await this.#options.writeArchive(archive, { container: id, user: user.name, group: group.name, config, hooks });
    const isDefault = dataset === childDataset(this.#pool.dataset, `ct/${id}`);
    const place = { ...(isDefault ? {} : { dataset }), ...(config.includes("\nmap_mode:") ? { map_mode: mapMode } : {}) };
    await this.#make({ is: "adoption", container: id }, async () => {
      const names = { as_id: id, as_user: user.name, as_group: group.name };
      const opts = { pool: this.#pool.name, file: archive, ...names, missing_devices: this.#options.missingDevices, ...place };
      await osctld.call("ct_import", opts, { action: `have container "${id}" adopted` });
    });
    await this.#checkAdopted(osctld, id, dataset);
    fs.rmSync(archive, { force: true });
  }

  async #checkAdopted(osctld: Osctld, id: string, dataset: string | undefined): Promise<void> {
    const container = await osctld.showContainer(this.#pool.name, id);
    if (container?.dataset === dataset && fs.existsSync(containerFile(this.#pool, id))) return;
    throw new ToolError("failed", `Cannot have container "${id}" adopted: osctld does not show it with dataset "${dataset}"`, {
      hints: [`osctl ct show ${this.#pool.name}:${id}`],
    });
  }

  #archiveFile(): string {
    const directory = runDirectory(this.#pool);
    makeDirectory(directory, 0o700);
    const file = path.join(directory, `${this.#options.run.id}.tar`);
    this.#options.run.intend({ is: "path", path: file });
    return file;
  }

  /** Makes something that is on the run's list; a user or group that turns out to be somebody else's is taken off it. */
  async #make(thing: Thing, make: () => Promise<void>): Promise<void> {
    this.#options.run.intend(thing);
    try {
      await make();
    } catch (error) {
      if (error instanceof ToolError && error.code === "exists" && thing.is !== "adoption") this.#options.run.forget(thing);
      throw error;
    }
  }

  async #connect(): Promise<Osctld> {
    const osctld = await connect(this.#options);
    if (osctld !== undefined) return osctld;
    throw new ToolError("failed", "Cannot go on with the import: osctld does not answer any more");
  }
}

async function connect({ commandLine, signal, socketPath }: RegistrarOptions): Promise<Osctld | undefined> {
  return await connectOsctld({ cli: commandLine, signal, ...(socketPath === undefined ? {} : { socketPath }) });
}
