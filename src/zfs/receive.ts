/** `zfs recv` into a dataset that is never mounted on the way. */
import type { ByteStream } from "../stream/bytes.ts";
import type { Zfs } from "./cli.ts";
import { isStarved, zfsFailure } from "./failure.ts";
import type { DatasetName } from "./name.ts";

/** Options of {@link receiveStream}. */
export interface ReceiveOptions {
  /** Properties set on a dataset that the stream creates (`-o`). */
  properties?: Readonly<Record<string, string>>;
}

/**
 * Receives a stream: unmounted (`-u`), with no mountpoint of its own whatever the stream says (`-x mountpoint`).
 *
 * @throws ToolError zfs, exists, busy, not-found if zfs refused; whatever the source threw if that failed first
 */
export async function receiveStream(zfs: Zfs, target: DatasetName, source: ByteStream, options: ReceiveOptions = {}): Promise<void> {
  const settings = Object.entries(options.properties ?? {}).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
  await using child = await zfs.start(["recv", "-u", "-x", "mountpoint", ...settings, target], "to");
  const failure = await feed();
  const exit = await child.wait();
  zfs.throwIfInterrupted();
  if (exit.status === 0 && failure === undefined) return;
  const refused = exit.status === 0 ? undefined : zfsFailure(exit, `receive "${target}"`, child.argv);
  // the reason is zfs's, unless all it says is that it was not given enough
  if (failure !== undefined && (refused === undefined || isStarved(refused) || exit.status === null)) throw failure.error;
  if (refused !== undefined) throw refused;

  async function feed(): Promise<{ error: unknown } | undefined> {
    try {
      for await (const chunk of source) {
        if (!(await child.write(chunk))) break;
      }
      child.closeInput();
      return undefined;
    } catch (error) {
      // no more input: zfs drops what it has and says so
      child.kill();
      return { error };
    }
  }
}
