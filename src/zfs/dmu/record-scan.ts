/**
 * Decodes the records of a stream whose bytes are handed over as they pass, for whoever reads them anyway. Payloads pass by, but for the nvlist
 * of BEGIN, which comes with its record. Whether records stand where they may is for check.ts to say, in front of this.
 */
import { concat } from "../../stream/bytes.ts";
import { DRR, RECORD_BYTES } from "./record.ts";
import { StreamRecordDecoder } from "./record-decoder.ts";
import { damagedStream } from "./stream-damage.ts";
import type { BeginRecord, EndRecord, StreamRecord } from "./stream-record.ts";

/** What `decodeNvlist` takes. */
const MAX_BEGIN_PAYLOAD_BYTES = 64 * 1024 * 1024;

/** A BEGIN record whose payload is not complete. */
interface Begun {
  record: BeginRecord;
  parts: Uint8Array[];
}

/** Finds records in chunks. */
export class RecordScan {
  readonly #what: string;
  readonly #take: (record: StreamRecord) => void;
  readonly #decoder: StreamRecordDecoder;
  /** A record that lies across chunks. */
  readonly #split = new Uint8Array(RECORD_BYTES);
  readonly #splitView = new DataView(this.#split.buffer);
  #splitBytes = 0;
  #begun: Begun | undefined;
  #payloadLeft = 0;
  #offset = 0;
  /** What the next END closes. */
  #closes: EndRecord["closes"] = "stream";

  /** @param what what messages call the stream @param take is given every record; what it throws ends the scan */
  constructor(what: string, take: (record: StreamRecord) => void) {
    this.#what = what;
    this.#take = take;
    this.#decoder = new StreamRecordDecoder({ what, wantsChecksum: false });
  }

  /** Takes the next bytes. @throws ToolError damaged for a record that cannot be decoded */
  feed(chunk: Uint8Array): void {
    const view = new DataView(chunk.buffer, chunk.byteOffset, chunk.length);
    for (let at = 0; at < chunk.length;) {
      if (this.#payloadLeft > 0) at += this.#passPayload(chunk, at);
      else if (this.#splitBytes > 0 || chunk.length - at < RECORD_BYTES) at += this.#join(chunk, at);
      else {
        this.#decode(view, at, this.#offset + at);
        at += RECORD_BYTES;
      }
    }
    this.#offset += chunk.length;
  }

  /** @returns how many bytes were payload */
  #passPayload(chunk: Uint8Array, at: number): number {
    const step = Math.min(this.#payloadLeft, chunk.length - at);
    this.#payloadLeft -= step;
    if (this.#begun === undefined) return step;
    const { record, parts } = this.#begun;
    parts.push(chunk.slice(at, at + step));
    if (this.#payloadLeft > 0) return step;
    this.#begun = undefined;
    record.payload = concat(parts);
    this.#take(record);
    return step;
  }

  /** @returns how many bytes were part of a record */
  #join(chunk: Uint8Array, at: number): number {
    const step = Math.min(RECORD_BYTES - this.#splitBytes, chunk.length - at);
    this.#split.set(chunk.subarray(at, at + step), this.#splitBytes);
    this.#splitBytes += step;
    if (this.#splitBytes < RECORD_BYTES) return step;
    this.#splitBytes = 0;
    this.#decode(this.#splitView, 0, this.#offset + at + step - RECORD_BYTES);
    return step;
  }

  #decode(view: DataView, at: number, offset: number): void {
    const isBegin = offset === 0 || view.getUint32(at, true) === DRR.begin; // 0 in either byte order
    const record = isBegin ? this.#decoder.begin(view, at, offset) : this.#decoder.decode(view, at, offset);
    this.#payloadLeft = record.payloadBytes;
    if (record.kind === "begin") this.#begin(record);
    if (record.kind === "end") this.#end(record);
    if (this.#begun === undefined) this.#take(record);
  }

  #begin(record: BeginRecord): void {
    this.#closes = record.compound ? "packageHead" : "stream";
    const { payloadBytes, offset } = record;
    if (payloadBytes > MAX_BEGIN_PAYLOAD_BYTES) {
      const reason = `a record announces ${payloadBytes} bytes of payload`;
      throw damagedStream(this.#what, reason, offset, { expected: MAX_BEGIN_PAYLOAD_BYTES });
    }
    if (payloadBytes > 0) this.#begun = { record, parts: [] };
  }

  #end(record: EndRecord): void {
    record.closes = this.#closes;
    this.#closes = "package";
  }
}
