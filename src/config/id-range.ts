/**
 * `conf/id-range/<name>.yml`: a range of host ids in blocks of one size, and who holds which.
 *
 * In the table of allocations, osctld knew only `index` and `count` until it renamed them to `block_index` and `block_count`; since then it
 * reads both and writes the new ones. Without the keys that it knows it cannot import the pool. So entries that are there stay as they are,
 * and new ones get the keys of both ages.
 *
 * @see vpsAdminOS `osctld/lib/osctld/id_range.rb`, `id_range/allocation_table.rb` at commits 166250d (old keys) and a5e1e88 (both)
 */
import { dumpYaml } from "../yaml/dump.ts";
import { YamlMap, type YamlValue } from "../yaml/value.ts";
import { asInteger, asLine, asList, asMap, below, loadConfig, type Place } from "./place.ts";

/** Neighbouring blocks. */
export interface Blocks {
  blockIndex: number;
  blockCount: number;
}

/** Blocks that somebody holds; `user:<name>` for a user. */
export interface BlockAllocation extends Blocks {
  owner: string;
  /** As the file has it; undefined for one that is new. */
  entry?: YamlMap;
}

/** A range. */
export interface IdRange {
  startId: number;
  blockSize: number;
  blockCount: number;
  /** Sorted by their first block. */
  allocations: readonly BlockAllocation[];
  /** The file's other keys. */
  config: YamlMap;
}

/** One more than the largest id: 2^32 - 1 stands for none. */
const ID_LIMIT = 2 ** 32 - 1;

/** Reads a range. @throws ToolError damaged */
export function parseIdRange(bytes: Uint8Array, what: string): IdRange {
  const place = { file: what, path: "" };
  const config = loadConfig(bytes, place);
  const number = (key: string): number => asInteger(config.get(key), below(place, key), { min: 1, max: ID_LIMIT });
  const at = below(place, "allocations");
  const allocations = asList(config.get("allocations"), at).map((entry, index) =>
    parseAllocation(asMap(entry, below(at, index)), below(at, index)),
  );
  return {
    startId: number("start_id"),
    blockSize: number("block_size"),
    blockCount: number("block_count"),
    allocations: sorted(allocations),
    config,
  };
}

/** The range that osctld makes on every pool. */
export function defaultIdRange(): IdRange {
  return { startId: 1_000_000, blockSize: 65_536, blockCount: 65_520, allocations: [], config: YamlMap.of({ attrs: new YamlMap() }) };
}

/** A range as its file. */
export function encodeIdRange(range: IdRange): string {
  const allocations = sorted(range.allocations).map((allocation) => allocation.entry ?? encodeAllocation(allocation));
  const config = YamlMap.of({ start_id: range.startId, block_size: range.blockSize, block_count: range.blockCount, allocations });
  for (const [key, value] of range.config) if (!config.has(key)) config.set(key, value);
  return dumpYaml(config);
}

/** The blocks of a range that host ids touch, neighbours joined. */
export function blocksOf(range: IdRange, spans: readonly { first: number; count: number }[]): Blocks[] {
  const touched = spans.flatMap(({ first, count }): Blocks[] => {
    const from = Math.max(0, Math.floor((first - range.startId) / range.blockSize));
    const to = Math.min(range.blockCount, Math.ceil((first + count - range.startId) / range.blockSize));
    return to > from ? [{ blockIndex: from, blockCount: to - from }] : [];
  });
  const joined: Blocks[] = [];
  for (const { blockIndex, blockCount } of touched.toSorted((a, b) => a.blockIndex - b.blockIndex)) {
    const last = joined.at(-1);
    if (last === undefined || blockIndex > last.blockIndex + last.blockCount) joined.push({ blockIndex, blockCount });
    else last.blockCount = Math.max(last.blockCount, blockIndex + blockCount - last.blockIndex);
  }
  return joined;
}

/** Whether nobody holds any of these blocks. */
export function isFree(range: IdRange, blocks: readonly Blocks[]): boolean {
  return !blocks.some((wanted) => range.allocations.some((held) => meet(wanted, held)));
}

/** The first of `blockCount` neighbouring blocks that nobody holds and that may be used, the lowest there are. @param isUsable told host ids */
export function findFreeBlocks(
  range: IdRange,
  blockCount: number,
  isUsable: (first: number, count: number) => boolean,
): number | undefined {
  const end = Math.min(range.blockCount, Math.floor((ID_LIMIT - range.startId) / range.blockSize));
  for (let blockIndex = 0; blockIndex + blockCount <= end; blockIndex += 1) {
    const held = range.allocations.find((allocation) => meet({ blockIndex, blockCount }, allocation));
    if (held !== undefined) blockIndex = held.blockIndex + held.blockCount - 1;
    else if (isUsable(range.startId + blockIndex * range.blockSize, blockCount * range.blockSize)) return blockIndex;
  }
  return undefined;
}

/** The range with one allocation more. */
export function withAllocation(range: IdRange, allocation: BlockAllocation): IdRange {
  return { ...range, allocations: sorted([...range.allocations, allocation]) };
}

/** The range without an allocation of that owner. */
export function withoutAllocation(range: IdRange, { blockIndex, owner }: Pick<BlockAllocation, "blockIndex" | "owner">): IdRange {
  return { ...range, allocations: range.allocations.filter((held) => held.blockIndex !== blockIndex || held.owner !== owner) };
}

function parseAllocation(entry: YamlMap, place: Place): BlockAllocation {
  const either = (key: string, old: string): YamlValue | undefined => (entry.has(key) ? entry.get(key) : entry.get(old));
  return {
    blockIndex: asInteger(either("block_index", "index"), below(place, "block_index"), { max: ID_LIMIT }),
    blockCount: asInteger(either("block_count", "count"), below(place, "block_count"), { min: 1, max: ID_LIMIT }),
    owner: asLine(entry.get("owner"), below(place, "owner")),
    entry,
  };
}

/** With the names of all versions: one that knew only the others would not import the pool. */
function encodeAllocation({ blockIndex, blockCount, owner }: BlockAllocation): YamlMap {
  return YamlMap.of({ block_index: blockIndex, block_count: blockCount, owner, index: blockIndex, count: blockCount });
}

function meet(one: Blocks, other: Blocks): boolean {
  return one.blockIndex < other.blockIndex + other.blockCount && other.blockIndex < one.blockIndex + one.blockCount;
}

function sorted<T extends Blocks>(allocations: readonly T[]): T[] {
  return allocations.toSorted((a, b) => a.blockIndex - b.blockIndex);
}
