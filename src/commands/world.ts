/** What several verbs share: finding zfs and the pool, sizes and times as people write them. */
import { ToolError } from "../errors.ts";
import { findPool, type Pool } from "../host/pool.ts";
import { Zfs } from "../zfs/cli.ts";
import type { Context } from "./context.ts";

/** The option that names a pool, the same for every verb. */
export const POOL_ARG = {
  type: "string",
  valueHint: "POOL",
  completes: "pool",
  description: "A zpool, or a directory as dir:/path; the only installed zpool if left out",
} as const;

/** zfs(8), or what CTAR_ZFS names. */
export function zfsOf(context: Context): Zfs {
  return new Zfs(context.env("CTAR_ZFS") ?? "zfs", context.signal);
}

/** The pool of that name, or the only one. */
export async function poolOf(name: string | undefined, context: Context): Promise<Pool> {
  return await findPool(name, zfsOf(context));
}

/** The present time in unix seconds, or the one that SOURCE_DATE_EPOCH fixes for reproducible archives. @throws ToolError usage */
export function timeOf(context: Context): number {
  const fixed = context.env("SOURCE_DATE_EPOCH");
  if (fixed === undefined) return Math.floor(Date.now() / 1000);
  if (/^\d{1,11}$/.test(fixed)) return Number(fixed);
  throw new ToolError("usage", `Cannot use SOURCE_DATE_EPOCH "${fixed}": it is no number of seconds`);
}

/** Reads a size such as `4M` in bytes. @throws ToolError usage */
export function parseSize(text: string, option: string): number {
  const match = /^(\d{1,12})([KMG]?)$/i.exec(text);
  const bytes = Number(match?.[1]) * 1024 ** ["", "K", "M", "G"].indexOf(match?.[2]?.toUpperCase() ?? "");
  if (match !== null && bytes > 0) return bytes;
  throw new ToolError("usage", `Cannot use ${option} "${text}": it is no size`, { hints: [`${option} 4M`] });
}

/** A size for people: `1.5 GiB`. */
export function formatSize(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  const power = bytes < 1024 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  return `${power === 0 ? bytes : (bytes / 1024 ** power).toFixed(1)} ${units[power]}`;
}

const LABEL_WIDTH = 13;

/** Prints rows of a label and a value. */
export async function printRows(rows: readonly (readonly [label: string, value: string])[], context: Context): Promise<void> {
  for (const [label, value] of rows) await context.print(label.padEnd(LABEL_WIDTH) + value);
}
