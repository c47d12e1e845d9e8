/** `zfs send`, with its exit status and its stderr watched: a stream that ends well is what zfs had to say. */
import type { ByteStream } from "../stream/bytes.ts";
import type { Child } from "../sys/process.ts";
import type { Zfs } from "./cli.ts";
import { zfsFailure } from "./failure.ts";
import type { DatasetName } from "./name.ts";

/** What to send. */
export interface SendRequest extends SendForm {
  dataset: DatasetName;
  /** Snapshot name, without `@`. */
  snapshot: string;
  /** Snapshot to start from, intermediate ones included (`-I`); absent for a full stream. */
  from?: string;
}

/** How blocks are sent. */
export interface SendForm {
  /** As the pool holds them, compressed (`-c`). */
  compressed?: boolean;
  /** As the pool holds them, encrypted (`-w`). */
  raw?: boolean;
  /** Larger than 128 KiB where they are (`-L`). */
  largeBlocks?: boolean;
  /** Inside the record where they are that small (`-e`). */
  embedded?: boolean;
}

/** A stream that zfs writes into a file by itself; disposing ends it early. */
export interface Sending extends AsyncDisposable {
  /** Rejects with ToolError zfs if the send failed. */
  readonly ended: Promise<void>;
}

/** The stream of a snapshot. @throws ToolError zfs if the send failed, instead of ending */
export async function* sendSnapshot(zfs: Zfs, request: SendRequest): ByteStream {
  await using child = await zfs.start(sendArguments(request), "from");
  child.closeInput();
  yield* child.stdout();
  await whole(zfs, request, child);
}

/** Has zfs write the stream of a snapshot into an open file, where that stands. */
export async function sendSnapshotTo(zfs: Zfs, request: SendRequest, file: number): Promise<Sending> {
  const child = await zfs.start(sendArguments(request), { file });
  child.closeInput();
  const ended = whole(zfs, request, child);
  ended.catch(() => undefined); // whoever disposes early does not ask
  return { ended, [Symbol.asyncDispose]: async () => await child[Symbol.asyncDispose]() };
}

/** How large a stream will be, in bytes, by `zfs send -nP`. */
export async function estimateSend(zfs: Zfs, request: SendRequest): Promise<number> {
  const stdout = await zfs.run(sendArguments(request, ["-n", "-P"]), `estimate the stream of "${targetOf(request)}"`);
  // size\t346592
  return Number(/^size\s+(\d+)$/m.exec(stdout)?.[1] ?? 0);
}

async function whole(zfs: Zfs, request: SendRequest, child: Child): Promise<void> {
  const exit = await child.wait();
  zfs.throwIfInterrupted();
  if (exit.status !== 0) throw zfsFailure(exit, `send "${targetOf(request)}"`, child.argv);
}

function sendArguments(request: SendRequest, first: readonly string[] = []): string[] {
  const { from, compressed, raw, largeBlocks, embedded } = request;
  const flags = [
    compressed === true ? "-c" : "",
    raw === true ? "-w" : "",
    largeBlocks === true ? "-L" : "",
    embedded === true ? "-e" : "",
  ];
  const start = from === undefined ? [] : ["-I", `@${from}`];
  return ["send", ...first, ...flags.filter((flag) => flag !== ""), ...start, targetOf(request)];
}

function targetOf({ dataset, snapshot }: SendRequest): string {
  return `${dataset}@${snapshot}`;
}
