/** `ctar convert`: an archive, images or a root filesystem in another format, or as a canonical one of its own. */
import { tmpdir } from "node:os";
import * as path from "node:path";
import { EXIT_CODES } from "../errors.ts";
import type { ByteSink } from "../stream/bytes.ts";
import { temporaryName } from "../sys/new-file.ts";
import { openSpecialFile, openStdout } from "../sys/output.ts";
import { Spool } from "../sys/spool.ts";
import { LossReport, type Loss } from "../tree/loss.ts";
import type { Context } from "./context.ts";
import { convertSubject, FORMATS, type Outcome } from "./converting/conversion.ts";
import { defineVerb, type Verb } from "./define.ts";
import { reportLosses } from "./export.ts";
import { IMAGE_ARGS as NEW_IMAGE_ARGS } from "./exporting/new-image.ts";
import { PROGRESS_ARGS, shown } from "./telling/progress.ts";
import { JSON_ARG, pathOrNull } from "./telling/results.ts";
import { IMAGE_ARGS, openSubject, sizeOf, SPOOL_ARG, type Subject } from "./inputs/subject.ts";
import { formatSize } from "./world.ts";
import { parseWriteArguments, WRITE_ARGS, writeNewFile } from "./exporting/write-arguments.ts";
import { writtenResult } from "./telling/written.ts";

/** The verb. */
export const convertVerb: Verb = defineVerb({
  name: "convert",
  summary: "Convert an archive into another format",
  description:
    "Formats zfs and tar are those of osctl's archives: ZFS streams of each dataset, or the root filesystem as one tar. rootfs is a flat tar of the root " +
    "filesystem, as docker export makes it. docker and oci are images: an OCI layout, for docker with a manifest.json by which docker load finds " +
    "them. None of this needs ZFS; only ZFS itself makes ZFS streams.\n\n" +
    "An archive of the same format is written as an export writes one today, whatever age or order the old one has: into a file each stream is one " +
    "member, into a pipe it is cut. Containers and root filesystems become images of one layer. Images become images as they are, with the same " +
    "digests: all of them, or one with --image or --platform. Their layers are put together for the other formats, of one image. " +
    "What the new format cannot hold is named, and the exit code is 3.\n\n" +
    "Files are taken out of ZFS streams that are stored as they are in an archive file; others are kept, decompressed, until the output is written, as is a " +
    "new layer that goes to a pipe, and images that are compressed as a whole or come through one: in --spool-dir, beside the output, or in TMPDIR. " +
    "The input is checked as it passes, as ctar verify does; a damaged one gives no new file, and exit code 12.",
  args: {
    archive: { type: "positional", completes: "file", description: "A file, an OCI layout's directory, or - for stdin" },
    output: { type: "positional", completes: "file", description: "A new file, or - for stdout" },
    format: {
      type: "enum",
      options: FORMATS,
      description: "What it becomes; an archive or a root filesystem stays what it is if left out",
    },
    compression: {
      type: "enum",
      alias: "c",
      options: ["keep", "off", "gzip"],
      default: "keep",
      description: "How data is stored: as it was, raw, gzipped; if it is to be kept, a rootfs is raw and a new layer gzipped",
    },
    ...WRITE_ARGS,
    tag: NEW_IMAGE_ARGS.tag,
    change: NEW_IMAGE_ARGS.change,
    image: IMAGE_ARGS.image,
    platform: {
      type: "string",
      valueHint: "OS/ARCH",
      description: "One of several platforms of an image; what a new image is for, the container's architecture if left out",
    },
    ...SPOOL_ARG,
    verify: { type: "boolean", default: true, negatable: true, description: "Check records, checksums, and layers that are copied" },
    ...JSON_ARG,
    ...PROGRESS_ARGS,
  },
  examples: [
    "ctar convert piped.tar web01.tar",
    "ctar convert --compression gzip web01.tar web01-small.tar",
    "ctar convert --format tar web01.tar web01-rootfs.tar",
    "ctar convert --format docker --tag web01:1 web01.tar - | docker load",
    "ctar convert --format rootfs --platform linux/arm64 app.tar root.tar",
    "ssh host1 ctar export web01 - | ctar convert - web01.tar",
  ],
  run: shown("convert", async ({ archive, output, spoolDir, ...args }, context) => {
    const toStdout = output === "-";
    if (toStdout) context.results.takeStdout();
    const { gzip, chunkBytes } = parseWriteArguments(args);
    const losses = new LossReport();
    const stdout = toStdout ? await openStdout(context.signal) : undefined;
    await using subject = await openSubject(archive, context);
    const directory = spoolDir ?? (toStdout ? tmpdir() : path.dirname(output));
    using spool = new Spool(() => directory, context.signal, context.progress);
    context.progress.begin({ phase: "convert", total: sizeOf(subject) });
    const request = {
      ...args,
      archive,
      gzip,
      chunkBytes,
      spool,
      spoolDirectory: directory,
      onLoss: (loss: Loss): void => losses.add(loss),
    };
    const write = async (sink: ByteSink): Promise<Converted> => ({
      ...(await convertSubject(subject, request, { sink, context })),
      bytes: sink.offset,
    });
    const done = stdout === undefined ? await writeTo(output, write, context) : await write(stdout);
    context.talk(`converted "${subject.name}" to ${wordsFor(done)}`);
    context.results.set({ ...resultOf(done, { archive, output, kind: subject.kind }), ...context.results.common(losses) });
    return losses.isEmpty ? EXIT_CODES.done : reportLosses(losses, context);
  }),
});

/** What came of it, and how large it is. */
type Converted = Outcome & { bytes: number };

function wordsFor({ format, bytes, detail }: Converted): string {
  return [`format ${format}`, formatSize(bytes), detail].filter(Boolean).join(", ");
}

function resultOf(done: Converted, { archive, output, kind }: { archive: string; output: string; kind: Subject["kind"] }): object {
  const { format, bytes, checked } = done;
  const from = { archive: pathOrNull(archive), origin: kind === "images" ? "image" : kind };
  return { verb: "convert", ...from, output: pathOrNull(output), format, bytes, checked, ...writtenResult(done) };
}

async function writeTo<T>(target: string, write: (sink: ByteSink) => Promise<T>, { signal }: Context): Promise<T> {
  const special = openSpecialFile(target, signal);
  if (special !== undefined) return await write(special);
  return await writeNewFile(target, { temporaryPath: temporaryName(target), signal }, write);
}
