/** Files that come one after the other, in an order that nobody chose: those of a tar, or of the layers of an image. */
import { damaged } from "../errors.ts";
import { isSeekable, type ByteSource, type ByteStream } from "../stream/bytes.ts";
import { unpack } from "../stream/input-start.ts";
import { StreamSource } from "../stream/stream-source.ts";
import { TarReader, type TarEntry } from "../stream/tar/read.ts";
import type { EntrySource } from "./selected-entries.ts";

/** Files as entries. */
export interface EntryFiles {
  readonly kind: "entries";
  /** Whether they can be opened again. */
  readonly isReopenable: boolean;
  /** Begins with the first one; to be closed. */
  open(): Promise<OpenEntries>;
}

/** Entries on their way. */
export interface OpenEntries extends EntrySource {
  close(): Promise<void>;
}

/** Options of {@link filesOfTar}. */
export interface TarFilesOptions {
  /** Whether a tar is refused that has no end blocks: one that was cut where an entry would begin. */
  readonly needsEnd?: boolean;
}

/** The files in a tar that an input is, compressed or not; of a file, data is stepped over that nobody reads. @param what what messages call it */
export function filesOfTar(source: ByteSource, what: string, { needsEnd = false }: TarFilesOptions = {}): EntryFiles {
  const open = async (): Promise<OpenEntries> => {
    const unpacked = await unpack(source, what);
    const close = async (): Promise<void> => await unpacked[Symbol.asyncDispose]();
    return new TarEntries(unpacked.source, close, needsEnd ? () => cutOff(what) : undefined);
  };
  return { kind: "entries", isReopenable: isSeekable(source), open };
}

/** The files in a tar that passes. @param open gives its bytes, again and again if it is reopenable */
export function filesOfTarStream(open: () => ByteStream, isReopenable: boolean): EntryFiles {
  const openEntries = async (): Promise<OpenEntries> => {
    const source = new StreamSource(open());
    return await Promise.resolve(new TarEntries(source, async () => await source.close()));
  };
  return { kind: "entries", isReopenable, open: openEntries };
}

/** The entries of a tar. It is read to its end, behind that of the tar, so that the checks which steps before make there are made. */
class TarEntries implements OpenEntries {
  readonly #source: ByteSource;
  readonly #tar: TarReader;
  readonly close: () => Promise<void>;
  readonly #noEnd: (() => Error) | undefined;

  /** @param noEnd makes what is thrown if there are no end blocks; undefined if that is not looked at */
  constructor(source: ByteSource, close: () => Promise<void>, noEnd?: () => Error) {
    this.#source = source;
    this.#tar = new TarReader(source);
    this.close = close;
    this.#noEnd = noEnd;
  }

  async next(): Promise<TarEntry | undefined> {
    const entry = await this.#tar.next();
    if (entry !== undefined) return entry;
    if (this.#tar.end === "eof" && this.#noEnd !== undefined) throw this.#noEnd();
    await this.#source.skip(Number.MAX_SAFE_INTEGER);
    return undefined;
  }
}

function cutOff(what: string): Error {
  return damaged(`Cannot read "${what}": it is cut off, the end blocks are missing`, {
    hints: ["Everything in front of them is there: with --no-verify it is taken"],
  });
}
