/** Entries that a generator makes, as those take them that read tars. */
import type { TarEntry } from "../../stream/tar/read.ts";
import type { EntrySource } from "../../tree/selected-entries.ts";

/** Gives the entries; {@link close} it if it is left before its end. The data of each is to be read before the next one is asked for. */
export class EntryStream implements EntrySource {
  readonly #entries: AsyncGenerator<TarEntry>;

  constructor(entries: AsyncGenerator<TarEntry>) {
    this.#entries = entries;
  }

  /** The next entry; undefined at the end. @throws ToolError whatever making it throws */
  async next(): Promise<TarEntry | undefined> {
    const next = await this.#entries.next();
    return next.done === true ? undefined : next.value;
  }

  async close(): Promise<void> {
    await this.#entries.return(undefined);
  }
}
