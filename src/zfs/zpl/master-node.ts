/**
 * The master node, object 1 of a file system: a ZAP that says where the rest is, and how names are compared.
 *
 * @see OpenZFS 2.3 `include/sys/zfs_znode.h` (`MASTER_NODE_OBJ`, `ZFS_ROOT_OBJ`, `ZFS_SA_ATTRS`), `include/sys/sa_impl.h`
 */
import type { TakenStream } from "./block-reader.ts";
import { damagedObject } from "./damage.ts";
import { zapEntries } from "./directory.ts";
import type { ObjectSet } from "./object-set.ts";
import { SystemAttributes } from "./system-attributes.ts";
import { zapIntegers } from "./zap/entry.ts";

/** What the master node says. */
export interface MasterNode {
  root: number;
  system: SystemAttributes;
  /** ZPL version, 1 to 5. */
  version: number;
  caseSensitivity: "sensitive" | "insensitive" | "mixed";
  /** U8_TEXTPREP_* flags, 0 for none. */
  normalization: number;
  /** Whether all names are UTF-8. */
  isUtf8Only: boolean;
}

const MASTER_NODE = 1;
const CASE_SENSITIVITY = ["sensitive", "insensitive", "mixed"] as const;
const MAX_LAYOUTS = 1024;

/** Reads the master node. @throws ToolError damaged */
export async function readMasterNode(set: ObjectSet, streams: readonly TakenStream[]): Promise<MasterNode> {
  const entries = await numbersIn(set, streams, MASTER_NODE);
  const root = entries.get("ROOT")?.[0];
  if (root === undefined) throw damagedObject(set.place(MASTER_NODE), "the master node names no root directory");
  const attributes = entries.get("SA_ATTRS")?.[0];
  return {
    root: Number(root),
    system: await readSystemAttributes(set, streams, Number(attributes ?? 0n)),
    version: Number(entries.get("VERSION")?.[0] ?? 0n),
    caseSensitivity: CASE_SENSITIVITY[Number(entries.get("casesensitivity")?.[0] ?? 0n)] ?? "sensitive",
    normalization: Number(entries.get("normalization")?.[0] ?? 0n),
    isUtf8Only: (entries.get("utf8only")?.[0] ?? 0n) !== 0n,
  };
}

/** @param master object of the system attributes' master node, 0 if there is none */
async function readSystemAttributes(set: ObjectSet, streams: readonly TakenStream[], master: number): Promise<SystemAttributes> {
  const system = new SystemAttributes();
  if (master === 0) return system;
  const entries = await numbersIn(set, streams, master);
  const registry = Number(entries.get("REGISTRY")?.[0] ?? 0n);
  const layouts = Number(entries.get("LAYOUTS")?.[0] ?? 0n);
  if (registry === 0 || layouts === 0) return system;
  for (const [name, [value]] of await numbersIn(set, streams, registry)) system.register(name, value ?? 0n);
  for (const [number, attributes] of await numbersIn(set, streams, layouts)) {
    if (!system.addLayout(Number(number), attributes.map(Number)))
      throw damagedObject(set.place(layouts), `layout ${JSON.stringify(number)} has attributes that are not registered`);
  }
  return system;
}

/** The entries of a small ZAP. */
async function numbersIn(set: ObjectSet, streams: readonly TakenStream[], object: number): Promise<ReadonlyMap<string, readonly bigint[]>> {
  const all = new Map<string, readonly bigint[]>();
  for await (const entries of zapEntries(set, streams, object)) {
    for (const entry of entries) all.set(entry.name, zapIntegers(entry));
    if (all.size > MAX_LAYOUTS) throw damagedObject(set.place(object), `it has more than ${MAX_LAYOUTS} entries`);
  }
  return all;
}
