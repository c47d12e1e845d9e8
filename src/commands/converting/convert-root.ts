/** A root filesystem, alone or out of an image, as an archive of a container, which is configured as an import of the same would do it. */
import * as path from "node:path";
import { writeTarArchive } from "../../archive/convert/tar-archive.ts";
import { encodeMetadata } from "../../archive/metadata.ts";
import { OS_RELEASE_FILES } from "../../config/os-release.ts";
import { ToolError } from "../../errors.ts";
import { drain, isSeekable, readAll, type ByteSink } from "../../stream/bytes.ts";
import { describeProgram } from "../../sys/environment.ts";
import type { Context } from "../context.ts";
import type { ConvertRequest } from "./conversion.ts";
import { openRoot, type OpenedRoot } from "../importing/import-root.ts";
import type { Subject } from "../inputs/subject.ts";
import { timeOf } from "../world.ts";
import type { Written } from "../telling/written.ts";

/** An input that is no archive. */
type RootSubject = Exclude<Subject, { kind: "archive" }>;

const OS_RELEASE_NAMES = OS_RELEASE_FILES.map((file) => path.posix.basename(file));

/**
 * Writes the archive. Its configuration stands in front of the files, and is known when these have passed; so they pass twice.
 *
 * @returns its streams, and what it is of, for people
 * @throws ToolError; the output is then incomplete
 */
export async function writeContainer(
  subject: RootSubject,
  request: ConvertRequest,
  { sink, context }: { sink: ByteSink; context: Context },
): Promise<Written & { detail: string }> {
  const { archive, compression, image, platform, spoolDirectory: spoolDir, verify } = request;
  if (compression === "off") throw new ToolError("usage", 'Cannot use --compression "off" with format "tar", which is gzipped always');
  await using root = await openRoot(await reopenable(subject, request), { archive, image, platform, spoolDir, verify }, context);
  await look(root);
  for (const warning of root.passing.warnings()) context.tell("warning", warning);
  const about = { type: "full", format: "tar", user: null, group: null, datasets: [] } as const;
  const metadata = { ...about, container: root.id ?? null, exportedAt: timeOf(context) };
  const texts = { metadata: encodeMetadata(metadata), containerConfig: Buffer.from(root.passing.config()), hooks: [] };
  const files = await root.files.open();
  try {
    const { streams } = await writeTarArchive({ metadata, texts, files }, sink, { ...request, tool: describeProgram() });
    return { streams, detail: root.what };
  } finally {
    await files.close();
  }
}

/** What comes through a pipe is kept, unless opening it does that anyway. */
async function reopenable(subject: RootSubject, { spool }: ConvertRequest): Promise<RootSubject> {
  if (subject.kind === "images" || isSeekable(subject.input)) return subject;
  return { ...subject, input: await spool.keep(readAll(subject.input)) };
}

/** Lets the files pass, and reads of them what tells of the distribution. */
async function look({ files, passing }: OpenedRoot): Promise<void> {
  const entries = await files.open();
  try {
    const watched = passing.watch(entries);
    for (let entry = await watched.next(); entry !== undefined; entry = await watched.next()) {
      const name = path.posix.basename(Buffer.from(entry.name).toString("latin1"));
      if (OS_RELEASE_NAMES.includes(name)) await drain(entry.body());
    }
  } finally {
    await entries.close();
  }
}
