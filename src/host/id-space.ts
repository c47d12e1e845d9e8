/**
 * The host ids of a pool: which of them its users' maps and its ID ranges' allocations hold, and which blocks are free.
 *
 * Upstream compares an imported map with nothing but a user of the same name, and two containers may end up with the same host ids. The data
 * of a container fits any map, so a free block is always a way out.
 */
import * as path from "node:path";
import { ToolError } from "../errors.ts";
import { blocksOf, defaultIdRange, findFreeBlocks, isFree, parseIdRange, type IdRange } from "../config/id-range.ts";
import { parseUserConfig, type IdMapEntry, type IdMaps } from "../config/user.ts";
import { listNames, readSmallFile } from "../sys/files.ts";
import { userFile } from "./container.ts";
import type { Pool } from "./pool.ts";

/** Blocks of an ID range that a user holds. */
export interface Allocation {
  /** Name of the range. */
  range: string;
  blockIndex: number;
  blockCount: number;
}

/** What holds host ids. */
interface Holder {
  /** For messages: `user "db01"`. */
  what: string;
  /** The user that the ids are held for. */
  user: string | undefined;
  first: number;
  count: number;
}

/** The ids of a pool at the time of reading. */
export interface IdSpace {
  holders: readonly Holder[];
  ranges: ReadonlyMap<string, IdRange>;
}

const DEFAULT_RANGE = "default";
const OWNER_PREFIX = "user:";

/** File of an ID range. */
export function idRangeFile(pool: Pool, name: string): string {
  return path.join(pool.paths.conf, "id-range", `${name}.yml`);
}

/** How an allocation table names a user. */
export function ownerOf(user: string): string {
  return `${OWNER_PREFIX}${user}`;
}

/** Reads all users and ID ranges. @throws ToolError damaged if one of them cannot be understood, as then nobody can tell which ids are free */
export function readIdSpace(pool: Pool): IdSpace {
  const ranges = new Map([[DEFAULT_RANGE, defaultIdRange()], ...namesIn(pool, "id-range").map((name) => readRange(pool, name))]);
  const byUsers = namesIn(pool, "user").flatMap((name) => {
    const { uid, gid } = readMaps(pool, name);
    return [...uid, ...gid].map(({ hostId, count }): Holder => ({ what: `user "${name}"`, user: name, first: hostId, count }));
  });
  const byRanges = [...ranges].flatMap(([name, range]) => holdersOf(name, range));
  return { holders: [...byUsers, ...byRanges], ranges };
}

/** Reads the maps of a user that is there. @throws ToolError damaged, not-found */
export function readMaps(pool: Pool, user: string): IdMaps {
  const file = userFile(pool, user);
  const bytes = readSmallFile(file);
  if (bytes !== undefined) return parseUserConfig(bytes, file).maps;
  throw new ToolError("not-found", `Cannot import as user "${user}": there is no such user on pool "${pool.name}"`);
}

/** What else than the user itself holds an id of these maps; undefined if nothing does. */
export function findHolder(space: IdSpace, user: string, { uid, gid }: IdMaps): string | undefined {
  const others = space.holders.filter((holder) => holder.user !== user);
  return others.find(({ first, count }) => [...uid, ...gid].some((entry) => overlaps({ first, count }, spanOf(entry))))?.what;
}

/** The free blocks that a user's maps lie on, to be recorded in the ranges' tables. */
export function blocksUnder(space: IdSpace, { uid, gid }: IdMaps): Allocation[] {
  return [...space.ranges].flatMap(([name, range]) =>
    blocksOf(range, [...uid, ...gid].map(spanOf))
      .filter((blocks) => isFree(range, [blocks]))
      .map((blocks) => ({ range: name, ...blocks })),
  );
}

/** A map of `count` ids onto free blocks of the default range. @throws ToolError failed when there are none */
export function allocateMaps(space: IdSpace, count: number): { maps: IdMaps; allocation: Allocation } {
  const range = space.ranges.get(DEFAULT_RANGE) as IdRange;
  const blockCount = Math.ceil(count / range.blockSize);
  const isUsable = (first: number, idCount: number): boolean =>
    !space.holders.some((holder) => overlaps(holder, { first, count: idCount }));
  const blockIndex = findFreeBlocks(range, blockCount, isUsable);
  if (blockIndex === undefined) {
    throw new ToolError("failed", `Cannot allocate ${count} ids: ID range "${DEFAULT_RANGE}" has no ${blockCount} free blocks in a row`, {
      hints: ["Name a user of the pool with --as-user"],
    });
  }
  const entry = { nsId: 0, hostId: range.startId + blockIndex * range.blockSize, count: blockCount * range.blockSize };
  return { maps: { uid: [entry], gid: [entry] }, allocation: { range: DEFAULT_RANGE, blockIndex, blockCount } };
}

function holdersOf(name: string, { startId, blockSize, allocations }: IdRange): Holder[] {
  return allocations.map(({ blockIndex, blockCount, owner }) => ({
    what: `an allocation of ID range "${name}" for ${owner}`,
    user: owner.startsWith(OWNER_PREFIX) ? owner.slice(OWNER_PREFIX.length) : undefined,
    first: startId + blockIndex * blockSize,
    count: blockCount * blockSize,
  }));
}

function readRange(pool: Pool, name: string): [string, IdRange] {
  const file = idRangeFile(pool, name);
  return [name, parseIdRange(readSmallFile(file) ?? new Uint8Array(0), file)];
}

function namesIn(pool: Pool, part: string): string[] {
  const names = listNames(path.join(pool.paths.conf, part));
  return names.filter((name) => name.endsWith(".yml") && !name.startsWith(".")).map((name) => name.slice(0, -".yml".length));
}

function spanOf({ hostId, count }: IdMapEntry): { first: number; count: number } {
  return { first: hostId, count };
}

function overlaps(one: { first: number; count: number }, other: { first: number; count: number }): boolean {
  return one.first < other.first + other.count && other.first < one.first + one.count;
}
