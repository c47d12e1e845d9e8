/** A lock between processes on a directory, which leaves nothing behind and ends with the process that holds it (flock(2)). */
import * as fs from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { ToolError } from "../errors.ts";
import { systemReason } from "./failure.ts";
import { openCLibrary } from "./ffi.ts";

const LOCK_EX = 2;
const LOCK_NB = 4;
const RETRY_MS = 50;

/**
 * Does something while no other process does something under the same lock.
 *
 * @param patienceMs how long to wait for another holder
 * @throws ToolError busy when that was not long enough, failed if the directory cannot be opened
 */
export async function withDirectoryLock<T>(directory: string, patienceMs: number, action: () => Promise<T>): Promise<T> {
  const { functions } = await openCLibrary({ flock: { args: ["i32", "i32"], result: "i32" } });
  const fd = openDirectory(directory);
  try {
    const until = Date.now() + patienceMs;
    while (functions.flock(fd, LOCK_EX | LOCK_NB) !== 0) {
      if (Date.now() >= until) throw new ToolError("busy", `Cannot lock "${directory}": another ctar is at work there`);
      await sleep(RETRY_MS);
    }
    return await action();
  } finally {
    fs.closeSync(fd);
  }
}

function openDirectory(directory: string): number {
  try {
    return fs.openSync(directory, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY);
  } catch (error) {
    throw new ToolError("failed", `Cannot lock "${directory}": ${systemReason(error)}`, { facts: { path: directory } });
  }
}
