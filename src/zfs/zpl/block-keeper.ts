/** Keeps blocks of streams that cannot be read again: those of directories and the like, as they are stored, each behind its header. */
import type { StreamRecord } from "../dmu/stream-record.ts";
import { decodeKeptHeader, encodeKeptHeader, KEPT_HEADER_BYTES, type BlockHeader } from "./block-header.ts";
import type { ByteStore } from "./byte-store.ts";
import { IN_STORE, type Extent } from "./extent-table.ts";

const LIMIT_BYTES = 4 * 1024 * 1024 * 1024;

/** Keeps blocks in a store. */
export class BlockKeeper {
  /** Whether several extents may stand for one block, so that none can be forgotten. */
  areShared = false;
  readonly #store: ByteStore;

  constructor(store: ByteStore) {
    this.#store = store;
  }

  /** Keeps a record's block; returns its number, or undefined if there is too much already. */
  keep({ payload = new Uint8Array(0) }: StreamRecord, header: BlockHeader): number | undefined {
    if (payload.length < header.storedBytes) throw new TypeError("a block to keep came without its payload");
    if (this.#store.bytes + payload.length > LIMIT_BYTES) return undefined;
    return this.#store.add(encodeKeptHeader(header), payload.subarray(0, header.storedBytes));
  }

  /** Forgets the block of an extent, unless it is in a stream or another part of it may be needed. */
  release({ start, end, origin, record, stream }: Extent): void {
    if (stream !== IN_STORE || this.areShared) return;
    const { view, at } = this.#store.find(record);
    const { logicalBytes, storedBytes } = decodeKeptHeader(view, at);
    if (origin === start && end - start === logicalBytes) this.#store.release(record, KEPT_HEADER_BYTES + storedBytes);
  }
}
