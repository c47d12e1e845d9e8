/**
 * A column of a table with a row for each object or extent: numbers in typed arrays, a new one for each so many rows. A million rows of a
 * dozen columns are a hundred bytes each, where as many JavaScript objects would be a gigabyte.
 */

type Numbers = Float64Array | Uint32Array | Uint16Array | Uint8Array;

const PART_BITS = 14;
const PART_ROWS = 1 << PART_BITS;

/** Numbers by row; 0 where nothing was set. */
export class Column {
  readonly #parts: Numbers[] = [];
  readonly #make: () => Numbers;

  constructor(kind: keyof typeof MAKERS) {
    this.#make = MAKERS[kind];
  }

  get(row: number): number {
    return this.#parts[row >>> PART_BITS]?.[row & (PART_ROWS - 1)] ?? 0;
  }

  set(row: number, value: number): void {
    let part = this.#parts[row >>> PART_BITS];
    while (part === undefined) {
      this.#parts.push(this.#make());
      part = this.#parts[row >>> PART_BITS];
    }
    part[row & (PART_ROWS - 1)] = value;
  }
}

const MAKERS = {
  float64: (): Numbers => new Float64Array(PART_ROWS),
  uint32: (): Numbers => new Uint32Array(PART_ROWS),
  uint16: (): Numbers => new Uint16Array(PART_ROWS),
  uint8: (): Numbers => new Uint8Array(PART_ROWS),
};
