/**
 * How far a run is: plain counters, which whoever moves bytes adds to and whoever shows them reads when it likes.
 *
 * A run is a list of steps, each of which moves bytes of its own: an export has one for each stream, an import one for the archive. Of those that
 * are planned the sizes are known before they begin, by which the whole is known. Within a step the data of one dataset after the other may pass.
 */

import type { ByteObserver } from "./digest.ts";

/** What a part of a run is about. */
export interface Part {
  /** What is done: `base`, `import`, ...; `prepare` before anything is. */
  readonly phase: string;
  /** The dataset, relative to the container's; "" is that, and null where there is none. */
  readonly dataset?: string | null;
  /** How many bytes are expected of it. */
  readonly total?: number | undefined;
}

/** How far a run is, and the part that it is at; sizes in bytes, a total is never less than what has passed. */
export interface ProgressView {
  readonly phase: string;
  readonly dataset: string | null;
  readonly bytes: number;
  readonly total: number | undefined;
  readonly datasetBytes: number;
  readonly datasetTotal: number | undefined;
  /** Whether all that was to be done is done. */
  readonly done: boolean;
}

/** Where a part began, and what is expected of it. */
interface Stretch {
  from: number;
  total: number | undefined;
}

/** The progress of one run; looks on where bytes pass. */
export class Progress implements ByteObserver {
  /** Bytes that have passed so far. */
  bytes = 0;
  #planned: (number | undefined)[] = [];
  #step: Stretch = { from: 0, total: undefined };
  #part: Stretch = this.#step;
  #phase = "prepare";
  #dataset: string | null = null;
  #elsewhere: (() => number) | undefined;
  #isDone = false;

  /** Announces steps, with as many bytes as are expected of each. */
  plan(totals: readonly (number | undefined)[]): void {
    this.#planned.push(...totals);
  }

  /** Begins the next step; its total is the one that was planned, if it was. */
  begin(part: Part): void {
    const isPlanned = this.#planned.length > 0;
    this.#step = { from: this.bytes, total: isPlanned ? this.#planned.shift() : part.total };
    this.enter({ ...part, total: this.#step.total });
  }

  /** Begins a part of the step. */
  enter({ phase, dataset = null, total }: Part): void {
    this.#phase = phase;
    this.#dataset = dataset;
    this.#part = { from: this.bytes, total };
  }

  update(chunk: Uint8Array): void {
    this.bytes += chunk.length;
  }

  /** Counts what somebody else moves, until that settles. @param bytes how much that is so far, asked for when progress is shown */
  async follow<T>(bytes: () => number, moving: Promise<T>): Promise<T> {
    this.#elsewhere = bytes;
    try {
      return await moving;
    } finally {
      this.bytes += bytes();
      this.#elsewhere = undefined;
    }
  }

  /** Everything has been done. */
  finish(): void {
    this.#isDone = true;
  }

  /** Looks how far it is. */
  look(): ProgressView {
    const bytes = this.bytes + (this.#elsewhere?.() ?? 0);
    return {
      phase: this.#phase,
      dataset: this.#dataset,
      bytes,
      total: this.#isDone ? bytes : this.#totalAt(bytes),
      datasetBytes: bytes - this.#part.from,
      datasetTotal: atLeast(bytes - this.#part.from, this.#part.total),
      done: this.#isDone,
    };
  }

  #totalAt(bytes: number): number | undefined {
    const { from, total } = this.#step;
    const all = [atLeast(bytes - from, total), ...this.#planned];
    return all.reduce((sum, one) => (sum === undefined || one === undefined ? undefined : sum + one), from);
  }
}

function atLeast(bytes: number, total: number | undefined): number | undefined {
  return total === undefined ? undefined : Math.max(bytes, total);
}
