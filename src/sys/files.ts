/** Small files written so that they are either whole or not there. */
import * as fs from "node:fs";
import * as path from "node:path";
import { ToolError } from "../errors.ts";
import { systemCode, systemReason } from "./failure.ts";
import { publishNew, syncDirectory, temporaryName } from "./new-file.ts";

const FILE_LIMIT_BYTES = 16 * 1024 * 1024;

/** Reads a whole small file; undefined if there is none. @throws ToolError failed if it cannot be read or is no file of at most 16 MiB */
export function readSmallFile(file: string): Uint8Array | undefined {
  try {
    const stat = fs.statSync(file);
    if (!stat.isFile() || stat.size > FILE_LIMIT_BYTES)
      throw new ToolError("failed", `Cannot read "${file}": it is no file of a sensible size`);
    return fs.readFileSync(file);
  } catch (error) {
    if (error instanceof ToolError) throw error;
    const code = systemCode(error);
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw new ToolError("failed", `Cannot read "${file}": ${systemReason(error)}`, { facts: { path: file } });
  }
}

/** Writes a file that must not exist yet. @throws ToolError exists, failed */
export function writeNewFile(file: string, content: Uint8Array | string, mode: number): void {
  writeThen(file, content, mode, publishNew);
}

/** Writes a file, replacing one of that name. @throws ToolError failed */
export function replaceFile(file: string, content: Uint8Array | string, mode: number): void {
  writeThen(file, content, mode, fs.renameSync);
}

/** Names in a directory, sorted by byte; none if there is no such directory. */
export function listNames(directory: string): string[] {
  try {
    return fs.readdirSync(directory).toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  } catch (error) {
    if (systemCode(error) === "ENOENT") return [];
    throw new ToolError("failed", `Cannot read "${directory}": ${systemReason(error)}`, { facts: { path: directory } });
  }
}

/** Makes a directory (parents must exist) with exactly this mode; true if it was not there. @throws ToolError failed */
export function makeDirectory(directory: string, mode: number): boolean {
  try {
    fs.mkdirSync(directory);
    fs.chmodSync(directory, mode);
    return true;
  } catch (error) {
    if (systemCode(error) === "EEXIST" && fs.statSync(directory).isDirectory()) return false;
    throw new ToolError("failed", `Cannot create directory "${directory}": ${systemReason(error)}`, { facts: { path: directory } });
  }
}

/** Removes a file, or a directory with everything in it; what is gone already is no failure. @throws ToolError failed */
export function removePath(target: string): void {
  try {
    fs.rmSync(target, { recursive: true, force: true });
  } catch (error) {
    throw new ToolError("failed", `Cannot remove "${target}": ${systemReason(error)}`, { facts: { path: target } });
  }
}

function writeThen(file: string, content: Uint8Array | string, mode: number, publish: (temporary: string, file: string) => void): void {
  const temporary = temporaryName(file);
  try {
    const fd = fs.openSync(temporary, "wx", mode);
    try {
      fs.writeFileSync(fd, content);
      fs.fchmodSync(fd, mode);
      fs.fsyncSync(fd);
    } finally {
      fs.closeSync(fd);
    }
    publish(temporary, file);
    syncDirectory(path.dirname(file));
  } catch (error) {
    fs.rmSync(temporary, { force: true });
    if (error instanceof ToolError) throw error;
    throw new ToolError("failed", `Cannot write "${file}": ${systemReason(error)}`, { facts: { path: file } });
  }
}
