/** The configuration that an export takes along, read from a pool. */
import { dumpYaml } from "../yaml/dump.ts";
import { YamlMap } from "../yaml/value.ts";
import { readSmallFile } from "../sys/files.ts";
import { groupFile, readContainer, userFile, type Container } from "./container.ts";
import { readHooks, type Hook } from "./hooks.ts";
import type { Pool } from "./pool.ts";
import type { Tell } from "./tell.ts";

/** A container's configuration. */
export interface HostHead {
  container: Container;
  containerConfig: Uint8Array;
  userConfig?: Uint8Array;
  groupConfig?: Uint8Array;
  hooks: Hook[];
}

/** What an archive says of the container in it; satisfies the archive room's `Metadata`. */
export interface HostMetadata {
  type: "full";
  format: "zfs" | "tar";
  user: string | null;
  group: string | null;
  container: string;
  datasets: string[];
  exportedAt: number;
}

/** A head with the metadata that goes before it; satisfies the archive room's `ContainerHead`. */
export type ExportHead = HostHead & { metadata: HostMetadata };

/** Adds the metadata. */
export function withMetadata(head: HostHead, about: Pick<HostMetadata, "format" | "datasets" | "exportedAt">): ExportHead {
  const { id, user, group } = head.container;
  return { ...head, metadata: { type: "full", user, group, container: id, ...about } };
}

/** Keys that say what a container is doing at the moment on this host; they mean nothing elsewhere. */
export const MOMENTARY_KEYS: readonly string[] = ["state", "send_log", "local_transfer_log"];

/**
 * Reads what belongs to a container besides its data.
 *
 * @param tell told of what is left out
 * @throws ToolError not-found, damaged
 */
export function readHead(pool: Pool, id: string, tell: Tell): HostHead {
  const container = readContainer(pool, id);
  if (container.config.has("send_log")) tell("warning", `container "${id}" is being sent to another host (send_log)`);
  const userConfig = container.user === null ? undefined : readSmallFile(userFile(pool, container.user));
  const groupConfig = container.group === null ? undefined : readSmallFile(groupFile(pool, container.group));
  return {
    container,
    containerConfig: encodeConfig(container.config),
    ...(userConfig === undefined ? {} : { userConfig }),
    ...(groupConfig === undefined ? {} : { groupConfig }),
    hooks: readHooks(pool, id, (name) => tell("warning", `"${name}" in the hook directory is no executable hook, it is left out`)),
  };
}

/** container.yml as it is exported. */
export function encodeConfig(config: YamlMap): Uint8Array {
  const exported = new YamlMap(config);
  for (const key of MOMENTARY_KEYS) exported.delete(key);
  return new TextEncoder().encode(dumpYaml(exported));
}
