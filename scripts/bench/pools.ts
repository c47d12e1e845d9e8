/** Pools to export from and to import to: the few files that ctar wants to see. */
import * as fs from "node:fs";
import * as path from "node:path";
import { hostFiles } from "./host-files.ts";

const ID_MAP = "- 0:1065536:65536\n";

/** Makes a pool with a container, whose data is in a dataset or, without one, in a directory. What was there is gone. */
export function makePool(directory: string, container: string, dataset?: string): void {
  fs.rmSync(directory, { recursive: true, force: true });
  const write = (name: string, ...lines: string[]): void => {
    const file = path.join(directory, name);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, ["---", ...lines, ""].join("\n"));
  };
  for (const part of ["hook/ct", "log", "ct"]) fs.mkdirSync(path.join(directory, part), { recursive: true });
  write(`conf/user/${container}.yml`, `uid_map:\n${ID_MAP}gid_map:\n${ID_MAP}standalone: false`, "attrs: {}");
  write("conf/group/default/config.yml", "cgparams: []", "devices: []", "attrs: {}");
  const place = dataset === undefined ? [] : [`dataset: ${dataset}`];
  write(`conf/ct/${container}.yml`, `user: ${container}`, 'group: "/default"', ...place, "distribution: debian", "version: '12'");
}

/** Makes a directory pool whose container "tree" holds copies of this machine's files, `bytes` in all, unless it is there. @returns the directory */
export function makeTree(directory: string, bytes: number): string {
  if (fs.existsSync(directory)) return directory;
  const unfinished = `${directory}.new`;
  makePool(unfinished, "tree");
  copyFiles(path.join(unfinished, "ct/tree/private"), bytes);
  fs.renameSync(unfinished, directory);
  return directory;
}

function copyFiles(target: string, bytes: number): void {
  let left = bytes;
  for (const file of hostFiles()) {
    const { size } = fs.statSync(file);
    if (size > left) continue;
    const copy = path.join(target, file);
    fs.mkdirSync(path.dirname(copy), { recursive: true });
    fs.copyFileSync(file, copy);
    left -= size;
  }
}
