/** The directories that a container's dataset, or its directory in a directory pool, begins with. */
import * as fs from "node:fs";
import * as path from "node:path";
import { makeDirectory } from "../sys/files.ts";

const TOP_MODE = 0o770;
const ROOT_MODE = 0o755;

/** Where the root filesystem lies in a container's dataset or directory. */
export function rootOf(top: string): string {
  return path.join(top, "private");
}

/** Gives an existing directory its mode, and makes the root filesystem's in it. @returns its path */
export function makeRoot(top: string): string {
  fs.chmodSync(top, TOP_MODE);
  makeDirectory(rootOf(top), ROOT_MODE);
  return rootOf(top);
}
