/** `ctar verify`: whether an archive, a ZFS stream, or images are whole. */
import type { VerifiedArchive } from "../archive/verify-archive.ts";
import type { VerifiedStream } from "../archive/verify-stream.ts";
import { verifyInput, type Verification } from "../archive/verify.ts";
import { damaged, EXIT_CODES } from "../errors.ts";
import { verifyImages, type VerifiedImage } from "../oci/verify.ts";
import type { Finding } from "../stream/findings.ts";
import { escapeControl } from "../sys/escape.ts";
import { filesOfTar } from "../tree/entry-files.ts";
import { verifyFiles } from "../tree/verify-files.ts";
import type { StreamDescription } from "../zfs/dmu/describe.ts";
import type { Context } from "./context.ts";
import { defineVerb, type Verb } from "./define.ts";
import { PROGRESS_ARGS, shown } from "./telling/progress.ts";
import { JSON_ARG } from "./telling/results.ts";
import { imageReading, openSubject, sizeOf, SPOOL_ARG, type Subject } from "./inputs/subject.ts";
import { formatSize } from "./world.ts";

/** What was found out about an input. */
interface Outcome {
  findings: readonly Finding[];
  moreFindings: number;
  /** What else `--json` prints. */
  report: object;
  /** What is no damage but worth knowing. */
  notes: readonly string[];
  /** What is printed of an input that is whole: how much was read, and what it is. */
  amount: string;
  lines: Iterable<string>;
}

/** The verb. */
export const verifyVerb: Verb = defineVerb({
  name: "verify",
  summary: "Check that an archive is whole",
  description:
    "Reads all of it, once: of a container archive the tar, the manifest's checksums, gzip, every record and checksum of every ZFS stream, and that " +
    "configuration, snapshots and streams belong together; of images (docker-archives, OCI layouts) the digest and size of every blob, that everything " +
    "an image needs is there, and that layers are what their diffIDs say and can be put one upon the other; of a root filesystem the tar and its names. " +
    "Needs no ZFS. A ZFS stream that is no archive can be checked too. Prints what is wrong, each on a line, and exits 12.",
  args: {
    archive: { type: "positional", completes: "file", description: "A file, an OCI layout's directory, or - for stdin" },
    ...JSON_ARG,
    ...SPOOL_ARG,
    ...PROGRESS_ARGS,
  },
  examples: [
    "ctar verify web01.tar",
    "ssh backup cat web01.tar | ctar verify -",
    "ctar verify --json web01.tar | jq .findings",
    "docker save alpine | ctar verify -",
  ],
  run: shown("verify", async ({ archive, json, spoolDir }, context) => {
    await using subject = await openSubject(archive, context);
    const outcome = await check(subject, spoolDir, context);
    const { findings, moreFindings } = outcome;
    const { name, compression } = subject;
    const isWhole = findings.length === 0;
    if (json) context.results.set({ whole: isWhole, findings, moreFindings, compression, ...outcome.report });
    else await printOutcome(outcome, name, context);
    if (isWhole) return EXIT_CODES.done;
    const count = findings.length + moreFindings;
    throw damaged(`Cannot vouch for "${name}": ${count === 1 ? "one thing is" : `${count} things are`} wrong with it`);
  }),
});

async function check(subject: Subject, spoolDir: string | undefined, context: Context): Promise<Outcome> {
  const { progress } = context;
  progress.begin({ phase: "verify", total: sizeOf(subject) });
  const { kind, input, name } = subject;
  if (kind === "images") return imagesOutcome(await verifyImages(input, name, imageReading(spoolDir, context)));
  if (kind === "rootfs") return rootfsOutcome(await verifyFiles(filesOfTar(input, name, { needsEnd: true })));
  return archiveOutcome(await verifyInput(input, name, ({ kind: phase, dataset }) => progress.enter({ phase, dataset })));
}

function archiveOutcome({ findings, moreFindings, bytes, archive, stream }: Verification): Outcome {
  const described = archive === undefined ? {} : { archive: describeArchive(archive) };
  return {
    findings,
    moreFindings,
    report: { bytes, ...described, ...(stream === undefined ? {} : { stream }) },
    notes: archive?.notes ?? [],
    amount: `${formatSize(bytes)} read`,
    lines: archive === undefined ? (stream === undefined ? [] : streamLines(stream)) : archiveLines(archive),
  };
}

function imagesOutcome({ findings, moreFindings, ...report }: Awaited<ReturnType<typeof verifyImages>>): Outcome {
  const { images, blobs, bytes, notes } = report;
  return { findings, moreFindings, report, notes, amount: `${blobs} blobs, ${formatSize(bytes)} read`, lines: images.map(imageLine) };
}

function imageLine({ names, digest, platform, layers, files }: VerifiedImage): string {
  const content = files === undefined ? "" : `, ${files} files`;
  return `${names.join(" ") || digest}: ${platform}, ${layers === 1 ? "1 layer" : `${layers} layers`}${content}`;
}

function rootfsOutcome({ findings, moreFindings, entries, dataBytes }: Awaited<ReturnType<typeof verifyFiles>>): Outcome {
  const amount = `${entries} files, ${formatSize(dataBytes)} of data`;
  return { findings, moreFindings, report: { rootfs: { entries, dataBytes } }, notes: [], amount, lines: [] };
}

function describeArchive({ texts, streams, end, notes }: VerifiedArchive): object {
  const manifest = texts.manifestOffset === undefined ? "none" : texts.manifest === undefined ? "unknown" : "compared";
  const members = [...texts.all].map(([member, { offset, digest }]) => ({ member, offset, ...digest }));
  return { metadata: texts.metadata, snapshots: texts.snapshots, manifest, ended: end === "blocks", texts: members, streams, notes };
}

async function printOutcome({ findings, moreFindings, notes, amount, lines }: Outcome, name: string, context: Context): Promise<void> {
  const print = async (line: string): Promise<void> => await context.print(escapeControl(line));
  for (const finding of findings) await print(lineOf(finding));
  if (moreFindings > 0) await print(`and ${moreFindings} more`);
  if (findings.length > 0) return;
  for (const note of notes) context.tell("note", note);
  await print(`${name} is whole: ${amount}`);
  for (const line of lines) await print(line);
}

function lineOf({ offset, member, streamOffset, problem }: Finding): string {
  const places = [
    offset === undefined ? "" : `byte ${offset}`,
    streamOffset === undefined || streamOffset === offset ? "" : `byte ${streamOffset} of the stream`,
  ].filter(Boolean);
  return `${member === undefined ? "" : `${member}: `}${problem}${places.length === 0 ? "" : ` (at ${places.join(", ")})`}`;
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
