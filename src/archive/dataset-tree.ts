/** Datasets as one tree: that of a container as it sees it, or that of one dataset by itself. */
import { datasetMountsOf } from "../config/mount.ts";
import { parseContainerConfig } from "../config/container.ts";
import { ToolError } from "../errors.ts";
import type { FileStatus } from "../zfs/zpl/file-status.ts";
import type { FileSystem } from "../zfs/zpl/file-system.ts";
import { FileTree, type Volume } from "./file-tree.ts";
import { CONTAINER_CONFIG } from "./layout.ts";
import type { StoredDataset } from "./stored-streams.ts";

/** Which tree is asked for. */
export interface TreeChoice {
  /** One dataset, relative to the root dataset, which is "/"; the container's tree if this is undefined. */
  dataset: string | undefined;
  /** Whether datasets begin at their own root, and not where the container's files are. */
  fromDatasetRoot: boolean;
}

/** A dataset, by its name relative to the root dataset. */
export type NamedDataset = StoredDataset & { dataset: string };

/** A tree, and what is worth knowing of it. */
export interface DatasetTree {
  tree: FileTree;
  notes: readonly string[];
}

const ROOT_DIRECTORY = "private";

/** The name of a dataset as it is kept: "/" and "/srv" are "" and "srv". */
function datasetName(typed: string): string {
  return typed.split("/").filter((part) => part !== "").join("/"); // prettier-ignore
}

/** The datasets that a choice is about. @throws ToolError not-found if it names one that is not there */
export function chooseDatasets<D extends { dataset: string }>(all: readonly D[], { dataset }: TreeChoice): readonly D[] {
  if (dataset === undefined) return all;
  const chosen = all.filter((one) => one.dataset === datasetName(dataset));
  if (chosen.length > 0) return chosen;
  throw new ToolError("not-found", `Cannot find dataset "${dataset}": there is none of that name`, {
    hints: [`There are: ${all.map((one) => `"${one.dataset === "" ? "/" : one.dataset}"`).join(", ")}`],
  });
}

/**
 * Puts datasets together.
 *
 * @param datasets the root of the tree first
 * @param container the container's configuration, which says where subdatasets are mounted
 * @throws ToolError failed for a dataset that cannot be looked into; not-found if it has no files of a container
 */
export async function treeOf(datasets: readonly NamedDataset[], choice: TreeChoice, container?: Uint8Array): Promise<DatasetTree> {
  const [first, ...others] = datasets;
  if (first === undefined) throw new TypeError("a tree of no datasets");
  const tree = new FileTree(await openVolume(first, choice));
  const notes: string[] = [];
  const mounts = container === undefined || choice.fromDatasetRoot ? [] : mountsOf(container, notes);
  const left = new Map(others.map((one) => [one.dataset, one]));
  for (const { dataset, mountpoint } of mounts) {
    const mounted = left.get(datasetName(dataset));
    if (mounted === undefined) continue;
    const isThere = await tree.mount({ volume: await openVolume(mounted, choice), path: mountpoint });
    if (isThere) left.delete(mounted.dataset);
  }
  for (const dataset of left.keys()) notes.push(`subdataset "${dataset}" is not mounted in the tree: --dataset ${dataset} shows it`);
  return { tree, notes };
}

async function openVolume({ dataset, names, data }: NamedDataset, { fromDatasetRoot }: TreeChoice): Promise<Volume> {
  const files = await names.fileSystem();
  const top = fromDatasetRoot ? await files.stat(files.root) : await containerRoot(files, dataset);
  return { dataset, top, names: files, data: data === names ? files : await data.fileSystem() };
}

async function containerRoot(files: FileSystem, dataset: string): Promise<FileStatus> {
  const top = await files.lookup(Buffer.from(ROOT_DIRECTORY));
  if (top?.type === "directory") return top;
  throw new ToolError(
    "not-found",
    `Cannot find files of the container: dataset "${dataset === "" ? "/" : dataset}" has no directory "private"`,
    {
      hints: ["With --dataset-root paths start at the dataset's own root"],
    },
  );
}

/** A configuration that cannot be understood does not keep anybody from the files. */
function mountsOf(container: Uint8Array, notes: string[]): { dataset: string; mountpoint: string }[] {
  try {
    return datasetMountsOf(parseContainerConfig(container, CONTAINER_CONFIG));
  } catch (error) {
    if (!(error instanceof ToolError)) throw error;
    notes.push(error.message);
    return [];
  }
}
