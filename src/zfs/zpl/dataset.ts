/**
 * Loads datasets from ZFS streams: a full stream and any number of incrementals in order, single or in packages (`zfs send -I`, `-R`). An
 * incremental belongs to the dataset that is at the snapshot it starts from; its guid tells.
 */
import { ToolError } from "../../errors.ts";
import { isSeekable, type ByteSource, type SeekableSource } from "../../stream/bytes.ts";
import { decodeVersionInfo } from "../dmu/features.ts";
import { RecordReader } from "../dmu/record-reader.ts";
import type { BeginRecord, StreamRecord } from "../dmu/stream-record.ts";
import type { TakenStream } from "./block-reader.ts";
import { FileSystem } from "./file-system.ts";
import { ObjectSet } from "./object-set.ts";
import { StreamWindows } from "./stream-windows.ts";

/** A stream or package to load. */
export interface StreamInput {
  /** What messages call it. */
  what: string;
  source: ByteSource;
  /** The same bytes to read files from later, if `source` itself is not seekable. */
  data?: SeekableSource;
}

/** A snapshot that a stream ended at. */
export interface LoadedSnapshot {
  name: string;
  guid: bigint;
  /** Seconds since 1970. */
  creationTime: bigint;
}

/** A dataset, at its last snapshot. */
export interface LoadedDataset {
  /** As it was called on the sender. */
  name: string;
  /** In the order that they came. */
  snapshots: readonly LoadedSnapshot[];
  /** Opens its files. @throws ToolError failed if it has none that can be read: a volume, sent raw, without what its stream starts from */
  fileSystem(): Promise<FileSystem>;
}

const OBJSET_TYPE_ZFS = 2; // DMU_OST_ZFS

/**
 * Loads all datasets of some streams. Sources that can be read again must stay open as long as files are read.
 *
 * @throws ToolError damaged; also if an incremental does not start from the last snapshot that came of its dataset
 */
export async function loadDatasets(inputs: readonly StreamInput[]): Promise<readonly LoadedDataset[]> {
  const loader = new Loader();
  for (const { what, source, data } of inputs) {
    const readable = data ?? (isSeekable(source) ? source : undefined);
    const base = data === undefined ? source.offset : data.offset;
    loader.open({ what, windows: readable && new StreamWindows(readable, base) });
    await loader.takeAll(new RecordReader(source, { what, wantsPayload: (record) => loader.wantsPayload(record) }));
  }
  return loader.datasets;
}

class Loader {
  readonly datasets: Dataset[] = [];
  readonly #streams: TakenStream[] = [];
  #current: Dataset | undefined;

  open(stream: TakenStream): void {
    this.#streams.push(stream);
  }

  wantsPayload(record: StreamRecord): boolean {
    return this.#current?.set?.wantsPayload(record) ?? false;
  }

  async takeAll(records: RecordReader): Promise<void> {
    for (;;) {
      const next = records.next();
      const record = next instanceof Promise ? await next : next;
      if (record === undefined) return;
      this.#take(record);
    }
  }

  #take(record: StreamRecord): void {
    if (record.kind === "begin" && !record.compound) this.#begin(record);
    else if (record.kind === "end") this.#current = undefined;
    else this.#current?.set?.take(record);
  }

  #begin(begin: BeginRecord): void {
    const [name = "", snapshot = ""] = begin.toName.split("@");
    const dataset = this.#datasetFor(begin, name);
    dataset.name = name;
    dataset.snapshots.push({ name: snapshot, guid: begin.toGuid, creationTime: begin.creationTime });
    this.#current = dataset;
    const index = this.#streams.length - 1;
    const stream = this.#streams[index];
    const { features } = decodeVersionInfo(begin.versionInfo);
    dataset.problem ??= unreadable(begin);
    if (dataset.problem !== undefined || stream === undefined) dataset.set = undefined;
    else
      dataset.set?.beginStream({
        index,
        what: stream.what,
        begin,
        isRereadable: stream.windows !== undefined,
        isDeduplicated: features.has("dedup"),
      });
  }

  #datasetFor(begin: BeginRecord, name: string): Dataset {
    const last = this.datasets.findLast(({ snapshots }) => snapshots.at(-1)?.guid === begin.fromGuid);
    if (begin.fromGuid !== 0n && last !== undefined) return last;
    const dataset = new Dataset(name, this.#streams);
    if (begin.fromGuid !== 0n) this.#refuseGap(begin, dataset);
    this.datasets.push(dataset);
    return dataset;
  }

  /** A stream whose base is not there: a mistake if the dataset is, otherwise something that cannot be looked into. */
  #refuseGap({ fromGuid, toName }: BeginRecord, dataset: Dataset): void {
    const what = this.#streams.at(-1)?.what ?? "";
    const origin = this.datasets.find(({ snapshots }) => snapshots.some(({ guid }) => guid === fromGuid));
    const reason = origin === undefined ? "a snapshot that did not come" : `a snapshot of "${origin.name}" that later ones have replaced`;
    const error = new ToolError("failed", `Cannot read files of ZFS stream "${what}": "${toName}" starts from ${reason}`, {
      facts: { expected: fromGuid },
      hints: ["Give all streams of the dataset in order, the full one first, and none that its base does not need"],
    });
    if (this.datasets.some(({ name }) => name === dataset.name)) throw error;
    dataset.problem = error;
  }
}

class Dataset implements LoadedDataset {
  name: string;
  readonly snapshots: LoadedSnapshot[] = [];
  /** Why its files cannot be read. */
  problem: ToolError | undefined;
  set: ObjectSet | undefined = new ObjectSet();
  readonly #streams: readonly TakenStream[];

  constructor(name: string, streams: readonly TakenStream[]) {
    this.name = name;
    this.#streams = streams;
  }

  async fileSystem(): Promise<FileSystem> {
    if (this.set === undefined || this.problem !== undefined) throw this.problem ?? new TypeError("a dataset without objects");
    return FileSystem.open(this.set, this.#streams);
  }
}

/** Why the files of a stream cannot be read, if that is so: it is of a volume, sent raw, or the rest of one that broke off. */
export function unreadable({ objsetType, versionInfo, toName }: BeginRecord): ToolError | undefined {
  const { features } = decodeVersionInfo(versionInfo);
  const error = (reason: string, hint: string): ToolError =>
    new ToolError("failed", `Cannot read files of "${toName}": ${reason}`, { hints: [hint] });
  if (objsetType !== OBJSET_TYPE_ZFS) return error("it is a volume", "Receive it with `zfs recv` and look into it there");
  if (features.has("raw")) return error("it is encrypted: sent raw", "Receive it with `zfs recv` where its key is, or send it without -w");
  if (features.has("resuming")) return error("it is the rest of a stream that broke off", "Send the snapshot again from its beginning");
  return undefined;
}
