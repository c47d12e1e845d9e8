/**
 * How much content may come of what is stored.
 *
 * A few kilobytes can decompress to as many terabytes, nothing in an image says how large a layer becomes, and a list of layers can name the same
 * one a thousand times. Data of people is seldom compressed to less than a hundredth; so what becomes larger than 1 GiB and than 250 times of
 * what is stored is refused: of one image, and of all different layers of an archive.
 */
import { damaged } from "../../errors.ts";

const LIMIT = 250;
const FREE_BYTES = 1024 ** 3;

/** How far a reading has come, in bytes. */
export interface Progress {
  readonly stored: number;
  readonly content: number;
}

/** Counts what is read of one archive, or of one image of it. */
export class Expansion {
  readonly #whole: Expansion | undefined;
  /** The most that was read of each blob. */
  readonly #stored = new Map<string, number>();
  /** The most that came of each use. */
  readonly #content = new Map<unknown, number>();
  #storedBytes = 0;
  #contentBytes = 0;

  /** @param whole what this is a part of */
  constructor(whole?: Expansion) {
    this.#whole = whole;
  }

  /**
   * Notes how far a reading has come.
   *
   * @param blob what is read, as messages call it
   * @param use where it is needed; reading it again for that counts once
   * @throws ToolError damaged if it is too much
   */
  note(blob: string, use: unknown, { stored, content }: Progress): void {
    this.#storedBytes += growth(this.#stored, blob, stored);
    this.#contentBytes += growth(this.#content, use, content);
    if (this.#contentBytes > Math.max(FREE_BYTES, LIMIT * this.#storedBytes)) throw tooLarge(blob, this.#storedBytes);
    this.#whole?.note(blob, blob, { stored, content });
  }
}

/** Raises what is known of something. @returns by how much */
function growth<Key>(known: Map<Key, number>, key: Key, bytes: number): number {
  const before = known.get(key) ?? 0;
  if (bytes <= before) return 0;
  known.set(key, bytes);
  return bytes - before;
}

function tooLarge(blob: string, stored: number): Error {
  return damaged(`Cannot read "${blob}": with it, what is stored in ${stored} bytes becomes more than 1 GiB and ${LIMIT} times of that`, {
    facts: { stored },
  });
}
