/**
 * The object set that a stream and its incrementals make, record by record: which objects there are, their bonus buffers, and where their data
 * is. What a record does is what `zfs receive` does with it.
 */
import type { StreamRecord } from "../dmu/stream-record.ts";
import { BlockKeeper } from "./block-keeper.ts";
import { ByteStore } from "./byte-store.ts";
import type { ObjectPlace } from "./damage.ts";
import { DataReceiver } from "./data-receiver.ts";
import { ExtentEditor } from "./extent-editor.ts";
import { ExtentTable } from "./extent-table.ts";
import type { IncomingStream } from "./incoming-stream.ts";
import { ObjectReceiver } from "./object-receiver.ts";
import { ObjectTable } from "./object-table.ts";

/** An object set in the making, and what it was made of. */
export class ObjectSet {
  readonly objects: ObjectTable = new ObjectTable();
  readonly extents: ExtentTable = new ExtentTable();
  readonly store: ByteStore = new ByteStore();
  readonly #streams = new Map<number, string>();
  readonly #data: DataReceiver;
  readonly #receiver: ObjectReceiver;

  constructor() {
    const { objects, extents, store } = this;
    const keeper = new BlockKeeper(store);
    const editor = new ExtentEditor({ extents, objects, onDrop: (extent) => keeper.release(extent) });
    const data = new DataReceiver({ objects, extents, keeper, editor });
    this.#data = data;
    this.#receiver = new ObjectReceiver({
      objects,
      store,
      clear: (row) => editor.clear(row),
      clearSpill: (row) => data.clearSpill(row),
    });
  }

  /** Begins a stream, which must follow what is there. */
  beginStream(stream: IncomingStream): void {
    this.#streams.set(stream.index, stream.what);
    this.#data.beginStream(stream);
    this.#receiver.beginStream(stream);
  }

  /** Whether {@link take} needs a record's payload. */
  wantsPayload(record: StreamRecord): boolean {
    return record.kind === "object" || this.#data.wantsPayload(record);
  }

  /** Does what a record says. @throws ToolError damaged if no receiver could */
  take(record: StreamRecord): void {
    switch (record.kind) {
      case "object":
        return this.#receiver.object(record);
      case "freeObjects":
        return this.#receiver.freeObjects(record);
      case "write":
        return this.#data.write(record);
      case "writeEmbedded":
        return this.#data.writeEmbedded(record);
      case "spill":
        return this.#data.spill(record);
      case "free":
        return this.#data.free(record);
      case "redact":
        return this.#data.redact(record);
      case "writeByref":
        return this.#data.writeByref(record);
      case "objectRange":
      case "begin":
      case "end":
    }
  }

  /** Where an object comes from. */
  place(object: number): ObjectPlace {
    const row = this.objects.find(object);
    const stream = row === undefined ? this.#streams.keys().next().value : this.objects.stream.get(row);
    return { what: this.#streams.get(stream ?? 0) ?? "", object, offset: row === undefined ? 0 : this.objects.record.get(row) };
  }
}
