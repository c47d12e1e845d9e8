/** The ZFS streams of an archive as datasets: which stream belongs to which, and what they make together. */
import { damaged } from "../errors.ts";
import type { NamedDataset } from "./dataset-tree.ts";
import type { StreamPlace } from "./layout.ts";
import { loadStored, type StoredDatasets, type StoredStream } from "./stored-streams.ts";

/** A stream and whose it is. */
export type PlacedStream = StoredStream & StreamPlace;

/** The streams of a dataset, the full one first. */
export interface DatasetStreams {
  dataset: string;
  streams: readonly PlacedStream[];
}

/** Streams by dataset, the root dataset first. */
export function groupByDataset(streams: readonly PlacedStream[]): DatasetStreams[] {
  const groups = new Map<string, PlacedStream[]>();
  for (const stream of streams) {
    const others = groups.get(stream.dataset) ?? [];
    groups.set(stream.dataset, stream.kind === "base" ? [stream, ...others] : [...others, stream]);
  }
  return Array.from(groups, ([dataset, some]) => ({ dataset, streams: some })).toSorted((a, b) => (a.dataset < b.dataset ? -1 : 1));
}

/** Loads datasets. @throws ToolError damaged, failed */
export async function loadGroups(
  groups: readonly DatasetStreams[],
  wantsContents: boolean,
): Promise<StoredDatasets & { datasets: readonly NamedDataset[] }> {
  const loaded = await loadStored(groups.flatMap(({ streams }) => streams), wantsContents); // prettier-ignore
  return { ...loaded, datasets: nameDatasets(loaded.datasets, groups) };
}

/** What loading gave, by the datasets of the archive whose streams it was given. @throws ToolError damaged if there are others in them */
export function nameDatasets<T extends object>(loaded: readonly T[], given: readonly { dataset: string }[]): (T & { dataset: string })[] {
  if (loaded.length !== given.length) {
    throw damaged(`Cannot read archive: its streams are of ${loaded.length} datasets, while its members are of ${given.length}`);
  }
  return loaded.map((one, index) => ({ ...one, dataset: given[index]?.dataset ?? "" }));
}
