/** `ctar inspect`: what an archive, a ZFS stream, images or a root filesystem are. */
import type { ArchiveInspection, InspectedStream } from "../archive/inspect-archive.ts";
import type { SeenStream, StreamContent, StreamSize } from "../archive/inspect-stream.ts";
import { inspectInput } from "../archive/inspect.ts";
import { damaged } from "../errors.ts";
import { chooseImage } from "../oci/choose-image.ts";
import { inspectImage } from "../oci/inspect.ts";
import { openImages } from "../oci/reading/open-images.ts";
import { escapeControl } from "../sys/escape.ts";
import { filesOfTar, type EntryFiles } from "../tree/entry-files.ts";
import { verifyFiles } from "../tree/verify-files.ts";
import type { Context } from "./context.ts";
import { defineVerb, type Verb } from "./define.ts";
import { imageLines } from "./inputs/inspect-images.ts";
import { JSON_ARG } from "./telling/results.ts";
import {
  IMAGE_ARGS,
  imageChoice,
  imageReading,
  openSubject,
  refuseImageChoice,
  SPOOL_ARG,
  type ImageArguments,
  type Subject,
} from "./inputs/subject.ts";
import { formatSize } from "./world.ts";

/** The verb. */
export const inspectVerb: Verb = defineVerb({
  name: "inspect",
  summary: "Show what an archive is",
  description:
    "Tells of a container archive the container, its datasets and members, and of each ZFS stream its snapshots with their guids and times, its features, " +
    "and what a receiving ZFS must be able to do; of images (docker-archives, OCI layouts) names, platforms, layers, how they run and how they were " +
    "made; of a root filesystem how much it holds. Of a file the headers, the text members and the beginning of each stream are read, and nothing else: so only a damaged " +
    "beginning is noticed, and of a package of streams (zfs send -I, -R, -p) the first stream is shown. --records reads all streams, checks them and counts " +
    "their records. From a pipe, and of an archive that is gzipped as a whole, everything is read anyway, and counted. A ZFS stream that is in " +
    "no archive can be inspected too. Layers of images are not read.",
  args: {
    archive: { type: "positional", completes: "file", description: "A file, an OCI layout's directory, or - for stdin" },
    records: { type: "boolean", description: "Read all of each stream: count its records, check it" },
    ...JSON_ARG,
    image: IMAGE_ARGS.image,
    platform: { ...IMAGE_ARGS.platform, description: "One of several platforms; all if left out" },
    ...SPOOL_ARG,
  },
  examples: [
    "ctar inspect web01.tar",
    "ctar inspect --json web01.tar | jq '.streams[].description.snapshots'",
    "zfs send tank/x@now | ctar inspect -",
    "docker save app | ctar inspect --json - | jq '.images[].config'",
  ],
  run: async ({ archive, records, json, ...args }, context) => {
    await using subject = await openSubject(archive, context);
    if (subject.kind !== "images") refuseImageChoice(args);
    const { report, lines, damage } = await look(subject, { ...args, records }, context);
    if (json) context.results.set({ compression: subject.compression, ...report });
    else for (const line of lines) await context.print(escapeControl(line));
    if (damage === undefined) return;
    throw damaged(`Cannot inspect all of "${subject.name}": ${damage}`, {
      hints: [`ctar verify ${archive} finds everything that is wrong`],
    });
  },
});

/** What is to be seen of an input. */
interface View {
  report: object;
  lines: Iterable<string>;
  /** What is wrong with some of it. */
  damage?: string | undefined;
}

/** What is asked for. */
interface Request extends ImageArguments {
  records: boolean;
  spoolDir: string | undefined;
}

async function look(subject: Subject, request: Request, context: Context): Promise<View> {
  const { kind, input, name } = subject;
  if (kind === "images") return await lookAtImages(subject, request, context);
  if (kind === "rootfs") return await lookAtFiles(filesOfTar(input, name), name);
  const inspection = await inspectInput(input, name, { records: request.records });
  const bad = inspection.streams.filter(({ damage }) => damage !== undefined).length;
  return {
    report: inspection,
    lines: "metadata" in inspection ? archiveLines(inspection) : bareLines(inspection.streams),
    damage: bad === 0 ? undefined : bad === 1 ? "a stream is damaged" : `${bad} streams are damaged`,
  };
}

