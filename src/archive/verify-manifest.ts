/** Whether an archive is what its manifest says: every text and every stream, to the byte. */
import type { Measure } from "../stream/digest.ts";
import type { StreamDescription } from "../zfs/dmu/describe.ts";
import { MANIFEST } from "./layout.ts";
import type { Manifest, StreamFacts, StreamRecord } from "./manifest.ts";
import type { Metadata } from "./metadata.ts";
import type { ArchiveContent } from "./verify-agreement.ts";
import type { Findings } from "../stream/findings.ts";
import type { VerifiedStream } from "./verify-stream.ts";

/** Compares everything that the manifest lists. Streams that are damaged have been reported. */
export function checkManifest(manifest: Manifest, content: ArchiveContent, findings: Findings): void {
  const { texts, streams, isWhole } = content;
  const offset = texts.manifestOffset ?? content.endOffset;
  const wrong = (problem: string): void => findings.add({ offset, member: MANIFEST, problem });
  if (texts.metadata !== undefined) for (const problem of differencesFrom(texts.metadata, manifest)) wrong(problem);
  for (const { member, ...expected } of manifest.texts) {
    const text = texts.all.get(member);
    if (text !== undefined && !isSameMeasure(text.digest, expected)) differs(findings, { offset: text.offset, member }, "its checksum");
    if (text === undefined && isWhole) wrong(`it lists "${member}", which is missing`);
  }
  const byName = new Map(streams.map((stream) => [stream.member, stream]));
  for (const record of manifest.streams) {
    const stream = byName.get(record.member);
    if (stream !== undefined) checkStream(stream, record, findings);
    else if (isWhole) wrong(`it lists "${record.member}", which is missing`);
  }
  const listed = new Set([...manifest.texts, ...manifest.streams].map(({ member }) => member));
  const present = [...[...texts.all].map(([member, text]) => ({ member, offset: text.offset })), ...streams];
  for (const { member, offset: at } of present) {
    if (!listed.has(member)) findings.add({ offset: at, member, problem: "the manifest does not list it" });
  }
}

/** Whether the manifest says what metadata.yml says. @returns what differs */
export function* differencesFrom(metadata: Metadata, { container, datasets }: Manifest): Generator<string> {
  const listed = new Set(["", ...metadata.datasets]);
  if (container !== (metadata.container ?? "")) yield "it is of another container than metadata.yml";
  for (const { dataset } of datasets) if (!listed.has(dataset)) yield "it has properties of a dataset that metadata.yml does not list"; // prettier-ignore
}

function checkStream(stream: VerifiedStream, record: StreamRecord, findings: Findings): void {
  const { stored, raw, description } = stream;
  if (stored === undefined || raw === undefined) return;
  if (!isSameMeasure(stored, record.stored)) differs(findings, stream, "its checksum");
  else if (!isSameMeasure(raw, record.raw)) differs(findings, stream, "its checksum, decompressed,");
  if (stream.pieces !== record.pieces) differs(findings, stream, "the number of its pieces");
  if (stream.dataset !== record.dataset || stream.kind !== record.kind) differs(findings, stream, "its place");
  if (record.facts !== undefined && description !== undefined && !agreesWithFacts(description, record.facts)) differs(findings, stream, "what its records say"); // prettier-ignore
}

/** Whether two measures are of the same bytes; where either side has no checksum, sizes are compared. */
export function isSameMeasure(actual: Measure, expected: Measure): boolean {
  const comparable = actual.sha256 !== undefined && expected.sha256 !== undefined;
  return actual.bytes === expected.bytes && (!comparable || actual.sha256 === expected.sha256);
}

/** What the manifest says of a stream's records. */
export function factsOf({ records, snapshots }: StreamDescription): StreamFacts | undefined {
  const last = snapshots.at(-1);
  const fromGuid = snapshots[0]?.fromGuid;
  if (last === undefined) return undefined;
  const count = Object.values(records).reduce((sum, some) => sum + some, 0);
  return { records: count, snapshot: last.snapshot, toGuid: last.toGuid, ...(fromGuid === undefined ? {} : { fromGuid }) };
}

/** Whether a stream is what the manifest says of its records. */
export function agreesWithFacts(description: StreamDescription, facts: StreamFacts): boolean {
  const actual = factsOf(description);
  return (
    facts.records === actual?.records &&
    facts.snapshot === actual.snapshot &&
    facts.toGuid === actual.toGuid &&
    facts.fromGuid === actual.fromGuid
  );
}

function differs(findings: Findings, { offset, member }: { offset: number; member: string }, what: string): void {
  findings.add({ offset, member, problem: `${what} differs from the manifest` });
}
