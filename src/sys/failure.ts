/** Plain words for what the operating system refused. */
import { getSystemErrorMap } from "node:util";

/** "no such file or directory" for an ENOENT, the message itself for anything else. */
export function systemReason(error: unknown): string {
  if (systemCode(error) === "EDQUOT") return "disk quota exceeded"; // what ZFS says of a full dataset; not in the table of libuv
  const errno = (error as NodeJS.ErrnoException | undefined)?.errno;
  const known = typeof errno === "number" ? getSystemErrorMap().get(-Math.abs(errno)) : undefined;
  if (known !== undefined) return known[1];
  return error instanceof Error ? error.message : String(error);
}

/** The name of a system error (`ENOENT`), or undefined for anything else. */
export function systemCode(error: unknown): string | undefined {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  return typeof code === "string" ? code : undefined;
}

/** Waits for `work`, or fails with the signal's reason; a blocked read or write cannot be called back, but we need not wait for it. */
export async function raceAbort<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return await work;
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => aborted.reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", abort);
    work.catch(() => undefined);
  }
}
