/** Which row an object has in a table: pages of a few numbers each, as ZFS hands numbers out one after the other. */

const PAGE_NUMBERS = 64;

/** Rows by object number. */
export class ObjectNumbers {
  /** In each page a row plus 1 for each number, 0 for none. */
  readonly #pages = new Map<number, Uint32Array>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(object: number): number | undefined {
    const row = this.#pages.get(Math.floor(object / PAGE_NUMBERS))?.[object % PAGE_NUMBERS] ?? 0;
    return row === 0 ? undefined : row - 1;
  }

  /** Adds an object that is not there. */
  add(object: number, row: number): void {
    const number = Math.floor(object / PAGE_NUMBERS);
    let page = this.#pages.get(number);
    if (page === undefined) {
      page = new Uint32Array(PAGE_NUMBERS);
      this.#pages.set(number, page);
    }
    page[object % PAGE_NUMBERS] = row + 1;
    this.#size += 1;
  }

  /** Removes an object that is there. */
  remove(object: number): void {
    const page = this.#pages.get(Math.floor(object / PAGE_NUMBERS));
    if (page === undefined) return;
    page[object % PAGE_NUMBERS] = 0;
    this.#size -= 1;
  }

  /** All objects, in order. */
  sorted(): Float64Array {
    const all = new Float64Array(this.#size);
    let count = 0;
    for (const number of Float64Array.from(this.#pages.keys()).toSorted()) {
      this.#pages.get(number)?.forEach((row, index) => {
        if (row !== 0) all[count++] = number * PAGE_NUMBERS + index;
      });
    }
    return all;
  }
}
