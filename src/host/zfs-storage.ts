/**
 * Data of an import on a zpool: received beside its place, as `<dataset>.ctar-<hex>`, marked as unfinished, never mounted, and renamed when
 * it is whole.
 */
import { randomBytes } from "node:crypto";
import { ToolError } from "../errors.ts";
import type { ByteStream } from "../stream/bytes.ts";
import {
  datasetExists,
  destroySnapshots,
  inheritProperty,
  knowsIdMaps,
  listFilesystems,
  renameDataset,
  setProperties,
} from "../zfs/dataset.ts";
import { childDataset, parentDataset, parseDatasetName, poolOf, type DatasetName } from "../zfs/name.ts";
import { receiveStream } from "../zfs/receive.ts";
import { listContainers, type IdMaps } from "./container.ts";
import type { ZfsPool } from "./pool.ts";
import type { Run } from "./run.ts";
import type { Storage } from "./storage.ts";
import { MARK_PROPERTY } from "./thing.ts";

/** Options of {@link ZfsStorage}. */
export interface ZfsStorageOptions {
  dataset: DatasetName;
  /** Properties set on every dataset. */
  properties: Readonly<Record<string, string>>;
  run: Run;
  talk: (line: string) => void;
}

/** Storage on a zpool. */
export class ZfsStorage implements Storage {
  readonly dataset: DatasetName;
  readonly #pool: ZfsPool;
  readonly #staging: DatasetName;
  readonly #options: ZfsStorageOptions;

  constructor(pool: ZfsPool, options: ZfsStorageOptions) {
    this.dataset = options.dataset;
    this.#pool = pool;
    this.#staging = parseDatasetName(`${options.dataset}.ctar-${randomBytes(3).toString("hex")}`);
    this.#options = options;
  }

  async check({ format }: { format: "zfs" | "tar" }): Promise<void> {
    const { zfs, name } = this.#pool;
    if (format === "tar") {
      throw new ToolError("failed", `Cannot import to pool "${name}": an archive of format "tar" goes to a directory pool only, so far`, {
        hints: ["ctar import --pool dir:/path ..."],
      });
    }
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
  }

  async receive(place: { dataset: string; kind: "base" | "incremental" }, bytes: ByteStream): Promise<void> {
    const target = childDataset(this.#staging, place.dataset);
    if (place.kind === "incremental") return await receiveStream(this.#pool.zfs, target, bytes);
    if (place.dataset === "") this.#options.run.intend({ is: "dataset", dataset: this.#staging });
    const mark = place.dataset === "" ? { [MARK_PROPERTY]: this.#options.run.id } : {};
    await receiveStream(this.#pool.zfs, target, bytes, { properties: { ...this.#options.properties, canmount: "noauto", ...mark } });
  }

  async seal(maps: IdMaps, snapshots: readonly string[]): Promise<void> {
    const { zfs } = this.#pool;
    await destroySnapshots(zfs, this.#staging, snapshots);
    if (!(await knowsIdMaps(zfs, this.#pool.dataset))) return this.#explainMaps(maps);
    for (const dataset of await listFilesystems(zfs, this.#staging)) {
      await setProperties(zfs, dataset, { uidmap: maps.uid.join(","), gidmap: maps.gid.join(",") });
    }
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

  #explainMaps(maps: IdMaps): void {
    this.#options.talk(
      `warning: this ZFS has no id maps; before the container starts on vpsAdminOS, set them on each of its datasets, unmounted: ` +
        `zfs set uidmap=${maps.uid.join(",")} gidmap=${maps.gid.join(",")} ${this.dataset}`,
    );
  }
}

function datasetTaken(dataset: DatasetName, cause?: unknown): ToolError {
  return new ToolError("exists", `Cannot import to dataset "${dataset}": it exists`, {
    cause,
    hints: ["Choose another with --dataset, or another id with --as-id", `zfs list -r ${dataset}`],
  });
}
