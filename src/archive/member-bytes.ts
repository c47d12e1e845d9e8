/**
 * The bytes of a member with where in the archive they stand: pieces lie between headers, so an offset in the stream is not one in the archive.
 */
import type { ByteStream } from "../stream/bytes.ts";
import type { ArchiveMember } from "./member.ts";

/** Bytes that stand in the archive as they do in the stream. */
interface Stretch {
  streamOffset: number;
  archiveOffset: number;
}

/** A record's header lies across no more; where pieces are that small, its offset is that of the oldest stretch known. */
const STRETCHES = 64;

/** Reads a member once. */
export class MemberBytes {
  readonly #member: ArchiveMember;
  readonly #position: (() => number) | undefined;
  readonly #stretches: Stretch[] = [];
  #passed = 0;
  #hasFailed = false;

  /** @param position how far the archive has been read, exactly up to the chunk that came last; undefined where it is read elsewhere too */
  constructor(member: ArchiveMember, position: (() => number) | undefined) {
    this.#member = member;
    this.#position = position;
  }

  /** Whether the archive could not be read on, as against what the reader of these bytes found. */
  get hasFailed(): boolean {
    return this.#hasFailed;
  }

  async *read(): ByteStream {
    try {
      for await (const chunk of this.#member.bytes()) {
        if (this.#position !== undefined) this.#note(chunk.length, this.#position());
        yield chunk;
      }
    } catch (error) {
      this.#hasFailed = true;
      throw error;
    }
  }

  /** Where a byte of the stream stands in the archive, if it is one of those that came last; else where the member begins. */
  locate(streamOffset: number): number {
    const stretch = this.#stretches.findLast((candidate) => candidate.streamOffset <= streamOffset) ?? this.#stretches[0];
    return stretch === undefined ? this.#member.offset : stretch.archiveOffset + Math.max(0, streamOffset - stretch.streamOffset);
  }

  #note(bytes: number, end: number): void {
    const streamOffset = this.#passed;
    const archiveOffset = end - bytes;
    this.#passed += bytes;
    const last = this.#stretches.at(-1);
    if (last !== undefined && archiveOffset - last.archiveOffset === streamOffset - last.streamOffset) return;
    this.#stretches.push({ streamOffset, archiveOffset });
    if (this.#stretches.length > STRETCHES) this.#stretches.shift();
  }
}
