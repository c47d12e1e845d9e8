/**
 * Digests taken where it is best: on another thread, since SHA-256 runs at under 2 GiB/s and whoever moves a stream that fast should not wait
 * for it (the bytes are copied, which costs a tenth of hashing them); here, where all threads are busy; or not at all, but for the size.
 */
import { Thread } from "../../sys/thread.ts";
import { Digester, digestOf, type Digest, type DigestTaker, type Measure } from "../digest.ts";
import type { Request } from "./worker.ts";

/** Where a digest is taken; `nowhere` only counts. */
export type DigestPlace = "thread" | "here" | "nowhere";

const SLOT_BYTES = 1024 * 1024;
const SLOTS = 4;

/** Begins a digest. */
export function openDigest(place: DigestPlace): DigestTaker {
  if (place === "thread" && !("Deno" in globalThis)) return new ThreadDigest();
  return place === "nowhere" ? new Count() : new HereDigest();
}

/** At most 4 MiB behind the giver. What fits into the first slot is not worth a thread. */
class ThreadDigest implements DigestTaker {
  readonly #memory = new SharedArrayBuffer(SLOTS * SLOT_BYTES);
  readonly #bytes = new Uint8Array(this.#memory);
  #thread: Thread | undefined;
  readonly #queue: Promise<unknown>[] = [];
  #at = 0;
  #filled = 0;

  async update(chunk: Uint8Array): Promise<void> {
    for (let done = 0; done < chunk.length;) {
      const step = Math.min(chunk.length - done, SLOT_BYTES - this.#filled);
      this.#bytes.set(chunk.subarray(done, done + step), this.#at + this.#filled);
      this.#filled += step;
      done += step;
      if (this.#filled === SLOT_BYTES) await this.#send();
    }
  }

  async finish(): Promise<Digest> {
    if (this.#thread === undefined) return digestOf(this.#bytes.subarray(0, this.#filled));
    await this.#send();
    await Promise.all(this.#queue);
    return await this.#thread.ask<Digest>({ do: "finish" } satisfies Request);
  }

  [Symbol.dispose](): void {
    this.#thread?.close();
    void Promise.allSettled(this.#queue);
  }

  /** Hands a slot over, and waits until the next one is free. */
  async #send(): Promise<void> {
    this.#thread ??= new Thread("stream/threads/worker", this.#memory);
    this.#queue.push(this.#thread.ask({ do: "digest", at: this.#at, length: this.#filled } satisfies Request));
    this.#at = (this.#at + SLOT_BYTES) % this.#bytes.length;
    this.#filled = 0;
    if (this.#queue.length === SLOTS) await this.#queue.shift();
  }
}

class HereDigest implements DigestTaker {
  readonly #digester = new Digester();

  update(chunk: Uint8Array): void {
    this.#digester.update(chunk);
  }

  async finish(): Promise<Digest> {
    return await Promise.resolve(this.#digester.finish());
  }

  [Symbol.dispose](): void {}
}

class Count implements DigestTaker {
  #bytes = 0;

  update(chunk: Uint8Array): void {
    this.#bytes += chunk.length;
  }

  async finish(): Promise<Measure> {
    return await Promise.resolve({ bytes: this.#bytes });
  }

  [Symbol.dispose](): void {}
}