async function lookAtImages({ input, name }: Extract<Subject, { kind: "images" }>, request: Request, context: Context): Promise<View> {
  const archive = await openImages(input, name, imageReading(request.spoolDir, context));
  try {
    const { notes } = archive;
    const isChosen = request.image !== undefined || request.platform !== undefined;
    const images = (isChosen ? [chooseImage(archive.images, imageChoice(request))] : archive.images).map(inspectImage);
    for (const note of notes) context.tell("note", note);
    return { report: { images, notes }, lines: imageLines(images) };
  } finally {
    await archive.close();
  }
}

async function lookAtFiles(files: EntryFiles, name: string): Promise<View> {
  const { entries, dataBytes, findings } = await verifyFiles(files);
  const [first] = findings;
  if (first !== undefined)
    throw damaged(`Cannot inspect "${name}": ${first.problem}`, first.offset === undefined ? {} : { offset: first.offset });
  const lines = [row("content", "a root filesystem"), row("files", String(entries)), row("data", formatSize(dataBytes))];
  return { report: { rootfs: { entries, dataBytes } }, lines };
}

function* archiveLines({ metadata, streams, snapshots, hooks, manifest, ended }: ArchiveInspection): Generator<string> {
  yield row("container", metadata.container ?? "-");
  yield row("user", metadata.user ?? "-");
  yield row("group", metadata.group ?? "-");
  yield row("type", metadata.type);
  yield row("format", metadata.format);
  yield row("exported", metadata.exportedAt === 0 ? "-" : timeOf(metadata.exportedAt));
  yield row("datasets", metadata.format === "zfs" ? ["/", ...metadata.datasets].join(" ") : "-");
  yield row("snapshots", snapshots?.join(" ") ?? "-");
  yield row("hooks", hooks.join(" ") || "-");
  yield row("manifest", manifest === undefined ? "none" : `by ${manifest.tool}`);
  yield row("end blocks", ended ? "yes" : "missing");
  if (streams.length > 0) yield "";
  const width = Math.max(...streams.map(({ member }) => member.length));
  for (const stream of streams) {
    yield `${stream.member.padEnd(width)}  ${sizeOf(stream)}`;
    for (const line of contentLines(stream)) yield `  ${line}`;
  }
}

function* bareLines(streams: readonly (StreamSize & StreamContent)[]): Generator<string> {
  for (const stream of streams) {
    yield row("size", sizeOf(stream));
    yield* contentLines(stream);
  }
}

function sizeOf({ storedBytes, rawBytes, recordCount, pieces = 1 }: StreamSize & { pieces?: InspectedStream["pieces"] }): string {
  const parts = [
    storedBytes === undefined ? "unknown" : formatSize(storedBytes),
    rawBytes === undefined || rawBytes === storedBytes ? "" : `${formatSize(rawBytes)} raw`,
    recordCount === undefined ? "" : `${recordCount} records`,
    pieces > 1 ? `${pieces} pieces` : "",
  ];
  return parts.filter((part) => part !== "").join(", ");
}

function* contentLines({ description, damage }: StreamContent): Generator<string> {
  if (damage !== undefined) {
    const { problem, streamOffset } = damage;
    yield row("damaged", streamOffset === undefined ? problem : `${problem} (at byte ${streamOffset} of the stream)`);
  }
  if (description !== undefined) yield* descriptionLines(description);
}

function* descriptionLines(description: SeenStream): Generator<string> {
  const { compound, content, snapshots, features, unknownFeatures, encrypted, receiverMust, records } = description;
  for (const { dataset, snapshot, created, toGuid, fromGuid } of snapshots) {
    const from = fromGuid === undefined ? "" : `, from guid ${fromGuid}`;
    yield row("snapshot", `${dataset}@${snapshot}, ${timeOf(created)}, guid ${toGuid}${from}`);
  }
  if (compound && records === undefined) yield row("package", "what is behind its first stream is shown with --records");
  if (content === "volume") yield row("content", "a volume");
  if (encrypted) yield row("encrypted", "yes");
  const names = [...features, ...unknownFeatures.map((bit) => `unknown flag ${bit}`)];
  if (names.length > 0) yield row("features", names.join(" "));
  for (const must of receiverMust) yield row("receiver", `has to ${must}`);
  if (records === undefined) return;
  yield row("records", Object.entries(records).map(([kind, count]) => `${count} ${kind}`).join(", ")); // prettier-ignore
  yield row("data", `${formatSize(description.dataBytes ?? 0)} as sent, ${formatSize(description.logicalBytes ?? 0)} decompressed`);
}

function timeOf(seconds: number): string {
  const time = new Date(seconds * 1000);
  return Number.isNaN(time.getTime()) ? `${seconds} s after 1970` : time.toISOString().replace(".000Z", "Z");
}

function row(label: string, value: string): string {
  return `${label.padEnd(12)}${value}`;
}
