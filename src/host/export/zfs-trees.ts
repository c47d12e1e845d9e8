/**
 * The files of a container on a zpool: snapshots mounted where only we look, the subdatasets where the container mounts them. Two at a time are
 * mounted, as what is made of one may need the one before; whoever wants to destroy a snapshot finds it busy for as long.
 */
import * as fs from "node:fs";
import { datasetMountsOf } from "../../config/mount.ts";
import { parseIdMapProperty } from "../../config/user.ts";
import type { FileStatus } from "../../sys/linux.ts";
import type { Graft } from "../../tree/grafts.ts";
import { Owners } from "../../tree/owners.ts";
import { getProperties, knowsIdMaps, listFilesystems, listSnapshotTimes } from "../../zfs/dataset.ts";
import type { DatasetName } from "../../zfs/name.ts";
import { datasetOf } from "../container.ts";
import { rootOf } from "../container-root.ts";
import { readHead, type HostHead } from "../head.ts";
import { mountHidden } from "../hidden-mount.ts";
import type { ZfsPool } from "../pool.ts";
import { MARK_PROPERTY } from "../undo/mark.ts";
import { settleProblems } from "../undo/run.ts";
import type { Thing } from "../undo/thing.ts";
import type { ContainerTree, ContainerTrees, EarlierSnapshot, TreesOptions } from "./container-trees.ts";
import { TransferSnapshots } from "./transfer-snapshots.ts";

/** A subdataset, relative to the root dataset, and the path in the container where it is mounted; undefined if it is not. */
interface Subdataset {
  relative: string;
  path: string | undefined;
}

/** Opens a container; nothing is changed before its trees are pulled. @throws ToolError not-found */
export async function openZfsTrees(pool: ZfsPool, id: string, options: TreesOptions): Promise<ContainerTrees> {
  const head = readHead(pool, id, options.tell);
  const root = datasetOf(pool, head.container);
  const names = await listFilesystems(pool.zfs, root);
  const mounts = datasetMountsOf(head.container.config);
  const subdatasets = names.slice(1).map((dataset): Subdataset => {
    const relative = dataset.slice(root.length + 1);
    return { relative, path: mounts.find((mount) => mount.dataset === relative)?.mountpoint.replace(/^\/+/, "") };
  });
  return new ZfsTrees({ pool, head, root, subdatasets, owners: await ownersOf(pool, root), options });
}

/** Where ZFS maps ids it does so for snapshots, too; osctld gives all datasets of a container the same maps. */
async function ownersOf(pool: ZfsPool, root: DatasetName): Promise<Owners | undefined> {
  if (!(await knowsIdMaps(pool.zfs, root))) return undefined;
  const { uidmap = "none", gidmap = "none" } = await getProperties(pool.zfs, root, ["uidmap", "gidmap"]);
  const [uid, gid] = [parseIdMapProperty(uidmap, root), parseIdMapProperty(gidmap, root)];
  return uid === undefined && gid === undefined ? undefined : new Owners({ uid: uid ?? [], gid: gid ?? [] });
}

interface Parts {
  pool: ZfsPool;
  head: HostHead;
  root: DatasetName;
  subdatasets: readonly Subdataset[];
  owners: Owners | undefined;
  options: TreesOptions;
}

class ZfsTrees implements ContainerTrees {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  get head(): HostHead {
    return this.#parts.head;
  }

  get hasSubdatasets(): boolean {
    return this.#parts.subdatasets.length > 0;
  }

  get willStop(): boolean {
    return this.#parts.options.consistent && this.#parts.options.lifecycle.running;
  }

  async earlier(): Promise<readonly EarlierSnapshot[]> {
    const { pool, root } = this.#parts;
    const all = await listSnapshotTimes(pool.zfs, root, MARK_PROPERTY);
    const subdatasetsWith = (snapshot: string): Set<string> =>
      new Set(all.flatMap(({ dataset, name }) => (name === snapshot && dataset !== root ? [dataset.slice(root.length + 1)] : [])));
    return all
      .filter(({ dataset, property }) => dataset === root && property === undefined)
      .map(({ name, createdAt }) => ({ name, createdAt, subdatasets: subdatasetsWith(name) }));
  }

