/** Snapshots that an export takes of a container's datasets, all at one instant, with the run's mark; undone with everything else of the export. */
import { ToolError } from "../../errors.ts";
import { snapshotTree } from "../../zfs/dataset.ts";
import type { DatasetName } from "../../zfs/name.ts";
import type { Lifecycle } from "./lifecycle.ts";
import { MARK_PROPERTY } from "../undo/mark.ts";
import type { ZfsPool } from "../pool.ts";
import type { Run } from "../undo/run.ts";
import type { Thing } from "../undo/thing.ts";

/** What the snapshots are of, and who takes them. */
export interface TransferSnapshotsOptions {
  pool: ZfsPool;
  /** Id of the container. */
  container: string;
  root: DatasetName;
  /** Unix time, seconds; it becomes part of the names. */
  now: number;
  lifecycle: Lifecycle;
  run: Run;
}

/** How many later seconds are tried when somebody has the name. */
const NAME_ATTEMPTS = 60;

/** The snapshots of one export. */
export class TransferSnapshots {
  readonly #options: TransferSnapshotsOptions;
  readonly #names: string[] = [];
  readonly #things: Thing[] = [];

  constructor(options: TransferSnapshotsOptions) {
    this.#options = options;
  }

  /** Newest first. */
  get names(): readonly string[] {
    return this.#names;
  }

  /** Snapshots all datasets. @returns the snapshot's name */
  async take(prefix: string): Promise<string> {
    const { pool, root, now, run } = this.#options;
    if (this.#names.length === 0) this.intend({ is: "snapshots", dataset: root });
    for (let time = now; ; time += 1) {
      const name = `${prefix}-${time}`;
      try {
        await snapshotTree(pool.zfs, root, name, { [MARK_PROPERTY]: run.id });
        this.#names.unshift(name);
        return name;
      } catch (error) {
        if (!(error instanceof ToolError) || error.code !== "exists" || time > now + NAME_ATTEMPTS) throw error;
      }
    }
  }

  /** Stops the container, snapshots all datasets, starts it again. */
  async takeWhileStopped(prefix: string): Promise<string> {
    const { lifecycle, run, container } = this.#options;
    const stopped: Thing = { is: "stopped", container, startCommand: lifecycle.startCommand };
    this.intend(stopped);
    await lifecycle.stop();
    const snapshot = await this.take(prefix);
    await run.undo(stopped);
    return snapshot;
  }

  /** Notes something else to be undone with the snapshots, before them. */
  intend(thing: Thing): void {
    this.#things.push(thing);
    this.#options.run.intend(thing);
  }

  /** Undoes what is still there: starts a stopped container, destroys the snapshots. @returns what could not be undone */
  async undo(): Promise<ToolError[]> {
    return await this.#options.run.undoAll(this.#things);
  }
}
