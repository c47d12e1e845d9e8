/**
 * `mounts`: directories of the host, and subdatasets of the container, mounted in it.
 *
 * @see vpsAdminOS `osctld/lib/osctld/mount/entry.rb`, 24.05
 */
import { YamlMap, type YamlValue } from "../yaml/value.ts";
import { asBoolean, asLine, asList, asMap, below, checkKeys, dropNulls, wrong, type Check, type Place } from "./place.ts";

const CHECKS: Readonly<Record<string, Check>> = {
  fs: asLine,
  dataset: checkDataset,
  type: asLine,
  opts: asLine,
  automount: asBoolean,
  temporary: asBoolean,
  map_ids: asBoolean,
};
/** One level of a dataset's name. */
const COMPONENT = /^(?!\.{1,2}$)[\w.: -]+$/;

/** Checks `mounts`. @throws ToolError damaged */
export function checkMounts(config: YamlMap, place: Place): void {
  if (!config.has("mounts")) return;
  const at = below(place, "mounts");
  const mounts = asList(config.get("mounts"), at);
  for (const [index, mount] of mounts.entries()) checkMount(asMap(mount, below(at, index)), below(at, index));
  config.set("mounts", mounts);
}

/** Directories of the host that a checked configuration mounts. */
export function hostMountsOf(config: YamlMap): { fs: string; mountpoint: string }[] {
  const mounts = mountsOf(config).filter((mount) => (mount.get("dataset") ?? null) === null && typeof mount.get("fs") === "string");
  return mounts.map((mount) => ({ fs: mount.get("fs") as string, mountpoint: mount.get("mountpoint") as string }));
}

/** A mount of a dataset, relative to the root dataset; "/" is that itself. */
export interface DatasetMount {
  dataset: string;
  mountpoint: string;
}

/** Datasets that a checked configuration mounts. */
export function datasetMountsOf(config: YamlMap): DatasetMount[] {
  const mounts = mountsOf(config).filter((mount) => typeof mount.get("dataset") === "string");
  return mounts.map((mount) => ({ dataset: mount.get("dataset") as string, mountpoint: mount.get("mountpoint") as string }));
}

/** Takes out the mounts of subdatasets, for a place where there are none. */
export function dropSubdatasetMounts(config: YamlMap): void {
  const mounts = config.get("mounts");
  if (!Array.isArray(mounts)) return;
  const isSubdataset = (dataset: YamlValue | undefined): boolean => typeof dataset === "string" && dataset !== "/";
  config.set(
    "mounts",
    mounts.filter((mount) => !(mount instanceof YamlMap) || !isSubdataset(mount.get("dataset"))),
  );
}

function mountsOf(config: YamlMap): YamlMap[] {
  const mounts = config.get("mounts");
  return Array.isArray(mounts) ? mounts.filter((mount) => mount instanceof YamlMap) : [];
}

function checkMount(mount: YamlMap, place: Place): void {
  dropNulls(mount, ["map_ids"]);
  checkKeys(mount, place, CHECKS);
  asLine(mount.get("mountpoint"), below(place, "mountpoint"));
}

/** osctld asks ZFS where the dataset is mounted, and does not survive a name that is none. */
function checkDataset(value: YamlValue, place: Place): void {
  const name = asLine(value, place);
  const components = name === "/" ? [] : name.replace(/^\//, "").split("/");
  if (!components.every((component) => COMPONENT.test(component))) throw wrong(place, value, 'the name of a subdataset, or "/"');
}
