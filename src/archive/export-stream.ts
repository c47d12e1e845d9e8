/** One stream of a container becomes members of an archive: `open → digest → gzip → digest → members`, or its maker writes it into the file. */
import { drain, type SharedFile } from "../stream/bytes.ts";
import { observed } from "../stream/digest.ts";
import { gzip, GZIP_LEVELS, type GzipOptions } from "../stream/gzip.ts";
import { Progress } from "../stream/progress.ts";
import { openDigest, type DigestPlace } from "../stream/threads/digest.ts";
import { ROOTFS_TAR, streamMember } from "./layout.ts";
import type { StreamRecord } from "./manifest.ts";
import type { DirectStream, SourceStream } from "./source.ts";
import type { ArchiveWriter } from "./write.ts";

/** How streams are written. */
export interface StreamOptions extends GzipOptions {
  /** Whether digests are taken. */
  verify: boolean;
  /** Counts the streams' bytes, before they are compressed. */
  progress?: Progress;
}

export const DEFAULT_STREAM_OPTIONS: StreamOptions = { level: GZIP_LEVELS.default, threads: 1, verify: true };

/** What the manifest is told of how a stream was written. */
type Written = Pick<StreamRecord, "pieces" | "stored" | "raw">;

/** Writes the streams of one archive. */
export class StreamWriter {
  readonly #writer: ArchiveWriter;
  readonly #options: StreamOptions;
  readonly #format: "zfs" | "tar";
  readonly #progress: Progress;

  constructor(writer: ArchiveWriter, format: "zfs" | "tar", options: StreamOptions) {
    this.#writer = writer;
    this.#format = format;
    this.#options = options;
    this.#progress = options.progress ?? new Progress();
  }

  /** Writes a stream. @returns its entry in the manifest */
  async write(stream: SourceStream): Promise<StreamRecord> {
    const { dataset, kind } = stream;
    const member = this.#format === "tar" ? ROOTFS_TAR : streamMember(stream, stream.gzip);
    const written = stream.gzip ? await this.#writeGzip(member, stream) : await this.#writeRaw(member, stream);
    const facts = stream.facts();
    return { dataset, kind, member, ...written, ...(facts === undefined ? {} : { facts }) };
  }

  async #writeGzip(member: string, stream: SourceStream): Promise<Written> {
    // two threads are busy with gzip; only where there are more of them it would have to wait for digests
    const place = this.#digestPlace(this.#options.threads > 2);
    using raw = openDigest(place);
    using stored = openDigest(place);
    const compressed = gzip(observed(stream.open(), raw, this.#progress), this.#options);
    const pieces = await this.#writer.stream(member, observed(compressed, stored));
    return { pieces, stored: await stored.finish(), raw: await raw.finish() };
  }

  async #writeRaw(member: string, stream: SourceStream): Promise<Written> {
    const { direct } = stream;
    const file = this.#writer.shared;
    const tryDirect = direct !== undefined && file !== undefined && this.#writer.hasRoomFor(await direct.estimate());
    return (tryDirect ? await this.#writeDirect(member, direct, file) : undefined) ?? (await this.#writeThrough(member, stream));
  }

  /** @returns undefined if it turned out too large for one member; nothing is left of it then */
  async #writeDirect(member: string, direct: DirectStream, file: SharedFile): Promise<Written | undefined> {
    using digest = openDigest(this.#digestPlace(true));
    const progress = this.#progress;
    const before = progress.bytes;
    const bytes = await this.#writer.filled(member, file, async () => {
      await using sending = await direct.writeTo(file.fd);
      if (this.#options.verify) await drain(observed(direct.checked(file.follow(sending.ended)), digest, progress));
      else await progress.follow(() => file.ahead, sending.ended);
      await sending.ended;
    });
    if (bytes === undefined) {
      progress.bytes = before;
      return undefined;
    }
    const measure = this.#options.verify ? await digest.finish() : { bytes };
    return { pieces: 1, stored: measure, raw: measure };
  }

  async #writeThrough(member: string, stream: SourceStream): Promise<Written> {
    using digest = openDigest(this.#digestPlace(true));
    const pieces = await this.#writer.stream(member, observed(stream.open(), digest, this.#progress));
    const measure = await digest.finish();
    return { pieces, stored: measure, raw: measure };
  }

  #digestPlace(aside: boolean): DigestPlace {
    if (!this.#options.verify) return "nowhere";
    return aside && this.#options.threads > 1 ? "thread" : "here";
  }
}
