/**
 * What the far end writes to stderr, line by line: events for us, and talk for people, shown behind the name of the host.
 *
 * Talk is kept back where it is going to be the reason of a failure: what comes before the far end is ready (ssh's own words, those of a shell that finds
 * no ctar, an import that refuses), and the last words of an import, or of ssh, that failed afterwards.
 */
import { StringDecoder } from "node:string_decoder";
import { parseEvent } from "./far-events.ts";

/** Longer lines are cut; events are shorter. */
const LINE_LIMIT = 16 * 1024;
/** Lines that are kept back. */
const KEPT_LINES = 100;
/** How a last word begins: ctar's, and ssh's of a connection that broke. */
const LAST_WORDS = /^(error: |client_loop: |Connection (to|closed|reset) |Timeout, server |packet_write_wait: |ssh: )/;

/** Who is told. */
export interface FarTalkOptions {
  /** Shows a line. */
  readonly show: (line: string) => void;
  readonly onEvent: (event: Readonly<Record<string, unknown>>) => void;
}

/** The talk of one session. */
export class FarTalk {
  readonly #options: FarTalkOptions;
  readonly #decoder = new StringDecoder("utf8");
  #line = "";
  #isKeeping = true;
  #kept: string[] = [];

  constructor(options: FarTalkOptions) {
    this.#options = options;
  }

  /** Takes what has come. */
  take(chunk: Uint8Array): void {
    const [first = "", ...others] = this.#decoder.write(Buffer.from(chunk)).split("\n");
    this.#append(first);
    for (const text of others) {
      this.#takeLine();
      this.#append(text);
    }
  }

  /** The far end is ready: what it said until now was no reason to fail. */
  release(): void {
    this.#isKeeping = false;
    for (const line of this.#kept.splice(0)) this.#options.show(line);
  }

  /** The lines that are kept back. */
  end(): string[] {
    if (this.#line !== "") this.#takeLine();
    return this.#kept;
  }

  #append(text: string): void {
    if (this.#line.length < LINE_LIMIT) this.#line += text.slice(0, LINE_LIMIT - this.#line.length);
  }

  #takeLine(): void {
    const line = this.#line.replace(/\r$/, "");
    this.#line = "";
    const event = parseEvent(line);
    if (event !== undefined) return this.#options.onEvent(event);
    if (LAST_WORDS.test(line)) this.#isKeeping = true;
    if (!this.#isKeeping) return this.#options.show(line);
    this.#kept = [...this.#kept, line].slice(-KEPT_LINES);
  }
}
