/** Runs of the program on hostile input, watched: how long they take, how much memory, and what they leave. */
import * as fs from "node:fs";
import * as path from "node:path";
import { Readable } from "node:stream";
import { finish, programArgv, start, type Finished } from "../support/program.ts";

/** A run, and what it took. */
export interface WatchedRun extends Finished {
  /** The high-water mark of its memory. */
  readonly peakKib: number;
}

/** After this it is killed, which no test takes for an end. */
export const PATIENCE_MS = 60_000;

const STDERR_LIMIT = 10_000;
const CHUNK_BYTES = 1024 * 1024;

/** Runs the program to its end. @param input what it gets through a pipe */
export async function watchProgram(args: readonly string[], input?: Iterable<Uint8Array>): Promise<WatchedRun> {
  const child = start([...programArgv(), ...args], { stdio: [input === undefined ? "ignore" : "pipe", "pipe", "pipe"] });
  if (child.stdin !== null && input !== undefined) {
    child.stdin.on("error", () => undefined); // it may end before it has read all
    Readable.from(input, { objectMode: true }).pipe(child.stdin);
  }
  let peakKib = 0;
  const watch = setInterval(() => (peakKib = Math.max(peakKib, peakOf(child.pid ?? 0))), 5);
  const killer = setTimeout(() => child.kill("SIGKILL"), PATIENCE_MS);
  const finished = await finish(child);
  clearInterval(watch);
  clearTimeout(killer);
  return { ...finished, peakKib };
}

/** Bytes as a pipe brings them. */
export function* inChunks(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) yield bytes.subarray(at, at + CHUNK_BYTES);
}

/** What is wrong with what a run said: a stack, something that a terminal obeys, a line of the archive's own, a flood. */
export function indecencies({ stdout, stderr }: Finished): string[] {
  const found: [is: boolean, what: string][] = [
    [/\p{Cc}/u.test((stdout + stderr).replaceAll("\n", "")), "control characters"],
    [/This is a bug|\n {4}at /.test(stderr), "a stack"],
    [/^hint: forged/m.test(stderr + stdout), "a line of the archive"],
    [stderr.length >= STDERR_LIMIT, "a flood"],
  ];
  return found.filter(([is]) => is).map(([, what]) => what);
}

/**
 * Everything below a directory: type, mode, owner, links, size, time, target of a link, content of small files. Of directories the times are
 * told only where `times` is true: a run that is undone has been in those of a pool.
 */
export function inventory(root: string, times: boolean | "of files" = "of files"): string[] {
  const names = fs.readdirSync(root, { recursive: true, encoding: "utf8" }).toSorted();
  return ["", ...names]
    .filter((name) => name !== "conf/.ctar")
    .map((name) => {
      const file = path.join(root, name);
      const stat = fs.lstatSync(file);
      const { mode, uid, gid, nlink, size, mtimeMs } = stat;
      const time = times === true || (times !== false && !stat.isDirectory()) ? mtimeMs : "";
      return [name, mode.toString(8), uid, gid, time, ...(stat.isDirectory() ? [] : [nlink, size, contentOf(file, stat)])].join(" ");
    });
}

/** VmHWM in proc_pid_status(5). */
function peakOf(pid: number): number {
  try {
    return Number(/^VmHWM:\s+(\d+) kB$/m.exec(fs.readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

function contentOf(file: string, stat: fs.Stats): string {
  if (stat.isSymbolicLink()) return fs.readlinkSync(file);
  return stat.isFile() && stat.size < 10_000 ? fs.readFileSync(file, "utf8") : "";
}
