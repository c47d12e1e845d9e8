/**
 * Windows on a stream that can be read again. What was read ahead for one file serves the next, so there is one window, and a further one for
 * each reading that goes on while another waits.
 */
import type { SeekableSource } from "../../stream/bytes.ts";
import { RecordWindow } from "../dmu/record-window.ts";

/** The windows of one stream. */
export class StreamWindows {
  readonly #source: SeekableSource;
  readonly #start: number;
  readonly #idle: RecordWindow[] = [];

  /** @param start where the stream begins in its source */
  constructor(source: SeekableSource, start: number) {
    this.#source = source;
    this.#start = start;
  }

  /** A window that nobody uses, somewhere in the stream. */
  take(): RecordWindow {
    return this.#idle.pop() ?? new RecordWindow(new SourcePart(this.#source, this.#start));
  }

  /** Takes a window back that goes on working. */
  giveBack(window: RecordWindow): void {
    this.#idle.push(window);
  }
}

/** What stands in a source from a place on, wherever else that is read in the meantime. */
class SourcePart implements SeekableSource {
  readonly #source: SeekableSource;
  readonly #start: number;
  #offset = 0;

  constructor(source: SeekableSource, start: number) {
    this.#source = source;
    this.#start = start;
  }

  get size(): number {
    return this.#source.size - this.#start;
  }

  get offset(): number {
    return this.#offset;
  }

  seek(offset: number): void {
    this.#offset = offset;
  }

  async read(maxBytes: number): Promise<Uint8Array | undefined> {
    this.#source.seek(this.#start + this.#offset);
    const chunk = await this.#source.read(maxBytes);
    this.#offset += chunk?.length ?? 0;
    return chunk;
  }

  async skip(count: number): Promise<number> {
    const step = Math.max(0, Math.min(count, this.size - this.#offset));
    this.#offset += step;
    return await Promise.resolve(step);
  }
}
