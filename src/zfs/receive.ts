/** `zfs recv` into a dataset that is never mounted on the way. */
import type { ByteStream } from "../stream/bytes.ts";
import type { Zfs } from "./cli.ts";
import { zfsFailure } from "./failure.ts";
import type { DatasetName } from "./name.ts";

/** Options of {@link receiveStream}. */
export interface ReceiveOptions {
  /** Properties set on a dataset that the stream creates (`-o`). */
  properties?: Readonly<Record<string, string>>;
}

/**
 * Receives a stream: unmounted (`-u`), with no mountpoint of its own whatever the stream says (`-x mountpoint`).
 *
 * @throws ToolError zfs, exists, busy, not-found if zfs refused; whatever the source threw if that failed
 */
export async function receiveStream(zfs: Zfs, target: DatasetName, source: ByteStream, options: ReceiveOptions = {}): Promise<void> {
  const settings = Object.entries(options.properties ?? {}).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
  await using child = await zfs.start(["recv", "-u", "-x", "mountpoint", ...settings, target], "to");
  const failure = await feed();
  const exit = await child.wait();
  zfs.throwIfInterrupted();
  // what zfs says of a source that failed is only that it was not given enough
  if (failure !== undefined) throw failure.error;
  if (exit.status !== 0) throw zfsFailure(exit, `receive "${target}"`, child.argv);

  async function feed(): Promise<{ error: unknown } | undefined> {
    try {
      for await (const chunk of source) {
        if (!(await child.write(chunk))) break;
      }
      return undefined;
    } catch (error) {
      return { error };
    } finally {
      // An input that ends too soon makes zfs drop what it has. A signal would too, but 2.1 may then wait in the kernel, the dataset busy.
      child.closeInput();
    }
  }
}
