/**
 * Finding a program by its name, also where PATH is short: cron gives no `sbin`, rescue media and `env -i` no PATH at all, and NixOS keeps
 * everything elsewhere.
 *
 * Directories of PATH that are relative (an empty one is the working directory) are left out: what lies where we happen to be is not ours to
 * run, and maybe by root.
 */
import * as fs from "node:fs";
import * as path from "node:path";

/** Where else programs of the system are: NixOS as it was booted and as it was configured since, then everybody else. */
const SYSTEM_DIRECTORIES: readonly string[] = [
  "/run/booted-system/sw/bin",
  "/run/current-system/sw/bin",
  "/sbin",
  "/usr/sbin",
  "/usr/local/sbin",
];
/** What execvp(3) takes for PATH where there is none. */
const DEFAULT_PATH = "/bin:/usr/bin";

/** The path of a program; a name with a slash is one already. Where there is none, a path that cannot be started either. */
export function findProgram(name: string, searchPath?: string): string {
  if (name.includes("/")) return name;
  const candidates = searchedDirectories(searchPath).map((directory) => path.join(directory, name));
  return candidates.find(isProgram) ?? path.join("/usr/local/sbin", name);
}

/** Where programs are looked for, in that order. */
export function searchedDirectories(searchPath: string = process.env["PATH"] ?? DEFAULT_PATH): string[] {
  return [...new Set([...searchPath.split(":").filter((directory) => path.isAbsolute(directory)), ...SYSTEM_DIRECTORIES])];
}

function isProgram(file: string): boolean {
  try {
    fs.accessSync(file, fs.constants.X_OK);
    return fs.statSync(file).isFile();
  } catch {
    return false;
  }
}
