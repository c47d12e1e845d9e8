/** `zfs send`, with its records, its exit status and its stderr watched: a stream that ends well is a whole one. */
import type { ByteStream } from "../stream/bytes.ts";
import type { Zfs } from "./cli.ts";
import { checkedStream, type StreamSummary } from "./dmu/check.ts";
import { zfsFailure } from "./failure.ts";
import type { DatasetName } from "./name.ts";

/** What to send. */
export interface SendRequest {
  dataset: DatasetName;
  /** Snapshot name, without `@`. */
  snapshot: string;
  /** Snapshot to start from, intermediate ones included (`-I`); absent for a full stream. */
  from?: string;
  /** Send blocks as the pool holds them, compressed (`-c`). */
  compressed?: boolean;
}

/**
 * The stream of a snapshot.
 *
 * @param summary filled while the records pass
 * @throws ToolError zfs if the send failed, damaged if its output is not a whole stream - instead of ending
 */
export async function* sendSnapshot(zfs: Zfs, request: SendRequest, summary: StreamSummary): ByteStream {
  const target = `${request.dataset}@${request.snapshot}`;
  await using child = zfs.start(sendArguments(request));
  child.closeInput();
  yield* checkedStream(sent(), target, summary);

  async function* sent(): ByteStream {
    yield* child.stdout();
    const exit = await child.wait();
    zfs.throwIfInterrupted();
    if (exit.status !== 0) throw zfsFailure(exit, `send "${target}"`, child.argv);
  }
}

/** How large a stream will be, in bytes, by `zfs send -nP`. */
export async function estimateSend(zfs: Zfs, request: SendRequest): Promise<number> {
  const stdout = await zfs.run(sendArguments(request, ["-n", "-P"]), `estimate the stream of "${request.dataset}@${request.snapshot}"`);
  // size\t346592
  return Number(/^size\s+(\d+)$/m.exec(stdout)?.[1] ?? 0);
}

function sendArguments(request: SendRequest, first: readonly string[] = []): string[] {
  const from = request.from === undefined ? [] : ["-I", `@${request.from}`];
  const compressed = request.compressed === true ? ["-c"] : [];
  return ["send", ...first, ...compressed, ...from, `${request.dataset}@${request.snapshot}`];
}
