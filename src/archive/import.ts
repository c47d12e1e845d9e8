/**
 * An archive becomes a container, in one pass: `source → tar → pieces joined → digest → gunzip → digest → records checked → target`. Nothing is
 * finished before the last member has been read and the manifest, where there is one, agrees with everything that passed. A target without ZFS
 * then gets the files in the streams.
 */
import { damaged } from "../errors.ts";
import type { ByteStream } from "../stream/bytes.ts";
import { observed } from "../stream/digest.ts";
import { gunzip } from "../stream/gunzip.ts";
import { openDigest } from "../stream/threads/digest.ts";
import type { Loss } from "../tree/loss.ts";
import { StreamPortrait } from "../zfs/dmu/describe.ts";
import type { StreamRecord as DmuRecord } from "../zfs/dmu/stream-record.ts";
import { verifiedStream } from "../zfs/dmu/verify.ts";
import { checkStreams, type ReceivedStream } from "./import-manifest.ts";
import { ImportedTexts } from "./import-texts.ts";
import { KeptStreams, refuseUnreadable } from "./kept-streams.ts";
import { SNAPSHOTS, streamMember, type StreamPlace } from "./layout.ts";
import type { StreamRecord } from "./manifest.ts";
import type { ArchiveMember } from "./member.ts";
import type { ArchiveReader } from "./read.ts";
import type { ContainerHead, ContainerTarget } from "./source.ts";
import { factsOf } from "./verify-manifest.ts";

/** A stream's place, and how it is stored. */
type StoredPlace = StreamPlace & { gzipped: boolean };

const ROOTFS: StoredPlace = { dataset: "", kind: "base", gzipped: true };

/** What an import did. */
export interface ImportResult {
  head: ContainerHead;
  /** Whether the archive had a manifest that all bytes were checked against. */
  checked: boolean;
  /** The streams as they came; digests where there is a manifest to compare them with, facts where their records were looked at. */
  streams: StreamRecord[];
}

/** Options of {@link importArchive}. */
export interface ImportOptions {
  /** Told when the target has looked at the head and takes the container. */
  onAccepted?: () => void;
  /** Told of each stream that comes. @param bytes how much of it is stored, of an archive that is a file */
  onStream?: (place: StreamPlace, bytes: number) => void;
  /** Told when streams that were kept are read again. @param bytes how much they have */
  onFiles?: (bytes: number) => void;
  /** Stop once the target has looked at the head: nothing is received. */
  dryRun?: boolean;
  /** Whether the records of streams are checked, and streams against the manifest; true unless given. */
  verify?: boolean;
  /** Told of what a target without ZFS does not get. */
  onLoss?: (loss: Loss) => void;
}

/**
 * Imports an archive into a target; if anything fails, the target is undone.
 *
 * @throws ToolError damaged for a broken or incomplete archive; what the target threw
 */
export async function importArchive(reader: ArchiveReader, target: ContainerTarget, options: ImportOptions = {}): Promise<ImportResult> {
  const run = new ImportRun(target, options);
  try {
    await run.readAll(reader);
    return await run.finish(reader);
  } catch (error) {
    await target.undo();
    throw error;
  }
}

class ImportRun {
  readonly #target: ContainerTarget;
  readonly #options: ImportOptions;
  readonly #texts = new ImportedTexts();
  readonly #streams = new Map<string, ReceivedStream>();
  #head: ContainerHead | undefined;
  /** Where there is no ZFS. */
  #kept: KeptStreams | undefined;

  constructor(target: ContainerTarget, options: ImportOptions) {
    this.#target = target;
    this.#options = options;
  }

