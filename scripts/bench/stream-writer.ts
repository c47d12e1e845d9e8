/**
 * Writes a ZFS stream whose checksums hold: a running Fletcher-4 goes through all bytes, every record but BEGIN carries what it was in front of
 * its checksum field, and END besides what it was in front of END.
 *
 * @see OpenZFS `module/zfs/dmu_send.c` (`dump_record`)
 */
import * as fs from "node:fs";
import { Fletcher4 } from "../../src/zfs/dmu/fletcher4.ts";
import { CHECKSUM_OFFSET, DRR } from "../../src/zfs/dmu/record.ts";

/** Where END has the checksum of all before it, `drr_end.drr_checksum`. */
const END_CHECKSUM_OFFSET = 8;
const BUFFER_BYTES = 4 * 1024 * 1024;

/** Writes records to a file. */
export class StreamWriter {
  readonly #fd: number;
  readonly #sum = new Fletcher4();
  readonly #buffer = new Uint8Array(BUFFER_BYTES);
  #buffered = 0;
  #written = 0;
  #records = 0;

  /** @param fd an open file, which the caller closes */
  constructor(fd: number) {
    this.#fd = fd;
    this.#sum.reset(true);
  }

  /** Bytes so far. */
  get bytes(): number {
    return this.#written + this.#buffered;
  }

  /** Records so far. */
  get records(): number {
    return this.#records;
  }

  /** Writes a record, whose checksums are filled in, and its payload. */
  write(record: Uint8Array, payload?: Uint8Array): void {
    const view = new DataView(record.buffer, record.byteOffset, record.length);
    const type = view.getUint32(0, true);
    if (type === DRR.end) this.#fillIn(view, END_CHECKSUM_OFFSET);
    this.#sum.update(record.subarray(0, CHECKSUM_OFFSET));
    if (type !== DRR.begin) this.#fillIn(view, CHECKSUM_OFFSET);
    this.#sum.update(record.subarray(CHECKSUM_OFFSET));
    this.#append(record);
    if (payload !== undefined) {
      this.#sum.update(payload);
      this.#append(payload);
    }
    this.#records += 1;
  }

  /** Writes what is still held back. */
  flush(): void {
    for (let done = 0; done < this.#buffered;) done += fs.writeSync(this.#fd, this.#buffer, done, this.#buffered - done);
    this.#written += this.#buffered;
    this.#buffered = 0;
  }

  #fillIn(view: DataView, offset: number): void {
    for (const [index, sum] of this.#sum.sums().entries()) view.setBigUint64(offset + 8 * index, sum, true);
  }

  #append(bytes: Uint8Array): void {
    if (this.#buffered + bytes.length > BUFFER_BYTES) this.flush();
    this.#buffer.set(bytes, this.#buffered);
    this.#buffered += bytes.length;
  }
}
