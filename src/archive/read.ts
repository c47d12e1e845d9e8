/**
 * Reading an archive: its members, with the pieces of a stream joined and metadata members capped. A file is read in the order that an import
 * needs, whatever the order in it; a pipe in one pass.
 */
import { isSeekable, type ByteSource, type ByteStream, type SeekableSource } from "../stream/bytes.ts";
import { TarReader, type TarEntry } from "../stream/tar/read.ts";
import { memberKind, type MemberKind } from "./layout.ts";
import { isContent, isJoined, pieceBytes, readText, type ArchiveMember } from "./member.ts";
import { indexMembers } from "./member-index.ts";
import { findStreams, type MemberSource } from "./member-source.ts";
import { decodeMetadata } from "./metadata.ts";
import { OnePassOrder, sortForImport } from "./order.ts";

/** Reads the members of an archive, once. */
export class ArchiveReader {
  readonly #source: ByteSource;
  #end: "blocks" | "eof" | undefined;
  #mayHaveManifest = true;

  constructor(source: ByteSource) {
    this.#source = source;
  }

  /** False once it is known that there is none. */
  get mayHaveManifest(): boolean {
    return this.#mayHaveManifest;
  }

  /** How the archive ended, once that is known: with its end blocks, or (repository images) just so. */
  get end(): "blocks" | "eof" | undefined {
    return this.#end;
  }

  /**
   * Members in the order that an import needs, without those that mean nothing. Of a file all headers are read first.
   *
   * @throws ToolError damaged; also if a pipe brings members in an order that one pass cannot do with
   */
  async *members(): AsyncGenerator<ArchiveMember> {
    if (isSeekable(this.#source)) return yield* this.#sorted(this.#source);
    const order = new OnePassOrder();
    for await (const member of this.inArchiveOrder()) if (order.wants(member)) yield member;
  }

  /** Of a file, its streams as something to seek in. @throws ToolError damaged */
  async seekableStreams(): Promise<readonly MemberSource[] | undefined> {
    return isSeekable(this.#source) ? (await findStreams(this.#source)).streams : undefined;
  }

  /** Members as they stand in the archive, also those that mean nothing. @throws ToolError damaged */
  async *inArchiveOrder(): AsyncGenerator<ArchiveMember> {
    const entries = new Lookahead(new TarReader(this.#source));
    for (let entry = await entries.next(); entry !== undefined; entry = await entries.next()) {
      const name = Buffer.from(entry.name).toString("utf8");
      const kind = memberKind(name);
      if (!isContent(entry, kind)) continue;
      const member = new PassingMember(entries, { name, kind, entry });
      yield member;
      await member.passOver();
    }
    this.#end = entries.end;
  }

  async *#sorted(source: SeekableSource): AsyncGenerator<ArchiveMember> {
    const { members, end } = await indexMembers(source);
    this.#end = end;
    this.#mayHaveManifest = members.some(({ kind }) => kind.is === "manifest");
    const metadata = await members.find(({ kind }) => kind.is === "metadata")?.text();
    yield* sortForImport(members, metadata === undefined ? undefined : decodeMetadata(metadata));
  }
}

/** Entries, of which the next can be looked at. */
class Lookahead {
  readonly #tar: TarReader;
  #ahead: TarEntry | undefined;

  constructor(tar: TarReader) {
    this.#tar = tar;
  }

  get end(): "blocks" | "eof" | undefined {
    return this.#tar.end;
  }

  async next(): Promise<TarEntry | undefined> {
    const entry = this.#ahead ?? (await this.#tar.next());
    this.#ahead = undefined;
    return entry;
  }

  /** The next entry, if it is one of that name and has content. */
  async nextPiece(name: Uint8Array, kind: MemberKind): Promise<TarEntry | undefined> {
    const entry = await this.next();
    if (entry !== undefined && Buffer.compare(entry.name, name) === 0 && isContent(entry, kind)) return entry;
    this.#ahead = entry;
    return undefined;
  }
}

/** A member that passes by. */
class PassingMember implements ArchiveMember {
  readonly name: string;
  readonly kind: MemberKind;
  readonly mode: number;
  readonly offset: number;
  pieces = 0;
  readonly #entries: Lookahead;
  /** The piece that is being read; none once all have passed. */
  #piece: TarEntry | undefined;
  #passedBytes = 0;
  #begun = false;

  constructor(entries: Lookahead, first: { name: string; kind: MemberKind; entry: TarEntry }) {
    this.#entries = entries;
    this.name = first.name;
    this.kind = first.kind;
    this.mode = first.entry.mode;
    this.offset = first.entry.headerOffset;
    this.#take(first.entry);
  }

  get storedBytes(): number {
    return this.#passedBytes + (this.#piece?.size ?? 0);
  }

  async *bytes(): ByteStream {
    for (let piece: TarEntry | undefined = this.#begin(); piece !== undefined; piece = await this.#next(piece)) {
      yield* pieceBytes(piece, this.kind);
    }
  }

  async text(): Promise<Uint8Array> {
    const { name, offset, storedBytes: size } = this;
    return await readText(this.#begin().body(), { name, offset, size });
  }

  /** Steps over what has not been read. */
  async passOver(): Promise<void> {
    while (this.#piece !== undefined) await this.#next(this.#piece);
  }

  #begin(): TarEntry {
    if (this.#begun || this.#piece === undefined) throw new TypeError(`"${this.name}" is read twice, or too late`);
    this.#begun = true;
    return this.#piece;
  }

  /** Passes on to the next piece. */
  async #next(piece: TarEntry): Promise<TarEntry | undefined> {
    const next = isJoined(this.kind) ? await this.#entries.nextPiece(piece.name, this.kind) : undefined;
    this.#passedBytes += piece.size; // known now at the latest
    this.#piece = undefined;
    if (next !== undefined) this.#take(next);
    return next;
  }

  #take(entry: TarEntry): void {
    this.#piece = entry;
    this.pieces += 1;
  }
}
