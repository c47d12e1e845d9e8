/**
 * ZFS streams on their way to a place that has no ZFS. Files may change up to the last stream, and what came before the manifest is not proven; so
 * nothing is made of them until all have passed. The target keeps them until then, but for those that the archive itself, being a file, holds as they are.
 */
import { damaged, ToolError } from "../errors.ts";
import { drain, type ByteStream, type SeekableSource } from "../stream/bytes.ts";
import type { Loss } from "../tree/loss.ts";
import type { StreamRecord } from "../zfs/dmu/stream-record.ts";
import { unreadable } from "../zfs/zpl/dataset.ts";
import { groupByDataset, loadGroups, type PlacedStream } from "./dataset-streams.ts";
import { treeOf, type DatasetTree } from "./dataset-tree.ts";
import type { StreamPlace } from "./layout.ts";
import type { MemberSource } from "./member-source.ts";
import type { FilesTarget } from "./source.ts";
import { TreeEntries } from "./tree-entries.ts";

/** A member that holds a stream. */
export interface StreamMember extends StreamPlace {
  name: string;
  gzipped: boolean;
}

/** Streams that have passed. */
export class KeptStreams {
  readonly #target: FilesTarget;
  readonly #stored: ReadonlyMap<string, MemberSource>;
  readonly #streams: PlacedStream[] = [];

  /** @param stored streams of the archive that can be read again */
  constructor(target: FilesTarget, stored: readonly MemberSource[]) {
    this.#target = target;
    this.#stored = new Map(stored.map((source) => [source.name, source]));
  }

  /** What has passed, in bytes. */
  get bytes(): number {
    return this.#streams.reduce((sum, { source }) => sum + (source.size ?? 0), 0);
  }

  /** Takes a stream to its end. @param bytes decompressed */
  async take({ name: what, gzipped, dataset, kind }: StreamMember, bytes: ByteStream): Promise<void> {
    const source = (gzipped ? undefined : await this.#readThrough(what, bytes)) ?? (await this.#target.keep(bytes));
    this.#streams.push({ what, source, compression: "none", dataset, kind });
  }

  /**
   * Gives the target the container's files.
   *
   * @param container its configuration, which says where subdatasets are mounted
   * @param onLoss told of whatever is left out
   * @throws ToolError damaged; failed; what the target threw
   */
  async unpack(container: Uint8Array, onLoss: (loss: Loss) => void): Promise<void> {
    const loaded = await loadGroups(groupByDataset(this.#streams), true);
    try {
      const { tree, absent } = await containerTree(loaded.datasets, container);
      for (const { dataset, reason } of absent) onLoss({ path: dataset, what: "subdataset", reason });
      await this.#target.extract(new TreeEntries(tree, tree.walk(tree.root), onLoss));
    } finally {
      await loaded.close();
    }
  }

  /** Reads what the archive holds as it is, for the checks on the way. @returns where to read it again */
  async #readThrough(member: string, bytes: ByteStream): Promise<SeekableSource | undefined> {
    const stored = this.#stored.get(member);
    if (stored !== undefined) await drain(bytes);
    return stored;
  }
}

/** Looks at the records of a stream as they pass. @throws ToolError failed for one of which no files can be read */
export function refuseUnreadable(record: StreamRecord): void {
  const problem = record.kind === "begin" && !record.compound ? unreadable(record) : undefined;
  if (problem !== undefined) throw problem;
}

async function containerTree(datasets: Parameters<typeof treeOf>[0], container: Uint8Array): Promise<DatasetTree> {
  try {
    return await treeOf(datasets, { dataset: undefined, fromDatasetRoot: false }, container);
  } catch (error) {
    if (!(error instanceof ToolError) || error.code !== "not-found") throw error;
    throw damaged('Cannot find files of the container: its root dataset has no directory "private"');
  }
}
