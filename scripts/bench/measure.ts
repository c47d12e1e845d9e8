/**
 * Runs a command and measures it: wall time, the time all its processes spent on a processor (wait4(2) adds up a child and everything that was
 * waited for below it), and the peak memory of one program among them.
 */
import * as fs from "node:fs";
import * as path from "node:path";
import { busySeconds } from "./processors.ts";
import type { Sample } from "./statistics.ts";

/** What to run, and where to look. */
export interface Measured {
  readonly command: string;
  readonly env: Readonly<Record<string, string>>;
  /** Real path of the program whose memory is watched. */
  readonly program: string;
  /** Directories whose files count as output. */
  readonly outputs: readonly string[];
}

const SAMPLE_INTERVAL_MS = 20;

/** Runs a bash command. @throws Error with its stderr if it fails */
export async function measure({ command, env, program, outputs }: Measured): Promise<Sample> {
  const busyBefore = busySeconds();
  const begin = performance.now();
  await using child = Bun.spawn(["bash", "-o", "pipefail", "-c", command], { env, stdio: ["ignore", "ignore", "pipe"] });
  const peak = watchPeak(child.pid, program);
  const stderr = new Response(child.stderr).text();
  const exitCode = await child.exited;
  const wallSeconds = (performance.now() - begin) / 1000;
  const busy = busySeconds() - busyBefore;
  const peakBytes = peak.stop();
  if (exitCode !== 0) throw new Error(`exit code ${exitCode}: ${command}\n${await stderr}`);
  const cpuSeconds = Number(child.resourceUsage()?.cpuTime.total ?? 0) / 1e6;
  return {
    wallSeconds,
    cpuSeconds,
    othersSeconds: Math.max(0, busy - cpuSeconds),
    peakBytes,
    outputBytes: outputs.reduce((sum, directory) => sum + sizeOf(directory), 0),
  };
}

/**
 * Looks again and again at the high-water mark (`VmHWM`, proc_pid_status(5)) of the program's processes below `root`. wait4's own figure would not
 * do: a process starts with the mark of the one it was forked from.
 */
function watchPeak(root: number, program: string): { stop: () => number } {
  let peak = 0;
  const look = (): void => {
    for (const pid of descendants(root)) if (executableOf(pid) === program) peak = Math.max(peak, highWaterBytes(pid));
  };
  const timer = setInterval(look, SAMPLE_INTERVAL_MS);
  return {
    stop: () => {
      clearInterval(timer);
      return peak;
    },
  };
}

function* descendants(pid: number): Generator<number> {
  yield pid;
  for (const child of read(`/proc/${pid}/task/${pid}/children`).split(" ")) if (child !== "") yield* descendants(Number(child));
}

function executableOf(pid: number): string | undefined {
  try {
    return fs.readlinkSync(`/proc/${pid}/exe`);
  } catch {
    return undefined;
  }
}

function highWaterBytes(pid: number): number {
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(read(`/proc/${pid}/status`))?.[1] ?? 0) * 1024;
}

/** A process may be gone by now. */
function read(file: string): string {
  try {
    return fs.readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

function sizeOf(directory: string): number {
  const files = fs.readdirSync(directory, { withFileTypes: true }).filter((entry) => entry.isFile());
  return files.reduce((sum, { name }) => sum + fs.statSync(path.join(directory, name)).size, 0);
}
