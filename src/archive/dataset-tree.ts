/** Datasets as one tree: that of a container as it sees it, or that of one dataset by itself. */
import { datasetMountsOf, type DatasetMount } from "../config/mount.ts";
import { parseContainerConfig } from "../config/container.ts";
import { ToolError } from "../errors.ts";
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
  absent: readonly AbsentDataset[];
}

/** A dataset whose files are not in the tree. */
export interface AbsentDataset {
  dataset: string;
  reason: string;
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
  const root = await openVolume(first, choice);
  if (root === undefined) throw noContainer(first);
  const tree = new FileTree(root);
  const notes: string[] = [];
  const mounts = container === undefined || choice.fromDatasetRoot ? [] : mountsOf(container, notes);
  const absent = await mountAll(tree, others, mounts);
  for (const { dataset } of absent) notes.push(`subdataset "${dataset}" is not mounted in the tree: --dataset ${dataset} shows it`);
  return { tree, notes, absent };
}

/** Mounts datasets in the order that is asked for; a later one may cover others. @returns those that are not to be seen */
async function mountAll(tree: FileTree, datasets: readonly NamedDataset[], mounts: readonly DatasetMount[]): Promise<AbsentDataset[]> {
  const absent = new Map(datasets.map(({ dataset }) => [dataset, "the container mounts it nowhere"]));
  const paths = new Map<string, string>();
  for (const { dataset: name, mountpoint } of mounts) {
    const mounted = datasets.find(({ dataset }) => dataset === datasetName(name));
    if (mounted === undefined || paths.has(mounted.dataset)) continue;
    const path = `/${mountpoint}/`.replaceAll(/\/(\.?\/)+/g, "/");
    const problem = await mount(tree, mounted, path);
    if (problem !== undefined) {
      absent.set(mounted.dataset, problem);
      continue;
    }
    for (const [other, place] of paths) if (place.startsWith(path)) absent.set(other, "another is mounted over it");
    paths.set(mounted.dataset, path);
    absent.delete(mounted.dataset);
  }
  return Array.from(absent, ([dataset, reason]) => ({ dataset, reason }));
}

/** Puts a dataset in the place of a directory. @returns why that cannot be */
async function mount(tree: FileTree, dataset: NamedDataset, path: string): Promise<string | undefined> {
  const volume = await openVolume(dataset, { fromDatasetRoot: false });
  if (volume === undefined) return `it has no directory "${ROOT_DIRECTORY}"`;
  return (await tree.mount({ volume, path })) ? undefined : "its mount point is no directory of the root filesystem";
}

/** Opens a dataset's files; undefined if it has none of a container. */
async function openVolume(
  { dataset, names, data }: NamedDataset,
  { fromDatasetRoot }: Pick<TreeChoice, "fromDatasetRoot">,
): Promise<Volume | undefined> {
  const files = await names.fileSystem();
  const top = fromDatasetRoot ? await files.stat(files.root) : await files.lookup(Buffer.from(ROOT_DIRECTORY));
  if (top?.type !== "directory") return undefined;
  return { dataset, top, names: files, data: data === names ? files : await data.fileSystem() };
}

function noContainer({ dataset }: NamedDataset): ToolError {
  const name = dataset === "" ? "/" : dataset;
  return new ToolError("not-found", `Cannot find files of the container: dataset "${name}" has no directory "${ROOT_DIRECTORY}"`, {
    hints: ["With --dataset-root paths start at the dataset's own root"],
  });
}

/** A configuration that cannot be understood does not keep anybody from the files. */
function mountsOf(container: Uint8Array, notes: string[]): DatasetMount[] {
  try {
    return datasetMountsOf(parseContainerConfig(container, CONTAINER_CONFIG));
  } catch (error) {
    if (!(error instanceof ToolError)) throw error;
    notes.push(error.message);
    return [];
  }
}
