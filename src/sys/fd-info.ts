/** What the kernel says of an open descriptor that somebody else opened for us (proc_pid_fdinfo(5)). */
import * as fs from "node:fs";
import { O_CLOEXEC } from "./linux.ts";

/** What is told of a descriptor. */
interface FdInfo {
  /** Where the next byte goes. */
  readonly position: number;
  /** Whether every write is appended. */
  readonly append: boolean;
  /** Whether programs that are started get it too; one that we were started with did. */
  readonly inherited: boolean;
}

/** Looks at a descriptor; undefined without /proc. */
export function readFdInfo(fd: number): FdInfo | undefined {
  let text: string;
  try {
    text = fs.readFileSync(`/proc/self/fdinfo/${fd}`, "utf8");
  } catch {
    return undefined;
  }
  const position = /^pos:\s*(\d+)$/m.exec(text)?.[1];
  const flags = /^flags:\s*([0-7]+)$/m.exec(text)?.[1];
  if (position === undefined || flags === undefined) return undefined;
  const bits = Number.parseInt(flags, 8);
  return { position: Number(position), append: (bits & fs.constants.O_APPEND) !== 0, inherited: (bits & O_CLOEXEC) === 0 };
}

/**
 * Whether stdout was closed when we were started (`>&-`). Bun opens `/dev/null` in its place, so that no other file gets the number, and what is
 * written there would be lost without a word; under Deno, which does the same, its own cannot be told from another.
 */
export function isStdoutClosed(): boolean {
  return readFdInfo(1)?.inherited === false;
}
