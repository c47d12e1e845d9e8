/** A stream of an archive that is read once, as it is stored or decompressed, and checked as it passes: digests, gzip, records or entries. */
import type { ByteStream } from "../../stream/bytes.ts";
import { observed, type Measure } from "../../stream/digest.ts";
import { gunzip } from "../../stream/gunzip.ts";
import { openDigest } from "../../stream/threads/digest.ts";
import { watched } from "../../stream/watched.ts";
import type { ArchiveMember } from "../member.ts";
import { isGzipped, unreadStream, verifyStored, verifyUnpacked, type VerifiedStream } from "../verify-stream.ts";
import { streamRefusal } from "./refusal.ts";

/** Its bytes, in one way or the other; what they are is known when they have passed. */
export class CheckedStream {
  readonly isGzipped: boolean;
  readonly #member: ArchiveMember;
  readonly #isChecked: boolean;
  readonly #stream: VerifiedStream;

  /** @param isChecked whether all is looked at, or only sizes and what gzip says */
  constructor(member: ArchiveMember, isChecked: boolean) {
    this.#member = member;
    this.#isChecked = isChecked;
    this.#stream = unreadStream(member);
    this.isGzipped = isGzipped(this.#stream);
  }

  /** What it is, as far as it has been read. */
  get facts(): VerifiedStream {
    return { ...this.#stream, pieces: this.#member.pieces };
  }

  /** Size and digest of what it is once decompressed, when it has been read. */
  get raw(): Measure {
    return known(this.#stream.raw);
  }

  /** Size and digest of what is stored, when it has been read. */
  get stored(): Measure {
    return known(this.#stream.stored);
  }

  /** The bytes as they are stored. @throws ToolError damaged, at the latest in place of the end */
  asStored(): ByteStream {
    return watched(this.#member.bytes(), async (bytes) => await this.#refusing(verifyStored(this.#stream, bytes, this.#isChecked)));
  }

  /** The bytes, decompressed. @throws ToolError damaged, at the latest in place of the end */
  unpacked(): ByteStream {
    return this.isGzipped ? this.#unpacked() : this.asStored();
  }

  async *#unpacked(): ByteStream {
    using stored = openDigest(this.#isChecked ? "here" : "nowhere");
    const unpacked = gunzip(observed(this.#member.bytes(), stored), this.#member.name);
    yield* watched(unpacked, async (bytes) => await this.#refusing(verifyUnpacked(this.#stream, bytes, this.#isChecked)));
    this.#stream.stored = await stored.finish();
  }

  async #refusing(check: Promise<void>): Promise<void> {
    try {
      await check;
    } catch (error) {
      throw streamRefusal(this.#member.name, error);
    }
  }
}

function known(measure: Measure | undefined): Measure {
  if (measure === undefined) throw new TypeError("the stream has not been read to its end");
  return measure;
}
