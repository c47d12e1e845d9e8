/**
 * `conf/user/<name>.yml`: a user's id maps, and whether it outlives its last container.
 *
 * @see vpsAdminOS `osctld/lib/osctld/user.rb`, `id_map.rb`, 24.05
 */
import { damaged } from "../errors.ts";
import { dumpYaml } from "../yaml/dump.ts";
import { YamlMap, type YamlValue } from "../yaml/value.ts";
import { checkAttributes } from "./attributes.ts";
import { asBoolean, asList, below, loadConfig, wrong, type Place } from "./place.ts";

/** One entry of an id map: `count` ids from `nsId` on in the container are those from `hostId` on. */
export interface IdMapEntry {
  nsId: number;
  hostId: number;
  count: number;
}

/** A user's maps. */
export interface IdMaps {
  uid: IdMapEntry[];
  gid: IdMapEntry[];
}

/** What `user.yml` says. */
export interface UserConfig {
  maps: IdMaps;
  /** In today's form, unknown keys kept. */
  config: YamlMap;
}

/** One more than the largest id that the kernel maps: 2^32 - 1 stands for none. */
const ID_LIMIT = 2 ** 32 - 1;
/** As many as a ZFS property holds. */
const ENTRIES_LIMIT = 10;
/** Keys of before 2019. */
const OLD_KEYS = ["ugid", "offset", "size", "type"];

/** Reads a user's configuration. @param what the file, for messages @throws ToolError damaged */
export function parseUserConfig(bytes: Uint8Array, what: string): UserConfig {
  const place = { file: what, path: "" };
  const config = loadConfig(bytes, place);
  const old = oldMap(config);
  const read = (key: string): IdMapEntry[] => parseIdMap(config.get(key) ?? old, below(place, key));
  const maps = { uid: read("uid_map"), gid: read("gid_map") };
  const standalone = config.has("standalone") ? asBoolean(config.get("standalone") ?? false, below(place, "standalone")) : true;
  for (const key of OLD_KEYS) config.delete(key);
  checkAttributes(config, place);
  for (const [key, value] of fieldsOf(maps, standalone)) config.set(key, value);
  if (!config.has("attrs")) config.set("attrs", new YamlMap());
  return { maps, config };
}

/** A user's configuration as a file. @param options.from where further keys and attributes come from */
export function encodeUserConfig(maps: IdMaps, options: { standalone: boolean; from?: YamlMap }): string {
  const config = new YamlMap(fieldsOf(maps, options.standalone));
  for (const [key, value] of options.from ?? []) if (!config.has(key)) config.set(key, value);
  if (!config.has("attrs")) config.set("attrs", new YamlMap());
  return dumpYaml(config);
}

/** A map as a ZFS property has it: `0:1000000:65536`, several separated by commas. */
export function formatIdMap(entries: readonly IdMapEntry[]): string {
  return entries.map(({ nsId, hostId, count }) => `${nsId}:${hostId}:${count}`).join(",");
}

/** Reads such a property; undefined if it says that there is no map. @param what the dataset, for messages @throws ToolError damaged */
export function parseIdMapProperty(text: string, what: string): IdMapEntry[] | undefined {
  if (text === "none" || text === "-") return undefined;
  return text.split(",").map((entry, index) => parseEntry(entry, below({ file: what, path: "map" }, index)));
}

/** Reads a map. @throws ToolError damaged for one that maps no root, reaches beyond the ids there are, or gives a host id twice */
function parseIdMap(value: YamlValue | undefined, place: Place): IdMapEntry[] {
  const entries = asList(value, place).map((entry, index) => parseEntry(entry, below(place, index)));
  const fail = (reason: string): never => {
    throw damaged(`Cannot read "${place.file}": ${place.path} ${formatIdMap(entries.slice(0, ENTRIES_LIMIT))} ${reason}`);
  };
  if (entries.length === 0) throw wrong(place, value, 'entries "ns:host:count"');
  if (entries.length > ENTRIES_LIMIT) fail(`has more than ${ENTRIES_LIMIT} entries`);
  if (!entries.some(({ nsId }) => nsId === 0)) fail("does not map id 0");
  const overlap = entries.some((one, index) => entries.slice(0, index).some((other) => overlaps(one, other)));
  if (overlap) fail("gives an id twice");
  return entries;
}

function parseEntry(value: YamlValue, place: Place): IdMapEntry {
  const match = typeof value === "string" ? /^(\d{1,10}):(\d{1,10}):(\d{1,10})$/.exec(value) : null;
  const [nsId = 0, hostId = 0, count = 0] = match?.slice(1).map(Number) ?? [];
  if (match !== null && count > 0 && nsId + count <= ID_LIMIT && hostId + count <= ID_LIMIT) return { nsId, hostId, count };
  throw wrong(place, value, '"ns:host:count" of ids below 4294967295');
}

function overlaps(one: IdMapEntry, other: IdMapEntry): boolean {
  const meet = (key: "nsId" | "hostId"): boolean => one[key] < other[key] + other.count && other[key] < one[key] + one.count;
  return meet("nsId") || meet("hostId");
}

/** Before 2018 there was one block, by its first id and its size. */
function oldMap(config: YamlMap): YamlValue[] | undefined {
  const [offset, size] = [config.get("offset"), config.get("size")];
  return typeof offset === "number" && typeof size === "number" ? [`0:${offset}:${size}`] : undefined;
}

function fieldsOf({ uid, gid }: IdMaps, standalone: boolean): [string, YamlValue][] {
  const list = (entries: readonly IdMapEntry[]): string[] => entries.map((entry) => formatIdMap([entry]));
  return [
    ["uid_map", list(uid)],
    ["gid_map", list(gid)],
    ["standalone", standalone],
  ];
}
