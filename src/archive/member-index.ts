/**
 * The members of an archive file, wherever in it they stand: headers are read one after the other, stepping over the data, and what is kept
 * is where each piece is. Pieces of one stream belong together also when other members lie between, as `tar -xOf` prints them.
 *
 * An archive that is cut off is so found out before any data is read.
 */
import type { ByteStream, SeekableSource } from "../stream/bytes.ts";
import { readRange } from "../stream/read-range.ts";
import { BLOCK_BYTES, paddingOf } from "../stream/tar/header.ts";
import { TarReader, type TarEntry } from "../stream/tar/read.ts";
import { memberKind, type MemberKind } from "./layout.ts";
import { isContent, isJoined, ListAllowance, pieceBytes, readText, type ArchiveMember } from "./member.ts";

/** Pieces of one size, one behind the other with nothing but a header between them: a stream that was cut on a pipe is one run. */
interface Run {
  dataOffset: number;
  size: number;
  slack: number;
  count: number;
}

const RUN_BYTES = 64;

/** Finds all members that mean something, in the order of their first headers. @throws ToolError damaged */
export async function indexMembers(source: SeekableSource): Promise<{ members: IndexedMember[]; end: "blocks" | "eof" | undefined }> {
  source.seek(0);
  const tar = new TarReader(source);
  const allowance = new ListAllowance();
  const members: IndexedMember[] = [];
  const byName = new Map<string, IndexedMember>();
  for (let entry = await tar.next(); entry !== undefined; entry = await tar.next()) {
    const name = Buffer.from(entry.name).toString("utf8");
    const kind = memberKind(name);
    if (kind.is === "other" || !isContent(entry, kind)) continue;
    const known = byName.get(name);
    if (known === undefined) {
      allowance.addMember(name);
      const member = new IndexedMember(source, { name, kind, entry });
      members.push(member);
      // hooks may come again: each counts, the last is what stays
      if (kind.is !== "hook") byName.set(name, member);
    } else if (isJoined(kind) && known.add(entry)) allowance.add(RUN_BYTES);
  }
  return { members, end: tar.end };
}

/** A member that can be read at any time. */
export class IndexedMember implements ArchiveMember {
  readonly name: string;
  readonly kind: MemberKind;
  readonly mode: number;
  readonly offset: number;
  pieces = 0;
  storedBytes = 0;
  readonly #source: SeekableSource;
  readonly #runs: Run[] = [];

  constructor(source: SeekableSource, first: { name: string; kind: MemberKind; entry: TarEntry }) {
    this.#source = source;
    this.name = first.name;
    this.kind = first.kind;
    this.mode = first.entry.mode;
    this.offset = first.entry.headerOffset;
    this.add(first.entry);
  }

  /** Adds a piece. @returns whether it takes more memory */
  add({ dataOffset, size, slack }: TarEntry): boolean {
    this.pieces += 1;
    this.storedBytes += size;
    const last = this.#runs.at(-1);
    const continues = last?.size === size && last.dataOffset + last.count * strideOf(size) === dataOffset;
    if (continues) last.count += 1;
    else this.#runs.push({ dataOffset, size, slack, count: 1 });
    return !continues;
  }

  async *bytes(): ByteStream {
    for (const { dataOffset, size, slack, count } of this.#runs) {
      for (let index = 0; index < count; index++) {
        const offset = dataOffset + index * strideOf(size);
        yield* pieceBytes({ size, slack, body: () => readRange(this.#source, { offset, size }, this.name) }, this.kind);
      }
    }
  }

  async text(): Promise<Uint8Array> {
    return await readText(this.bytes(), { name: this.name, offset: this.offset, size: this.storedBytes });
  }
}

/** Bytes from one piece's data to the next. */
function strideOf(size: number): number {
  return size + paddingOf(size) + BLOCK_BYTES;
}
