/** Telling one run of a program from all others, after reboots and reused process ids too (proc_pid_stat(5)). */
import * as fs from "node:fs";

/** `<boot id>.<pid>.<start time in clock ticks since boot>` of this process. */
export function runIdentity(): string {
  return `${bootId()}.${process.pid}.${startTicks(process.pid) ?? "0"}`;
}

/** Whether the process of an identity is still running on this machine. */
export function isRunAlive(identity: string): boolean {
  const [boot, pid, start] = identity.split(".");
  return boot === bootId() && start !== undefined && startTicks(Number(pid)) === start;
}

function bootId(): string {
  return fs.readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
}

function startTicks(pid: number): string | undefined {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, "utf8");
    // the second field is the program's name in parentheses, which may hold anything; field 22 is the start time
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
  } catch {
    return undefined;
  }
}
