/** `ctar cat`: one file of an archive. */
import { catFile } from "../archive/cat.ts";
import { Output } from "../sys/output.ts";
import { PathPattern } from "../tree/path-pattern.ts";
import { defineVerb, type Verb } from "./define.ts";
import { openArchiveFiles, TREE_ARGS } from "./files-arguments.ts";
import { IMAGE_ARGS, SPOOL_ARG } from "./subject.ts";

const STDOUT = 1;

/** The verb. */
export const catVerb: Verb = defineVerb({
  name: "cat",
  summary: "Print one file of an archive",
  description:
    "Writes the file's bytes to stdout, zeros for its holes. Paths are those of ctar ls; links are not followed. From a pipe only archives of format " +
    "tar can be read. What is printed is not checked against the archive's checksums; ctar verify does that.",
  args: {
    archive: { type: "positional", description: "A file, or - for stdin" },
    path: { type: "positional", description: "A regular file" },
    ...TREE_ARGS,
    ...IMAGE_ARGS,
    ...SPOOL_ARG,
  },
  examples: ["ctar cat web01.tar etc/hostname", "ctar cat web01.tar var/lib/db.sqlite > db.sqlite"],
  run: async (args, context) => {
    const pattern = new PathPattern(args.path);
    await using opened = await openArchiveFiles(args, true, context);
    const output = new Output({ name: "standard output", fd: STDOUT, patchable: false, signal: context.signal });
    for await (const chunk of catFile(opened.files, pattern)) await output.write([chunk]);
    await output.flush();
  },
});
