/**
 * Reading an archive in one pass, from a file or a pipe: members in order, with the pieces of a stream joined and metadata members capped.
 */
import { damaged } from "../errors.ts";
import { collect, type ByteSource, type ByteStream } from "../stream/bytes.ts";
import { TarReader, type TarEntry } from "../stream/tar/read.ts";
import { memberKind, type MemberKind } from "./layout.ts";

/** Largest text member or hook script, in bytes; real ones are a few KiB. */
const TEXT_LIMIT_BYTES = 4 * 1024 * 1024;

/** A regular file of the archive; a stream's pieces are one member. */
export interface ArchiveMember {
  readonly name: string;
  readonly kind: MemberKind;
  /** Mode field, with whatever type bits it has. */
  readonly mode: number;
  /** Offset of the (first) header in the archive. */
  readonly offset: number;
  /** Sizes of the pieces in bytes, in order; all of them once the bytes have been read or passed over. */
  readonly pieces: readonly number[];
  /** The content, pieces joined; to be read before the next member is asked for. */
  bytes(): ByteStream;
  /** The content of a text member. @throws ToolError damaged if it is larger than 4 MiB */
  text(): Promise<Uint8Array>;
}

/** Reads the members of an archive. */
export class ArchiveReader {
  readonly #tar: TarReader;
  #ahead: TarEntry | undefined;

  constructor(source: ByteSource) {
    this.#tar = new TarReader(source);
  }

  /** How the archive ended, once it has: with its end blocks, or (repository images) just so. */
  get end(): "blocks" | "eof" | undefined {
    return this.#tar.end;
  }

  /** Members in archive order; directories and other entries without content are passed over. @throws ToolError damaged */
  async *members(): AsyncGenerator<ArchiveMember> {
    for (let entry = await this.#next(); entry !== undefined; entry = await this.#next()) {
      if (entry.typeflag !== "0") continue;
      const member = new JoinedMember(entry, () => this.#nextPiece(entry.name));
      yield member;
      await member.passOver();
    }
  }

  async #next(): Promise<TarEntry | undefined> {
    const entry = this.#ahead ?? (await this.#tar.next());
    this.#ahead = undefined;
    return entry;
  }

  /** The next entry if it goes on with the member called `name`. */
  async #nextPiece(name: Uint8Array): Promise<TarEntry | undefined> {
    const entry = await this.#next();
    if (entry?.typeflag === "0" && Buffer.compare(entry.name, name) === 0) return entry;
    this.#ahead = entry;
    return undefined;
  }
}

class JoinedMember implements ArchiveMember {
  readonly name: string;
  readonly kind: MemberKind;
  readonly mode: number;
  readonly offset: number;
  readonly pieces: number[];
  readonly #first: TarEntry;
  readonly #nextPiece: () => Promise<TarEntry | undefined>;
  #begun = false;
  #passed = false;

  constructor(first: TarEntry, nextPiece: () => Promise<TarEntry | undefined>) {
    this.name = Buffer.from(first.name).toString("utf8");
    this.kind = memberKind(this.name);
    this.mode = first.mode;
    this.offset = first.headerOffset;
    this.pieces = [first.size];
    this.#first = first;
    this.#nextPiece = nextPiece;
  }

  async *bytes(): ByteStream {
    if (this.#begun) throw new TypeError(`"${this.name}" is read twice`);
    this.#begun = true;
    yield* this.#first.body();
    for (let piece = await this.#further(); piece !== undefined; piece = await this.#further()) yield* piece.body();
  }

  async text(): Promise<Uint8Array> {
    const tooLong = (): Error =>
      damaged(`Cannot read "${this.name}": it is larger than ${TEXT_LIMIT_BYTES} bytes`, { offset: this.offset });
    if (this.#first.size > TEXT_LIMIT_BYTES) throw tooLong();
    this.#begun = true;
    return await collect(this.#first.body(), TEXT_LIMIT_BYTES, tooLong);
  }

  /** Steps over what has not been read. */
  async passOver(): Promise<void> {
    if (this.kind.is !== "stream" && this.kind.is !== "rootfs-tar") return;
    while ((await this.#further()) !== undefined);
  }

  async #further(): Promise<TarEntry | undefined> {
    if (this.#passed) return undefined;
    const piece = await this.#nextPiece();
    if (piece === undefined) this.#passed = true;
    else this.pieces.push(piece.size);
    return piece;
  }
}
