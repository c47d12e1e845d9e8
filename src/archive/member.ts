/** A member of an archive, wherever it is read from, and which entries of the tar are members at all. */
import { damaged } from "../errors.ts";
import { collect, concat, type ByteStream } from "../stream/bytes.ts";
import { displayName } from "../stream/tar/display-name.ts";
import { BLOCK_BYTES } from "../stream/tar/header.ts";
import type { TarEntry } from "../stream/tar/read.ts";
import { MEMBER_LIMIT_BYTES, type MemberKind } from "./layout.ts";

/** A regular file of the archive; a stream's pieces are one member. */
export interface ArchiveMember {
  readonly name: string;
  readonly kind: MemberKind;
  /** Mode field, with whatever type bits it has. */
  readonly mode: number;
  /** Offset of the (first) header in the archive. */
  readonly offset: number;
  /** How many entries it consists of; on a pipe, once it has been read or passed over. */
  readonly pieces: number;
  /** Bytes in the archive, of all pieces; on a pipe, once they have been read or passed over. */
  readonly storedBytes: number;
  /** The content, pieces joined; to be read before the next member is asked for. */
  bytes(): ByteStream;
  /** The content of a text member. @throws ToolError damaged if it is larger than 4 MiB */
  text(): Promise<Uint8Array>;
}

/** Largest text member or hook script, in bytes; real ones are a few KiB. */
const TEXT_LIMIT_BYTES = 4 * 1024 * 1024;
/** What the length of a ZFS stream is a multiple of. */
const WORD_BYTES = 8;
/** Bound of what is kept in memory of an archive's members, in bytes. */
const LIST_LIMIT_BYTES = 64 * 1024 * 1024;
const MEMBER_BYTES = 512;

const TYPES: Readonly<Record<string, string>> = {
  "1": "a hard link",
  "2": "a symbolic link",
  "3": "a character device",
  "4": "a block device",
  "6": "a FIFO",
};

/** Whether the pieces of a member belong together: those of a stream, while of several texts of one name each stands for itself. */
export function isJoined(kind: MemberKind): boolean {
  return kind.is === "stream" || kind.is === "rootfs-tar";
}

/**
 * Whether an entry is a member, having content. Directories are not, nor is what upstream passes over: anything but files among the hooks,
 * and under names that mean nothing.
 *
 * @throws ToolError damaged for a member that is there, but not as a file with all its bytes
 */
export function isContent(entry: TarEntry, kind: MemberKind): boolean {
  const { typeflag, sparse, headerOffset: offset } = entry;
  const name = displayName(entry.name);
  if (typeflag === "0" && sparse !== undefined && kind.is !== "other") {
    throw damaged(`Cannot read "${name}": it is stored with holes`, {
      offset,
      hints: ["Pack the archive again without tar's --sparse option"],
    });
  }
  if (typeflag === "0" || typeflag === "5" || kind.is === "hook" || kind.is === "other") return typeflag === "0";
  const what = TYPES[typeflag] ?? `an entry of type "${displayName(Buffer.from(typeflag))}"`;
  throw damaged(`Cannot read "${name}": it is ${what}, not a file`, { offset });
}

/** Reads a text member. @throws ToolError damaged if it is too large to be one */
export async function readText(bytes: ByteStream, member: { name: string; offset: number; size: number }): Promise<Uint8Array> {
  const { name, offset, size } = member;
  const tooLong = (): Error => damaged(`Cannot read "${name}": it is larger than ${TEXT_LIMIT_BYTES} bytes`, { offset });
  if (size > TEXT_LIMIT_BYTES) throw tooLong();
  return await collect(bytes, TEXT_LIMIT_BYTES, tooLong);
}

/** A piece of a member: the data of one entry. */
export interface Piece {
  readonly size: number;
  readonly slack: number;
  body(): ByteStream;
}

/**
 * The bytes of a piece. Where its size did not fit the header, padding may have been taken for data; behind gzip that does no harm, but of a
 * bare ZFS stream it is left out.
 */
export function pieceBytes(piece: Piece, kind: MemberKind): ByteStream {
  const mayBePadded = kind.is === "stream" && !kind.gzipped && piece.size > MEMBER_LIMIT_BYTES;
  return mayBePadded ? withoutPadding(piece) : piece.body();
}

/** Limits what is kept of members. */
export class ListAllowance {
  #bytes = 0;

  /** @throws ToolError damaged when it is used up */
  addMember(name: string): void {
    this.add(MEMBER_BYTES + 2 * name.length);
  }

  /** @throws ToolError damaged when it is used up */
  add(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes <= LIST_LIMIT_BYTES) return;
    throw damaged("Cannot read archive: it has too many members to keep a list of them", {
      hints: ["For members in the order of an export no list is needed: pipe it in, with cat ARCHIVE | ctar import -"],
    });
  }
}

/** Leaves out zeros at the end, down to a length that a ZFS stream may have: a multiple of 8, as its last record ends in a checksum. */
async function* withoutPadding(piece: Piece): ByteStream {
  let held: Uint8Array = new Uint8Array(0);
  for await (const chunk of piece.body()) {
    if (held.length >= BLOCK_BYTES && chunk.length >= BLOCK_BYTES) {
      yield held;
      held = chunk;
      continue;
    }
    const all = concat([held, chunk]);
    const ready = Math.max(0, all.length - BLOCK_BYTES);
    if (ready > 0) yield all.subarray(0, ready);
    held = all.subarray(ready);
  }
  const least = held.length - piece.slack;
  let end = held.length;
  while (end > least && held[end - 1] === 0) end -= 1;
  const over = (piece.size - held.length + end) % WORD_BYTES;
  yield held.subarray(0, over === 0 ? end : end + WORD_BYTES - over);
}
