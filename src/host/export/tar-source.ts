/**
 * A container as something to export in format tar: its root filesystem packed.
 *
 * The format has room for one tree. What the container mounts from its subdatasets is packed where it is mounted, and the mounts are taken
 * out of the exported configuration, so that an import gives the same files in one dataset.
 */
import { dropSubdatasetMounts } from "../../config/mount.ts";
import type { ByteStream } from "../../stream/bytes.ts";
import type { Loss } from "../../tree/loss.ts";
import { packTree } from "../../tree/pack.ts";
import { YamlMap } from "../../yaml/value.ts";
import { encodeConfig, withMetadata, type ExportHead, type HostHead } from "../head.ts";
import type { ContainerTrees } from "./container-trees.ts";

/** A container as one tree; satisfies the archive room's `ContainerSource`. */
export class TarSource {
  readonly head: ExportHead;
  readonly properties: readonly never[] = [];
  readonly #trees: ContainerTrees;
  readonly #onLoss: (loss: Loss) => void;

  /** @param now unix time, seconds */
  constructor(trees: ContainerTrees, { now, onLoss }: { now: number; onLoss: (loss: Loss) => void }) {
    const head = trees.hasSubdatasets ? { ...trees.head, containerConfig: withoutDatasetMounts(trees.head) } : trees.head;
    this.head = withMetadata(head, { format: "tar", datasets: [], exportedAt: now });
    this.#trees = trees;
    this.#onLoss = onLoss;
  }

  snapshots(): readonly string[] {
    return [];
  }

  /** Whether the container will be stopped: for a moment, or, without snapshots, for as long as packing takes. */
  get willStop(): boolean {
    return this.#trees.willStop;
  }

  async *streams(): AsyncGenerator<{ dataset: string; kind: "base"; gzip: true; open: () => ByteStream; facts: () => undefined }> {
    for await (const { root, grafts, owners } of this.#trees.trees([])) {
      const open = (): ByteStream => packTree(root, { grafts, owners, onLoss: this.#onLoss });
      yield { dataset: "", kind: "base", gzip: true, open, facts: () => undefined };
    }
  }
}

function withoutDatasetMounts({ container: { config } }: HostHead): Uint8Array {
  const exported = new YamlMap(config);
  dropSubdatasetMounts(exported);
  return encodeConfig(exported);
}
