/** Worker threads: the same source, and one shared piece of memory, on another core. */
import { Worker } from "node:worker_threads";

/** What a thread is given, and what it answers; more of either is up to whoever wrote the thread's file. */
type Message = Readonly<Record<string, unknown>>;

/** A thread that answers requests in the order they came. Closing ends it; an idle one does not keep the process alive. */
export class Thread {
  readonly #worker: Worker;
  readonly #waiting: PromiseWithResolvers<unknown>[] = [];
  #failure: Error | undefined;

  /** @param file its source, relative to `src/`, without suffix; it is an entry point of its own in scripts/compile.ts */
  constructor(file: string, memory: SharedArrayBuffer) {
    this.#worker = new Worker(entryPoint(file), { workerData: memory });
    this.#worker.unref();
    this.#worker.on("message", (answer: unknown) => this.#waiting.shift()?.resolve(answer));
    this.#worker.on("error", (error) => this.#fail(error as Error));
    this.#worker.on("exit", () => this.#fail(new Error("a thread ended")));
  }

  /** Requests that are not answered yet. */
  get pending(): number {
    return this.#waiting.length;
  }

  /** Sends a request. @throws Error whatever ended the thread: a bug of ours */
  async ask<Answer>(request: Message): Promise<Answer> {
    if (this.#failure !== undefined) throw this.#failure;
    const waiting = Promise.withResolvers<unknown>();
    this.#waiting.push(waiting);
    this.#worker.ref();
    this.#worker.postMessage(request);
    try {
      return (await waiting.promise) as Answer;
    } finally {
      if (this.#waiting.length === 0) this.#worker.unref();
    }
  }

  close(): void {
    this.#failure ??= new Error("the thread is closed");
    void this.#worker.terminate();
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const waiting of this.#waiting.splice(0)) waiting.reject(this.#failure);
  }
}

/** In a compiled program the entry points lie under their names, in JavaScript. */
function entryPoint(file: string): URL {
  const compiled = import.meta.url.startsWith("file:///$bunfs/");
  return compiled ? new URL(`file:///$bunfs/root/${file}.js`) : new URL(`../${file}.ts`, import.meta.url);
}
