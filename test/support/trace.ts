/** What a program asks of the kernel about files and the network, by strace(1). */
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { finish, start, type Finished, type StartOptions } from "./program.ts";

/** One system call, as strace writes it. */
export interface Call {
  readonly name: string;
  readonly text: string;
  /** Files that it names, absolute. */
  readonly files: readonly string[];
}

/** Calls that change something by its name, and open(2) does so with one of {@link WRITING}. */
const CHANGING =
  /^(creat|mkdir|rmdir|unlink|rename|link|symlink|mknod|chmod|fchmodat|l?chown|fchownat|truncate|utime|l?setxattr|l?removexattr|mount|umount)/;
const WRITING = /\bO_(WRONLY|RDWR|CREAT|TRUNC|APPEND|TMPFILE)\b/;
/** A file name with the directory that it starts from, where strace says it: `AT_FDCWD</tmp>, "a"`, `7</tmp/b>, "c"`. */
const NAME = /(?:\w+<([^>]*)>, )?"((?:[^"\\]|\\.)*)"/g;

/** Runs a command under strace, all its threads and children. */
export async function trace(argv: readonly string[], options: StartOptions = {}): Promise<Finished & { calls: Call[] }> {
  const directory = fs.mkdtempSync(path.join(tmpdir(), "ctar-trace-"));
  const log = path.join(directory, "log");
  try {
    const strace = ["strace", "-f", "-y", "-qq", "-s", "4096", "-e", "trace=%file,%network", "-e", "signal=none", "-o", log];
    const finished = await finish(start([...strace, ...argv], options));
    const cwd = options.cwd ?? process.cwd();
    const lines = fs.readFileSync(log, "utf8").split("\n");
    return { ...finished, calls: lines.flatMap((line) => parseCall(line, cwd)) };
  } finally {
    fs.rmSync(directory, { recursive: true });
  }
}

/** Whether a call changes a file or directory, or may do so by what it opens. */
export function isChange({ name, text }: Call): boolean {
  return CHANGING.test(name) || (name.startsWith("open") && WRITING.test(text));
}

/** A call is named where it begins; `<... openat resumed>` tells nothing new. */
function parseCall(line: string, cwd: string): Call[] {
  const [, name, text] = /^\d+ +(\w+)\((.*)$/.exec(line) ?? [];
  if (name === undefined || text === undefined) return [];
  const files = [...text.matchAll(NAME)].map(([, base = cwd, file = ""]) => path.resolve(base, file));
  return [{ name, text, files: filesAmong(files, name) }];
}

/** Other texts are arguments of a program, a link's target, an attribute, or what the kernel answers. */
function filesAmong(texts: readonly string[], call: string): readonly string[] {
  if (call === "getcwd") return [];
  if (call.startsWith("symlink")) return texts.slice(-1);
  return texts.slice(0, /^(link|rename)/.test(call) ? 2 : 1);
}
