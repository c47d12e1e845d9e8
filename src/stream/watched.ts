/** A stream that somebody reads along with, for what it is: one reading, two readers, neither more than a chunk ahead of the other. */
import type { ByteStream } from "./bytes.ts";

/**
 * Passes a stream through while it is looked at.
 *
 * @param watch reads all of the bytes that it is given; what it throws is thrown here, at the latest where the end would be
 */
export async function* watched(source: ByteStream, watch: (bytes: ByteStream) => Promise<void>): ByteStream {
  const handover = new Handover();
  let failure: { error: unknown } | undefined;
  const watching = watch(handover.taken())
    .catch((error: unknown) => void (failure = { error }))
    .finally(() => handover.close());
  const assertFine = (): void => {
    if (failure !== undefined) throw failure.error;
  };
  try {
    for await (const chunk of source) {
      await handover.give(chunk);
      assertFine();
      yield chunk;
    }
    await handover.give(undefined);
    await watching;
    assertFine();
  } finally {
    handover.abandon();
    await watching;
  }
}

/** Chunks from hand to hand: each is given when it is asked for. */
class Handover {
  #asked = Promise.withResolvers<void>();
  #given = promised();
  #isClosed = false;

  /** Gives a chunk, or the end, once the other side wants it or wants no more. */
  async give(chunk: Uint8Array | undefined): Promise<void> {
    await this.#asked.promise;
    if (this.#isClosed) return;
    const { resolve } = this.#given;
    this.#asked = Promise.withResolvers();
    this.#given = promised();
    resolve(chunk);
  }

  async *taken(): ByteStream {
    for (;;) {
      const { promise } = this.#given;
      this.#asked.resolve();
      const chunk = await promise;
      if (chunk === undefined) return;
      yield chunk;
    }
  }

  /** Nothing more is wanted. */
  close(): void {
    this.#isClosed = true;
    this.#asked.resolve();
  }

  /** Nothing more is given, though the end has not come. */
  abandon(): void {
    this.#given.reject(new Error("the stream was left before its end"));
  }
}

/** A promise whose rejection nobody has to hear. */
function promised(): PromiseWithResolvers<Uint8Array | undefined> {
  const promise = Promise.withResolvers<Uint8Array | undefined>();
  promise.promise.catch(() => undefined);
  return promise;
}