  async readAll(reader: ArchiveReader): Promise<void> {
    for await (const member of reader.members()) {
      const { kind } = member;
      if (kind.is === "stream") await this.#takeStream(member, kind, reader);
      else if (kind.is === "rootfs-tar") await this.#takeStream(member, ROOTFS, reader);
      else await this.#texts.take(member);
      if (this.#head !== undefined && this.#options.dryRun === true) return;
    }
  }

  async #takeStream(member: ArchiveMember, place: StoredPlace, reader: ArchiveReader): Promise<void> {
    const head = await this.#begin(reader);
    if (this.#options.dryRun === true) return;
    this.#checkPlace(member, place, head);
    this.#options.onStream?.(place, member.storedBytes);
    const { gzipped } = place;
    const wanted = this.#verifies && reader.mayHaveManifest;
    using stored = openDigest(wanted && gzipped ? "here" : "nowhere");
    using raw = openDigest(wanted ? "thread" : "nowhere");
    const unpacked = observed(gzipped ? gunzip(observed(member.bytes(), stored), member.name) : member.bytes(), raw);
    const portrait = await this.#pass(member, place, unpacked);
    const content = await raw.finish();
    this.#streams.set(member.name, {
      place,
      pieces: member.pieces,
      stored: gzipped ? await stored.finish() : content,
      raw: content,
      portrait,
    });
  }

  /** Passes a stream on to the target. @returns what its records say, if they are checked */
  async #pass({ name, kind }: ArchiveMember, place: StoredPlace, bytes: ByteStream): Promise<StreamPortrait | undefined> {
    const kept = kind.is === "stream" ? this.#kept : undefined;
    const portrait = kind.is === "stream" && this.#verifies ? new StreamPortrait(name) : undefined;
    const take = (record: DmuRecord): void => {
      if (kept !== undefined) refuseUnreadable(record);
      portrait?.take(record);
    };
    const checked = portrait === undefined ? bytes : verifiedStream(bytes, name, take);
    await (kept === undefined ? this.#target.receive(place, checked) : kept.take({ name, ...place }, checked));
    return portrait;
  }

  #checkPlace(member: ArchiveMember, place: StreamPlace, head: ContainerHead): void {
    const fail = (reason: string): never => {
      throw damaged(`Cannot import "${member.name}": ${reason}`, { offset: member.offset });
    };
    const { format, datasets } = head.metadata;
    if ((format === "tar") !== (member.kind.is === "rootfs-tar")) fail(`metadata.yml announces format "${format}"`);
    if (place.dataset !== "" && !datasets.includes(place.dataset)) fail(`metadata.yml does not list dataset "${place.dataset}"`);
    if (this.#received(place)) fail("there was such a stream before");
    if (place.kind === "incremental" && !this.#received({ ...place, kind: "base" })) fail("it has no base stream");
  }

  #received(place: StreamPlace): boolean {
    return [...this.#streams.values()].some((stream) => stream.place.dataset === place.dataset && stream.place.kind === place.kind);
  }

  get #verifies(): boolean {
    return this.#options.verify !== false;
  }

  /** With the first stream the head is complete, and the target looks at it. Of a file the manifest has been read by then. */
  async #begin(reader: ArchiveReader): Promise<ContainerHead> {
    if (this.#head !== undefined) return this.#head;
    const head = this.#texts.head();
    this.#texts.check(head);
    this.#head = head;
    await this.#target.begin(head);
    this.#options.onAccepted?.();
    const { files } = this.#target;
    const isKept = files !== undefined && head.metadata.format === "zfs";
    if (isKept) this.#kept = new KeptStreams(files, (await reader.seekableStreams()) ?? []);
    return head;
  }

  async finish(reader: ArchiveReader): Promise<ImportResult> {
    const head = await this.#begin(reader);
    const { manifest, snapshots } = this.#texts;
    const result: ImportResult = { head, checked: manifest !== undefined && this.#verifies, streams: this.#recorded() };
    if (this.#options.dryRun === true) return result;
    this.#checkComplete(head, reader);
    this.#texts.check(head);
    if (manifest !== undefined) checkStreams(manifest, this.#streams);
    if (this.#kept !== undefined) this.#options.onFiles?.(this.#kept.bytes);
    await this.#kept?.unpack(head.containerConfig, this.#options.onLoss ?? (() => undefined));
    await this.#target.finish(snapshots ?? []);
    return result;
  }

  #recorded(): StreamRecord[] {
    return [...this.#streams].map(([member, { place, portrait, ...measured }]) => {
      const facts = portrait && factsOf(portrait.describe());
      return { dataset: place.dataset, kind: place.kind, member, ...measured, ...(facts === undefined ? {} : { facts }) };
    });
  }

  #checkComplete({ metadata }: ContainerHead, reader: ArchiveReader): void {
    const datasets = metadata.format === "zfs" ? ["", ...metadata.datasets] : [""];
    for (const dataset of datasets) {
      if (this.#received({ dataset, kind: "base" })) continue;
      const member = metadata.format === "zfs" ? streamMember({ dataset, kind: "base" }, false) : "rootfs/base.tar.gz";
      throw damaged(`Cannot import the archive: it has no "${member}"${metadata.format === "zfs" ? ` nor "${member}.gz"` : ""}`);
    }
    if (reader.end === "eof" && this.#texts.manifest !== undefined && this.#verifies) {
      throw damaged("Cannot import the archive: it is cut off, the end blocks are missing", {
        hints: ["Everything in front of them is there: with --no-verify it is taken"],
      });
    }
    if (metadata.format === "tar" || this.#texts.snapshots !== undefined || reader.end !== "eof") return;
    if (!this.#texts.isBeforeFormats) {
      throw damaged(`Cannot import the archive: it is cut off, "${SNAPSHOTS}" and the end are missing`);
    }
  }
}
