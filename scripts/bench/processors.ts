/** How busy this machine's processors are, whoever keeps them so; what a virtual machine's host takes away counts too. */
import * as fs from "node:fs";

/** Unit of /proc/stat, in every kernel that is compiled as usual. */
const TICKS_PER_SECOND = 100;

/** Seconds that all processors together were busy since the machine started (proc_stat(5)). */
export function busySeconds(): number {
  return parseBusySeconds(fs.readFileSync("/proc/stat", "utf8"));
}

/** The same of a text; guest time is part of user time already. */
export function parseBusySeconds(stat: string): number {
  const [, user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = (stat.split("\n", 1)[0] ?? "").split(/\s+/).map(Number);
  return (user + nice + system + irq + softirq + steal) / TICKS_PER_SECOND;
}
