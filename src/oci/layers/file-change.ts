/** Whether a file is another than before. */
import { createHash } from "node:crypto";
import type { PaxRecords } from "../../stream/tar/pax.ts";
import type { TreeFile } from "./layer-tree.ts";

/** What is compared first, as it is there without being read. */
const FACTS = ["typeflag", "mode", "uid", "gid", "mtimeNs"] as const;
const SECOND_NS = 1_000_000_000n;
const NO_BYTES = new Uint8Array(0);

/** Compares two files of the same path. @throws ToolError whatever reading them throws */
export async function isChanged(older: TreeFile, newer: TreeFile): Promise<boolean> {
  const areVersioned = older.version !== undefined && newer.version !== undefined;
  if (areVersioned && older.version === newer.version) return false;
  if (FACTS.some((fact) => older[fact] !== newer[fact])) return true;
  if (older.device?.major !== newer.device?.major || older.device?.minor !== newer.device?.minor) return true;
  if (Buffer.compare(older.target ?? NO_BYTES, newer.target ?? NO_BYTES) !== 0) return true;
  if (!areSame(await older.xattrs(), await newer.xattrs())) return true;
  if (newer.typeflag !== "0") return false;
  if (older.size !== newer.size) return true;
  const isTimeCut = newer.mtimeNs % SECOND_NS === 0n;
  return (areVersioned || isTimeCut) && newer.size > 0 && (await digestOf(older)) !== (await digestOf(newer));
}

function areSame(one: PaxRecords, other: PaxRecords): boolean {
  return (
    one.size === other.size && [...one].every(([key, value]) => Buffer.compare(value, other.get(key) ?? NO_BYTES) === 0 && other.has(key))
  );
}

/** A digest of a file's data and of where it belongs. */
async function digestOf(file: TreeFile): Promise<string> {
  const { sparse, body } = await file.data();
  const hash = createHash("sha256").update(JSON.stringify(sparse ?? null));
  for await (const chunk of body()) hash.update(chunk);
  return hash.digest("hex");
}
