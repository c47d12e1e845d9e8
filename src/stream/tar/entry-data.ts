/**
 * The data of one entry, read once or stepped over.
 *
 * Where its size did not fit the field (see cut-size.ts), a file is searched for the right one at once. On a pipe the data goes on until what
 * comes next can stand behind it, and only then is the size known.
 */
import { damaged } from "../../errors.ts";
import { drain, type ByteStream, type SeekableSource } from "../bytes.ts";
import { PeekSource } from "../peek-source.ts";
import { endsBehind, type SizeGuess } from "./cut-size.ts";
import { displayName } from "./display-name.ts";
import { paddingOf } from "./header.ts";

/** What is known of an entry when its data begins. */
export interface EntryPlace {
  name: Uint8Array;
  headerOffset: number;
  /** Bytes of data, if there are no guesses. */
  size: number;
  /** Sizes that the data may have; none where the size means what it says. */
  guesses: readonly SizeGuess[];
}

/** What a reader of tars puts up with. */
export interface TarReaderOptions {
  /** Whether a tar may end right behind the data of its last entry, as a layer that `umoci insert` makes does. */
  readonly mayEndUnpadded?: boolean;
}

const CHUNK_BYTES = 1024 * 1024;

/** The data that comes next in a source. */
export class EntryData {
  /** Where it begins. */
  readonly offset: number;
  readonly #source: PeekSource;
  readonly #place: EntryPlace;
  #size: number;
  #slack = 0;
  #guesses: readonly SizeGuess[];
  #passed = false;

  constructor(source: PeekSource, place: EntryPlace) {
    this.#source = source;
    this.#place = place;
    this.offset = source.offset;
    this.#size = place.size;
    this.#guesses = place.guesses;
  }

  /** Bytes of data; as long as the size is not known, the least it may be. */
  get size(): number {
    return this.#size;
  }

  /** How many of these, the last ones, may be padding. */
  get slack(): number {
    return this.#slack;
  }

  /** Finds the size, if it is not known and the source is a file. @throws ToolError damaged if there is none that fits */
  async findSize(): Promise<void> {
    const { file } = this.#source;
    if (this.#guesses.length === 0 || file === undefined) return;
    const found = await this.#search(file);
    file.seek(this.offset);
    if (found !== undefined) this.#settle(found);
    // of a file that was cut, not even the least may be there: as reading on will tell
    else if (this.offset + this.#size > file.size) this.#guesses = [];
    else throw this.#sizeUnknown();
  }

  /** The data, in chunks of at most 1 MiB. */
  async *bytes(): ByteStream {
    for (const guess of this.#guesses) {
      if (this.#source.offset > this.offset + guess.least) continue;
      yield* this.#upTo(guess.least);
      if (!(await endsBehind(this.#source, guess.end - guess.least))) continue;
      this.#settle(guess);
      break;
    }
    if (this.#guesses.length > 0) throw this.#sizeUnknown();
    yield* this.#upTo(this.#size);
  }

  /** Steps over what has not been read, and the padding. @throws ToolError damaged if not all is there */
  async pass(options: TarReaderOptions): Promise<void> {
    if (this.#guesses.length > 0) await drain(this.bytes());
    this.#passed = true;
    const left = this.offset + this.#size - this.#source.offset;
    if (left > 0 && (await this.#source.skip(left)) < left) throw this.#cutOff(this.#size);
    await skipPadding(this.#source, this.#size, this.#place.name, options);
  }

  async #search(file: SeekableSource): Promise<SizeGuess | undefined> {
    for (const guess of this.#guesses) {
      const end = this.offset + guess.end;
      if (end > file.size) return undefined;
      file.seek(end);
      if (await endsBehind(new PeekSource(file), 0)) return guess;
    }
    return undefined;
  }

  #settle({ least, most }: SizeGuess): void {
    this.#size = most;
    this.#slack = most - least;
    this.#guesses = [];
  }

  /** Data until there were `size` bytes of it. */
  async *#upTo(size: number): ByteStream {
    for (;;) {
      if (this.#passed) throw new TypeError(`The data of "${displayName(this.#place.name)}" is read after the next entry was asked for`);
      const left = this.offset + size - this.#source.offset;
      if (left <= 0) return;
      const chunk = await this.#source.read(Math.min(left, CHUNK_BYTES));
      if (chunk === undefined) throw this.#cutOff(size);
      yield chunk;
    }
  }

  #cutOff(size: number): Error {
    const { offset } = this.#source;
    return cutOff(`"${displayName(this.#place.name)}"`, { offset, there: offset - this.offset, of: size, what: "data" });
  }

  #sizeUnknown(): Error {
    const { name, headerOffset } = this.#place;
    return damaged(
      `Cannot read archive: the size of "${displayName(name)}" did not fit its field, and no size that it may have leads to a header`,
      { offset: headerOffset },
    );
  }
}

/** Steps over the padding behind `size` bytes of data. @throws ToolError damaged if it is cut off */
export async function skipPadding(source: PeekSource, size: number, name: Uint8Array, options: TarReaderOptions = {}): Promise<void> {
  const padding = paddingOf(size);
  if (padding === 0) return;
  const there = await source.skip(padding);
  if (there === 0 && options.mayEndUnpadded === true) return;
  if (there < padding) throw cutOff(`"${displayName(name)}"`, { offset: source.offset, there, of: padding, what: "padding" });
}

/** Says what was cut, and how much of it is there. */
export function cutOff(where: string, facts: { offset: number; there: number; of: number; what?: string }): Error {
  const { offset, there, of, what } = facts;
  const amount = what === undefined ? `${there} of ${of} bytes` : `${there} of ${of} bytes of ${what}`;
  return damaged(`Cannot read archive: cut off in ${where}, ${amount} are there`, { offset, facts: { expected: of, actual: there } });
}
