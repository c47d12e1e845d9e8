/**
 * A container on a zpool as something to export.
 *
 *     snapshot base → send each dataset → stop → snapshot incr → start → send what changed → destroy both snapshots
 *
 * The container is down for the second snapshot only. Both snapshots carry the mark of this run.
 */
import type { ByteStream } from "../../stream/bytes.ts";
import type { Progress } from "../../stream/progress.ts";
import { getLocalProperties, getProperties, listFilesystems } from "../../zfs/dataset.ts";
import { checkedStream, emptySummary, type StreamSummary } from "../../zfs/dmu/check.ts";
import type { Zfs } from "../../zfs/cli.ts";
import type { DatasetName } from "../../zfs/name.ts";
import { estimateSend, sendSnapshot, sendSnapshotTo, type SendForm, type Sending, type SendRequest } from "../../zfs/send.ts";
import { readHead, withMetadata, type ExportHead, type HostHead } from "../head.ts";
import { datasetOf } from "../container.ts";
import type { Lifecycle } from "./lifecycle.ts";
import type { ZfsPool } from "../pool.ts";
import type { Tell } from "../tell.ts";
import { settleProblems, type Run } from "../undo/run.ts";
import { TransferSnapshots } from "./transfer-snapshots.ts";

/** How streams are compressed: as ZFS holds them or gzip, not at all, always gzip. */
export type Compression = "auto" | "off" | "gzip";

/** Options of {@link openZfsSource}. */
export interface ZfsSourceOptions {
  consistent: boolean;
  compression: Compression;
  /** How blocks are sent; whether compressed is for `compression` to say. */
  form: Omit<SendForm, "compressed">;
  /** Whether the records of streams are looked at. */
  verify: boolean;
  /** Unix time, seconds; it becomes part of the snapshots' names. */
  now: number;
  lifecycle: Lifecycle;
  /** Waited for before the container is stopped; whoever takes the streams may refuse them by then. */
  beforeStop?: (() => Promise<void>) | undefined;
  run: Run;
  /** Is told how large the streams will be. */
  progress: Progress;
  tell: Tell;
}

type Kind = "base" | "incremental";

/** Opens a container for export; nothing is changed before its streams are pulled. @throws ToolError not-found */
export async function openZfsSource(pool: ZfsPool, id: string, options: ZfsSourceOptions): Promise<ZfsSource> {
  const head = readHead(pool, id, options.tell);
  const root = datasetOf(pool, head.container);
  const names = await listFilesystems(pool.zfs, root);
  const canCompress = (await pool.zfs.version()) !== undefined; // every ZFS that answers `zfs version` has `send -c`
  const datasets: SourceDataset[] = [];
  for (const dataset of names) {
    const { compression } = await getProperties(pool.zfs, dataset, ["compression"]);
    const compressed = options.compression === "auto" && canCompress && compression !== "off";
    datasets.push({
      relative: dataset === root ? "" : dataset.slice(root.length + 1),
      dataset,
      compressed,
      gzip: options.compression === "gzip" || (options.compression === "auto" && !compressed),
      properties: await getLocalProperties(pool.zfs, dataset),
    });
  }
  return new ZfsSource({ pool, head, root, datasets, options });
}

interface SourceDataset {
  relative: string;
  dataset: DatasetName;
  /** Sent with `-c`. */
  compressed: boolean;
  gzip: boolean;
  properties: Record<string, string>;
}

interface SourceParts {
  pool: ZfsPool;
  head: HostHead;
  root: DatasetName;
  datasets: SourceDataset[];
  options: ZfsSourceOptions;
}

/** A container on a zpool; satisfies the archive room's `ContainerSource`. */
export class ZfsSource {
  readonly head: ExportHead;
  readonly #parts: SourceParts;
  readonly #snapshots: TransferSnapshots;

  constructor(parts: SourceParts) {
    this.#parts = parts;
    this.#snapshots = new TransferSnapshots({ ...parts.options, pool: parts.pool, container: parts.head.container.id, root: parts.root });
    const datasets = parts.datasets.map(({ relative }) => relative).filter((relative) => relative !== "");
    this.head = withMetadata(parts.head, { format: "zfs", datasets, exportedAt: parts.options.now });
  }

  get properties(): { dataset: string; properties: Record<string, string> }[] {
    return this.#parts.datasets.map(({ relative, properties }) => ({ dataset: relative, properties }));
  }

  /** Names of the transfer snapshots, newest first. */
  snapshots(): readonly string[] {
    return this.#snapshots.names;
  }

