/** `ctar extract`: files of an archive into a directory. */
import { extractFiles } from "../archive/extract.ts";
import { ToolError, EXIT_CODES } from "../errors.ts";
import { makeDirectory } from "../sys/files.ts";
import type { ExtractIntoSummary } from "../tree/extract-into.ts";
import { LossReport } from "../tree/loss.ts";
import { PathPattern } from "../tree/path-pattern.ts";
import { defineVerb, type Verb } from "./define.ts";
import { notFound, openArchiveFiles, TREE_ARGS } from "./inputs/files-arguments.ts";
import { PROGRESS_ARGS, shown } from "./telling/progress.ts";
import { JSON_ARG, pathOrNull } from "./telling/results.ts";
import { IMAGE_ARGS, SPOOL_ARG } from "./inputs/subject.ts";
import { formatSize } from "./world.ts";

const NEW_DIRECTORY_MODE = 0o755;

/** The verb. */
export const extractVerb: Verb = defineVerb({
  name: "extract",
  summary: "Extract files from an archive",
  description:
    "Restores files with owner, mode, time, hard links, devices, extended attributes, ACLs and holes, without ZFS. What the running user may not do is " +
    "reported, and the exit code is 3. Paths are those of ctar ls, each with all that lies below. Nothing is ever written outside of the " +
    "directory, whatever the archive holds. Files that are there are left alone and named, unless --force is given. What cannot be read as it passes, ZFS " +
    "streams and images from a pipe or in a compressed file, is kept in --spool-dir meanwhile. Data is not checked against an archive's manifest; " +
    "ctar verify does that.",
  args: {
    archive: { type: "positional", completes: "file", description: "A file, an OCI layout's directory, or - for stdin" },
    path: { type: "positional", required: false, repeatable: true, description: "What to extract; all if left out" },
    directory: {
      type: "string",
      alias: "C",
      valueHint: "DIR",
      completes: "directory",
      default: ".",
      description: "Where to; made if it is not there",
    },
    stripComponents: { type: "string", valueHint: "N", default: "0", description: "Leave out the first N names of each path" },
    force: { type: "boolean", description: "Replace files that are there" },
    dryRun: { type: "boolean", alias: "n", description: "Print what would be extracted, make nothing" },
    ...JSON_ARG,
    ...TREE_ARGS,
    ...IMAGE_ARGS,
    ...SPOOL_ARG,
    ...PROGRESS_ARGS,
  },
  examples: [
    "ctar extract web01.tar -C /srv/web01",
    "ctar extract web01.tar etc/ssh 'home/*/.ssh' -C /tmp/web01",
    "ctar extract --platform linux/arm64 image.tar -C rootfs",
    "ctar extract --strip-components 2 web01.tar var/www -C ./www",
  ],
  run: shown("extract", async (args, context) => {
    const { archive, directory, force, dryRun, json } = args;
    const patterns = args.path.map((path) => new PathPattern(path));
    const stripComponents = parseCount(args.stripComponents);
    await using opened = await openArchiveFiles(args, true, context);
    context.progress.begin({ phase: "files", total: patterns.length === 0 ? opened.size : undefined });
    if (!dryRun) makeDirectory(directory, NEW_DIRECTORY_MODE);
    const losses = new LossReport();
    const summary = await extractFiles(opened.files, directory, {
      patterns,
      stripComponents,
      force,
      onLoss: (loss) => losses.add(loss),
      ...(dryRun ? { onlyTell: async (path) => (json ? undefined : await context.print(path)) } : {}),
    });
    context.talk(`${dryRun ? "would extract" : "extracted"} ${summary.entries} files, ${formatSize(summary.bytes)} of data`);
    if (!losses.isEmpty) context.warn(losses.summary());
    const { entries, bytes, taken, unmet } = summary;
    const about = { verb: "extract", dryRun, archive: pathOrNull(archive), directory };
    const found = { entries, bytes, taken, unmet: unmet.map(({ text }) => text) };
    context.results.set({ ...about, ...found, ...context.results.common(losses) });
    if (unmet.length > 0) throw notFound(unmet, archive);
    if (taken > 0) throw namesTaken(summary, directory);
    return losses.isEmpty ? EXIT_CODES.done : EXIT_CODES.losses;
  }),
});

function parseCount(text: string): number {
  if (/^\d{1,4}$/.test(text)) return Number(text);
  throw new ToolError("usage", `Cannot use --strip-components "${text}": it is no number`);
}

function namesTaken({ taken, firstTaken }: ExtractIntoSummary, directory: string): ToolError {
  const names = firstTaken.map((name) => `"${name}"`).join(", ");
  const more = taken > firstTaken.length ? ` and ${taken - firstTaken.length} more` : "";
  return new ToolError(
    "exists",
    `Cannot extract ${names}${more}: there is something of that name in "${directory}", which was left alone`,
    {
      facts: { taken },
      hints: ["Use --force to replace files, or extract into a new directory"],
    },
  );
}
