/**
 * A container on a zpool as something to export in format tar: one snapshot, mounted where only we look, its root filesystem packed.
 *
 * The format has room for one tree. What the container mounts from its subdatasets is packed where it is mounted, and the mounts are taken
 * out of the exported configuration, so that an import gives the same files in one dataset.
 */
import * as fs from "node:fs";
import { datasetMountsOf } from "../../config/mount.ts";
import type { ByteStream } from "../../stream/bytes.ts";
import type { Loss } from "../../tree/loss.ts";
import { packTree } from "../../tree/pack.ts";
import { YamlMap, type YamlValue } from "../../yaml/value.ts";
import { listFilesystems } from "../../zfs/dataset.ts";
import type { DatasetName } from "../../zfs/name.ts";
import { datasetOf } from "../container.ts";
import { rootOf } from "../container-root.ts";
import { encodeConfig, readHead, withMetadata, type ExportHead, type HostHead } from "../head.ts";
import { mountHidden } from "../hidden-mount.ts";
import type { Lifecycle } from "./lifecycle.ts";
import type { ZfsPool } from "../pool.ts";
import { settleProblems, type Run } from "../undo/run.ts";
import type { Thing } from "../undo/thing.ts";
import { TransferSnapshots } from "./transfer-snapshots.ts";

/** Options of {@link openZfsTarSource}. */
export interface ZfsTarSourceOptions {
  consistent: boolean;
  /** Unix time, seconds. */
  now: number;
  lifecycle: Lifecycle;
  run: Run;
  signal: AbortSignal;
  talk: (line: string) => void;
  /** Told of whatever cannot be packed. */
  onLoss: (loss: Loss) => void;
}

/** A subdataset, relative to the root dataset, and the path in the container where it is mounted; undefined if it is not. */
interface Subdataset {
  relative: string;
  path: string | undefined;
}

/** Opens a container for export; nothing is changed before its stream is pulled. @throws ToolError not-found */
export async function openZfsTarSource(pool: ZfsPool, id: string, options: ZfsTarSourceOptions): Promise<ZfsTarSource> {
  const head = readHead(pool, id, options.talk);
  const root = datasetOf(pool, head.container);
  const names = await listFilesystems(pool.zfs, root);
  const mounts = datasetMountsOf(head.container.config);
  const subdatasets = names.slice(1).map((dataset): Subdataset => {
    const relative = dataset.slice(root.length + 1);
    return { relative, path: mounts.find((mount) => mount.dataset === relative)?.mountpoint.replace(/^\/+/, "") };
  });
  return new ZfsTarSource({ pool, head, root, subdatasets, options });
}

interface SourceParts {
  pool: ZfsPool;
  head: HostHead;
  root: DatasetName;
  subdatasets: readonly Subdataset[];
  options: ZfsTarSourceOptions;
}

/** A container on a zpool, as one tree; satisfies the archive room's `ContainerSource`. */
export class ZfsTarSource {
  readonly head: ExportHead;
  readonly properties: readonly never[] = [];
  readonly #parts: SourceParts;

  constructor(parts: SourceParts) {
    this.#parts = parts;
    const containerConfig = parts.subdatasets.length === 0 ? parts.head.containerConfig : withoutDatasetMounts(parts.head);
    this.head = withMetadata({ ...parts.head, containerConfig }, { format: "tar", datasets: [], exportedAt: parts.options.now });
  }

  snapshots(): readonly string[] {
    return [];
  }

  /** Whether the container will be stopped for a moment. */
  get willStop(): boolean {
    return this.#parts.options.consistent && this.#parts.options.lifecycle.running;
  }

  async *streams(): AsyncGenerator<{ dataset: string; kind: "base"; gzip: true; open: () => ByteStream; facts: () => undefined }> {
    const { pool, head, root, options } = this.#parts;
    const snapshots = new TransferSnapshots({ ...options, pool, container: head.container.id, root });
    let completed = false;
    try {
      const snapshot = this.willStop ? await snapshots.takeWhileStopped("osctl-base") : await snapshots.take("osctl-base");
      const mount = async (dataset: string): Promise<string> => {
        const intend = (thing: Thing): void => snapshots.intend(thing);
        return rootOf((await mountHidden(pool, { ...options, intend }, `${dataset}@${snapshot}`)).path);
      };
      const top = await mount(root);
      const grafts = await this.#mountSubdatasets(mount);
      yield {
        dataset: "",
        kind: "base",
        gzip: true,
        open: () => packTree(top, { grafts, onLoss: options.onLoss }),
        facts: () => undefined,
      };
      completed = true;
    } finally {
      settleProblems(await snapshots.undo(), completed, options.talk);
    }
  }

  async #mountSubdatasets(mount: (dataset: string) => Promise<string>): Promise<{ path: string; root: string }[]> {
    const { subdatasets, root, options } = this.#parts;
    const grafts: { path: string; root: string }[] = [];
    for (const { relative, path } of subdatasets) {
      if (path === undefined) {
        options.onLoss({ path: relative, what: "subdataset", reason: "the container mounts it nowhere" });
        continue;
      }
      const graft = { path, root: await mount(`${root}/${relative}`) };
      if (fs.existsSync(graft.root)) grafts.push(graft);
      else options.onLoss({ path: relative, what: "subdataset", reason: 'it has no directory "private"' });
    }
    return grafts;
  }
}

function withoutDatasetMounts({ container: { config } }: HostHead): Uint8Array {
  const mounts = config.get("mounts");
  const kept = Array.isArray(mounts) ? mounts.filter((mount) => !(mount instanceof YamlMap) || !isSubdataset(mount.get("dataset"))) : [];
  return encodeConfig(new YamlMap(config).set("mounts", kept));
}

function isSubdataset(dataset: YamlValue | undefined): boolean {
  return typeof dataset === "string" && dataset !== "/";
}
