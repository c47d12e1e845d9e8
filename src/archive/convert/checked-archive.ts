/**
 * An archive that is read once, from a file or a pipe, and checked as it passes, by the rules of `ctar verify`: what stands in front of the
 * data, then stream after stream, and in the end whether all of it belongs together and is what the manifest says.
 */
import { damaged } from "../../errors.ts";
import type { ByteSource } from "../../stream/bytes.ts";
import { HookList } from "../hook-list.ts";
import { CONTAINER_CONFIG, GROUP_CONFIG, METADATA, SNAPSHOTS, USER_CONFIG, type StreamPlace } from "../layout.ts";
import type { Manifest } from "../manifest.ts";
import { isJoined, type ArchiveMember } from "../member.ts";
import type { MemberSource } from "../member-source.ts";
import type { Metadata } from "../metadata.ts";
import { ArchiveReader } from "../read.ts";
import type { HookScript } from "../source.ts";
import { checkAgreement } from "../verify-agreement.ts";
import { Findings } from "../../stream/findings.ts";
import { checkManifest } from "../verify-manifest.ts";
import type { VerifiedStream } from "../verify-stream.ts";
import { VerifiedTexts } from "../verify-texts.ts";
import { CheckedStream } from "./checked-stream.ts";
import { refusalOf } from "./refusal.ts";

/** What stands in front of the data, byte for byte. */
export interface StoredHead {
  metadata: Metadata;
  metadataText: Uint8Array;
  userConfig: Uint8Array | undefined;
  groupConfig: Uint8Array | undefined;
  containerConfig: Uint8Array;
  /** Each name once. */
  hooks: readonly HookScript[];
}

/** Read by {@link open}, {@link streams} and {@link finish}, in this order. */
export class CheckedArchive {
  readonly #source: ByteSource;
  readonly #isChecked: boolean;
  readonly #onStream: ((place: StreamPlace) => void) | undefined;
  readonly #reader: ArchiveReader;
  readonly #members: AsyncGenerator<ArchiveMember>;
  readonly #findings = new Findings();
  readonly #verified: VerifiedTexts = new VerifiedTexts(this.#findings);
  readonly #texts = new Map<string, Uint8Array>();
  readonly #hooks = new HookList();
  readonly #streams: VerifiedStream[] = [];
  /** The first of the data. */
  #first: ArchiveMember | undefined;

  private constructor(source: ByteSource, isChecked: boolean, onStream: ((place: StreamPlace) => void) | undefined) {
    this.#source = source;
    this.#isChecked = isChecked;
    this.#onStream = onStream;
    this.#reader = new ArchiveReader(source);
    this.#members = this.#reader.members();
  }

  /**
   * Reads up to the data.
   *
   * @param isChecked whether streams are looked at and digests taken
   * @param onStream called when a stream begins
   * @throws ToolError damaged if it is no container archive, is cut off, or has what it says of itself wrong
   */
  static async open(source: ByteSource, isChecked: boolean, onStream?: (place: StreamPlace) => void): Promise<CheckedArchive> {
    const archive = new CheckedArchive(source, isChecked, onStream);
    archive.#first = await archive.#nextStream();
    for (const text of [METADATA, CONTAINER_CONFIG]) {
      if (!archive.#texts.has(text)) throw damaged(`Cannot convert the archive: it has no "${text}", so it is no container archive`);
    }
    archive.#refuse();
    return archive;
  }

  get head(): StoredHead {
    return {
      metadata: this.#verified.metadata as Metadata, // it has been read, and nothing was wrong with it
      metadataText: this.#texts.get(METADATA) as Uint8Array,
      userConfig: this.#texts.get(USER_CONFIG),
      groupConfig: this.#texts.get(GROUP_CONFIG),
      containerConfig: this.#texts.get(CONTAINER_CONFIG) as Uint8Array,
      hooks: [...new Map(this.#hooks.all.map((hook) => [hook.name, hook])).values()],
    };
  }

  /** The streams, each to be read to its end before the next one is asked for. */
  async *streams(): AsyncGenerator<CheckedStream> {
    for (let member = this.#first; member !== undefined; member = await this.#nextStream()) {
      const stream = new CheckedStream(member, this.#isChecked);
      this.#onStream?.(stream.facts);
      yield stream;
      this.#streams.push(stream.facts);
    }
  }

  /** The streams of a file as something to seek in; none of a pipe. */
  async seekableStreams(): Promise<readonly MemberSource[]> {
    return (await this.#reader.seekableStreams()) ?? [];
  }

  /** Compares everything that has passed. @throws ToolError damaged */
  finish(): void {
    const content = {
      texts: this.#verified,
      streams: this.#streams,
      isWhole: true,
      end: this.#reader.end,
      endOffset: this.#source.offset,
    };
    checkAgreement(content, this.#findings);
    if (this.manifest !== undefined) checkManifest(this.manifest, content, this.#findings);
    this.#refuse();
  }

  /** `snapshots.yml`, once all has been read. */
  get snapshots(): Uint8Array | undefined {
    return this.#texts.get(SNAPSHOTS);
  }

  /** The manifest, once all has been read; undefined also if it is of a later schema. */
  get manifest(): Manifest | undefined {
    return this.#verified.manifest;
  }

  /** Ends the reading early. */
  async close(): Promise<void> {
    await this.#members.return(undefined);
  }

  /** Reads texts up to the next stream. */
  async #nextStream(): Promise<ArchiveMember | undefined> {
    for (;;) {
      const { value: member, done } = await this.#members.next();
      if (done === true) return undefined;
      if (isJoined(member.kind)) return member;
      await this.#takeText(member);
    }
  }

  async #takeText(member: ArchiveMember): Promise<void> {
    const { name, kind, offset } = member;
    const bytes = kind.is === "hook" ? await this.#hooks.take(member, kind.name) : await member.text();
    this.#texts.set(name, bytes);
    await this.#verified.take({ name, kind, offset, text: async () => await Promise.resolve(bytes) });
  }

  #refuse(): void {
    const { list, more } = this.#findings;
    if (list.length > 0) throw refusalOf(list, list.length + more);
  }
}
