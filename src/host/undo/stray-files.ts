/**
 * Files that a run had written, but not yet given their names, when it was killed: `.<name>.ctar-<hex>` beside the name, which no loader of
 * osctld takes for a configuration. A run that is alive has such a file for the moment of an fsync.
 */
import * as fs from "node:fs";
import * as path from "node:path";
import { isTemporaryName } from "../../sys/new-file.ts";
import type { Pool } from "../pool.ts";
import { runDirectory } from "./run.ts";

const OLD_MS = 60_000;

/** Paths of such files among a pool's configuration and hooks. */
export function findStrayFiles(pool: Pool): string[] {
  const own = runDirectory(pool);
  const files = [...filesBelow(pool.paths.conf, own), ...filesBelow(pool.paths.hook, own), ...(fs.existsSync(own) ? filesIn(own) : [])];
  return files.filter((file) => isTemporaryName(path.basename(file)) && isOld(file));
}

/** Files below a directory, but not below `except`: what is mounted there is not ours to look into. */
function filesBelow(directory: string, except: string): string[] {
  const below = fs.readdirSync(directory, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const directories = below.map(({ name }) => path.join(directory, name)).filter((child) => child !== except);
  return [...filesIn(directory), ...directories.flatMap((child) => filesBelow(child, except))];
}

function filesIn(directory: string): string[] {
  const entries = fs.readdirSync(directory, { withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map(({ name }) => path.join(directory, name));
}

function isOld(file: string): boolean {
  const stat = fs.lstatSync(file, { throwIfNoEntry: false });
  return stat !== undefined && Date.now() - stat.mtimeMs > OLD_MS;
}
