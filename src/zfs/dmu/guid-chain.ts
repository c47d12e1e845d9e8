/**
 * Whether the streams of a package go on where those before them ended: of each dataset, every stream but the first starts from the snapshot
 * that the one before it brought. What the first one starts from has to be there already, which only the receiver can know.
 *
 * @see OpenZFS 2.3 `lib/libzfs/libzfs_sendrecv.c` (`dump_filesystem`, `dump_snapshot`)
 */
import { damagedStream } from "./stream-damage.ts";
import type { BeginRecord } from "./stream-record.ts";

/** Follows the streams of one package. */
export class GuidChain {
  readonly #what: string;
  readonly #lastGuids = new Map<string, bigint>();

  /** @param what what messages call the stream */
  constructor(what: string) {
    this.#what = what;
  }

  /** @throws ToolError damaged if a stream does not go on where the one before it ended */
  take(begin: BeginRecord): void {
    if (begin.compound) return;
    const { toName, fromGuid, toGuid, offset } = begin;
    const dataset = toName.split("@", 1)[0] as string;
    const expected = this.#lastGuids.get(dataset) ?? fromGuid;
    if (fromGuid !== expected) {
      const reason = `the stream of "${toName}" starts from the snapshot with guid ${fromGuid}, the one before it ended at ${expected}`;
      throw damagedStream(this.#what, reason, offset, { expected: String(expected), actual: String(fromGuid) });
    }
    this.#lastGuids.set(dataset, toGuid);
  }
}
