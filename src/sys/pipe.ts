/**
 * Pipes as wide as the kernel lets us make them. Through the usual 64 KiB two processes wait for each other more than they copy: 1 MiB moves
 * two to three times as much (docs/performance.md).
 *
 * Descriptors are read and written on the runtime's thread pool, so that a full or an empty pipe holds nobody up.
 */
import * as fs from "node:fs";
import { openCLibrary } from "./ffi.ts";
import { writeSome } from "./write.ts";

/** Both ends of a pipe; closing them is their owners' job. */
export interface Pipe {
  readonly read: number;
  readonly write: number;
}

const F_SETPIPE_SZ = 1031;
const O_CLOEXEC = 0o2000000;
/** The most that an unprivileged process gets (`/proc/sys/fs/pipe-max-size`). */
const PIPE_BYTES = 1024 * 1024;
/** Bytes per read: a pipe seldom has more at once, and what is read stays in a buffer of this size. */
const READ_BYTES = 256 * 1024;

/** A pipe for a child; undefined under Deno, whose `node:fs` knows only descriptors that it opened itself. */
export async function openPipe(): Promise<Pipe | undefined> {
  if ("Deno" in globalThis) return undefined;
  const { functions } = await openCLibrary({ pipe2: { args: ["bytes", "i32"], result: "i32" } });
  const ends = new Int32Array(2);
  if (functions.pipe2(new Uint8Array(ends.buffer), O_CLOEXEC) !== 0) return undefined;
  const [read = -1, write = -1] = ends;
  await widenPipe(write);
  return { read, write };
}

/** Gives a pipe that somebody else made room for more; whatever else the descriptor is, it stays as it is. */
export async function widenPipe(fd: number): Promise<void> {
  const { functions } = await openCLibrary({ fcntl: { args: ["i32", "i32", "u64"], result: "i32" } });
  functions.fcntl(fd, F_SETPIPE_SZ, PIPE_BYTES);
}

/** What comes out of a pipe until all its writers have closed it; one read is under way while a chunk is in use. Closes the descriptor. */
export async function* readPipe(fd: number): AsyncIterable<Uint8Array> {
  let next = readSome(fd);
  try {
    for (let chunk = await next; chunk.length > 0; chunk = await next) {
      next = readSome(fd);
      yield chunk;
    }
  } finally {
    // a reader who leaves early does not wait for the writer
    const close = (): void => fs.closeSync(fd);
    void next.then(close, close);
  }
}

/** Writes all of a chunk to a pipe, waiting while it is full. @returns false if nobody reads any more */
export async function writePipe(fd: number, chunk: Uint8Array): Promise<boolean> {
  try {
    for (let done = 0; done < chunk.length;) done += await writeSome(fd, chunk.subarray(done));
    return true;
  } catch {
    return false; // EPIPE: there is nothing else that can happen to a pipe of our own
  }
}

function readSome(fd: number): Promise<Uint8Array> {
  const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
  return new Promise((resolve, reject) => {
    fs.read(fd, buffer, 0, buffer.length, null, (error, count) => (error === null ? resolve(buffer.subarray(0, count)) : reject(error)));
  });
}
