/**
 * The one currency of data: an async iterable of byte chunks. A step is an `async function*` over one; pulling gives backpressure and
 * `finally` gives cleanup. Chunks are of any size, never empty, and belong to whoever received them.
 */

const CHUNK_BYTES = 1024 * 1024;

/** Bytes on their way. */
export type ByteStream = AsyncIterable<Uint8Array>;

/** A readable input that knows where it is and can step over bytes: a seekable file or a pipe. */
export interface ByteSource {
  /** Offset of the next byte, counted from where reading began. */
  readonly offset: number;
  /** Bytes from the beginning to the end, where the input is a regular file. */
  readonly size: number | undefined;
  /** Next bytes, 1 to `maxBytes` of them, or undefined at the end. */
  read(maxBytes: number): Promise<Uint8Array | undefined>;
  /** Steps over `count` bytes without reading them where the input can seek; returns how many there were. */
  skip(count: number): Promise<number>;
}

/** A source that can go anywhere in its bytes: a regular file. */
export interface SeekableSource extends ByteSource {
  readonly size: number;
  /** Goes to a byte, counted from where reading began; at or behind the end there is nothing to read. */
  seek(offset: number): void;
}

/** Whether a source is a regular file. */
export function isSeekable(source: ByteSource): source is SeekableSource {
  return source.size !== undefined && "seek" in source;
}

/** Reads exactly `count` bytes, or as many as there are before the end. */
export async function readUpTo(source: ByteSource, count: number): Promise<Uint8Array> {
  const first = await source.read(count);
  if (first === undefined || first.length === count) return first ?? new Uint8Array(0);
  const all = new Uint8Array(count);
  all.set(first);
  let filled = first.length;
  while (filled < count) {
    const chunk = await source.read(count - filled);
    if (chunk === undefined) break;
    all.set(chunk, filled);
    filled += chunk.length;
  }
  return all.subarray(0, filled);
}

/** Everything that is left in a source, in chunks of at most 1 MiB. */
export async function* readAll(source: ByteSource): ByteStream {
  for (let chunk = await source.read(CHUNK_BYTES); chunk !== undefined; chunk = await source.read(CHUNK_BYTES)) yield chunk;
}

/** Reads a stream to its end, for what happens on the way. */
export async function drain(stream: ByteStream): Promise<void> {
  const chunks = stream[Symbol.asyncIterator]();
  while ((await chunks.next()).done !== true);
}

/** Joins chunks into one array. */
export function concat(chunks: readonly Uint8Array[]): Uint8Array {
  const only = chunks.length === 1 ? chunks[0] : undefined;
  return only ?? Buffer.concat(chunks);
}

/** Collects a whole stream in memory. @throws whatever `tooLong` makes once there are more than `limitBytes` */
export async function collect(stream: ByteStream, limitBytes: number, tooLong: () => Error): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let total = 0;
  for await (const chunk of stream) {
    total += chunk.length;
    if (total > limitBytes) throw tooLong();
    chunks.push(chunk);
  }
  return concat(chunks);
}

/** An output that an archive is written to. */
export interface ByteSink {
  /** Bytes written so far. */
  readonly offset: number;
  /** True where bytes already written can be replaced: a regular file. */
  readonly patchable: boolean;
  /** Writes chunks one behind the other, waiting until what was written before has gone out; the chunks must stay as they are. */
  write(chunks: readonly Uint8Array[]): Promise<void>;
  /** Waits until everything has gone out. */
  flush(): Promise<void>;
  /** Replaces bytes written before, `at` counted from the first byte written; only where {@link patchable}. */
  patch(at: number, bytes: Uint8Array): Promise<void>;
  /** Where others, too, can write: a regular file, if the runtime lets a child have it. */
  readonly shared?: SharedFile | undefined;
}

/** An output that is lent to another process, which writes on where we would. */
export interface SharedFile {
  /** Its descriptor. */
  readonly fd: number;
  /** What the other one writes, as it appears, until `written` settles. */
  follow(written: Promise<unknown>): ByteStream;
  /** Bytes that the other one has written so far. */
  readonly ahead: number;
  /** Takes what the other one wrote for written here. @returns how many bytes */
  takeOver(): number;
  /** Writes something, for the reason why another one could not; what follows is of no use. @throws ToolError failed if it cannot be done */
  assertRoom(): Promise<void>;
  /** Drops everything from an offset on, counted from the first byte written here. */
  truncate(offset: number): Promise<void>;
}
