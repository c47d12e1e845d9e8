/**
 * `.migrations`: which changes of its on-disk format osctld has made to a pool, one id a line. osctld refuses a pool with an id that it does
 * not know, and makes the changes that are missing at its next import.
 *
 * @see vpsAdminOS `osup/migrations/`, 24.05
 */
import * as path from "node:path";
import { readSmallFile } from "../sys/files.ts";
import type { Pool } from "./pool.ts";

/** All that are known; files that we write are in the shape that the last one makes. */
export const MIGRATIONS: readonly string[] = [
  "20180711154030",
  "20180825200854",
  "20190408134218",
  "20190408152558",
  "20190624220030",
  "20190814085557",
  "20220406162532",
];

/** File of a pool. */
export function migrationsFile(pool: Pool): string {
  return path.join(path.dirname(pool.paths.conf), ".migrations");
}

/** What to know of a pool whose format is not the one we write; nothing where its file cannot be seen. */
export function migrationWarnings(pool: Pool): string[] {
  const bytes = readSmallFile(migrationsFile(pool));
  if (bytes === undefined) return [];
  const applied = Buffer.from(bytes)
    .toString("utf8")
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
  const unknown = applied.filter((id) => !MIGRATIONS.includes(id));
  const missing = MIGRATIONS.filter((id) => !applied.includes(id));
  return [
    ...(unknown.length === 0
      ? []
      : [`pool "${pool.name}" was used by a newer vpsAdminOS (migration ${unknown.join(", ")}); what ctar writes may be of an older form`]),
    ...(missing.length === 0 ? [] : [`pool "${pool.name}" is in an older form; osctld brings it up to date when it next imports the pool`]),
  ];
}
