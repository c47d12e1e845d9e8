/**
 * Things that come one after the other, of which most are at hand and some take waiting for. An async generator waits for every one of them, which
 * of a million small files takes longer than what is done with them.
 */

/** Gives what is at hand at once, and a promise of what is not; undefined at the end. */
export abstract class Steps<T extends object> implements AsyncIterable<T> {
  /** To be called again only when the promise it gave is settled. */
  abstract next(): T | undefined | Promise<T | undefined>;

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    for (let step = await this.next(); step !== undefined; step = await this.next()) yield step;
  }
}

/** What a generator gives, as steps that all have to be waited for. */
export function stepsOf<T extends object>(generator: AsyncIterable<T>): Steps<T> {
  return new WaitedSteps(generator);
}

/** Makes something of each step. */
export function mapSteps<From extends object, To extends object>(steps: Steps<From>, make: (step: From) => To): Steps<To> {
  return new MappedSteps(steps, make);
}

class MappedSteps<From extends object, To extends object> extends Steps<To> {
  readonly #steps: Steps<From>;
  readonly #make: (step: From) => To;

  constructor(steps: Steps<From>, make: (step: From) => To) {
    super();
    this.#steps = steps;
    this.#make = make;
  }

  override next(): To | undefined | Promise<To | undefined> {
    const step = this.#steps.next();
    if (step instanceof Promise) return step.then((late) => late && this.#make(late));
    return step && this.#make(step);
  }
}

class WaitedSteps<T extends object> extends Steps<T> {
  readonly #iterator: AsyncIterator<T>;

  constructor(generator: AsyncIterable<T>) {
    super();
    this.#iterator = generator[Symbol.asyncIterator]();
  }

  override async next(): Promise<T | undefined> {
    const step = await this.#iterator.next();
    return step.done === true ? undefined : step.value;
  }
}
