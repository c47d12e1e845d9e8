/** `ctar verify`: whether an archive or a ZFS stream is whole. */
import type { VerifiedArchive } from "../archive/verify-archive.ts";
import type { Finding } from "../stream/findings.ts";
import type { VerifiedStream } from "../archive/verify-stream.ts";
import { verifyInput, type Verification } from "../archive/verify.ts";
import { damaged, EXIT_CODES } from "../errors.ts";
import { escapeControl } from "../sys/escape.ts";
import { openInput } from "../sys/input.ts";
import type { StreamDescription } from "../zfs/dmu/describe.ts";
import type { Context } from "./context.ts";
import { defineVerb, type Verb } from "./define.ts";
import { formatSize } from "./world.ts";

/** The verb. */
export const verifyVerb: Verb = defineVerb({
  name: "verify",
  summary: "Check that an archive is whole",
  description:
    "Reads all of it, once: the tar, the manifest's checksums, gzip, every record and checksum of every ZFS stream, and that configuration, " +
    "snapshots and streams belong together. Needs no ZFS. A ZFS stream that is no archive can be checked too. Prints what is wrong, each on a line, " +
    "and exits 12.",
  args: {
    archive: { type: "positional", description: "A file, or - for stdin" },
    json: { type: "boolean", description: "Print JSON" },
  },
  examples: ["ctar verify web01.tar", "ssh backup cat web01.tar | ctar verify -", "ctar verify --json web01.tar | jq .findings"],
  run: async ({ archive, json }, context) => {
    await using input = await openInput(archive, context.signal);
    const result = await verifyInput(input, input.name);
    if (json) await context.print(JSON.stringify(reportOf(result), null, 2));
    else await printResult(result, input.name, context);
    const count = result.findings.length + result.moreFindings;
    if (count === 0) return EXIT_CODES.done;
    throw damaged(`Cannot vouch for "${input.name}": ${count === 1 ? "one thing is" : `${count} things are`} wrong with it`, {
      facts: { findings: result.findings },
    });
  },
});

/** What `--json` prints. */
function reportOf({ findings, moreFindings, compression, bytes, archive, stream }: Verification): object {
  return {
    whole: findings.length === 0,
    findings,
    moreFindings,
    compression,
    bytes,
    ...(archive === undefined ? {} : { archive: describeArchive(archive) }),
    ...(stream === undefined ? {} : { stream }),
  };
}

function describeArchive({ texts, streams, end, notes }: VerifiedArchive): object {
  const manifest = texts.manifestOffset === undefined ? "none" : texts.manifest === undefined ? "unknown" : "compared";
  const members = [...texts.all].map(([member, { offset, digest }]) => ({ member, offset, ...digest }));
  return { metadata: texts.metadata, snapshots: texts.snapshots, manifest, ended: end === "blocks", texts: members, streams, notes };
}

async function printResult(result: Verification, name: string, context: Context): Promise<void> {
  const { findings, moreFindings, bytes, archive, stream } = result;
  const print = async (line: string): Promise<void> => await context.print(escapeControl(line));
  for (const finding of findings) await print(lineOf(finding));
  if (moreFindings > 0) await print(`and ${moreFindings} more`);
  if (findings.length > 0) return;
  for (const note of archive?.notes ?? []) context.talk(`note: ${note}`);
  await print(`${name} is whole: ${formatSize(bytes)} read`);
  if (archive !== undefined) for (const line of archiveLines(archive)) await print(line);
  if (stream !== undefined) for (const line of streamLines(stream)) await print(line);
}

function lineOf({ offset, member, streamOffset, problem }: Finding): string {
  const within = streamOffset === undefined || streamOffset === offset ? "" : `, byte ${streamOffset} of the stream`;
  return `${member === undefined ? "" : `${member}: `}${problem} (at byte ${offset}${within})`;
}

function* archiveLines({ texts, streams }: VerifiedArchive): Generator<string> {
  const { metadata, manifest, all } = texts;
  yield row("container", `${metadata?.container ?? "-"}, format ${metadata?.format ?? "-"}`);
  yield row("texts", `${all.size}${manifest === undefined ? ", no manifest to compare them with" : ", compared with the manifest"}`);
  for (const stream of streams) yield `${stream.member}: ${sizesOf(stream)}, ${contentOf(stream)}`;
}

function sizesOf({ stored, raw }: VerifiedStream): string {
  const inside = stored?.bytes === raw?.bytes ? "" : `, ${formatSize(raw?.bytes ?? 0)} decompressed`;
  return `${formatSize(stored?.bytes ?? 0)}${inside}`;
}

function contentOf({ description, entries }: VerifiedStream): string {
  if (description === undefined) return `${entries ?? 0} files`;
  const last = description.snapshots.at(-1);
  const encrypted = description.encrypted ? ", encrypted" : "";
  return `${countRecords(description)} records${encrypted}, up to ${last === undefined ? "no snapshot" : `@${last.snapshot}`}`;
}

function* streamLines(stream: StreamDescription): Generator<string> {
  yield row("records", String(countRecords(stream)));
  for (const { dataset, snapshot, fromGuid, toGuid } of stream.snapshots) {
    yield row("snapshot", `${dataset}@${snapshot}, guid ${toGuid}${fromGuid === undefined ? "" : `, from guid ${fromGuid}`}`);
  }
  if (stream.encrypted) yield row("encrypted", "yes");
  for (const must of stream.receiverMust) yield row("receiver", `has to ${must}`);
}

function countRecords({ records }: StreamDescription): number {
  return Object.values(records).reduce((sum, count) => sum + count, 0);
}

function row(label: string, value: string): string {
  return `${label.padEnd(12)}${value}`;
}
