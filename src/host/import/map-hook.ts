/**
 * A pool hook that sets a container's id maps once, at the next start of vpsAdminOS: for an import where ZFS does not know the properties.
 *
 * `hook/pool/pre-autostart.d/<name>` runs as root before containers are started. It must not fail, as that would keep all of them down; it
 * removes itself when it has done its work, and is tried again at the next start when it could not. osctld mounts the datasets when it starts
 * the container.
 *
 * @see vpsAdminOS `osctld/lib/osctld/hook`, `pool.rb` (`pre-autostart`), 24.05
 */
import * as path from "node:path";
import { formatIdMap, type IdMaps } from "../../config/user.ts";
import type { Pool } from "../pool.ts";

/** File of the hook. */
export function mapHookFile(pool: Pool, container: string): string {
  return path.join(pool.paths.hook, "pool", "pre-autostart.d", `50-ctar-id-maps-${container}`);
}

/** The script. @param datasets full names, parents first; none of them can hold a quote or a line break */
export function mapHookScript(container: string, datasets: readonly string[], maps: IdMaps): string {
  const [root = ""] = datasets;
  const settings = `uidmap=${formatIdMap(maps.uid)} gidmap=${formatIdMap(maps.gid)}`;
  return `#!/bin/sh
# Sets the id maps of container ${container}, which was imported where ZFS has none. Written by ctar; removes itself.
[ "$(zfs get -H -o value mounted "${root}")" = yes ] && zfs unmount "${root}"
${datasets.map((dataset) => `zfs set ${settings} "${dataset}"`).join(" &&\n")} &&
rm -- "$0"
exit 0
`;
}
