/**
 * Dataset and snapshot names, checked before they meet a command line.
 *
 * Components hold letters, digits and `- _ . :` and (on Linux) the space; neither `.` nor `..` stands alone; a full name is at most 255
 * bytes. A pool name begins with a letter.
 *
 * @see OpenZFS 2.3 `module/zcommon/zfs_namecheck.c` (`entity_namecheck`, `zfs_component_namecheck`), zfsconcepts(7)
 */
import { ToolError } from "../errors.ts";

/** A dataset's full name that has been checked; made by {@link parseDatasetName} and {@link childDataset} alone. */
export type DatasetName = string & { readonly __dataset: true };

const NAME_LIMIT_BYTES = 255;
const COMPONENT = /^[A-Za-z0-9_.: -]+$/;

/** Checks a full dataset name, `pool[/name...]`. @throws ToolError usage, naming what is wrong with it */
export function parseDatasetName(text: string): DatasetName {
  const problem = /^[A-Za-z]/.test(text) ? datasetPathProblem(text) : "a pool's name begins with a letter";
  if (problem !== undefined) throw new ToolError("usage", `Cannot use dataset name "${text}": ${problem}`);
  return text as DatasetName;
}

/** What is wrong with a name relative to a dataset, such as `srv/data`; undefined when nothing is. */
export function datasetPathProblem(text: string): string | undefined {
  if (text.length > NAME_LIMIT_BYTES) return `it is longer than ${NAME_LIMIT_BYTES} bytes`;
  for (const component of text.split("/")) {
    if (component === "") return "a component is empty";
    if (component === "." || component === "..") return `"${component}" is no name`;
    if (!COMPONENT.test(component)) return `"${component}" has a character that ZFS does not take`;
  }
  return undefined;
}

/** The dataset `relative` below `parent`; `parent` itself for "". @throws ToolError usage */
export function childDataset(parent: DatasetName, relative: string): DatasetName {
  return relative === "" ? parent : parseDatasetName(`${parent}/${relative}`);
}

/** The last component's parent, undefined for a pool. */
export function parentDataset(dataset: DatasetName): DatasetName | undefined {
  const slash = dataset.lastIndexOf("/");
  return slash < 0 ? undefined : (dataset.slice(0, slash) as DatasetName);
}

/** The pool that a dataset lies on. */
export function poolOf(dataset: DatasetName): string {
  return dataset.split("/", 1)[0] as string;
}

/** What is wrong with a snapshot's name, the part after `@`; undefined when nothing is. */
export function snapshotNameProblem(text: string): string | undefined {
  return COMPONENT.test(text) && text.length <= NAME_LIMIT_BYTES ? undefined : "it is no snapshot name";
}
