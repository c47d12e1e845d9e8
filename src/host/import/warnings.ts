/** What an operator should know of a container that is about to be there, because it will surprise later. */
import * as fs from "node:fs";
import { addressesOf } from "../../config/network.ts";
import { hostMountsOf } from "../../config/mount.ts";
import { parseContainerConfig } from "../../config/container.ts";
import { ToolError } from "../../errors.ts";
import { readSmallFile } from "../../sys/files.ts";
import { dumpYaml } from "../../yaml/dump.ts";
import { YamlMap } from "../../yaml/value.ts";
import { containerFile, listContainers } from "../container.ts";
import type { Pool } from "../pool.ts";

/** Warnings about a container's configuration on a pool. */
export function warningsFor(pool: Pool, id: string, config: YamlMap): string[] {
  return [...autostartWarnings(id, config), ...addressWarnings(pool, id, config), ...mountWarnings(config)];
}

function autostartWarnings(id: string, config: YamlMap): string[] {
  return config.get("autostart") instanceof YamlMap
    ? [`container "${id}" starts by itself when the pool is next imported (autostart)`]
    : [];
}

function addressWarnings(pool: Pool, id: string, config: YamlMap): string[] {
  const mine = addressesOf(config);
  if (mine.ip.length === 0 && mine.mac.length === 0) return [];
  return listContainers(pool).flatMap((other) => {
    if (other.id === id) return [];
    const theirs = addressesOfContainer(pool, other.id);
    const shared = [...mine.ip.filter((address) => theirs.ip.includes(address)), ...mine.mac.filter((mac) => theirs.mac.includes(mac))];
    return shared.map((address) => `address ${address} belongs to container "${other.id}" too`);
  });
}

function mountWarnings(config: YamlMap): string[] {
  return hostMountsOf(config)
    .filter((mount) => mount.fs.startsWith("/") && !fs.existsSync(mount.fs))
    .map((mount) => `the container mounts "${mount.fs}", which does not exist here`);
}

function addressesOfContainer(pool: Pool, id: string): { ip: string[]; mac: string[] } {
  try {
    const file = containerFile(pool, id);
    return addressesOf(parseContainerConfig(readSmallFile(file) ?? new TextEncoder().encode(dumpYaml(new YamlMap())), file));
  } catch (error) {
    if (error instanceof ToolError) return { ip: [], mac: [] };
    throw error;
  }
}
