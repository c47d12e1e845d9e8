/**
 * Watches a ZFS stream pass, record by record, so that a stream that was cut off, was damaged or never was one does not look complete. What is
 * checked is the frame (BEGIN first, every record whole, END last, packages closed) and the checksums: a running Fletcher-4 goes through the
 * whole stream, every record carries what it was in front of its own checksum field, and END what it was in front of END.
 *
 * @see OpenZFS `module/zfs/dmu_send.c` (`dump_record`), `module/zfs/dmu_recv.c` (`receive_read_record`), `lib/libzfs/libzfs_sendrecv.c`
 */
import { damaged } from "../../errors.ts";
import type { ByteStream } from "../../stream/bytes.ts";
import { Fletcher4 } from "./fletcher4.ts";
import { CHECKSUM_OFFSET, DRR, END_CHECKSUM_OFFSET, RECORD_BYTES, RecordDecoder, type BeginRecord } from "./record.ts";

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
  const check = new StreamCheck(summary);
  for await (const chunk of source) {
    check.feed(chunk);
    yield chunk;
  }
  check.finish(what);
}

/** Where in a package we are: before anything, inside a stream, between the streams of a package, behind the end. */
type Position = "start" | "header" | "stream" | "between" | "done";

/** The check, fed by whoever sees the bytes. */
export class StreamCheck {
  readonly #summary: StreamSummary;
  readonly #decoder = new RecordDecoder();
  readonly #sum = new Fletcher4();
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

  /** Takes the next bytes. @throws ToolError damaged at the first record that is wrong */
  feed(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#payloadLeft > 0) {
        const step = Math.min(this.#payloadLeft, chunk.length - at);
        this.#sum.update(chunk.subarray(at, at + step));
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

  /** Ends the check. @throws ToolError damaged if the stream has not ended */
  finish(what: string): void {
    const whole = this.#have === 0 && this.#payloadLeft === 0;
    if (this.#position === "done" && whole) return;
    const reason = this.#offset === 0 ? "it is empty" : "it is cut off before its END record";
    throw damaged(`Cannot read ZFS stream "${what}": ${reason}`, { offset: this.#offset });
  }

  #take(offset: number): void {
    this.#have = 0;
    this.#summary.records += 1;
    const type = this.#position === "start" ? DRR.begin : this.#decoder.type(this.#view, offset);
    if (type === DRR.begin) this.#begin(offset);
    else if (type === DRR.end) this.#end(offset);
    else if (this.#position !== "stream") throw damaged("Cannot read ZFS stream: a record stands outside BEGIN and END", { offset });
    this.#checkSum(type, offset);
    this.#payloadLeft = this.#decoder.payloadBytes(this.#view, type, offset);
  }

  #begin(offset: number): void {
    const begin = this.#decoder.begin(this.#view, offset);
    const first = this.#position === "start";
    if (!first && this.#position !== "between")
      throw damaged("Cannot read ZFS stream: BEGIN inside a stream or behind its end", { offset });
    if (!first && begin.compound) throw damaged("Cannot read ZFS stream: a package inside a package", { offset });
    this.#sum.reset(this.#decoder.littleEndian);
    this.#inPackage ||= begin.compound;
    this.#position = begin.compound ? "header" : "stream";
    if (begin.compound) return;
    if (this.#summary.last === undefined) this.#summary.fromGuid = begin.fromGuid;
    this.#summary.last = begin;
  }

  #end(offset: number): void {
    const endsPackage = this.#position === "between";
    if (this.#position === "header") this.#position = "between";
    else if (this.#position === "stream") this.#position = this.#inPackage ? "between" : "done";
    else if (endsPackage) this.#position = "done";
    else throw damaged("Cannot read ZFS stream: data behind its END record", { offset });
    // the END of a package has no checksum: there is nothing that its streams do not cover
    if (!endsPackage) this.#compare(END_CHECKSUM_OFFSET, { offset, what: "END" });
  }

  /** BEGIN has a name where others have their checksum; one of zeros is none. */
  #checkSum(type: number, offset: number): void {
    this.#sum.update(this.#record.subarray(0, CHECKSUM_OFFSET));
    if (type !== DRR.begin && this.#hasChecksum()) this.#compare(CHECKSUM_OFFSET, { offset, what: "a record" });
    this.#sum.update(this.#record.subarray(CHECKSUM_OFFSET));
  }

  #hasChecksum(): boolean {
    for (let at = CHECKSUM_OFFSET; at < RECORD_BYTES; at += 4) if (this.#view.getUint32(at) !== 0) return true;
    return false;
  }

  #compare(at: number, { offset, what }: { offset: number; what: string }): void {
    if (this.#sum.matches(this.#view, at)) return;
    throw damaged(`Cannot read ZFS stream: ${what} is not what its checksum says, or data in front of it is not`, {
      offset,
      facts: { actual: this.#sum.sums().map(String) },
    });
  }
}
