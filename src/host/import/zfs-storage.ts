/**
 * Data of an import on a zpool: received beside its place, as `<dataset>.ctar-<hex>`, marked as unfinished, and renamed when it is whole. ZFS
 * streams go into datasets that are never mounted; a tar of a root filesystem goes into `private` of a dataset mounted where only we look.
 */
import { randomBytes } from "node:crypto";
import { ToolError } from "../../errors.ts";
import { formatIdMap, type IdMaps } from "../../config/user.ts";
import type { ByteStream } from "../../stream/bytes.ts";
import { extractTree } from "../../tree/extract.ts";
import type { Loss } from "../../tree/loss.ts";
import type { EntrySource } from "../../tree/selected-entries.ts";
import {
  createDataset,
  datasetExists,
  destroySnapshots,
  inheritProperty,
  knowsIdMaps,
  listFilesystems,
  listSnapshots,
  renameDataset,
  setProperties,
} from "../../zfs/dataset.ts";
import { childDataset, parentDataset, parseDatasetName, poolOf, type DatasetName } from "../../zfs/name.ts";
import { receiveStream } from "../../zfs/receive.ts";
import { listContainers } from "../container.ts";
import { MARK_PROPERTY } from "../undo/mark.ts";
import { makeRoot } from "../container-root.ts";
import { extractFiles } from "./extract-files.ts";
import { withMounted } from "../hidden-mount.ts";
import type { ZfsPool } from "../pool.ts";
import type { Run } from "../undo/run.ts";
import type { DataFormat, Storage, StreamPlace } from "./storage.ts";

/** Options of {@link ZfsStorage}. */
export interface ZfsStorageOptions {
  dataset: DatasetName;
  /** Properties set on every dataset. */
  properties: Readonly<Record<string, string>>;
  run: Run;
  signal: AbortSignal;
  /** Told of whatever of a root filesystem cannot be restored. */
  onLoss: (loss: Loss) => void;
}

/** What osctl calls the snapshots of an export. */
const TRANSFER_SNAPSHOT = /^osctl-(?:base|incr)-\d+$/;

/** Storage on a zpool. */
export class ZfsStorage implements Storage {
  readonly dataset: DatasetName;
  readonly files: undefined;
  readonly #pool: ZfsPool;
  readonly #staging: DatasetName;
  readonly #options: ZfsStorageOptions;
  #format: DataFormat = { format: "zfs", datasets: [] };

  constructor(pool: ZfsPool, options: ZfsStorageOptions) {
    this.dataset = options.dataset;
    this.#pool = pool;
    this.#staging = parseDatasetName(`${options.dataset}.ctar-${randomBytes(3).toString("hex")}`);
    this.#options = options;
  }

  async check(format: DataFormat): Promise<void> {
    const { zfs, name } = this.#pool;
    const parent = parentDataset(this.dataset);
    if (poolOf(this.dataset) !== name || parent === undefined) {
      throw new ToolError("usage", `Cannot import to dataset "${this.dataset}": it does not lie on pool "${name}"`);
    }
    if (!(await datasetExists(zfs, parent))) {
      throw new ToolError("not-found", `Cannot import to dataset "${this.dataset}": "${parent}" does not exist`, {
        hints: [`zfs create -p ${parent}`],
      });
    }
    if (await datasetExists(zfs, this.dataset)) throw datasetTaken(this.dataset);
    const owner = listContainers(this.#pool).find(({ config }) => config.get("dataset") === this.dataset);
    if (owner !== undefined) {
      throw new ToolError("exists", `Cannot import to dataset "${this.dataset}": container "${owner.id}" names it as its own`);
    }
    for (const dataset of format.datasets) childDataset(this.#staging, dataset);
    this.#format = format;
  }

  async receive(place: StreamPlace, bytes: ByteStream): Promise<void> {
    const { zfs } = this.#pool;
    if (this.#format.format === "tar") return await this.#fill(async (root) => void (await extractTree(bytes, root, this.#options)));
    if (place.dataset === "" && place.kind === "base") this.#intend();
    const target = childDataset(this.#staging, place.dataset);
    const properties = place.kind === "incremental" ? {} : this.#propertiesOf(place.dataset);
    await receiveStream(zfs, target, bytes, { properties });
  }

  async extract(entries: EntrySource): Promise<void> {
    await this.#fill(async (root) => await extractFiles(entries, root, this.#options));
  }

  async seal(maps: IdMaps | undefined, snapshots: readonly string[]): Promise<readonly string[]> {
    const { zfs, dataset: top } = this.#pool;
    await destroySnapshots(zfs, this.#staging, snapshots.length > 0 ? snapshots : await this.#unlistedSnapshots());
    const datasets = await listFilesystems(zfs, this.#staging);
    if (!(await knowsIdMaps(zfs, top))) {
      return maps === undefined ? [] : datasets.map((dataset) => `${this.dataset}${dataset.slice(this.#staging.length)}`);
    }
    const properties =
      maps === undefined ? { uidmap: "none", gidmap: "none" } : { uidmap: formatIdMap(maps.uid), gidmap: formatIdMap(maps.gid) };
    for (const dataset of datasets) await setProperties(zfs, dataset, properties);
    return [];
  }

  async publish(): Promise<void> {
    this.#options.run.intend({ is: "dataset", dataset: this.dataset });
    try {
      await renameDataset(this.#pool.zfs, this.#staging, this.dataset);
    } catch (error) {
      throw error instanceof ToolError && error.code === "exists" ? datasetTaken(this.dataset, error) : error;
    }
  }

  async settle(): Promise<void> {
    await inheritProperty(this.#pool.zfs, this.dataset, MARK_PROPERTY);
  }

  close(): void {}

  #intend(): void {
    this.#options.run.intend({ is: "dataset", dataset: this.#staging });
  }

  /** Makes the datasets, and has the root filesystem made. */
  async #fill(makeFiles: (root: string) => Promise<void>): Promise<void> {
    this.#intend();
    for (const relative of ["", ...this.#format.datasets]) {
      const dataset = childDataset(this.#staging, relative);
      await createDataset(this.#pool.zfs, dataset, this.#propertiesOf(relative));
      await withMounted(this.#pool, this.#options, dataset, async (directory) => {
        const root = makeRoot(directory);
        if (relative === "") await makeFiles(root);
      });
    }
  }

  /** Transfer snapshots of an old archive, which does not list them. */
  async #unlistedSnapshots(): Promise<string[]> {
    const names = await listSnapshots(this.#pool.zfs, this.#staging);
    return names.filter((name) => TRANSFER_SNAPSHOT.test(name));
  }

  #propertiesOf(relative: string): Record<string, string> {
    const mark = relative === "" ? { [MARK_PROPERTY]: this.#options.run.id } : {};
    return { ...this.#options.properties, canmount: "noauto", ...mark };
  }
}

function datasetTaken(dataset: DatasetName, cause?: unknown): ToolError {
  return new ToolError("exists", `Cannot import to dataset "${dataset}": it exists`, {
    cause,
    hints: ["Choose another with --dataset, or another id with --as-id", `zfs list -r ${dataset}`],
  });
}
