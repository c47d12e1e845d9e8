/** `ctar convert`: an archive in another format, or as a canonical one of its own. */
import { tmpdir } from "node:os";
import * as path from "node:path";
import { convertArchive, type Converted } from "../archive/convert/convert.ts";
import { EXIT_CODES } from "../errors.ts";
import type { ByteSink, ByteStream, SeekableSource } from "../stream/bytes.ts";
import { describeProgram } from "../sys/environment.ts";
import { openInput } from "../sys/input.ts";
import { temporaryName } from "../sys/new-file.ts";
import { openSpecialFile, openStdout } from "../sys/output.ts";
import { Spool } from "../sys/spool.ts";
import { LossReport, type Loss } from "../tree/loss.ts";
import type { Context } from "./context.ts";
import { defineVerb, type Verb } from "./define.ts";
import { reportLosses } from "./export.ts";
import { parseWriteArguments, WRITE_ARGS, writeNewFile } from "./write-arguments.ts";
import { formatSize } from "./world.ts";

/** The verb. */
export const convertVerb: Verb = defineVerb({
  name: "convert",
  summary: "Convert an archive into another format",
  description:
    "Formats zfs and tar are those of osctl's archives: ZFS streams of each dataset, or the root filesystem as one tar. An archive of the same format " +
    "is written as an export writes one today, whatever age or order the old one has: into a file each stream is one member, into a pipe it is cut. " +
    "rootfs is a flat tar of the root filesystem, as docker export makes it. None of this needs ZFS. Files are taken out of ZFS streams that are " +
    "stored as they are in an archive file; others are kept, decompressed, beside the output until it is written, or in TMPDIR if that is a pipe. " +
    "What the new format cannot hold is named, and the exit code is 3.\n\n" +
    "The archive is checked as it passes, as ctar verify does; a damaged one gives no new file, and exit code 12.",
  args: {
    archive: { type: "positional", description: "A file, or - for stdin" },
    output: { type: "positional", description: "A new file, or - for stdout" },
    format: { type: "enum", options: ["zfs", "tar", "rootfs"], description: "What it becomes; the archive's own format if left out" },
    compression: {
      type: "enum",
      alias: "c",
      options: ["keep", "off", "gzip"],
      default: "keep",
      description: "How data is stored: as it was, raw, gzipped; a rootfs is raw if it is not to be gzipped",
    },
    ...WRITE_ARGS,
    verify: { type: "boolean", default: true, negatable: true, description: "Check records and checksums" },
  },
  examples: [
    "ctar convert piped.tar web01.tar",
    "ctar convert --compression gzip web01.tar web01-small.tar",
    "ctar convert --format tar web01.tar web01-rootfs.tar",
    "ctar convert --format rootfs web01.tar - | docker import - web01",
    "ssh host1 ctar export web01 - | ctar convert - web01.tar",
  ],
  run: async ({ archive, output, format, compression, verify, ...args }, context) => {
    const { chunkBytes, gzip } = parseWriteArguments(args);
    const stdout = output === "-" ? await openStdout(context.signal) : undefined;
    await using input = await openInput(archive, context.signal);
    using spool = new Spool(() => (output === "-" ? tmpdir() : path.dirname(output)), context.signal);
    const losses = new LossReport();
    const keep = async (bytes: ByteStream): Promise<SeekableSource> => await spool.keep(bytes);
    const onLoss = (loss: Loss): void => losses.add(loss);
    const options = { tool: describeProgram(), format, compression, gzip, chunkBytes, verify, keep, onLoss };
    let bytes = 0;
    const write = async (sink: ByteSink): Promise<Converted> => {
      const converted = await convertArchive(input, input.name, sink, options);
      bytes = sink.offset;
      return converted;
    };
    const converted = stdout === undefined ? await writeTo(output, write, context) : await write(stdout);
    const proof = converted.hasManifest && verify ? ", checked against its manifest" : "";
    context.talk(`converted "${input.name}" to format ${converted.format}, ${formatSize(bytes)}${proof}`);
    return losses.isEmpty ? EXIT_CODES.done : reportLosses(losses, context);
  },
});

async function writeTo(target: string, write: (sink: ByteSink) => Promise<Converted>, { signal }: Context): Promise<Converted> {
  const special = openSpecialFile(target, signal);
  if (special !== undefined) return await write(special);
  return await writeNewFile(target, { temporaryPath: temporaryName(target), signal }, write);
}
