/** The options of `bun run bench`. */
import { parseArgs } from "node:util";

/** What is to be measured, and what becomes of it. */
export interface BenchOptions {
  /** Only benchmarks whose name matches. */
  readonly only: RegExp | undefined;
  readonly rounds: number;
  /** Size of the basic stream. */
  readonly mebibytes: number;
  /** Sizes of the table of sizes, in GiB. */
  readonly sizes: readonly number[];
  /** Whether docs/performance.md is rewritten. */
  readonly update: boolean;
  /** Whether only the usage is wanted. */
  readonly help: boolean;
  /** Whether only the names of the benchmarks are wanted. */
  readonly list: boolean;
  /** Where streams are kept between runs. */
  readonly data: string | undefined;
  /** Where outputs go; memory where it suffices, if left out. */
  readonly scratch: string | undefined;
}

export const USAGE = `Usage: bun run bench [options]

      --only PATTERN   Benchmarks whose name matches the regular expression
      --rounds N       Runs of every pipeline (default: 5)
      --size MIB       Size of the basic stream (default: 1024)
      --sizes LIST     Sizes that are compared, in GiB, such as 1,4,16; needs that much space (default: none)
      --quick          One round, 64 MiB: does everything work
      --update         Rewrite the sections of docs/performance.md that were measured
      --list           Print the names of the benchmarks
      --data DIR       Where streams are kept (default: CTAR_BENCH_DATA, .cache/bench)
      --scratch DIR    Where outputs go (default: CTAR_BENCH_SCRATCH, /dev/shm where there is room, else the data directory)

CTAR_BIN names the program to measure (default: dist/ctar, built if missing).`;

/** Parses a command line. @throws TypeError, Error saying what is wrong with it */
export function parseOptions(argv: readonly string[], env: Readonly<Record<string, string | undefined>>): BenchOptions {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      only: { type: "string" },
      rounds: { type: "string" },
      size: { type: "string" },
      sizes: { type: "string", default: "" },
      quick: { type: "boolean", default: false },
      update: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
      list: { type: "boolean", default: false },
      data: { type: "string" },
      scratch: { type: "string" },
    },
  });
  return {
    only: values.only === undefined ? undefined : new RegExp(values.only),
    rounds: positive("--rounds", values.rounds ?? (values.quick ? "1" : "5")),
    mebibytes: positive("--size", values.size ?? (values.quick ? "64" : "1024")),
    sizes: values.sizes === "" ? [] : values.sizes.split(",").map((size) => positive("--sizes", size)),
    update: values.update,
    help: values.help,
    list: values.list,
    data: values.data ?? env["CTAR_BENCH_DATA"],
    scratch: values.scratch ?? env["CTAR_BENCH_SCRATCH"],
  };
}

function positive(option: string, text: string): number {
  if (/^[1-9]\d*$/.test(text)) return Number(text);
  throw new Error(`${option} "${text}": a positive integer is wanted`);
}