  async *streams(): AsyncGenerator<ZfsSourceStream> {
    const { datasets, options } = this.#parts;
    const { lifecycle } = options;
    let completed = false;
    try {
      const base = await this.#snapshots.take("osctl-base");
      yield* this.#planned(datasets.map((dataset) => this.#stream(dataset, "base", { dataset: dataset.dataset, snapshot: base })));
      if (options.consistent && lifecycle.running) {
        await options.beforeStop?.();
        const increment = await this.#snapshots.takeWhileStopped("osctl-incr");
        const from = { snapshot: increment, from: base };
        yield* this.#planned(datasets.map((dataset) => this.#stream(dataset, "incremental", { dataset: dataset.dataset, ...from })));
      }
      this.#warnIfReconfigured();
      completed = true;
    } finally {
      settleProblems(await this.#snapshots.undo(), completed, options.tell);
    }
  }

  /** The streams, once their sizes are estimated. */
  async *#planned(streams: readonly ZfsSourceStream[]): AsyncGenerator<ZfsSourceStream> {
    const estimates: number[] = [];
    for (const stream of streams) estimates.push(await stream.estimate());
    this.#parts.options.progress.plan(estimates.map((bytes) => (Number.isFinite(bytes) ? bytes : undefined)));
    yield* streams;
  }

  /** Bytes of each base stream, by `zfs send -nP` of a snapshot that is there for a moment only. */
  async estimate(): Promise<{ dataset: string; bytes: number }[]> {
    const { datasets, options, pool } = this.#parts;
    try {
      const snapshot = await this.#snapshots.take("osctl-base");
      const sizes: { dataset: string; bytes: number }[] = [];
      for (const { relative, dataset, compressed } of datasets) {
        sizes.push({ dataset: relative, bytes: await estimateSend(pool.zfs, { ...options.form, dataset, snapshot, compressed }) });
      }
      return sizes;
    } finally {
      for (const problem of await this.#snapshots.undo()) options.tell("warning", problem.message);
    }
  }

  /** Whether the container will be stopped for a moment. */
  get willStop(): boolean {
    return this.#parts.options.consistent && this.#parts.options.lifecycle.running;
  }

  #stream({ relative, gzip, compressed }: SourceDataset, kind: Kind, request: SendRequest): ZfsSourceStream {
    const { pool, options } = this.#parts;
    const full = { ...request, ...options.form, compressed };
    return new ZfsSourceStream({ dataset: relative, kind, gzip }, { zfs: pool.zfs, request: full, verify: options.verify });
  }

  #warnIfReconfigured(): void {
    const { pool, head, options } = this.#parts;
    const { id } = head.container;
    const now = readHead(pool, id, () => undefined);
    if (Buffer.compare(now.containerConfig, head.containerConfig) === 0) return;
    options.tell(
      "warning",
      `the configuration of container "${id}" changed during the export; the archive holds the one from its beginning`,
    );
  }
}

/** One `zfs send`; satisfies the archive room's `SourceStream`, and its `DirectStream` too. */
export class ZfsSourceStream {
  readonly dataset: string;
  readonly kind: Kind;
  readonly gzip: boolean;
  readonly #send: { zfs: Zfs; request: SendRequest; verify: boolean };
  readonly #summary: StreamSummary = emptySummary();
  #estimate: Promise<number> | undefined;

  constructor(place: { dataset: string; kind: Kind; gzip: boolean }, send: { zfs: Zfs; request: SendRequest; verify: boolean }) {
    this.dataset = place.dataset;
    this.kind = place.kind;
    this.gzip = place.gzip;
    this.#send = send;
  }

  open(): ByteStream {
    const { zfs, request, verify } = this.#send;
    const bytes = sendSnapshot(zfs, request);
    return verify ? this.checked(bytes) : bytes;
  }

  get direct(): this {
    return this;
  }

  async estimate(): Promise<number> {
    // if that fails, so will the send, and it knows better why
    this.#estimate ??= estimateSend(this.#send.zfs, this.#send.request).catch(() => Number.POSITIVE_INFINITY);
    return await this.#estimate;
  }

  async writeTo(file: number): Promise<Sending> {
    return await sendSnapshotTo(this.#send.zfs, this.#send.request, file);
  }

  checked(bytes: ByteStream): ByteStream {
    const { dataset, snapshot } = this.#send.request;
    return checkedStream(bytes, `${dataset}@${snapshot}`, this.#summary);
  }

  /** What the records said; guids in decimal. */
  facts(): { records: number; snapshot: string; toGuid: string; fromGuid?: string } | undefined {
    const { last, records, fromGuid } = this.#summary;
    if (last === undefined) return undefined;
    const snapshot = last.toName.slice(last.toName.indexOf("@") + 1);
    return { records, snapshot, toGuid: String(last.toGuid), ...(fromGuid === 0n ? {} : { fromGuid: String(fromGuid) }) };
  }
}
