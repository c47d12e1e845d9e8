/** A container in a directory pool as something to export: format tar, its root filesystem packed where it stands. */
import * as path from "node:path";
import { packTree } from "../../tree/pack.ts";
import type { Loss } from "../../tree/loss.ts";
import type { ByteStream } from "../../stream/bytes.ts";
import { readHead, withMetadata, type ExportHead } from "../head.ts";
import type { Lifecycle } from "./lifecycle.ts";
import type { DirPool } from "../pool.ts";
import { settleProblems, type Run } from "../undo/run.ts";
import type { Thing } from "../undo/thing.ts";

/** Options of {@link openDirSource}. */
export interface DirSourceOptions {
  consistent: boolean;
  /** Unix time, seconds. */
  now: number;
  lifecycle: Lifecycle;
  run: Run;
  talk: (line: string) => void;
  /** Told of whatever cannot be packed. */
  onLoss: (loss: Loss) => void;
}

/** Opens a container for export. @throws ToolError not-found */
export function openDirSource(pool: DirPool, id: string, options: DirSourceOptions): DirSource {
  const head = withMetadata(readHead(pool, id, options.talk), { format: "tar", datasets: [], exportedAt: options.now });
  return new DirSource(path.join(pool.ct, id, "private"), head, options);
}

/** A container in a directory; satisfies the archive room's `ContainerSource`. */
export class DirSource {
  readonly head: ExportHead;
  readonly properties: readonly never[] = [];
  readonly #root: string;
  readonly #options: DirSourceOptions;

  constructor(root: string, head: ExportHead, options: DirSourceOptions) {
    this.#root = root;
    this.head = head;
    this.#options = options;
  }

  snapshots(): readonly string[] {
    return [];
  }

  /** Whether the container will be stopped: without snapshots, for as long as packing takes. */
  get willStop(): boolean {
    return this.#options.consistent && this.#options.lifecycle.running;
  }

  async *streams(): AsyncGenerator<{ dataset: string; kind: "base"; gzip: true; open: () => ByteStream; facts: () => undefined }> {
    const { lifecycle, run, talk, onLoss } = this.#options;
    const stopped: Thing = { is: "stopped", container: this.head.metadata.container, startCommand: lifecycle.startCommand };
    let completed = false;
    try {
      if (this.willStop) {
        run.intend(stopped);
        await lifecycle.stop();
      }
      yield { dataset: "", kind: "base", gzip: true, open: () => packTree(this.#root, { onLoss }), facts: () => undefined };
      completed = true;
    } finally {
      settleProblems(await run.undoAll([stopped]), completed, talk);
    }
  }
}
