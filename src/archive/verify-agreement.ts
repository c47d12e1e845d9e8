/**
 * Whether the members of an archive agree with each other: what `metadata.yml`, `snapshots.yml` and the manifest announce is there and is what
 * they say, and incremental streams start where the base streams end.
 */
import { CONTAINER_CONFIG, METADATA, ROOTFS_TAR, SNAPSHOTS, streamMember, type StreamPlace } from "./layout.ts";
import type { Metadata } from "./metadata.ts";
import type { Findings } from "../stream/findings.ts";
import type { VerifiedStream } from "./verify-stream.ts";
import type { VerifiedTexts } from "./verify-texts.ts";

/** Everything of an archive that has passed. */
export interface ArchiveContent {
  texts: VerifiedTexts;
  streams: readonly VerifiedStream[];
  /** Whether the archive could be read to its end; if not, nothing is said about what is missing. */
  isWhole: boolean;
  /** How it ended. */
  end: "blocks" | "eof" | undefined;
  endOffset: number;
}

/** Checks everything that takes more than one member. */
export function checkAgreement(content: ArchiveContent, findings: Findings): void {
  const { texts, isWhole, endOffset } = content;
  const missing = (member: string): void => findings.add({ offset: endOffset, problem: `there is no "${member}"` });
  if (isWhole) for (const member of [METADATA, CONTAINER_CONFIG]) if (!texts.all.has(member)) missing(member);
  const { metadata } = texts;
  if (metadata !== undefined) {
    checkPlaces(content, metadata, findings);
    if (isWhole && metadata.type === "full") for (const member of missingMembers(content, metadata)) missing(member);
    if (isWhole) checkEnd(content, metadata, findings);
  }
  checkSnapshots(content, findings);
  checkChains(content.streams, findings);
}

/** Streams where metadata.yml announces none. */
function checkPlaces({ streams }: ArchiveContent, { format, datasets }: Metadata, findings: Findings): void {
  const seen = new Set<string>();
  const listed = new Set(["", ...datasets]);
  for (const { member, dataset, kind, offset } of streams) {
    const place = `${dataset}@${kind}`;
    if ((format === "tar") !== (member === ROOTFS_TAR))
      findings.add({ offset, member, problem: `${METADATA} announces format "${format}"` });
    else if (!listed.has(dataset)) findings.add({ offset, member, problem: `${METADATA} does not list its dataset` });
    if (seen.has(place)) findings.add({ offset, member, problem: "the dataset has another stream of that kind" });
    seen.add(place);
  }
}

/** Names of what a whole archive has to have. */
function* missingMembers({ texts, streams }: ArchiveContent, { format, datasets }: Metadata): Generator<string> {
  const bases = new Set(streams.filter(({ kind }) => kind === "base").map(({ dataset }) => dataset));
  if (format === "tar") {
    if (!bases.has("")) yield ROOTFS_TAR;
    return;
  }
  const places = ["", ...datasets].map((dataset): StreamPlace => ({ dataset, kind: "base" }));
  for (const place of places) if (!bases.has(place.dataset)) yield streamMember(place, false);
  if (!texts.all.has(SNAPSHOTS) && !texts.isBeforeFormats) yield SNAPSHOTS;
}

/** Images and converted containers have no end blocks; an export always has. */
function checkEnd({ texts, end, endOffset }: ArchiveContent, { format, container }: Metadata, findings: Findings): void {
  const isExport = format === "zfs" && container !== null && !texts.isBeforeFormats;
  if (end === "blocks" || !(isExport || texts.manifestOffset !== undefined)) return;
  findings.add({ offset: endOffset, problem: "it is cut off: the end blocks are missing" });
}

/** Transfer snapshots are among those that the streams bring. */
function checkSnapshots({ texts, streams, isWhole }: ArchiveContent, findings: Findings): void {
  const isKnown = streams.every(({ raw, description, entries }) => raw !== undefined && (description ?? entries) !== undefined);
  if (!isWhole || !isKnown) return;
  const brought = new Set(streams.flatMap(({ description }) => description?.snapshots.map(({ snapshot }) => snapshot) ?? []));
  const offset = texts.all.get(SNAPSHOTS)?.offset ?? 0;
  for (const name of texts.snapshots ?? []) {
    if (!brought.has(name)) findings.add({ offset, member: SNAPSHOTS, problem: `no stream brings the snapshot "${name}"` });
  }
}

/** An incremental stream starts from the snapshot that its base stream ends at. */
function checkChains(streams: readonly VerifiedStream[], findings: Findings): void {
  const bases = new Map(streams.filter(({ kind }) => kind === "base").map((stream) => [stream.dataset, stream]));
  for (const { member, dataset, kind, offset, description } of streams) {
    const first = description?.snapshots[0];
    if (first === undefined) continue;
    const problem = kind === "base" ? fullProblem(first.fromGuid) : chainProblem(first.fromGuid, bases.get(dataset));
    if (problem !== undefined) findings.add({ offset, member, problem });
  }
}

function fullProblem(fromGuid: string | undefined): string | undefined {
  return fromGuid === undefined ? undefined : `it is no full stream: it starts from a snapshot with guid ${fromGuid}`;
}

function chainProblem(fromGuid: string | undefined, base: VerifiedStream | undefined): string | undefined {
  if (base === undefined) return "it has no base stream";
  if (fromGuid === undefined) return "it is a full stream, not what changed since the base stream";
  const last = base.description?.snapshots.at(-1);
  if (base.raw === undefined || last === undefined || last.toGuid === fromGuid) return undefined;
  return `it starts from a snapshot with guid ${fromGuid}, the base stream ends at ${last.toGuid}`;
}
