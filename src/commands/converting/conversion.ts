/** The ways from what an input holds to what it is to become; what leads nowhere says what to do instead. */
import { CONTAINER_CONFIG } from "../../archive/layout.ts";
import { convertArchive, type ImageOrigin } from "../../archive/convert/convert.ts";
import type { Recompression } from "../../archive/convert/reframe.ts";
import { flatTarOf } from "../../archive/convert/tar-streams.ts";
import { parseContainerConfig } from "../../config/container.ts";
import { ToolError } from "../../errors.ts";
import { chooseImage } from "../../oci/choose-image.ts";
import type { ImageArchive } from "../../oci/image.ts";
import { openImages } from "../../oci/reading/open-images.ts";
import { copyImages } from "../../oci/writing/copy-images.ts";
import { writeImage } from "../../oci/writing/write-image.ts";
import type { ByteSink, ByteStream } from "../../stream/bytes.ts";
import { gzip, type GzipOptions } from "../../stream/gzip.ts";
import { describeProgram } from "../../sys/environment.ts";
import { Spool } from "../../sys/spool.ts";
import { filesOfTar, type EntryFiles } from "../../tree/entry-files.ts";
import type { Loss } from "../../tree/loss.ts";
import { YamlMap } from "../../yaml/value.ts";
import type { Context } from "../context.ts";
import { writeContainer } from "./convert-root.ts";
import { filesWhenOpened } from "../importing/import-root.ts";
import { imageName, newImageOf, refuseImageOptions, rfc3339 } from "../exporting/new-image.ts";
import { imageChoice, imageReading, refuseImageChoice, type Subject } from "../inputs/subject.ts";
import { timeOf } from "../world.ts";
import { imageResult, type ImageResult, type Written } from "../telling/written.ts";

/** What there is to become. */
export const FORMATS = ["zfs", "tar", "rootfs", "docker", "oci"] as const;
type Format = (typeof FORMATS)[number];

/** What is asked for. */
export interface ConvertRequest {
  /** What was typed for the input. */
  archive: string;
  format: Format | undefined;
  compression: Recompression;
  gzip: GzipOptions;
  chunkBytes: number;
  verify: boolean;
  tag: readonly string[];
  change: readonly string[];
  image: string | undefined;
  platform: string | undefined;
  /** Keeps streams as long as the conversion takes. */
  spool: Spool;
  /** Where other things are kept. */
  spoolDirectory: string;
  onLoss: (loss: Loss) => void;
}

/** The last second of a year that RFC 3339 can write. */
const TIME_LIMIT = Date.UTC(9999, 11, 31, 23, 59, 59) / 1000;

/** What came of it. */
export interface Outcome extends Written {
  format: Format;
  /** For people. */
  detail?: string;
  /** Whether there was a manifest that all was compared with. */
  checked?: boolean;
}

/** Where it goes. */
interface Target {
  sink: ByteSink;
  context: Context;
}

/** Converts an input. @throws ToolError; the output is then incomplete */
export async function convertSubject(subject: Subject, request: ConvertRequest, target: Target): Promise<Outcome> {
  if (subject.kind !== "archive" && request.format === "zfs") throw noZfsStreams();
  if (subject.kind === "images") return await convertImages(subject, request, target);
  refuseImageChoice({ image: request.image });
  return subject.kind === "archive" ? await convertContainer(subject, request, target) : await convertRootfs(subject, request, target);
}

async function convertRootfs(subject: Extract<Subject, { kind: "rootfs" }>, request: ConvertRequest, target: Target): Promise<Outcome> {
  const { format = "rootfs", platform, verify } = request;
  if (!isImage(format)) refuseImageOptions({ ...request, platform: format === "tar" ? undefined : platform, layers: false });
  if (format === "tar") return { format, ...(await writeContainer(subject, request, target)) };
  return await writeFiles(filesOfTar(subject.input, subject.name, { needsEnd: verify }), format, request, target);
}

async function convertContainer(
  { input, name }: Extract<Subject, { kind: "archive" }>,
  request: ConvertRequest,
  target: Target,
): Promise<Outcome> {
  const { format, spool, verify } = request;
  const { progress } = target.context;
  if (!isImage(format)) refuseImageOptions({ ...request, layers: false });
  let image: ImageResult | undefined;
  const converted = await convertArchive(input, name, target.sink, {
    ...request,
    tool: describeProgram(),
    format: isImage(format) ? "image" : format,
    keep: async (bytes) => await spool.keep(bytes),
    onStream: ({ kind: phase, dataset }) => progress.enter({ phase, dataset }),
    onFiles: (total) => progress.begin({ phase: "files", total }),
    writeImage: async (layer, origin) => void (image = await writeNewImage(layer, origin, request, target)),
  });
  const checked = converted.hasManifest && verify;
  const details = [...(image === undefined ? [] : [wordsFor(image)]), ...(checked ? ["checked against its manifest"] : [])];
  return {
    format: isImage(format) ? format : (converted.format as Format),
    detail: details.join(", "),
    checked,
    ...(image === undefined ? {} : { images: [image] }),
    ...(converted.manifest === undefined ? {} : { streams: converted.manifest.streams }),
  };
}

