/** The files of a container in a directory pool, where they stand. Without snapshots it is stopped for as long as they are read. */
import * as path from "node:path";
import { ToolError } from "../../errors.ts";
import { rootOf } from "../container-root.ts";
import { readHead, type HostHead } from "../head.ts";
import type { DirPool } from "../pool.ts";
import { settleProblems } from "../undo/run.ts";
import type { Thing } from "../undo/thing.ts";
import type { ContainerTree, ContainerTrees, TreesOptions } from "./container-trees.ts";

/** Opens a container. @throws ToolError not-found */
export function openDirTrees(pool: DirPool, id: string, options: TreesOptions): ContainerTrees {
  return new DirTrees(pool, readHead(pool, id, options.tell), options);
}

class DirTrees implements ContainerTrees {
  readonly head: HostHead;
  readonly hasSubdatasets = false;
  readonly #pool: DirPool;
  readonly #options: TreesOptions;

  constructor(pool: DirPool, head: HostHead, options: TreesOptions) {
    this.#pool = pool;
    this.head = head;
    this.#options = options;
  }

  get willStop(): boolean {
    return this.#options.consistent && this.#options.lifecycle.running;
  }

  async earlier(): Promise<never> {
    return await Promise.reject(new ToolError("usage", `Cannot use --layers: pool "${this.#pool.name}" has no ZFS, and so no snapshots`));
  }

  async *trees(): AsyncGenerator<ContainerTree> {
    const { lifecycle, run, tell, now } = this.#options;
    const { id } = this.head.container;
    const stopped: Thing = { is: "stopped", container: id, startCommand: lifecycle.startCommand };
    let completed = false;
    try {
      if (this.willStop) {
        run.intend(stopped);
        await lifecycle.stop();
      }
      yield { root: rootOf(path.join(this.#pool.ct, id)), grafts: [], createdAt: now };
      completed = true;
    } finally {
      settleProblems(await run.undoAll([stopped]), completed, tell);
    }
  }
}
