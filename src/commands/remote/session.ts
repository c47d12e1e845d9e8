/**
 * One session of ssh, in which a program at the far end takes bytes from its stdin and tells on stderr how far it is. One, since each may ask for a
 * password.
 *
 * Whoever waits for the far end or writes to it is told why the session ended, if it did.
 */
import { EXIT_CODES, type ToolError } from "../../errors.ts";
import type { ByteSink, ByteStream } from "../../stream/bytes.ts";
import { raceAbort } from "../../sys/failure.ts";
import { startChild, type Child } from "../../sys/process.ts";
import { Milestones, type FarEvent, type Milestone } from "./far-events.ts";
import { FarTalk } from "./far-talk.ts";
import type { SessionEnd } from "./remote-failure.ts";

/** How a session is begun. */
export interface SessionOptions {
  /** ssh and its words. */
  readonly argv: readonly string[];
  readonly signal: AbortSignal;
  /** Shows a line that the far end says. */
  readonly show: (line: string) => void;
  /** Told of each event. */
  readonly onEvent: (event: FarEvent) => void;
  /** Makes an error of an end that came too early, or was no success. */
  readonly explain: (end: SessionEnd) => ToolError;
}

/** A success of the far end. */
export interface FarSuccess {
  readonly status: number;
  readonly stdout: string;
}

/** What an import prints is some KiB; of more, which is none of ours, the rest is dropped. */
const RESULT_LIMIT_BYTES = 4 * 1024 * 1024;
/** Time for the far end to undo what it did, once it has no more input. */
const UNDO_MS = 10_000;

/** A session; satisfies the stream room's `ByteSink`. Disposing ends it. */
export class Session implements ByteSink, AsyncDisposable {
  readonly patchable = false;
  readonly #options: SessionOptions;
  readonly #child: Child;
  readonly #talk: FarTalk;
  /** What the far end has said of how far it is. */
  readonly milestones: Milestones;
  /** Rejects with the reason if it was no success. */
  readonly #end: Promise<FarSuccess>;
  #offset = 0;

  private constructor(child: Child, { talk, milestones, options }: { talk: FarTalk; milestones: Milestones; options: SessionOptions }) {
    this.#child = child;
    this.#talk = talk;
    this.milestones = milestones;
    this.#options = options;
    this.#end = this.#watch();
    this.#end.catch((error: unknown) => milestones.fail(error));
  }

  /** Starts ssh. */
  static async start(options: SessionOptions): Promise<Session> {
    const milestones = new Milestones();
    const onEvent = (event: FarEvent): void => {
      milestones.take(event);
      if (event["event"] === "ready") talk.release();
      options.onEvent(event);
    };
    const talk: FarTalk = new FarTalk({ show: options.show, onEvent });
    const child = await startChild(options.argv, "to", { onTerminal: true, onStderr: (chunk) => talk.take(chunk) });
    return new Session(child, { talk, milestones, options });
  }

  /** Waits for the first of these events. @throws ToolError why it will not come */
  async reach(...wanted: readonly Milestone[]): Promise<FarEvent> {
    const first = Promise.race(wanted.map(async (milestone) => await this.milestones.reach(milestone)));
    return await raceAbort(first, this.#options.signal);
  }

  get offset(): number {
    return this.#offset;
  }

  async write(chunks: readonly Uint8Array[]): Promise<void> {
    for (const chunk of chunks) {
      await this.send(chunk);
      this.#offset += chunk.length;
    }
  }

  /** Writes what is no part of the archive. */
  async send(chunk: Uint8Array): Promise<void> {
    if (await raceAbort(this.#child.write(chunk), this.#options.signal)) return;
    const { status, stdout } = await raceAbort(this.#end, this.#options.signal);
    throw this.#options.explain({ exit: { status, signal: null, stderr: "" }, stdout, lines: [], wasReady: true });
  }

  /** The last chunks may still be on their way, of which {@link finish} learns. */
  async flush(): Promise<void> {
    return await Promise.resolve();
  }

  async patch(): Promise<never> {
    return await Promise.reject(new TypeError("a session cannot be patched"));
  }

  /** Ends the input and waits for the far end to say that it has done all. @throws ToolError */
  async finish(): Promise<FarSuccess> {
    this.#child.closeInput();
    return await raceAbort(this.#end, this.#options.signal);
  }

  /** Ends the input before all was sent, and gives the far end time to undo. @returns its success, which it may have had all the same */
  async abandon(): Promise<FarSuccess | undefined> {
    if (this.milestones.ready === undefined) return undefined;
    this.#child.closeInput();
    const late = AbortSignal.timeout(UNDO_MS);
    return await raceAbort(this.#end, late).catch(() => undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child[Symbol.asyncDispose]();
  }

  async #watch(): Promise<FarSuccess> {
    const stdout = await collectText(this.#child.stdout());
    const exit = await this.#child.wait();
    const lines = this.#talk.end();
    const { ready, accepted } = this.milestones;
    const wasReady = ready !== undefined;
    const isSuccess = exit.status === EXIT_CODES.done || exit.status === EXIT_CODES.losses;
    if (!isSuccess || !wasReady || accepted === undefined) throw this.#options.explain({ exit, lines, stdout, wasReady });
    for (const line of lines) this.#options.show(line);
    return { status: exit.status, stdout };
  }
}

/** The beginning of what a program prints, to the end of which it is read. */
async function collectText(stream: ByteStream): Promise<string> {
  const chunks: Uint8Array[] = [];
  let total = 0;
  for await (const chunk of stream) {
    if (total < RESULT_LIMIT_BYTES) chunks.push(chunk);
    total += chunk.length;
  }
  return Buffer.concat(chunks).toString("utf8");
}
