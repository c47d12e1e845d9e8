/**
 * Reads the data of extents: blocks out of the records of a stream that can be read again, or kept in memory. One reader serves one reading
 * after the other, best in the order of a file's extents: an extent that lies behind another in the same records goes on where that one ended.
 */
import type { ByteSource, SeekableSource } from "../../stream/bytes.ts";
import { ToolError } from "../../errors.ts";
import { decompressBlock } from "../dmu/decompress/index.ts";
import { RECORD_BYTES } from "../dmu/record.ts";
import { RecordWindow } from "../dmu/record-window.ts";
import { decodeBlockHeader, decodeKeptHeader, KEPT_HEADER_BYTES, type BlockHeader } from "./block-header.ts";
import type { ByteStore } from "./byte-store.ts";
import { damagedObject, type ObjectPlace } from "./damage.ts";
import { IN_STORE, type Extent } from "./extent-table.ts";

/** A stream whose records have been taken. */
export interface TakenStream {
  /** What messages call it. */
  what: string;
  /** The stream itself, if it can be read again. */
  source: SeekableSource | undefined;
  /** Where it begins in the source, in bytes. */
  base: number;
}

/** Data and where in its object it belongs. */
export interface DataPiece {
  offset: number;
  bytes: Uint8Array;
}

/** Where a reading of an extent's records has got to. */
interface Place {
  window: RecordWindow;
  /** Offset in the stream that the window was opened at. */
  opened: number;
  /** The extent's first record. */
  first: number;
  origin: number;
  /** Offset in the object of the next record's data. */
  position: number;
}

/** Reads extents. */
export class BlockReader {
  readonly #store: ByteStore;
  readonly #streams: readonly TakenStream[];
  readonly #object: ObjectPlace;
  readonly #places = new Map<number, Place>();

  /** @param from where the blocks are, and whose they are */
  constructor(from: { store: ByteStore; streams: readonly TakenStream[]; object: ObjectPlace }) {
    this.#store = from.store;
    this.#streams = from.streams;
    this.#object = from.object;
  }

  /** The data of an extent, block by block. @throws ToolError damaged; failed if the stream cannot be read again */
  async *read(extent: Extent): AsyncGenerator<DataPiece> {
    if (extent.stream === IN_STORE) {
      yield clip(extent, extent.origin, this.#kept(extent.record));
      return;
    }
    const place = this.#goTo(extent);
    while (place.position < extent.end) {
      const piece = await this.#next(place, extent);
      if (piece !== undefined) yield piece;
    }
  }

  #kept(record: number): Uint8Array {
    const { view, at } = this.#store.find(record);
    const header = decodeKeptHeader(view, at);
    const stored = new Uint8Array(view.buffer, view.byteOffset + at + KEPT_HEADER_BYTES, header.storedBytes);
    return decompress(header, stored, this.#object);
  }

  /** The place where an extent's data begins, or before it. */
  #goTo({ stream, record, origin, start }: Extent): Place {
    const known = this.#places.get(stream);
    if (known !== undefined && known.first === record && known.origin === origin && known.position <= start) return known;
    const { what, source, base } = this.#stream(stream);
    if (source === undefined)
      throw new ToolError("failed", `Cannot read files of ZFS stream "${what}": it came through a pipe and cannot be read again`);
    const place = {
      window: new RecordWindow(new SourcePart(source, base + record)),
      opened: record,
      first: record,
      origin,
      position: origin,
    };
    this.#places.set(stream, place);
    return place;
  }

  /** Reads the next record; its data, unless it lies before the extent. */
  async #next(place: Place, extent: Extent): Promise<DataPiece | undefined> {
    const { window, opened, position } = place;
    const record = opened + window.offset;
    const header = await this.#header(place, extent);
    place.position += header.logicalBytes;
    if (place.position <= extent.start) {
      await window.skip(header.payloadBytes);
      return undefined;
    }
    const payload = await window.take(header.payloadBytes);
    if (payload.length < header.payloadBytes) throw this.#changed(place, extent);
    const { what } = this.#stream(extent.stream);
    return clip(extent, position, decompress(header, payload, { ...this.#object, what, offset: record }));
  }

  async #header(place: Place, extent: Extent): Promise<BlockHeader> {
    const { window } = place;
    if (!window.holds(RECORD_BYTES) && (await window.fill(RECORD_BYTES)) < RECORD_BYTES) throw this.#changed(place, extent);
    const header = decodeBlockHeader(window.view, window.at);
    if (header === undefined) throw this.#changed(place, extent);
    window.advance(RECORD_BYTES);
    return header;
  }

  #changed({ window, opened }: Place, extent: Extent): Error {
    const { what } = this.#stream(extent.stream);
    return damagedObject({ ...this.#object, what, offset: opened + window.offset }, "the stream has changed since its records were read");
  }

  #stream(index: number): TakenStream {
    const stream = this.#streams[index];
    if (stream === undefined) throw new RangeError(`no stream ${index}`);
    return stream;
  }
}

function decompress({ compression, storedBytes, logicalBytes }: BlockHeader, payload: Uint8Array, place: ObjectPlace): Uint8Array {
  try {
    return decompressBlock(compression, payload.subarray(0, storedBytes), logicalBytes);
  } catch (cause) {
    throw damagedObject(place, "a block of it cannot be decompressed", cause);
  }
}

/** The part of a block that an extent stands for. @param origin offset in the object of the block's first byte */
function clip({ start, end }: Extent, origin: number, block: Uint8Array): DataPiece {
  const from = Math.max(start, origin);
  return { offset: from, bytes: block.subarray(from - origin, Math.min(end, origin + block.length) - origin) };
}

/** Reads a source from a place on, wherever else it is read in the meantime. */
class SourcePart implements ByteSource {
  readonly size: undefined;
  readonly #source: SeekableSource;
  #position: number;

  constructor(source: SeekableSource, position: number) {
    this.#source = source;
    this.#position = position;
  }

  get offset(): number {
    return this.#position;
  }

  async read(maxBytes: number): Promise<Uint8Array | undefined> {
    this.#source.seek(this.#position);
    const chunk = await this.#source.read(maxBytes);
    this.#position += chunk?.length ?? 0;
    return chunk;
  }

  async skip(count: number): Promise<number> {
    const step = Math.max(0, Math.min(count, this.#source.size - this.#position));
    this.#position += step;
    return step;
  }
}
