/**
 * Directories: ZAPs of names, each with the object in the low 48 bits of its value (and the file's type in the high 4, which is not needed).
 * Names are bytes; a file system's case and Unicode rules say how it compares them, not what they are.
 *
 * @see OpenZFS 2.3 `include/sys/zfs_znode.h` (`ZFS_DIRENT_OBJ`)
 */
import type { TakenStream } from "./block-reader.ts";
import { damagedObject } from "./damage.ts";
import { ObjectData } from "./object-data.ts";
import type { ObjectSet } from "./object-set.ts";
import type { ZapEntry } from "./zap/entry.ts";
import { readZap } from "./zap/read.ts";

/** A name in a directory. */
export interface NamedObject {
  /** One character for each byte. */
  name: string;
  object: number;
}

/** More names than any directory is given here. */
const MAX_ENTRIES = 20_000_000;
const VALUE_BYTES = 8;

/** Entries of a ZAP object, a block's at a time. @throws ToolError damaged */
export async function* zapEntries(set: ObjectSet, streams: readonly TakenStream[], object: number): AsyncGenerator<readonly ZapEntry[]> {
  const data = new ObjectData(set, streams, object);
  yield* readZap({
    blockBytes: data.blockBytes,
    block: (id) => data.block(id),
    damage: (reason) => damagedObject(set.place(object), reason),
  });
}

/** The names in a directory, in the order of their bytes. @throws ToolError damaged, also for names that no directory can have */
export async function readNames(set: ObjectSet, streams: readonly TakenStream[], directory: number): Promise<readonly NamedObject[]> {
  const names: NamedObject[] = [];
  const damage = (reason: string): Error => damagedObject(set.place(directory), reason);
  for await (const entries of zapEntries(set, streams, directory)) {
    for (const entry of entries) {
      const named = namedObject(entry);
      if (typeof named === "string") throw damage(named);
      names.push(named);
    }
    if (names.length > MAX_ENTRIES) throw damage(`it has more than ${MAX_ENTRIES} names`);
  }
  names.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (let index = 1; index < names.length; index += 1) {
    if (names[index]?.name === names[index - 1]?.name) throw damage(`it has the name ${JSON.stringify(names[index]?.name)} twice`);
  }
  return names;
}

function namedObject(entry: ZapEntry): NamedObject | string {
  const { name, integerBytes, integers, view, at, littleEndian } = entry;
  if (integerBytes !== VALUE_BYTES || integers < 1) return "an entry of it is no directory entry";
  if (name === "" || name === "." || name === ".." || name.includes("/") || name.includes("\0"))
    return `it has an entry with the name ${JSON.stringify(name)}`;
  const high = view.getUint32(littleEndian ? at + 4 : at, littleEndian) & 0xffff;
  return { name, object: high * 2 ** 32 + view.getUint32(littleEndian ? at : at + 4, littleEndian) };
}
