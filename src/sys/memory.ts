/** Memory that nobody uses any more. */

/**
 * Gives buffers back that are no longer in use. JavaScriptCore lets a hundred MiB of them pile up before it looks by itself; a collection takes
 * about 20 ms, so this is for every hundredth block or so. Does nothing where the runtime has no such call.
 */
export function releaseBuffers(): void {
  if ("Bun" in globalThis) Bun.gc(true);
}
