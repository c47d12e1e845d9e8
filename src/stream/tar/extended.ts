/**
 * Entries that describe the one behind them: `x` and `g` hold pax records, for the next entry or for all that follow; GNU's `L` and `K` hold
 * a name or a link target that is too long for the header.
 */
import { damaged } from "../../errors.ts";
import type { TarHeader } from "./header.ts";
import { mergePax, parsePax, type PaxRecords } from "./pax.ts";

/** Gathers what is said of the next entry. */
export class ExtendedHeaders {
  readonly #limitBytes: number;
  #global: PaxRecords = new Map();
  #bytes = 0;
  pax: PaxRecords = this.#global;
  longName: Uint8Array | undefined;
  longLink: Uint8Array | undefined;
  /** Whether any of it is meant for that entry alone, so that there must be one. */
  isForNext = false;

  /** @param limitBytes largest sum of what describes one entry, and of the records for all that follow */
  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  /** Forgets what was said of the entry before. */
  reset(): void {
    this.#bytes = 0;
    this.pax = this.#global;
    this.longName = undefined;
    this.longLink = undefined;
    this.isForNext = false;
  }

  /** Whether a header is that of a description, whose data must then be taken; refuses more than is kept. @throws ToolError damaged */
  announces(header: TarHeader, offset: number): boolean {
    if (!"xgLK".includes(header.typeflag)) return false;
    this.#bytes += header.size;
    this.#limit(this.#bytes, offset);
    return true;
  }

  /** @param offset where the data stands in the archive @throws ToolError damaged */
  take({ typeflag }: TarHeader, data: Uint8Array, offset: number): void {
    this.isForNext ||= typeflag !== "g";
    if (typeflag === "L") this.longName = untilNul(data);
    else if (typeflag === "K") this.longLink = untilNul(data);
    else if (typeflag === "x") this.pax = mergePax(this.pax, parsePax(data, offset));
    else this.pax = this.#global = this.#bounded(mergePax(this.#global, parsePax(data, offset)), offset);
  }

  #bounded(records: PaxRecords, offset: number): PaxRecords {
    this.#limit(
      [...records].reduce((sum, [key, value]) => sum + key.length + value.length, 0),
      offset,
    );
    return records;
  }

  #limit(bytes: number, offset: number): void {
    if (bytes <= this.#limitBytes) return;
    throw damaged(`Cannot read archive: an extended header has ${bytes} bytes, more than ${this.#limitBytes}`, { offset });
  }
}

function untilNul(data: Uint8Array): Uint8Array {
  const end = data.indexOf(0);
  return end === -1 ? data : data.subarray(0, end);
}
