/** `ctar cat`: one file of an archive. */
import { catFile } from "../archive/cat.ts";
import { Output } from "../sys/output.ts";
import { PathPattern } from "../tree/path-pattern.ts";
import { defineVerb, type Verb } from "./define.ts";
import { openArchiveFiles, TREE_ARGS } from "./inputs/files-arguments.ts";
import { IMAGE_ARGS, SPOOL_ARG } from "./inputs/subject.ts";

const STDOUT = 1;

/** The verb. */
export const catVerb: Verb = defineVerb({
  name: "cat",
  summary: "Print one file of an archive",
  description:
    "Writes the file's bytes to stdout, zeros for its holes. Paths are those of ctar ls; links are not followed. What cannot be read as it passes, ZFS " +
    "streams and images from a pipe or in a compressed file, is kept in --spool-dir meanwhile. What is printed is not checked against an archive's " +
    "manifest; ctar verify does that.",
  args: {
    archive: { type: "positional", completes: "file", description: "A file, an OCI layout's directory, or - for stdin" },
    path: { type: "positional", description: "A regular file" },
    ...TREE_ARGS,
    ...IMAGE_ARGS,
    ...SPOOL_ARG,
  },
  examples: [
    "ctar cat web01.tar etc/hostname",
    "ctar cat web01.tar var/lib/db.sqlite > db.sqlite",
    "docker save alpine | ctar cat - etc/os-release",
  ],
  run: async (args, context) => {
    const pattern = new PathPattern(args.path);
    await using opened = await openArchiveFiles(args, true, context);
    const output = new Output({ name: "standard output", fd: STDOUT, patchable: false, signal: context.signal });
    for await (const chunk of catFile(opened.files, pattern)) await output.write([chunk]);
    await output.flush();
  },
});
