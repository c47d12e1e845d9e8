/**
 * Watches a ZFS stream pass, record by record, so that a stream that was cut off, or never was one, does not look complete. What is checked
 * is the frame: BEGIN first, every record whole, END last, packages closed.
 */
import { damaged } from "../../errors.ts";
import type { ByteStream } from "../../stream/bytes.ts";
import { DRR, RECORD_BYTES, RecordDecoder, type BeginRecord } from "./record.ts";

/** What a stream's records say, complete once it has passed. */
export interface StreamSummary {
  records: number;
  /** The snapshot the stream ends at; of a package, the last one. */
  last: BeginRecord | undefined;
  /** Guid of the snapshot the stream starts from, 0 for a full one. */
  fromGuid: bigint;
}

/** An empty summary, to be filled by {@link checkedStream}. */
export function emptySummary(): StreamSummary {
  return { records: 0, last: undefined, fromGuid: 0n };
}

/**
 * Passes a stream through while checking its frame.
 *
 * @param what what messages call it
 * @throws ToolError damaged, with the offset in the stream, in place of the end that was promised
 */
export async function* checkedStream(source: ByteStream, what: string, summary: StreamSummary): ByteStream {
  const frame = new Frame(summary);
  for await (const chunk of source) {
    frame.feed(chunk);
    yield chunk;
  }
  frame.finish(what);
}

/** Where in a package we are: before anything, inside a stream, between the streams of a package, behind the end. */
type Position = "start" | "header" | "stream" | "between" | "done";

class Frame {
  readonly #summary: StreamSummary;
  readonly #decoder = new RecordDecoder();
  readonly #record = new Uint8Array(RECORD_BYTES);
  readonly #view = new DataView(this.#record.buffer);
  #have = 0;
  #payloadLeft = 0;
  #offset = 0;
  #position: Position = "start";
  #inPackage = false;

  constructor(summary: StreamSummary) {
    this.#summary = summary;
  }

  feed(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#payloadLeft > 0) {
        const step = Math.min(this.#payloadLeft, chunk.length - at);
        this.#payloadLeft -= step;
        at += step;
        continue;
      }
      const step = Math.min(RECORD_BYTES - this.#have, chunk.length - at);
      this.#record.set(chunk.subarray(at, at + step), this.#have);
      this.#have += step;
      at += step;
      if (this.#have === RECORD_BYTES) this.#take(this.#offset + at - RECORD_BYTES);
    }
    this.#offset += chunk.length;
  }

  finish(what: string): void {
    const whole = this.#have === 0 && this.#payloadLeft === 0;
    if (this.#position === "done" && whole) return;
    const reason = this.#offset === 0 ? "it is empty" : "it is cut off before its END record";
    throw damaged(`Cannot read ZFS stream "${what}": ${reason}`, { offset: this.#offset });
  }

  #take(offset: number): void {
    this.#have = 0;
    this.#summary.records += 1;
    if (this.#position === "start") this.#begin(offset);
    else {
      const type = this.#decoder.type(this.#view, offset);
      if (type === DRR.begin) this.#begin(offset);
      else if (type === DRR.end) this.#end(offset);
      else if (this.#position !== "stream") throw damaged("Cannot read ZFS stream: a record stands outside BEGIN and END", { offset });
    }
    const type = this.#decoder.type(this.#view, offset);
    this.#payloadLeft = this.#decoder.payloadBytes(this.#view, type, offset);
  }

  #begin(offset: number): void {
    const begin = this.#decoder.begin(this.#view, offset);
    const first = this.#position === "start";
    if (!first && this.#position !== "between")
      throw damaged("Cannot read ZFS stream: BEGIN inside a stream or behind its end", { offset });
    if (!first && begin.compound) throw damaged("Cannot read ZFS stream: a package inside a package", { offset });
    this.#inPackage ||= begin.compound;
    this.#position = begin.compound ? "header" : "stream";
    if (begin.compound) return;
    if (this.#summary.last === undefined) this.#summary.fromGuid = begin.fromGuid;
    this.#summary.last = begin;
  }

  #end(offset: number): void {
    if (this.#position === "header") this.#position = "between";
    else if (this.#position === "stream") this.#position = this.#inPackage ? "between" : "done";
    else if (this.#position === "between") this.#position = "done";
    else throw damaged("Cannot read ZFS stream: data behind its END record", { offset });
  }
}
