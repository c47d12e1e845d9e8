/** The surroundings of one benchmark: its stream, its directories, the environment of its commands. */
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { uses, type Benchmark } from "./benchmarks.ts";
import { measure } from "./measure.ts";
import { makePool, makeTree } from "./pools.ts";
import type { Sample } from "./statistics.ts";
import { cutStream, openStream, type StreamFile, warm } from "./streams.ts";
import type { Workshop } from "./workshop.ts";

/** Where a benchmark takes place; what it has written is gone with it. */
export class Setting {
  readonly stream: StreamFile;
  /** What outputs are written to. */
  readonly medium: string;
  /** Gzip level of the peers. */
  readonly level: number;
  readonly #workshop: Workshop;
  readonly #place: string;
  readonly #disk: string;
  readonly #inputs: { parts: string; tree: string };
  readonly #remove: () => void;

  /** Makes a stream of that size, if it is not there yet, and reads all inputs once. */
  constructor(workshop: Workshop, benchmark: Benchmark, mebibytes: number) {
    this.#workshop = workshop;
    this.stream = openStream(workshop.data, benchmark.flavour, mebibytes);
    this.level = benchmark.level ?? workshop.defaultLevel;
    const { directory, medium } = workshop.scratchFor(benchmark.space * this.stream.bytes);
    this.medium = medium;
    this.#inputs = {
      parts: uses(benchmark, "PARTS") ? cutStream(this.stream, workshop.cores) : "",
      tree: uses(benchmark, "TREE") ? makeTree(path.join(workshop.data, `tree-${mebibytes}`), this.stream.bytes) : "",
    };
    warm([this.stream.path, ...Object.values(this.#inputs).filter((input) => input !== "")]);
    [this.#place, this.#disk] = [
      fs.mkdtempSync(path.join(directory, "ctar-bench-")),
      fs.mkdtempSync(path.join(workshop.data, "ctar-bench-")),
    ];
    this.#remove = () => [this.#place, this.#disk].forEach((made) => fs.rmSync(made, { recursive: true, force: true }));
    process.once("exit", this.#remove);
    fs.mkdirSync(this.#at("keep"));
    if (benchmark.space > 0) this.#touch(benchmark.space * this.stream.bytes);
  }

  /** Runs a command with everything as it was before the first one, but for what `prepare` kept. */
  async run(command: string): Promise<Sample> {
    for (const directory of [this.#at("out"), this.#disk]) {
      fs.rmSync(directory, { recursive: true, force: true });
      fs.mkdirSync(directory);
    }
    makePool(this.#at("pool"), "source", "bench/ct/source");
    return await measure({ command, env: this.#env(), program: this.#workshop.program, outputs: [this.#at("out"), this.#disk] });
  }

  [Symbol.dispose](): void {
    process.off("exit", this.#remove);
    this.#remove();
  }

  /** Fills as much space as will be needed once: memory that a virtual machine has not used yet comes slowly. */
  #touch(bytes: number): void {
    const file = this.#at("touched");
    execFileSync("sh", ["-c", 'cat "$1" "$1" | head -c "$2" >"$3"', "touch", this.stream.path, String(Math.ceil(bytes)), file]);
    fs.rmSync(file);
  }

  #at(name: string): string {
    return path.join(this.#place, name);
  }

  #env(): Record<string, string> {
    const { PATH = "", HOME = "" } = process.env;
    return {
      PATH,
      HOME,
      LC_ALL: "C",
      NO_COLOR: "1",
      TMPDIR: this.#place,
      CTAR: this.#workshop.program,
      CTAR_ZFS: path.join(import.meta.dirname, "zfs"),
      CORES: String(this.#workshop.cores),
      LEVEL: String(this.level),
      BENCH: import.meta.dirname,
      BENCH_POOL: this.#at("pool"),
      BENCH_STREAM: this.stream.path,
      BENCH_STREAM_BYTES: String(this.stream.bytes),
      PARTS: this.#inputs.parts,
      TREE: this.#inputs.tree,
      KEEP: this.#at("keep"),
      OUT: this.#at("out"),
      DISK: this.#disk,
    };
  }
}
