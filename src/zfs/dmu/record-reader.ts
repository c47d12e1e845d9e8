/**
 * Reads a ZFS send stream record by record. A stream is BEGIN … END; a package (`zfs send -I`, `-R`, `-p`) is BEGIN with an nvlist, END, then
 * any number of streams, then END. Checked is the frame: BEGIN first, every record whole, END last, nothing behind it. Checksums are
 * not: they need every payload.
 *
 * @see OpenZFS 2.3 `lib/libzfs/libzfs_sendrecv.c` (`zfs_receive_package`), `cmd/zstream/zstream_validate.c`
 */
import type { ByteSource } from "../../stream/bytes.ts";
import { DRR, RECORD_BYTES } from "./record.ts";
import { StreamRecordDecoder } from "./record-decoder.ts";
import { RecordWindow } from "./record-window.ts";
import { damagedStream } from "./stream-damage.ts";
import type { StreamRecord } from "./stream-record.ts";

/** SPA_MAXBLOCKSIZE, which is more than any other payload has. */
const MAX_PAYLOAD_BYTES = 16 * 1024 * 1024;
/** What `decodeNvlist` takes: some 400,000 snapshots of a package. */
const MAX_BEGIN_PAYLOAD_BYTES = 64 * 1024 * 1024;

/** Options of {@link readRecords}. */
export interface ReadRecordsOptions {
  /** What messages call the stream. */
  what: string;
  /** Whether to read a record's payload or to step over it; all are read if this is left out. */
  wantsPayload?: (record: StreamRecord) => boolean;
  /** Whether records are to have their `checksum`. */
  wantsChecksum?: boolean;
}

/**
 * Records from the source's position to its end. Payloads that nobody wants are skipped, by seeking in a file.
 *
 * @throws ToolError damaged, with the offset counted from where reading began: cut off, no stream, an unknown record, an absurd payload length
 */
export async function* readRecords(source: ByteSource, options: ReadRecordsOptions): AsyncGenerator<StreamRecord> {
  const { what, wantsPayload, wantsChecksum = false } = options;
  const window = new RecordWindow(source);
  const decoder = new StreamRecordDecoder({ what, wantsChecksum });
  const frame = new Frame(what);
  for (;;) {
    const have = window.holds(RECORD_BYTES) ? RECORD_BYTES : await window.fill(RECORD_BYTES);
    const { offset } = window;
    if (have === 0) break;
    if (have < RECORD_BYTES) throw damagedStream(what, "it is cut off inside a record", offset + have);
    const record = decodeNext(decoder, window, frame.isOpen);
    frame.take(record);
    checkPayloadLength(what, record);
    window.advance(RECORD_BYTES);
    if (record.payloadBytes > 0) {
      if (wantsPayload?.(record) ?? true) record.payload = await window.take(record.payloadBytes);
      else await window.skip(record.payloadBytes);
      if (window.offset < record.payloadOffset + record.payloadBytes) {
        throw damagedStream(what, "it is cut off inside a record's payload", window.offset);
      }
    }
    yield record;
  }
  frame.finish(window.offset);
}

/** Decodes the record at the window's start. */
function decodeNext(decoder: StreamRecordDecoder, window: RecordWindow, isOpen: boolean): StreamRecord {
  const { view, at, offset } = window;
  const isBegin = !isOpen || view.getUint32(at, true) === DRR.begin; // 0 in either byte order
  return isBegin ? decoder.begin(view, at, offset) : decoder.decode(view, at, offset);
}

function checkPayloadLength(what: string, record: StreamRecord): void {
  const limit = record.kind === "begin" ? MAX_BEGIN_PAYLOAD_BYTES : MAX_PAYLOAD_BYTES;
  if (record.payloadBytes <= limit) return;
  throw damagedStream(what, `a record announces ${record.payloadBytes} bytes of payload`, record.offset, { expected: limit });
}

/** Where in a package we are: before anything, inside its head, inside a stream, between its streams, behind the end. */
type Position = "start" | "head" | "stream" | "between" | "done";

class Frame {
  readonly #what: string;
  #position: Position = "start";
  #inPackage = false;

  constructor(what: string) {
    this.#what = what;
  }

  /** Whether anything has begun. */
  get isOpen(): boolean {
    return this.#position !== "start";
  }

  /** Follows a record, and says of an END what it closes. */
  take(record: StreamRecord): void {
    if (this.#position === "done") throw this.#refuse("data behind its END record", record);
    if (record.kind === "begin") this.#begin(record);
    else if (record.kind === "end") this.#end(record);
    else if (this.#position !== "stream") throw this.#refuse("a record stands outside BEGIN and END", record);
  }

  finish(offset: number): void {
    if (this.#position === "done") return;
    throw damagedStream(this.#what, offset === 0 ? "it is empty" : "it is cut off before its END record", offset);
  }

  #begin(record: StreamRecord & { kind: "begin" }): void {
    if (this.#position !== "start" && this.#position !== "between") throw this.#refuse("BEGIN inside a stream", record);
    if (record.compound && this.#inPackage) throw this.#refuse("a package inside a package", record);
    this.#inPackage ||= record.compound;
    this.#position = record.compound ? "head" : "stream";
  }

  #end(record: StreamRecord & { kind: "end" }): void {
    if (this.#position === "head") record.closes = "packageHead";
    else record.closes = this.#position === "stream" ? "stream" : "package";
    this.#position = this.#inPackage && record.closes !== "package" ? "between" : "done";
  }

  #refuse(reason: string, record: StreamRecord): Error {
    return damagedStream(this.#what, reason, record.offset);
  }
}
