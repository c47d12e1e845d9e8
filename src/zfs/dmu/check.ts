/**
 * Watches a ZFS stream pass, record by record, so that a stream that was cut off, was damaged or never was one does not look complete. What is
 * checked is the frame (BEGIN first, every record whole, END last, packages closed) and the checksums: a running Fletcher-4 goes through the
 * whole stream, every record carries what it was in front of its own checksum field, and END what it was in front of END.
 *
 * @see OpenZFS `module/zfs/dmu_send.c` (`dump_record`), `module/zfs/dmu_recv.c` (`receive_read_record`), `lib/libzfs/libzfs_sendrecv.c`
 */
import type { ByteStream } from "../../stream/bytes.ts";
import { Fletcher4 } from "./fletcher4.ts";
import { CHECKSUM_OFFSET, DRR, END_CHECKSUM_OFFSET, RECORD_BYTES, RecordDecoder, type BeginRecord } from "./record.ts";
import { damagedStream } from "./stream-damage.ts";

/** What is summed. */
const WORD_BYTES = 4;

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
 * Passes a stream through while checking it.
 *
 * @param what what messages call it
 * @throws ToolError damaged, with the offset in the stream, in place of the end that was promised
 */
export async function* checkedStream(source: ByteStream, what: string, summary: StreamSummary): ByteStream {
  using check = new StreamCheck(what, summary);
  for await (const chunk of source) {
    check.feed(chunk);
    yield chunk;
  }
  check.finish();
}

/** Where in a package we are: before anything, inside a stream, between the streams of a package, behind the end. */
type Position = "start" | "header" | "stream" | "between" | "done";

/**
 * The check, fed by whoever sees the bytes. They are copied once, to where they are summed, and looked at there; what of them is not complete
 * yet, less than a record, is kept at the beginning.
 */
export class StreamCheck implements Disposable {
  readonly #what: string;
  readonly #summary: StreamSummary;
  readonly #decoder: RecordDecoder;
  readonly #sum = new Fletcher4();
  /** Offset in the stream of the window's beginning, and how many bytes are there. */
  #offset = 0;
  #kept = 0;
  /** In the window: the next byte to look at, and to sum. */
  #at = 0;
  #summed = 0;
  #payloadLeft = 0;
  #position: Position = "start";
  #inPackage = false;

  /** @param what what messages call the stream @param summary is filled */
  constructor(what: string, summary: StreamSummary) {
    this.#what = what;
    this.#summary = summary;
    this.#decoder = new RecordDecoder(what);
  }

  /** Ends its use. */
  [Symbol.dispose](): void {
    this.#sum[Symbol.dispose]();
  }

  /** Takes the next bytes. @throws ToolError damaged at the first record that is wrong */
  feed(chunk: Uint8Array): void {
    const { window } = this.#sum;
    for (let done = 0; done < chunk.length;) {
      const step = Math.min(chunk.length - done, window.length - this.#kept);
      window.set(chunk.subarray(done, done + step), this.#kept);
      this.#look(this.#kept + step);
      done += step;
    }
  }

  /** Ends the check. @throws ToolError damaged if the stream has not ended */
  finish(): void {
    const whole = this.#kept === 0 && this.#payloadLeft === 0;
    if (this.#position === "done" && whole) return;
    const offset = this.#offset + this.#kept;
    const reason = offset === 0 ? "it is empty" : "it is cut off before its END record";
    throw damagedStream(this.#what, reason, offset);
  }

  /** Looks at what is in the window, up to `end`. */
  #look(end: number): void {
    for (;;) {
      const payload = Math.min(this.#payloadLeft, end - this.#at);
      this.#payloadLeft -= payload;
      this.#at += payload;
      if (this.#payloadLeft > 0 || end - this.#at < RECORD_BYTES) break;
      this.#take(this.#at);
      this.#at += RECORD_BYTES;
    }
    const whole = this.#at - ((this.#at - this.#summed) % WORD_BYTES);
    this.#sumTo(whole);
    this.#sum.window.copyWithin(0, whole, end);
    this.#offset += whole;
    this.#kept = end - whole;
    this.#at -= whole;
    this.#summed = 0;
  }

  #take(at: number): void {
    const { window } = this.#sum;
    const view = new DataView(window.buffer, window.byteOffset + at, RECORD_BYTES);
    const offset = this.#offset + at;
    this.#summary.records += 1;
    const type = this.#position === "start" ? DRR.begin : this.#decoder.type(view, offset);
    if (type === DRR.begin) this.#begin(view, offset);
    this.#payloadLeft = this.#decoder.payloadBytes(view, type, offset);
    if (type === DRR.begin) this.#summed = at;
    else if (type === DRR.end) this.#end(at, offset);
    else if (this.#position !== "stream") throw damagedStream(this.#what, "a record stands outside BEGIN and END", offset);
    // BEGIN has a name where others have their checksum; one of zeros is none
    const hasChecksum = type !== DRR.begin && hasBytes(view, CHECKSUM_OFFSET);
    this.#sumTo(at + CHECKSUM_OFFSET);
    if (hasChecksum) this.#compare(at + CHECKSUM_OFFSET, { offset, what: "a record" });
  }

  #begin(view: DataView, offset: number): void {
    const begin = this.#decoder.begin(view, offset);
    const first = this.#position === "start";
    if (!first && this.#position !== "between") throw damagedStream(this.#what, "BEGIN inside a stream or behind its end", offset);
    if (!first && begin.compound) throw damagedStream(this.#what, "a package inside a package", offset);
    this.#sum.reset(this.#decoder.littleEndian);
    this.#inPackage ||= begin.compound;
    this.#position = begin.compound ? "header" : "stream";
    if (begin.compound) return;
    if (this.#summary.last === undefined) this.#summary.fromGuid = begin.fromGuid;
    this.#summary.last = begin;
  }

  #end(at: number, offset: number): void {
    const endsPackage = this.#position === "between";
    if (this.#position === "header") this.#position = "between";
    else if (this.#position === "stream") this.#position = this.#inPackage ? "between" : "done";
    else if (endsPackage) this.#position = "done";
    else throw damagedStream(this.#what, "data behind its END record", offset);
    // the END of a package has no checksum: there is nothing that its streams do not cover
    if (endsPackage) return;
    this.#sumTo(at);
    this.#compare(at + END_CHECKSUM_OFFSET, { offset, what: "END" });
  }

  #sumTo(end: number): void {
    this.#sum.add(this.#summed, end);
    this.#summed = end;
  }

  #compare(at: number, { offset, what }: { offset: number; what: string }): void {
    if (this.#sum.matches(at)) return;
    const reason = `${what} is not what its checksum says, or data in front of it is not`;
    throw damagedStream(this.#what, reason, offset, { actual: this.#sum.sums().map(String) });
  }
}

function hasBytes(view: DataView, from: number): boolean {
  for (let at = from; at < view.byteLength; at += WORD_BYTES) if (view.getUint32(at) !== 0) return true;
  return false;
}
