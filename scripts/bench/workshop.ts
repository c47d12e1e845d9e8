/** What all benchmarks share: the program that is measured, and where its data comes from and goes to. */
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import { availableParallelism } from "node:os";
import * as path from "node:path";
import type { BenchOptions } from "./options.ts";

const ROOT = path.join(import.meta.dirname, "../..");
const MEMORY = "/dev/shm";
/** Memory that must be left when outputs are held in it: streams are in the page cache, and programs need some. */
const SPARE_BYTES = 2 * 1024 ** 3;
/** Where help does not name a level. */
const GZIP_LEVEL = 6;

/** A program to measure, and directories to do it in. */
export class Workshop {
  /** Real path of the program. */
  readonly program: string;
  /** What `ctar export --help` says. */
  readonly help: string;
  readonly cores: number = availableParallelism();
  /** Where streams are kept; on disk. */
  readonly data: string;
  readonly #scratch: string | undefined;

  constructor(options: BenchOptions) {
    this.program = fs.realpathSync(process.env["CTAR_BIN"] ?? builtProgram());
    this.help = execFileSync(this.program, ["export", "--help"], { encoding: "utf8" });
    this.data = path.resolve(options.data ?? path.join(ROOT, ".cache/bench"));
    this.#scratch = options.scratch;
  }

  /** Gzip level of an export that names none. */
  get defaultLevel(): number {
    return Number(/^\s*--level .*\(default: (\d+)\)/m.exec(this.help)?.[1] ?? GZIP_LEVEL);
  }

  /** A directory for that many bytes of output: in memory if they fit there, so that no disk is measured. */
  scratchFor(bytes: number): { directory: string; medium: string } {
    if (this.#scratch !== undefined) return { directory: this.#scratch, medium: `in ${this.#scratch}` };
    const fits = fs.existsSync(MEMORY) && freeBytes(MEMORY) > bytes && availableMemory() > bytes + SPARE_BYTES;
    return fits ? { directory: MEMORY, medium: "in memory" } : { directory: this.data, medium: "on disk" };
  }
}

function builtProgram(): string {
  const program = path.join(ROOT, "dist/ctar");
  if (!fs.existsSync(program)) execFileSync(process.execPath, ["scripts/build.ts"], { cwd: ROOT, stdio: "inherit" });
  return program;
}

function freeBytes(directory: string): number {
  const { bavail, bsize } = fs.statfsSync(directory);
  return bavail * bsize;
}

function availableMemory(): number {
  const kibibytes = /^MemAvailable:\s+(\d+) kB$/m.exec(fs.readFileSync("/proc/meminfo", "utf8"))?.[1];
  return Number(kibibytes ?? 0) * 1024;
}
