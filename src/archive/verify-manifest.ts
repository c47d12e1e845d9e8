/** Whether an archive is what its manifest says: every text and every stream, to the byte. */
import type { Measure } from "../stream/digest.ts";
import type { StreamDescription } from "../zfs/dmu/describe.ts";
import { MANIFEST } from "./layout.ts";
import type { Manifest, StreamFacts, StreamRecord } from "./manifest.ts";
import type { ArchiveContent } from "./verify-agreement.ts";
import type { Findings } from "./verify-findings.ts";
import type { VerifiedStream } from "./verify-stream.ts";

/** Compares everything that the manifest lists. Streams that are damaged have been reported. */
export function checkManifest(manifest: Manifest, content: ArchiveContent, findings: Findings): void {
  const { texts, streams, isWhole } = content;
  const offset = texts.manifestOffset ?? content.endOffset;
  const wrong = (problem: string): void => findings.add({ offset, member: MANIFEST, problem });
  checkHead(manifest, content, wrong);
  for (const { member, ...expected } of manifest.texts) {
    const text = texts.all.get(member);
    if (text !== undefined && !isSame(text.digest, expected)) differs(findings, { offset: text.offset, member }, "its checksum");
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

/** What the manifest says twice, once more in metadata.yml. */
function checkHead({ container, datasets }: Manifest, { texts: { metadata } }: ArchiveContent, wrong: (problem: string) => void): void {
  if (metadata === undefined) return;
  const listed = new Set<unknown>(["", ...metadata.datasets]);
  const names = datasets.map((entry: unknown) => (entry as { dataset?: unknown } | null)?.dataset);
  if (container !== (metadata.container ?? "")) wrong("it is of another container than metadata.yml");
  for (const name of names) if (!listed.has(name)) wrong("it has properties of a dataset that metadata.yml does not list"); // prettier-ignore
}

function checkStream(stream: VerifiedStream, record: StreamRecord, findings: Findings): void {
  const { stored, raw, description } = stream;
  if (stored === undefined || raw === undefined) return;
  if (!isSame(stored, record.stored)) differs(findings, stream, "its checksum");
  else if (!isSame(raw, record.raw)) differs(findings, stream, "its checksum, decompressed,");
  if (stream.pieces !== record.pieces) differs(findings, stream, "the number of its pieces");
  if (stream.dataset !== record.dataset || stream.kind !== record.kind) differs(findings, stream, "its place");
  if (record.facts !== undefined && description !== undefined && !agrees(description, record.facts)) differs(findings, stream, "what its records say"); // prettier-ignore
}

/** Where either side has no checksum, sizes are compared. */
function isSame(actual: Measure, expected: Measure): boolean {
  const comparable = actual.sha256 !== undefined && expected.sha256 !== undefined;
  return actual.bytes === expected.bytes && (!comparable || actual.sha256 === expected.sha256);
}

function agrees({ records, snapshots }: StreamDescription, facts: StreamFacts): boolean {
  const last = snapshots.at(-1);
  const count = Object.values(records).reduce((sum, some) => sum + some, 0);
  return (
    facts.records === count &&
    facts.snapshot === last?.snapshot &&
    facts.toGuid === last.toGuid &&
    facts.fromGuid === snapshots[0]?.fromGuid
  );
}

function differs(findings: Findings, { offset, member }: { offset: number; member: string }, what: string): void {
  findings.add({ offset, member, problem: `${what} differs from the manifest` });
}
