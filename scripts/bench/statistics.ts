/** Numbers of several runs, and what is claimed of them. */

/** Middle and ends of a list of numbers. */
export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

/** One run of a pipeline. */
export interface Sample {
  readonly wallSeconds: number;
  /** User and system time of all its processes. */
  readonly cpuSeconds: number;
  /** What others took of the processors meanwhile, in processor seconds. */
  readonly othersSeconds: number;
  /** Peak resident set size of ctar alone; 0 where it takes no part. */
  readonly peakBytes: number;
  /** All that was written to files. */
  readonly outputBytes: number;
}

/** What is to be compared: the time it takes, how much it gets through in a time, or the size of what it writes. */
export type Quantity = "time" | "speed" | "size";

/** What one pipeline is to be in terms of another. */
export interface Claim {
  readonly ours: string;
  readonly theirs: string;
  readonly quantity: Quantity;
  readonly atLeast?: number;
  readonly atMost?: number;
}

/** A claim, measured. */
export interface Verdict {
  readonly claim: Claim;
  readonly ratio: number;
  readonly holds: boolean;
}

/** Median, least and most of at least one number. */
export function spreadOf(numbers: readonly number[]): Spread {
  const sorted = numbers.toSorted((a, b) => a - b);
  const at = (index: number): number => sorted[index] ?? Number.NaN;
  const middle = (sorted.length - 1) / 2;
  return { median: (at(Math.floor(middle)) + at(Math.ceil(middle))) / 2, least: at(0), most: at(sorted.length - 1) };
}

/** Holds a claim against the medians; undefined if one of the two was not run. */
export function judge(claim: Claim, samples: ReadonlyMap<string, readonly Sample[]>): Verdict | undefined {
  const ours = quantityOf(claim.quantity, samples.get(claim.ours));
  const theirs = quantityOf(claim.quantity, samples.get(claim.theirs));
  if (ours === undefined || theirs === undefined) return undefined;
  const ratio = ours / theirs;
  return { claim, ratio, holds: ratio >= (claim.atLeast ?? 0) && ratio <= (claim.atMost ?? Number.POSITIVE_INFINITY) };
}

/** The largest share of the processors that others took while one of these ran, 0 to 1. */
export function disturbance(samples: readonly Sample[], cores: number): number {
  return Math.max(0, ...samples.map(({ othersSeconds, wallSeconds }) => othersSeconds / (wallSeconds * cores)));
}

function quantityOf(quantity: Quantity, samples: readonly Sample[] = []): number | undefined {
  if (samples.length === 0) return undefined;
  const seconds = spreadOf(samples.map(({ wallSeconds }) => wallSeconds)).median;
  switch (quantity) {
    case "time":
      return seconds;
    case "speed":
      return 1 / seconds;
    case "size":
      return spreadOf(samples.map(({ outputBytes }) => outputBytes)).median;
  }
}
