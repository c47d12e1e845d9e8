import { describe, expect, test } from "bun:test";
import { mapSteps, Steps, stepsOf } from "../../src/stream/steps.ts";

type Number = { number: number };

/** Counts to three; what `waits` names comes late. */
class Counting extends Steps<Number> {
  readonly #waits: readonly number[];
  #number = 0;

  constructor(waits: readonly number[]) {
    super();
    this.#waits = waits;
  }

  override next(): Number | undefined | Promise<Number | undefined> {
    this.#number += 1;
    const step = this.#number > 3 ? undefined : { number: this.#number };
    return this.#waits.includes(this.#number) ? Promise.resolve(step) : step;
  }
}

describe("Steps", () => {
  test.each([[[]], [[1]], [[2, 3]], [[4]]])("can be iterated, where %j come late", async (waits) => {
    expect(await Array.fromAsync(new Counting(waits))).toEqual([{ number: 1 }, { number: 2 }, { number: 3 }]);
  });

  test("that are mapped wait only where the others wait", async () => {
    const doubled = mapSteps(new Counting([2, 4]), ({ number }) => ({ number: number * 2 }));
    expect(doubled.next()).toEqual({ number: 2 });
    expect(doubled.next()).toBeInstanceOf(Promise);
    expect(doubled.next()).toEqual({ number: 6 });
    expect(await doubled.next()).toBeUndefined();
  });

  test("of a generator all wait", async () => {
    const steps = stepsOf(new Counting([]));
    expect(await steps.next()).toEqual({ number: 1 });
    expect(await Array.fromAsync(steps)).toEqual([{ number: 2 }, { number: 3 }]);
  });
});
