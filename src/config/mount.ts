/**
 * `mounts`: directories of the host, and subdatasets of the container, mounted in it.
 *
 * @see vpsAdminOS `osctld/lib/osctld/mount/entry.rb`, 24.05
 */
import { YamlMap } from "../yaml/value.ts";
import { asLine, asList, asMap, below, wrong, type Place } from "./place.ts";

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
  return mountsOf(config, "fs").map(([fs, mountpoint]) => ({ fs, mountpoint }));
}

/** Subdatasets that a checked configuration mounts, relative to the root dataset; "/" is that itself. */
export function datasetMountsOf(config: YamlMap): { dataset: string; mountpoint: string }[] {
  return mountsOf(config, "dataset").map(([dataset, mountpoint]) => ({ dataset, mountpoint }));
}

function mountsOf(config: YamlMap, key: string): [string, string][] {
  const mounts = config.get("mounts");
  const maps = Array.isArray(mounts) ? mounts.filter((mount) => mount instanceof YamlMap) : [];
  return maps.flatMap((mount): [string, string][] => {
    const [source, mountpoint] = [mount.get(key), mount.get("mountpoint")];
    return typeof source === "string" && typeof mountpoint === "string" ? [[source, mountpoint]] : [];
  });
}

function checkMount(mount: YamlMap, place: Place): void {
  for (const key of ["fs", "dataset"]) if ((mount.get(key) ?? null) !== null) asLine(mount.get(key), below(place, key));
  asLine(mount.get("mountpoint"), below(place, "mountpoint"));
  for (const key of ["type", "opts"]) if ((mount.get(key) ?? null) !== null) asLine(mount.get(key), below(place, key));
  for (const key of ["automount", "temporary", "map_ids"]) {
    const value = mount.get(key) ?? null;
    if (value !== null && typeof value !== "boolean") throw wrong(below(place, key), value, "true or false");
  }
}
