/**
 * An archive becomes a container, in one pass: `source → tar → pieces joined → digest → gunzip → digest → target`. Nothing is finished before
 * the last member has been read and the manifest, where there is one, agrees with everything that passed.
 */
import { damaged, ToolError } from "../errors.ts";
import { digestOf, observed, type Measure } from "../stream/digest.ts";
import { gunzip } from "../stream/gunzip.ts";
import { openDigest } from "../stream/threads/digest.ts";
import { METADATA, SNAPSHOTS, streamMember, type StreamPlace } from "./layout.ts";
import { decodeManifest, type Manifest } from "./manifest.ts";
import { decodeMetadata, decodeSnapshots, isBeforeFormats } from "./metadata.ts";
import type { ArchiveMember } from "./member.ts";
import type { ArchiveReader } from "./read.ts";
import type { ContainerHead, ContainerTarget, HookScript } from "./source.ts";

/** Largest sum of all hook scripts, in bytes. */
const HOOKS_LIMIT_BYTES = 64 * 1024 * 1024;

const HOOKS_LIMIT = 1000;

/** What an import did. */
export interface ImportResult {
  head: ContainerHead;
  /** Whether the archive had a manifest that all bytes were checked against. */
  checked: boolean;
  warnings: string[];
}

/** Options of {@link importArchive}. */
export interface ImportOptions {
  onStream?: (place: StreamPlace) => void;
  /** Stop once the target has looked at the head: nothing is received. */
  dryRun?: boolean;
  /** Whether streams are checked against the manifest; true unless given. */
  verify?: boolean;
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
  readonly #texts = new Map<string, Uint8Array>();
  readonly #hooks: HookScript[] = [];
  readonly #streams = new Map<string, { stored: Measure; raw: Measure; place: StreamPlace }>();
  #hookBytes = 0;
  #head: ContainerHead | undefined;
  #snapshots: string[] | undefined;
  #manifest: Manifest | undefined;

  constructor(target: ContainerTarget, options: ImportOptions) {
    this.#target = target;
    this.#options = options;
  }

  async readAll(reader: ArchiveReader): Promise<void> {
    for await (const member of reader.members()) {
      await this.#take(member, reader);
      if (this.#head !== undefined && this.#options.dryRun === true) return;
    }
  }

  async #take(member: ArchiveMember, reader: ArchiveReader): Promise<void> {
    const { kind } = member;
    switch (kind.is) {
      case "metadata":
      case "user":
      case "group":
      case "container":
        return await this.#takeText(member);
      case "hook":
        return await this.#takeHook(member, kind.name);
      case "stream":
        return await this.#takeStream(member, kind, { gzipped: kind.gzipped, reader });
      case "rootfs-tar":
        return await this.#takeStream(member, { dataset: "", kind: "base" }, { gzipped: true, reader });
      case "snapshots":
        this.#texts.set(member.name, await member.text());
        this.#snapshots = decodeSnapshots(this.#texts.get(SNAPSHOTS) as Uint8Array);
        return;
      case "manifest":
        this.#manifest = decodeManifest(await member.text());
        return;
      case "other":
    }
  }

  /** As upstream's reader, which seeks: of several members of a name the first counts. */
  async #takeText(member: ArchiveMember): Promise<void> {
    if (this.#texts.has(member.name)) return;
    this.#texts.set(member.name, await member.text());
  }

