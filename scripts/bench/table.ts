/** Results as Markdown. */
import { spreadOf, type Sample, type Spread, type Verdict } from "./statistics.ts";

/** A benchmark's results, in the order in which they are to be shown. */
export interface Results {
  readonly streamBytes: number;
  readonly samples: ReadonlyMap<string, readonly Sample[]>;
}

const MIB = 1024 * 1024;
const GIB = 1024 * MIB;
const MEGABYTE = 1e6;

/** One line a pipeline: time, throughput of the stream, processor time, memory of ctar, output. */
export function pipelineTable({ streamBytes, samples }: Results): string {
  const head = ["", "seconds", "MiB/s", "CPU seconds", "peak MB", "output MiB"];
  const rows = [...samples].map(([name, runs]) => {
    const seconds = spreadOf(runs.map(({ wallSeconds }) => wallSeconds));
    return [
      name,
      formatSpread(seconds),
      (streamBytes / MIB / seconds.median).toFixed(0),
      cpuOf(runs).toFixed(2),
      peakOf(runs),
      outputOf(runs),
    ];
  });
  return markdownTable(head, rows);
}

/** One line a pipeline and size, per GiB of the stream. */
export function sizesTable(sizes: ReadonlyMap<number, Results>): string {
  const head = ["", "GiB", "seconds", "seconds per GiB", "CPU seconds per GiB", "peak MB"];
  const names = new Set([...sizes.values()].flatMap(({ samples }) => [...samples.keys()]));
  const rows: string[][] = [];
  for (const name of names) {
    for (const [gibibytes, { streamBytes, samples }] of sizes) {
      const runs = samples.get(name) ?? [];
      const seconds = spreadOf(runs.map(({ wallSeconds }) => wallSeconds));
      const per = GIB / streamBytes;
      const perGib = [seconds.median * per, cpuOf(runs) * per].map((number) => number.toFixed(2));
      rows.push([name, String(gibibytes), formatSpread(seconds), ...perGib, peakOf(runs)]);
    }
  }
  return markdownTable(head, rows);
}

/** One line a short command, in milliseconds. */
export function latencyTable(commands: ReadonlyMap<string, { milliseconds: readonly number[]; atMost?: number }>): string {
  const rows = [...commands].map(([name, { milliseconds, atMost }]) => {
    const spread = spreadOf(milliseconds);
    return [
      name,
      formatSpread(spread, 1),
      atMost === undefined ? "" : `at most ${atMost}`,
      atMost === undefined ? "" : outcome(spread.median <= atMost),
    ];
  });
  return markdownTable(["", "milliseconds", "wanted", ""], rows);
}

/** One line a claim; nothing where nothing is claimed. */
export function verdictTable(verdicts: readonly Verdict[]): string {
  if (verdicts.length === 0) return "";
  const rows = verdicts.map(({ claim: { ours, theirs, quantity, atLeast, atMost }, ratio, holds }) => {
    const wanted = atLeast === undefined ? `at most ${atMost}` : `at least ${atLeast}`;
    return [`${quantity} of ${ours} / ${theirs}`, ratio.toFixed(3), wanted, outcome(holds)];
  });
  return markdownTable(["ratio", "measured", "wanted", ""], rows);
}

/** "holds" or "does not hold", the latter in bold. */
export function outcome(holds: boolean): string {
  return holds ? "holds" : "**does not hold**";
}

function formatSpread({ median, least, most }: Spread, digits = 2): string {
  return least === most ? median.toFixed(digits) : `${median.toFixed(digits)} (${least.toFixed(digits)} – ${most.toFixed(digits)})`;
}

function cpuOf(runs: readonly Sample[]): number {
  return spreadOf(runs.map(({ cpuSeconds }) => cpuSeconds)).median;
}

function peakOf(runs: readonly Sample[]): string {
  const peak = Math.max(...runs.map(({ peakBytes }) => peakBytes));
  return peak > 0 ? (peak / MEGABYTE).toFixed(0) : "";
}

function outputOf(runs: readonly Sample[]): string {
  const bytes = spreadOf(runs.map(({ outputBytes }) => outputBytes)).median;
  return bytes > 0 ? (bytes / MIB).toFixed(1) : "";
}

/** A table; all columns but the first are numbers. */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  const rule = head.map((_, index) => (index === 0 ? "---" : "---:"));
  return [line(head), line(rule), ...rows.map(line)].join("\n");
}
