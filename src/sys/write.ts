/**
 * Writing to a descriptor on the runtime's thread pool, so that a pipe which is full holds nobody up: a signal must still be heard.
 *
 * Deno's `node:fs` writes on the main thread; its own streams do not, so they stand in for stdout and stderr there. A pipe that is named as a file
 * has no such stand-in.
 */
import * as fs from "node:fs";

/** What Deno has for a standard stream. */
interface DenoStream {
  write(bytes: Uint8Array): Promise<number>;
}

/**
 * Writes bytes, maybe not all of them.
 *
 * @param position where in a file, in bytes; null for where the descriptor is
 * @returns how many were written
 * @throws SystemError EAGAIN where somebody made the descriptor non-blocking and it is full
 */
export async function writeSome(fd: number, bytes: Uint8Array, position: number | null = null): Promise<number> {
  const stream = position === null ? denoStream(fd) : undefined;
  if (stream !== undefined) return await stream.write(bytes);
  return await new Promise((resolve, reject) => {
    fs.write(fd, bytes, 0, bytes.length, position, (error, count) => (error === null ? resolve(count) : reject(error)));
  });
}

function denoStream(fd: number): DenoStream | undefined {
  const { Deno: deno } = globalThis as { Deno?: { stdout: DenoStream; stderr: DenoStream } };
  return [undefined, deno?.stdout, deno?.stderr][fd];
}
