/**
 * Regular files below a directory from outside: no part of a path may be a symbolic link, and what is no regular file is not opened, as opening
 * may already do something (a FIFO waits for a writer).
 */
import * as fs from "node:fs";
import * as path from "node:path";
import { damaged, ToolError } from "../errors.ts";
import { systemCode, systemReason } from "./failure.ts";
import { Input, type InputOptions } from "./input.ts";

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = fs.constants;

/** Size in bytes; undefined if there is no such file. @param relative has no `..` @throws ToolError damaged for what is no regular file; failed */
export function sizeOfPlainFile(directory: string, relative: string): number | undefined {
  const parts = relative.split("/");
  let at = directory;
  try {
    for (const [index, part] of parts.entries()) {
      at = path.join(at, part);
      const stat = fs.lstatSync(at);
      const isLast = index === parts.length - 1;
      if (!(isLast ? stat.isFile() : stat.isDirectory())) throw refusal(at, stat, isLast ? "regular file" : "directory");
      if (isLast) return stat.size;
    }
  } catch (error) {
    if (error instanceof ToolError) throw error;
    if (systemCode(error) !== "ENOENT")
      throw new ToolError("failed", `Cannot read "${at}": ${systemReason(error)}`, { facts: { path: at } });
  }
  return undefined;
}

/** Opens such a file, to be closed by whoever asked. @throws ToolError as {@link sizeOfPlainFile}; failed if it is gone */
export function openPlainFile(directory: string, relative: string, options: InputOptions): Input & { readonly size: number } {
  const name = path.join(directory, relative);
  sizeOfPlainFile(directory, relative);
  let fd: number;
  try {
    fd = fs.openSync(name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  } catch (error) {
    throw new ToolError("failed", `Cannot read "${name}": ${systemReason(error)}`, { facts: { path: name } });
  }
  const stat = fs.fstatSync(fd);
  if (stat.isFile()) return new Input({ name, fd, size: stat.size, ...options }) as Input & { readonly size: number };
  fs.closeSync(fd);
  throw refusal(name, stat, "regular file");
}

function refusal(name: string, stat: fs.Stats, wanted: string): ToolError {
  return damaged(`Cannot read "${name}": it is ${stat.isSymbolicLink() ? "a symbolic link" : `no ${wanted}`}`, { facts: { path: name } });
}
