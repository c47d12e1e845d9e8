/** File systems mounted for a moment in a directory of ours that nobody else can enter, with nothing in them that could act. */
import * as fs from "node:fs";
import { ToolError } from "../errors.ts";
import { describeExit, runCommand } from "../sys/process.ts";

/**
 * Mounts a dataset, or read-only a snapshot, whatever its `mountpoint` says.
 *
 * `zfsutil` is what zfs(8) itself passes: without it mount(8) refuses a dataset that has a mountpoint of its own.
 *
 * @throws ToolError zfs
 */
export async function mountZfs(source: string, directory: string, signal?: AbortSignal): Promise<void> {
  const options = source.includes("@") ? "ro,nosuid,nodev" : "zfsutil,nosuid,nodev";
  await run(["mount", "-t", "zfs", "-o", options, source, directory], `mount "${source}"`, signal);
}

/** Unmounts it. @throws ToolError zfs */
export async function unmount(directory: string): Promise<void> {
  await run(["umount", directory], `unmount "${directory}"`);
}

/** Whether something is mounted there (proc_pid_mountinfo(5), fifth field). */
export function isMountPoint(directory: string): boolean {
  const lines = fs.readFileSync("/proc/self/mountinfo", "utf8").split("\n");
  return lines.some((line) => unescapeOctal(line.split(" ")[4] ?? "") === directory);
}

async function run(argv: readonly string[], action: string, signal?: AbortSignal): Promise<void> {
  const exit = await runCommand(argv, { signal });
  if (exit.status === 0) return;
  throw new ToolError("zfs", `Cannot ${action}: "${argv[0]}" ended with ${describeExit(exit)}`, {
    cause: exit.stderr === "" ? undefined : new Error(exit.stderr.trim()),
    facts: { argv },
  });
}

/** Blanks and backslashes stand as `\040` in that file. */
function unescapeOctal(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}