async function convertImages(subject: Extract<Subject, { kind: "images" }>, request: ConvertRequest, target: Target): Promise<Outcome> {
  const { format, spoolDirectory } = request;
  const { input, name } = subject;
  if (format === undefined) {
    throw new ToolError("usage", `Cannot convert "${name}": it holds images, and may become several things`, {
      hints: ["--format docker, oci, rootfs or tar"],
    });
  }
  if (!isImage(format)) refuseImageOptions({ ...request, platform: undefined, layers: false });
  if (format === "tar") return { format, ...(await writeContainer(subject, request, target)) };
  const archive = await openImages(input, name, imageReading(spoolDirectory, target.context));
  try {
    if (isImage(format)) return await copy(archive, format, request, target);
    const image = chooseImage(archive.images, imageChoice(request));
    return await writeFiles(filesWhenOpened(image, target.context.progress), format, request, target);
  } finally {
    await archive.close();
  }
}

async function copy(archive: ImageArchive, format: Format, request: ConvertRequest, { sink, context }: Target): Promise<Outcome> {
  const { change, compression, tag, verify } = request;
  const changed = change.length > 0 ? "--change" : compression === "keep" ? undefined : "--compression";
  if (changed !== undefined) {
    throw new ToolError("usage", `Cannot use ${changed} for images that become images: they are copied as they are, with their digests`, {
      hints: ["--format rootfs first makes a tar of the files of one, of which another image can be made"],
    });
  }
  for (const note of archive.notes) context.tell("note", note);
  const copied = await copyImages(archive, sink, {
    ...imageChoice(request),
    names: tag.map(imageName),
    manifestJson: format === "docker",
    verify,
  });
  const images = copied.map(({ descriptor, references, tags }) => ({ names: [...references, ...tags], digest: descriptor.digest }));
  return { format, images, detail: images.length === 1 ? "1 image" : `${images.length} images` };
}

/** Writes files that come as entries. */
async function writeFiles(files: EntryFiles, format: Format, request: ConvertRequest, target: Target): Promise<Outcome> {
  const { onLoss } = request;
  const entries = await files.open();
  try {
    if (isImage(format)) {
      const layer = flatTarOf(entries, { names: "layer", onLoss });
      const image = await writeNewImage(layer, { containerConfig: undefined, exportedAt: undefined }, request, target);
      return { format, images: [image], detail: wordsFor(image) };
    }
    await writeRootfs(flatTarOf(entries, { names: "rootfs", onLoss }), request, target);
    return { format };
  } finally {
    await entries.close();
  }
}

async function writeRootfs(tar: ByteStream, { compression, gzip: options }: ConvertRequest, { sink }: Target): Promise<void> {
  for await (const chunk of compression === "gzip" ? gzip(tar, options) : tar) await sink.write([chunk]);
  await sink.flush();
}

/** Makes an image of one layer. */
async function writeNewImage(
  tar: ByteStream,
  { containerConfig, exportedAt }: ImageOrigin,
  request: ConvertRequest,
  { sink, context }: Target,
): Promise<ImageResult> {
  const { format, compression, spoolDirectory } = request;
  const config = containerConfig === undefined ? new YamlMap() : parseContainerConfig(containerConfig, CONTAINER_CONFIG);
  const seconds = exportedAt !== undefined && exportedAt > 0 && exportedAt <= TIME_LIMIT ? exportedAt : timeOf(context);
  const history = { created: rfc3339(seconds), createdBy: "ctar convert" };
  const image = { ...newImageOf(config, request), layers: only({ tar, history }) };
  const written = await writeImage(image, sink, {
    manifestJson: format === "docker",
    compression: compression === "off" ? "none" : "gzip",
    gzip: request.gzip,
    spool: () => new Spool(() => spoolDirectory, context.signal),
  });
  return imageResult(image, written);
}

function wordsFor({ configDigest }: ImageResult): string {
  return `image ${configDigest}`;
}

async function* only<T>(item: T): AsyncGenerator<T> {
  yield await Promise.resolve(item);
}

function noZfsStreams(): ToolError {
  return new ToolError("failed", 'Cannot convert to format "zfs": ZFS streams are made by ZFS alone, of what is on a pool', {
    hints: ["ctar import --pool <zpool> <input>, and then: ctar export <ctid> <new archive>"],
  });
}

function isImage(format: Format | undefined): format is "docker" | "oci" {
  return format === "docker" || format === "oci";
}
