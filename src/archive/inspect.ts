/** What an archive is, from its members alone: a file is stepped through, not read. */
import { damaged } from "../errors.ts";
import { CONTAINER_CONFIG, METADATA, type StreamPlace } from "./layout.ts";
import { decodeManifest, type Manifest } from "./manifest.ts";
import { decodeMetadata, decodeSnapshots, type Metadata } from "./metadata.ts";
import { isJoined, ListAllowance, type ArchiveMember } from "./member.ts";
import type { ArchiveReader } from "./read.ts";

/** A stream of the archive. */
export interface InspectedStream extends StreamPlace {
  member: string;
  pieces: number;
  /** Bytes in the archive. */
  storedBytes: number;
  /** Bytes once decompressed, where the manifest says. */
  rawBytes: number | undefined;
}

/** An archive seen from outside. */
export interface Inspection {
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

/** Reads what an archive says of itself. @throws ToolError damaged if it is none, or is cut off */
export async function inspectArchive(reader: ArchiveReader): Promise<Inspection> {
  const members: ArchiveMember[] = [];
  const allowance = new ListAllowance();
  const texts = new Map<string, Uint8Array>();
  for await (const member of reader.inArchiveOrder()) {
    allowance.addMember(member.name);
    members.push(member);
    const wanted = ["metadata", "container", "snapshots", "manifest"].includes(member.kind.is);
    if (wanted && !texts.has(member.name)) texts.set(member.name, await member.text());
  }
  const find = (name: string): Uint8Array | undefined => texts.get(name);
  const metadata = find(METADATA);
  if (metadata === undefined || find(CONTAINER_CONFIG) === undefined) {
    throw damaged(
      `Cannot inspect the archive: it has no "${metadata === undefined ? METADATA : CONTAINER_CONFIG}", so it is no container archive`,
    );
  }
  const snapshots = find("snapshots.yml");
  const manifestBytes = find("ctar/manifest.json");
  const manifest = manifestBytes === undefined ? undefined : decodeManifest(manifestBytes);
  return {
    metadata: decodeMetadata(metadata),
    members: members.map(({ name, storedBytes }) => ({ name, bytes: storedBytes })),
    hooks: members.flatMap(({ kind }) => (kind.is === "hook" ? [kind.name] : [])),
    streams: describeStreams(members, manifest),
    snapshots: snapshots === undefined ? undefined : decodeSnapshots(snapshots),
    manifest,
    ended: reader.end === "blocks",
  };
}

/** The streams, each once: its pieces may stand apart. */
function describeStreams(members: readonly ArchiveMember[], manifest: Manifest | undefined): InspectedStream[] {
  const streams = new Map<string, InspectedStream>();
  for (const { name, kind, pieces, storedBytes } of members.filter((member) => isJoined(member.kind))) {
    const known = streams.get(name);
    const place: StreamPlace = kind.is === "stream" ? { dataset: kind.dataset, kind: kind.kind } : { dataset: "", kind: "base" };
    const raw = manifest?.streams.find(({ member }) => member === name)?.raw;
    streams.set(name, {
      ...place,
      member: name,
      pieces: pieces + (known?.pieces ?? 0),
      storedBytes: storedBytes + (known?.storedBytes ?? 0),
      rawBytes: raw?.bytes,
    });
  }
  return [...streams.values()];
}
