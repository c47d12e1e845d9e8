/**
 * Reads a ZFS send stream record by record. A stream is BEGIN … END; a package (`zfs send -I`, `-R`, `-p`) is BEGIN with an nvlist, END, then
 * any number of streams, then END. Checked is the frame: BEGIN first, every record whole, END last, nothing behind it. Checksums are
 * not: they need every payload.
 *
 * @see OpenZFS 2.3 `lib/libzfs/libzfs_sendrecv.c` (`zfs_receive_package`), `cmd/zstream/zstream_validate.c`
 */
import type { ByteSource } from "../../stream/bytes.ts";
import { Steps } from "../../stream/steps.ts";
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
  /** Whether records are to have their `checksum`, and blocks their `key`. */
  wantsChecksum?: boolean;
}

/**
 * Records from the source's position to its end. Payloads that nobody wants are skipped, by seeking in a file.
 *
 * @throws ToolError damaged, with the offset counted from where reading began: cut off, no stream, an unknown record, an absurd payload length
 */
export async function* readRecords(source: ByteSource, options: ReadRecordsOptions): AsyncGenerator<StreamRecord> {
  yield* new RecordReader(source, options);
}

/** The same records in steps. */
export class RecordReader extends Steps<StreamRecord> {
  readonly #options: ReadRecordsOptions;
  readonly #window: RecordWindow;
  readonly #decoder: StreamRecordDecoder;
  readonly #frame: Frame;

  /** Begins at the source's position. */
  constructor(source: ByteSource, options: ReadRecordsOptions) {
    super();
    const { what, wantsChecksum = false } = options;
    this.#options = options;
    this.#window = new RecordWindow(source);
    this.#decoder = new StreamRecordDecoder({ what, wantsChecksum });
    this.#frame = new Frame(what);
  }

  /** The next record. @throws ToolError damaged */
  override next(): StreamRecord | undefined | Promise<StreamRecord | undefined> {
    return this.#window.holds(RECORD_BYTES) ? this.#take() : this.#fill();
  }

  async #fill(): Promise<StreamRecord | undefined> {
    const have = await this.#window.fill(RECORD_BYTES);
    const { offset } = this.#window;
    if (have === RECORD_BYTES) return await this.#take();
    if (have > 0) throw damagedStream(this.#options.what, "it is cut off inside a record", offset + have);
    this.#frame.finish(offset);
    return undefined;
  }

  /** Takes a record that is at hand. */
  #take(): StreamRecord | Promise<StreamRecord> {
    const { what, wantsPayload } = this.#options;
    const record = this.#decode();
    this.#frame.take(record);
    checkPayloadLength(what, record);
    this.#window.advance(RECORD_BYTES);
    const { payloadBytes } = record;
    if (payloadBytes === 0) return record;
    const isWanted = wantsPayload?.(record) ?? true;
    if (!this.#window.holds(payloadBytes)) return this.#passPayload(record, isWanted);
    if (isWanted) record.payload = this.#window.take(payloadBytes);
    else this.#window.advance(payloadBytes);
    return record;
  }

  #decode(): StreamRecord {
    const { view, at, offset } = this.#window;
    const isBegin = !this.#frame.isOpen || view.getUint32(at, true) === DRR.begin; // 0 in either byte order
    return isBegin ? this.#decoder.begin(view, at, offset) : this.#decoder.decode(view, at, offset);
  }

  async #passPayload(record: StreamRecord, isWanted: boolean): Promise<StreamRecord> {
    const { payloadOffset, payloadBytes } = record;
    if (isWanted) record.payload = this.#window.take(await this.#window.fill(payloadBytes));
    else await this.#window.skip(payloadBytes);
    if (this.#window.offset === payloadOffset + payloadBytes) return record;
    throw damagedStream(this.#options.what, "it is cut off inside a record's payload", this.#window.offset);
  }
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