  async *trees(earlier: readonly EarlierSnapshot[]): AsyncGenerator<ContainerTree> {
    const { pool, head, root, options } = this.#parts;
    const snapshots = new TransferSnapshots({ ...options, pool, container: head.container.id, root });
    const mounts = new Mounts(this.#parts, (thing) => snapshots.intend(thing));
    let completed = false;
    try {
      const now = this.willStop ? await snapshots.takeWhileStopped("osctl-base") : await snapshots.take("osctl-base");
      for (const { name, createdAt, subdatasets } of earlier) {
        const tree = await mounts.mount(name, (subdataset) => subdatasets.has(subdataset));
        if (fs.existsSync(tree.root)) yield { ...tree, createdAt, version: versionIn(name, createdAt) };
        else options.tell("note", `snapshot "${name}" has no root filesystem, it is passed over`);
      }
      const tree = await mounts.mount(now);
      this.#loseUnmounted(tree.grafts);
      yield { ...tree, createdAt: options.now, version: versionIn(now, Infinity) };
      completed = true;
    } finally {
      settleProblems(await snapshots.undo(), completed, options.tell);
    }
  }

  #loseUnmounted(grafts: readonly Graft[]): void {
    const { subdatasets, options } = this.#parts;
    for (const { relative, path } of subdatasets) {
      const isThere = grafts.some((graft) => graft.path === path);
      const reason = path === undefined ? "the container mounts it nowhere" : 'it has no directory "private"';
      if (!isThere) options.onLoss({ path: relative, what: "subdataset", reason });
    }
  }
}

/** The snapshots that are mounted. */
class Mounts {
  readonly #parts: Parts;
  readonly #intend: (thing: Thing) => void;
  /** Of the snapshot before the last one, and of the last one. */
  #things: [before: readonly Thing[], last: readonly Thing[]] = [[], []];

  constructor(parts: Parts, intend: (thing: Thing) => void) {
    this.#parts = parts;
    this.#intend = intend;
  }

  /** Mounts a snapshot of all datasets, or of those that have it, and unmounts the one before the last. */
  async mount(
    snapshot: string,
    hasIt: (subdataset: string) => boolean = () => true,
  ): Promise<Pick<ContainerTree, "root" | "grafts" | "owners" | "snapshot">> {
    const { pool, root, subdatasets, owners, options } = this.#parts;
    const [before, last] = this.#things;
    for (const thing of before.toReversed()) await options.run.undo(thing);
    const things: Thing[] = [];
    this.#things = [last, things];
    const mount = async (dataset: string): Promise<string> => {
      const thing = await mountHidden(pool, { ...options, intend: this.#intend }, `${dataset}@${snapshot}`);
      things.push(thing);
      return rootOf(thing.path);
    };
    const top = await mount(root);
    const grafts: Graft[] = [];
    for (const { relative, path } of subdatasets) {
      if (path === undefined || !hasIt(relative)) continue;
      const graft = { path, root: await mount(`${root}/${relative}`) };
      if (fs.existsSync(graft.root)) grafts.push(graft);
    }
    return { root: top, grafts, owners, snapshot };
  }
}

/**
 * The object in its dataset, and the time of its last change. That has the grain of a clock tick, and something may have been changed in the tick
 * in which the snapshot was taken and later in the same; such files are not taken for the same without a look at them.
 */
function versionIn(snapshot: string, createdAt: number): (status: FileStatus, volume: string) => string {
  const unsettledSince = Number.isFinite(createdAt) ? BigInt(createdAt - 1) * 1_000_000_000n : undefined;
  return ({ ino, ctimeNs }, volume) => {
    const isUnsettled = unsettledSince !== undefined && ctimeNs >= unsettledSince;
    return [volume, ino, ctimeNs, ...(isUnsettled ? [snapshot] : [])].join(":");
  };
}
