/** Whether what an import was given is what the manifest lists. */
import { damaged } from "../errors.ts";
import { digestOf, type Measure } from "../stream/digest.ts";
import type { StreamPortrait } from "../zfs/dmu/describe.ts";
import { MANIFEST, type StreamPlace } from "./layout.ts";
import type { Manifest, StreamRecord } from "./manifest.ts";
import type { Metadata } from "./metadata.ts";
import { agreesWithFacts, differencesFrom, isSameMeasure } from "./verify-manifest.ts";

/** A stream that has passed. */
export interface ReceivedStream {
  place: StreamPlace;
  pieces: number;
  stored: Measure;
  raw: Measure;
  /** What its records say, if they were looked at. */
  portrait: StreamPortrait | undefined;
}

/** Compares what describes the container. @param texts by the names of members @throws ToolError damaged at the first thing that differs */
export function checkTexts(manifest: Manifest, metadata: Metadata, texts: ReadonlyMap<string, Uint8Array>): void {
  for (const { member, ...expected } of manifest.texts) {
    const content = texts.get(member);
    if (content === undefined) throw missing(member);
    checkMeasure(member, digestOf(content), expected);
  }
  for (const problem of differencesFrom(metadata, manifest)) throw damaged(`Cannot import the archive: "${MANIFEST}": ${problem}`);
}

/** Compares the data. @param streams by the names of members @throws ToolError damaged at the first thing that differs */
export function checkStreams(manifest: Manifest, streams: ReadonlyMap<string, ReceivedStream>): void {
  for (const record of manifest.streams) {
    const seen = streams.get(record.member);
    if (seen === undefined) throw missing(record.member);
    checkStream(seen, record);
  }
  if (manifest.streams.length !== streams.size) {
    throw damaged("Cannot import the archive: it has a stream that the manifest does not list");
  }
}

function checkStream({ place, portrait, ...seen }: ReceivedStream, { member, facts, ...listed }: StreamRecord): void {
  checkMeasure(member, seen.stored, listed.stored);
  checkMeasure(`${member}, decompressed`, seen.raw, listed.raw);
  if (seen.pieces !== listed.pieces) throw differs(member, "the number of its pieces");
  if (place.dataset !== listed.dataset || place.kind !== listed.kind) throw differs(member, "its place");
  const agrees = facts === undefined || portrait === undefined || agreesWithFacts(portrait.describe(), facts);
  if (!agrees) throw differs(member, "what its records say");
}

function checkMeasure(what: string, actual: Measure, expected: Measure): void {
  if (!isSameMeasure(actual, expected)) throw differs(what, "its checksum", { actual, expected });
}

function missing(member: string): Error {
  return damaged(`Cannot import the archive: the manifest lists "${member}", which is missing`);
}

function differs(what: string, aspect: string, facts: Record<string, unknown> = {}): Error {
  return damaged(`Cannot import "${what}": ${aspect} differs from the manifest`, { facts });
}
