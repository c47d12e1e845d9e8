/** How fast something goes, of late: the mean over the last seconds, which is steady enough to be read and follows a change before long. */

/** What it is the mean of. */
const WINDOW_MS = 10_000;
/** Less time tells nothing. */
const SHORTEST_MS = 200;

/** A rate, by looks at a counter. */
export class Rate {
  /** The first is the last one from before the window, so that there is one to compare with however rarely it is looked. */
  readonly #looks: { atMs: number; bytes: number }[];

  /** @param atMs the time, in milliseconds, of no bytes */
  constructor(atMs: number) {
    this.#looks = [{ atMs, bytes: 0 }];
  }

  /** Takes a look. @returns bytes per second, undefined as long as that cannot be said */
  look(atMs: number, bytes: number): number | undefined {
    while ((this.#looks[1]?.atMs ?? atMs) <= atMs - WINDOW_MS) this.#looks.shift();
    const first = this.#looks[0];
    this.#looks.push({ atMs, bytes });
    if (first === undefined || atMs - first.atMs < SHORTEST_MS) return undefined;
    return Math.max(0, ((bytes - first.bytes) * 1000) / (atMs - first.atMs));
  }
}