  async #takeHook(member: ArchiveMember, name: string): Promise<void> {
    if (this.#hooks.length === HOOKS_LIMIT) throw damaged(`Cannot read hooks: there are more than ${HOOKS_LIMIT}`);
    const content = await member.text();
    this.#hookBytes += content.length;
    if (this.#hookBytes > HOOKS_LIMIT_BYTES) throw damaged(`Cannot read hooks: together they are larger than ${HOOKS_LIMIT_BYTES} bytes`);
    this.#texts.set(member.name, content);
    this.#hooks.push({ name, mode: member.mode, content });
  }

  async #takeStream(
    member: ArchiveMember,
    place: StreamPlace,
    { gzipped, reader }: { gzipped: boolean; reader: ArchiveReader },
  ): Promise<void> {
    const head = await this.#begin();
    if (this.#options.dryRun === true) return;
    this.#checkPlace(member, place, head);
    this.#options.onStream?.(place);
    const wanted = this.#options.verify !== false && reader.mayHaveManifest;
    using stored = openDigest(wanted && gzipped ? "here" : "nowhere");
    using raw = openDigest(wanted ? "thread" : "nowhere");
    const unpacked = gzipped ? gunzip(observed(member.bytes(), stored), member.name) : member.bytes();
    await this.#target.receive(place, observed(unpacked, raw));
    const content = await raw.finish();
    this.#streams.set(member.name, { stored: gzipped ? await stored.finish() : content, raw: content, place });
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

  /** With the first stream the head is complete, and the target looks at it. */
  async #begin(): Promise<ContainerHead> {
    if (this.#head !== undefined) return this.#head;
    const metadata = decodeMetadata(this.#required(METADATA));
    if (metadata.type === "skel") {
      throw new ToolError("failed", 'Cannot import the archive: it is of type "skel" and carries configuration only, no data', {
        hints: ['"osctl ct send" transfers such an archive ahead of the data; for a whole container: ctar export <ctid>'],
      });
    }
    const userConfig = this.#texts.get("config/user.yml");
    const groupConfig = this.#texts.get("config/group.yml");
    this.#head = {
      metadata,
      containerConfig: this.#required("config/container.yml"),
      ...(userConfig === undefined ? {} : { userConfig }),
      ...(groupConfig === undefined ? {} : { groupConfig }),
      hooks: this.#hooks,
    };
    await this.#target.begin(this.#head);
    return this.#head;
  }

  #required(name: string): Uint8Array {
    const text = this.#texts.get(name);
    if (text === undefined) throw damaged(`Cannot import the archive: it has no "${name}"`);
    return text;
  }

  async finish(reader: ArchiveReader): Promise<ImportResult> {
    const head = this.#head ?? (await this.#begin());
    const result: ImportResult = { head, checked: this.#manifest !== undefined, warnings: [] };
    if (this.#options.dryRun === true) return result;
    this.#checkComplete(head, reader);
    if (this.#manifest !== undefined) this.#checkManifest(this.#manifest);
    await this.#target.finish(this.#snapshots ?? []);
    return result;
  }

  #checkComplete({ metadata }: ContainerHead, reader: ArchiveReader): void {
    const datasets = metadata.format === "zfs" ? ["", ...metadata.datasets] : [""];
    for (const dataset of datasets) {
      if (this.#received({ dataset, kind: "base" })) continue;
      const member = metadata.format === "zfs" ? streamMember({ dataset, kind: "base" }, false) : "rootfs/base.tar.gz";
      throw damaged(`Cannot import the archive: it has no "${member}"${metadata.format === "zfs" ? ` nor "${member}.gz"` : ""}`);
    }
    if (metadata.format === "tar" || this.#snapshots !== undefined || reader.end !== "eof") return;
    if (!isBeforeFormats(this.#required(METADATA))) {
      throw damaged(`Cannot import the archive: it is cut off, "${SNAPSHOTS}" and the end are missing`);
    }
  }

  #checkManifest(manifest: Manifest): void {
    for (const { member, ...expected } of manifest.texts) {
      const content = this.#texts.get(member);
      if (content === undefined) throw damaged(`Cannot import the archive: the manifest lists "${member}", which is missing`);
      checkDigest(member, digestOf(content), expected);
    }
    for (const { member, stored, raw } of manifest.streams) {
      const seen = this.#streams.get(member);
      if (seen === undefined) throw damaged(`Cannot import the archive: the manifest lists "${member}", which is missing`);
      checkDigest(member, seen.stored, stored);
      checkDigest(`${member}, decompressed`, seen.raw, raw);
    }
    if (manifest.streams.length !== this.#streams.size)
      throw damaged("Cannot import the archive: it has a stream that the manifest does not list");
  }
}

/** Where either side has no checksum, sizes are compared. */
function checkDigest(what: string, actual: Measure, expected: Measure): void {
  const comparable = actual.sha256 !== undefined && expected.sha256 !== undefined;
  if (actual.bytes === expected.bytes && (!comparable || actual.sha256 === expected.sha256)) return;
  throw damaged(`Cannot import "${what}": its checksum differs from the manifest`, { facts: { actual, expected } });
}
