/** Trying out what a test needs of the machine. */
import { spawnSync } from "node:child_process";

/** Why what a command does cannot be done here, for the name of a test; "" if it can. */
export function refusalOf(...argv: readonly [string, ...string[]]): string {
  const [program, ...args] = argv;
  return spawnSync(program, args, { stdio: "ignore" }).status === 0 ? "" : ` (skipped: "${program}" may not do that here)`;
}
