/** What the kernel says of an open descriptor that somebody else opened for us (proc_pid_fdinfo(5)). */
import * as fs from "node:fs";

/** Where the next byte goes, and whether every write is appended; undefined without /proc. */
export function readFdInfo(fd: number): { position: number; append: boolean } | undefined {
  let text: string;
  try {
    text = fs.readFileSync(`/proc/self/fdinfo/${fd}`, "utf8");
  } catch {
    return undefined;
  }
  const position = /^pos:\s*(\d+)$/m.exec(text)?.[1];
  const flags = /^flags:\s*([0-7]+)$/m.exec(text)?.[1];
  if (position === undefined || flags === undefined) return undefined;
  return { position: Number(position), append: (Number.parseInt(flags, 8) & fs.constants.O_APPEND) !== 0 };
}
