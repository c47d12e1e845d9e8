/** What an archive is: its texts, and of each stream as much as it says of itself. */
import { damaged } from "../errors.ts";
import { isSeekable, type ByteSource } from "../stream/bytes.ts";
import { countedSize, lookInto, type Depth, type StreamContent, type StreamSize } from "./inspect-stream.ts";
import { CONTAINER_CONFIG, MANIFEST, METADATA, SNAPSHOTS, type StreamPlace } from "./layout.ts";
import { decodeManifest, type Manifest } from "./manifest.ts";
import { indexMembers } from "./member-index.ts";
import { isJoined, ListAllowance, type ArchiveMember } from "./member.ts";
import { decodeMetadata, decodeSnapshots, type Metadata } from "./metadata.ts";
import { ArchiveReader } from "./read.ts";

/** A stream of the archive. */
export interface InspectedStream extends StreamPlace, StreamSize, StreamContent {
  member: string;
  pieces: number;
  storedBytes: number;
}

/** An archive seen from outside. */
export interface ArchiveInspection {
  metadata: Metadata;
  members: { name: string; bytes: number }[];
  hooks: string[];
  streams: InspectedStream[];
  /** Transfer snapshots, newest first; undefined without `snapshots.yml`. */
  snapshots: string[] | undefined;
  manifest: Manifest | undefined;
  /** Whether the archive has its end blocks; images from repositories have none. */
  ended: boolean;
}

const TEXTS: readonly string[] = [METADATA, CONTAINER_CONFIG, SNAPSHOTS, MANIFEST];
/** What a snapshot of a stream's description counts for. */
const SNAPSHOT_BYTES = 256;

/** Reads what an archive says of itself. @throws ToolError damaged if it is none, or is cut off */
export async function inspectArchive(source: ByteSource, depth: Depth): Promise<ArchiveInspection> {
  const pass = new Pass(source, depth);
  await pass.run();
  const metadata = pass.texts.get(METADATA);
  if (metadata === undefined || !pass.texts.has(CONTAINER_CONFIG)) {
    const missing = metadata === undefined ? METADATA : CONTAINER_CONFIG;
    throw damaged(`Cannot inspect the archive: it has no "${missing}", so it is no container archive`);
  }
  const snapshots = pass.texts.get(SNAPSHOTS);
  const manifestBytes = pass.texts.get(MANIFEST);
  const manifest = manifestBytes === undefined ? undefined : decodeManifest(manifestBytes);
  return {
    metadata: decodeMetadata(metadata),
    members: pass.members.map(({ name, storedBytes }) => ({ name, bytes: storedBytes })),
    hooks: pass.members.flatMap(({ kind }) => (kind.is === "hook" ? [kind.name] : [])),
    streams: describeStreams(pass, manifest),
    snapshots: snapshots === undefined ? undefined : decodeSnapshots(snapshots),
    manifest,
    ended: pass.ended,
  };
}

/** One pass over the members of an archive. */
class Pass {
  readonly members: ArchiveMember[] = [];
  readonly texts = new Map<string, Uint8Array>();
  /** What is in the streams, by the names of their members. */
  readonly contents = new Map<string, StreamContent>();
  readonly #source: ByteSource;
  readonly #depth: Depth;
  readonly #reader: ArchiveReader;
  readonly #allowance = new ListAllowance();
  /** Streams whose pieces do not all stand one behind the other. */
  readonly #apart = new Set<string>();

  constructor(source: ByteSource, depth: Depth) {
    this.#source = source;
    this.#depth = depth;
    this.#reader = new ArchiveReader(source);
  }

  get ended(): boolean {
    return this.#reader.end === "blocks";
  }

  async run(): Promise<void> {
    for await (const member of this.#reader.inArchiveOrder()) {
      const { name, kind } = member;
      this.#allowance.addMember(name);
      this.members.push(member);
      if (TEXTS.includes(name) && !this.texts.has(name)) this.texts.set(name, await member.text());
      if (kind.is !== "stream") continue;
      if (this.contents.has(name)) this.#apart.add(name);
      else await this.#lookInto(member);
    }
    await this.#joinPieces();
  }

  async #lookInto(member: ArchiveMember): Promise<void> {
    const { name, kind } = member;
    const gzipped = kind.is === "stream" && kind.gzipped;
    const content = await lookInto(member.bytes(), { what: name, gzipped, depth: this.#depth });
    this.#allowance.add(SNAPSHOT_BYTES * (content.description?.snapshots.length ?? 0));
    this.contents.set(name, content);
  }

  /** Looks into streams once more of which only the first pieces were seen, as is possible in a file. */
  async #joinPieces(): Promise<void> {
    if (this.#apart.size === 0) return;
    const members = isSeekable(this.#source) ? (await indexMembers(this.#source)).members : [];
    for (const member of members) if (this.#apart.has(member.name)) await this.#lookInto(member);
    if (isSeekable(this.#source)) return;
    const damage = { problem: "its pieces are not one behind the other, so that only a file can be read" };
    for (const name of this.#apart) this.contents.set(name, { damage });
  }
}

/** The streams, each once: its pieces may stand apart. */
function describeStreams({ members, contents }: Pass, manifest: Manifest | undefined): InspectedStream[] {
  const streams = new Map<string, InspectedStream>();
  for (const { name, kind, pieces, storedBytes } of members.filter((member) => isJoined(member.kind))) {
    const known = streams.get(name);
    const place: StreamPlace = kind.is === "stream" ? { dataset: kind.dataset, kind: kind.kind } : { dataset: "", kind: "base" };
    const listed = manifest?.streams.find(({ member }) => member === name);
    const content = contents.get(name) ?? {};
    const { rawBytes = listed?.raw.bytes, recordCount = listed?.facts?.records } = countedSize(content);
    streams.set(name, {
      ...place,
      member: name,
      pieces: pieces + (known?.pieces ?? 0),
      storedBytes: storedBytes + (known?.storedBytes ?? 0),
      rawBytes,
      recordCount,
      ...content,
    });
  }
  return [...streams.values()];
}
