/**
 * Reads the data of extents: blocks out of the records of a stream that can be read again, or kept in memory. Best read are files in the order of
 * their objects, and extents in the order of the file: one that lies behind another in the same records goes on where that one ended.
 */
import { ToolError } from "../../errors.ts";
import { decompressBlock } from "../dmu/decompress/index.ts";
import { RECORD_BYTES } from "../dmu/record.ts";
import type { RecordWindow } from "../dmu/record-window.ts";
import { decodeBlockHeader, decodeKeptHeader, KEPT_HEADER_BYTES, type BlockHeader } from "./block-header.ts";
import type { ByteStore } from "./byte-store.ts";
import { damagedObject, type ObjectPlace } from "./damage.ts";
import { IN_STORE, type Extent } from "./extent-table.ts";
import type { StreamWindows } from "./stream-windows.ts";

/** A stream whose records have been taken. */
export interface TakenStream {
  /** What messages call it. */
  what: string;
  /** The stream itself, if it can be read again. */
  windows: StreamWindows | undefined;
}

/** Data and where in its object it belongs. */
export interface DataPiece {
  offset: number;
  bytes: Uint8Array;
}

/** Where blocks are, and whose they are. */
export interface BlockPlace {
  store: ByteStore;
  streams: readonly TakenStream[];
  /** Asked when something is wrong. */
  object: () => ObjectPlace;
}

/** Where a reading of an extent's records has got to. */
interface Progress {
  /** The extent's first record. */
  first: number;
  origin: number;
  /** Where the next record stands, and offset in the object of its data. */
  record: number;
  position: number;
}

/** Reads extents. */
export class BlockReader {
  readonly #place: BlockPlace;
  /** By stream, once an extent has been read there. */
  #progress: Map<number, Progress> | undefined;

  constructor(place: BlockPlace) {
    this.#place = place;
  }

  /** The data of an extent, block by block. @throws ToolError damaged; failed if the stream cannot be read again */
  async *read(extent: Extent): AsyncGenerator<DataPiece> {
    if (extent.stream === IN_STORE) {
      yield clip(extent, extent.origin, this.#kept(extent.record));
      return;
    }
    const progress = this.#progressTo(extent);
    while (progress.position < extent.end) {
      const piece = await this.#next(progress, extent);
      if (piece !== undefined) yield piece;
    }
  }

  /** The data of an extent, if it is a single block that is at hand. @throws ToolError damaged */
  atHand(extent: Extent): Uint8Array | undefined {
    if (extent.stream === IN_STORE) return clip(extent, extent.origin, this.#kept(extent.record)).bytes;
    const windows = this.#place.streams[extent.stream]?.windows;
    if (windows === undefined || extent.start !== extent.origin) return undefined;
    const window = windows.take();
    const block = this.#blockAtHand(window, extent);
    windows.giveBack(window);
    return block;
  }

  #blockAtHand(window: RecordWindow, extent: Extent): Uint8Array | undefined {
    const { start, end, record } = extent;
    window.goTo(record);
    const header = window.holds(RECORD_BYTES) ? decodeBlockHeader(window.view, window.at) : undefined;
    if (header === undefined || header.logicalBytes < end - start || !window.holds(RECORD_BYTES + header.payloadBytes)) return undefined;
    window.advance(RECORD_BYTES);
    return this.#decompress(header, window.take(header.payloadBytes), extent).subarray(0, end - start);
  }

  #kept(record: number): Uint8Array {
    const { view, at } = this.#place.store.find(record);
    const header = decodeKeptHeader(view, at);
    const stored = new Uint8Array(view.buffer, view.byteOffset + at + KEPT_HEADER_BYTES, header.storedBytes);
    return decompress(header, stored, this.#place.object);
  }

  /** The place where an extent's data begins, or before it. */
  #progressTo({ stream, record, origin, start }: Extent): Progress {
    this.#progress ??= new Map();
    const known = this.#progress.get(stream);
    if (known !== undefined && known.first === record && known.origin === origin && known.position <= start) return known;
    const progress = { first: record, origin, record, position: origin };
    this.#progress.set(stream, progress);
    return progress;
  }

  /** Reads the next record; its data, unless it lies before the extent. */
  async #next(progress: Progress, extent: Extent): Promise<DataPiece | undefined> {
    const windows = this.#windows(extent);
    const window = windows.take();
    const { record, position } = progress;
    const header = await this.#header(window, { ...extent, record });
    const { payloadBytes, logicalBytes } = header;
    progress.record = record + RECORD_BYTES + payloadBytes;
    progress.position = position + logicalBytes;
    const isWanted = progress.position > extent.start;
    if (isWanted && !window.holds(payloadBytes) && (await window.fill(payloadBytes)) < payloadBytes)
      throw this.#changed(extent, window.offset);
    const payload = isWanted ? window.take(payloadBytes) : undefined;
    windows.giveBack(window);
    if (payload === undefined) return undefined;
    return clip(extent, position, this.#decompress(header, payload, { ...extent, record }));
  }

  /** Reads the header of an extent's record. */
  async #header(window: RecordWindow, extent: Extent): Promise<BlockHeader> {
    window.goTo(extent.record);
    const isThere = window.holds(RECORD_BYTES) || (await window.fill(RECORD_BYTES)) === RECORD_BYTES;
    const header = isThere ? decodeBlockHeader(window.view, window.at) : undefined;
    if (header === undefined) throw this.#changed(extent, extent.record);
    window.advance(RECORD_BYTES);
    return header;
  }

  #decompress(header: BlockHeader, payload: Uint8Array, { stream, record }: Extent): Uint8Array {
    return decompress(header, payload, () => ({ ...this.#place.object(), what: this.#stream(stream).what, offset: record }));
  }

  #windows({ stream }: Extent): StreamWindows {
    const { what, windows } = this.#stream(stream);
    if (windows !== undefined) return windows;
    throw new ToolError("failed", `Cannot read files of ZFS stream "${what}": it came through a pipe and cannot be read again`);
  }

  #changed({ stream }: Extent, offset: number): Error {
    const { what } = this.#stream(stream);
    return damagedObject({ ...this.#place.object(), what, offset }, "the stream has changed since its records were read");
  }

  #stream(index: number): TakenStream {
    const stream = this.#place.streams[index];
    if (stream === undefined) throw new RangeError(`no stream ${index}`);
    return stream;
  }
}

function decompress({ compression, storedBytes, logicalBytes }: BlockHeader, payload: Uint8Array, place: () => ObjectPlace): Uint8Array {
  try {
    return decompressBlock(compression, payload.subarray(0, storedBytes), logicalBytes);
  } catch (cause) {
    throw damagedObject(place(), "a block of it cannot be decompressed", cause);
  }
}

/** The part of a block that an extent stands for. @param origin offset in the object of the block's first byte */
function clip({ start, end }: Extent, origin: number, block: Uint8Array): DataPiece {
  const from = Math.max(start, origin);
  return { offset: from, bytes: block.subarray(from - origin, Math.min(end, origin + block.length) - origin) };
}
