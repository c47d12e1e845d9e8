/**
 * Texts of archives of all ages as today's exporter writes them, where that takes no guess: fields that came later with the value that their
 * absence meant, blocks of ids as maps, limits as a mapping, copies in place of YAML's aliases. What is in today's form stays as it is, byte for
 * byte.
 */
import { parseContainerConfig } from "../../config/container.ts";
import { parseGroupConfig } from "../../config/group.ts";
import { parseUserConfig } from "../../config/user.ts";
import { dumpYaml } from "../../yaml/dump.ts";
import { hasAliases, loadYaml } from "../../yaml/load.ts";
import type { YamlMap } from "../../yaml/value.ts";
import type { HeadTexts } from "../composition.ts";
import { CONTAINER_CONFIG, GROUP_CONFIG, METADATA, USER_CONFIG } from "../layout.ts";
import { encodeMetadata, type Metadata } from "../metadata.ts";
import type { StoredHead } from "./checked-archive.ts";

const ROOT_GROUP = "/";
const REGULAR_FILE = 0o100000;

/** What of the metadata becomes another, and of a checked configuration. */
export interface HeadChanges {
  metadata?: Partial<Pick<Metadata, "format" | "datasets">>;
  /** Changes the configuration in place. */
  config?: (config: YamlMap) => void;
}

/** The texts in front of the data in today's form. @throws ToolError damaged */
export function headOfToday(head: StoredHead, changes: HeadChanges = {}): HeadTexts {
  const { metadata, userConfig, groupConfig, containerConfig } = head;
  const isRoot = metadata.group === ROOT_GROUP;
  const user = userConfig && rewritten(userConfig, (bytes) => parseUserConfig(bytes, USER_CONFIG).config);
  const group = groupConfig && rewritten(groupConfig, (bytes) => parseGroupConfig(bytes, GROUP_CONFIG, { root: isRoot }));
  return {
    metadata: rewritten(head.metadataText, (bytes) => metadataOfToday(bytes, { ...metadata, ...changes.metadata })),
    ...(user === undefined ? {} : { userConfig: user }),
    ...(group === undefined ? {} : { groupConfig: group }),
    containerConfig: rewritten(containerConfig, (bytes) => {
      const config = parseContainerConfig(bytes, CONTAINER_CONFIG);
      changes.config?.(config);
      return config;
    }),
    hooks: head.hooks.map(({ mode, ...hook }) => ({ ...hook, mode: REGULAR_FILE | (mode & 0o7777) })),
  };
}

/** All that the format has, then what else there was; groups begin with a slash. */
function metadataOfToday(bytes: Uint8Array, metadata: Metadata): YamlMap {
  const { group } = metadata;
  const slashed = group === null || group.startsWith("/") ? group : `/${group}`;
  const today = loadYaml(encodeMetadata({ ...metadata, group: slashed }), METADATA) as YamlMap;
  for (const [key, value] of loadYaml(bytes, METADATA) as YamlMap) if (!today.has(key)) today.set(key, value);
  return today;
}

/** A text with the content that it is to have: itself, if it has that already and Psych reads it. */
function rewritten(bytes: Uint8Array, contentOf: (bytes: Uint8Array) => YamlMap): Uint8Array {
  const text = dumpYaml(contentOf(bytes));
  const isOfToday = !hasAliases(bytes) && dumpYaml(loadYaml(bytes, "text")) === text;
  return isOfToday ? bytes : new TextEncoder().encode(text);
}
