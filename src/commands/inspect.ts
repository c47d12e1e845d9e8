/** `ctar inspect`: what an archive or a ZFS stream is. */
import type { ArchiveInspection, InspectedStream } from "../archive/inspect-archive.ts";
import type { SeenStream, StreamContent, StreamSize } from "../archive/inspect-stream.ts";
import { inspectInput } from "../archive/inspect.ts";
import { damaged } from "../errors.ts";
import { escapeControl } from "../sys/escape.ts";
import { openInput } from "../sys/input.ts";
import { defineVerb, type Verb } from "./define.ts";
import { formatSize } from "./world.ts";

/** The verb. */
export const inspectVerb: Verb = defineVerb({
  name: "inspect",
  summary: "Show what an archive is",
  description:
    "Tells the container, its datasets and members, and of each ZFS stream its snapshots with their guids and times, its features, and what a receiving " +
    "ZFS must be able to do. Of a file the headers, the text members and the beginning of each stream are read, and nothing else: so only a damaged " +
    "beginning is noticed, and of a package of streams (zfs send -I, -R, -p) the first stream is shown. --records reads all streams, checks them and counts " +
    "their records. From a pipe, and of an archive that is gzipped as a whole, everything is read anyway, and counted. A ZFS stream that is in " +
    "no archive can be inspected too.",
  args: {
    archive: { type: "positional", description: "A file, or - for stdin" },
    records: { type: "boolean", description: "Read all of each stream: count its records, check it" },
    json: { type: "boolean", description: "Print JSON" },
  },
  examples: [
    "ctar inspect web01.tar",
    "ctar inspect --json web01.tar | jq '.streams[].description.snapshots'",
    "zfs send tank/x@now | ctar inspect -",
  ],
  run: async ({ archive, records, json }, context) => {
    await using input = await openInput(archive, context.signal);
    const inspection = await inspectInput(input, input.name, { records });
    const print = async (line: string): Promise<void> => await context.print(escapeControl(line));
    if (json) await context.print(JSON.stringify(inspection, null, 2));
    else for (const line of "metadata" in inspection ? archiveLines(inspection) : bareLines(inspection.streams)) await print(line);
    const bad = inspection.streams.filter(({ damage }) => damage !== undefined).length;
    if (bad === 0) return;
    throw damaged(`Cannot inspect all of "${input.name}": ${bad === 1 ? "a stream is" : `${bad} streams are`} damaged`, {
      hints: [`ctar verify ${archive} finds everything that is wrong`],
    });
  },
});

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
