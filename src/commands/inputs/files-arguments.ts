/** What `ls`, `cat` and `extract` share: which files they are about, and opening them. */
import { tmpdir } from "node:os";
import { openFiles, type TreeFiles } from "../../archive/files.ts";
import { ToolError } from "../../errors.ts";
import { chooseImage } from "../../oci/choose-image.ts";
import { filesOfImage } from "../../oci/layers/image-files.ts";
import { openImages } from "../../oci/reading/open-images.ts";
import type { ByteStream, SeekableSource } from "../../stream/bytes.ts";
import { Spool } from "../../sys/spool.ts";
import { filesOfTar, type EntryFiles } from "../../tree/entry-files.ts";
import type { Context } from "../context.ts";
import { imageChoice, imageReading, openSubject, refuseImageChoice, sizeOf, type ImageArguments, type Subject } from "./subject.ts";

/** Options that choose a tree. */
export const TREE_ARGS = {
  dataset: {
    type: "string",
    valueHint: "NAME",
    description: "One subdataset by itself, / for the root dataset; the container's whole tree if left out",
  },
  datasetRoot: { type: "boolean", description: "Start paths at the dataset's own root, not at the container's in private/" },
} as const;

/** Values of those. */
export interface TreeArguments extends ImageArguments {
  archive: string;
  dataset: string | undefined;
  datasetRoot: boolean;
  spoolDir?: string | undefined;
}

/** Files of an open input, to be disposed of. */
export interface OpenedFiles extends AsyncDisposable {
  files: TreeFiles | EntryFiles;
  /** Bytes of what they are read from, where that is known. */
  size: number | undefined;
}

/** Opens the files of an input, and tells what is worth knowing of them. @throws ToolError */
export async function openArchiveFiles(args: TreeArguments, wantsContents: boolean, context: Context): Promise<OpenedFiles> {
  await using stack = new AsyncDisposableStack();
  const subject = stack.use(await openSubject(args.archive, context));
  context.progress.begin({ phase: "read", total: sizeOf(subject) });
  const files = await open(subject, { args, wantsContents, context, stack });
  const opened = stack.move();
  return { files, size: sizeOf(subject), [Symbol.asyncDispose]: async () => await opened.disposeAsync() };
}

interface Request {
  args: TreeArguments;
  wantsContents: boolean;
  context: Context;
  /** Takes what has to be closed. */
  stack: AsyncDisposableStack;
}

async function open(subject: Subject, { args, wantsContents, context, stack }: Request): Promise<TreeFiles | EntryFiles> {
  const { dataset, datasetRoot: fromDatasetRoot } = args;
  if (subject.kind === "images") {
    refuseDataset(args, "images");
    const archive = await openImages(subject.input, subject.name, imageReading(args.spoolDir, context));
    stack.defer(async () => await archive.close());
    return await filesOfImage(chooseImage(archive.images, imageChoice(args)));
  }
  refuseImageChoice(args);
  if (subject.kind === "rootfs") {
    refuseDataset(args, "a root filesystem alone");
    return filesOfTar(subject.input, subject.name);
  }
  const keep = wantsContents ? keeper(subject.name, { args, context, stack }) : undefined;
  const files = await openFiles(subject.input, subject.name, { dataset, fromDatasetRoot, keep });
  if (files.kind === "entries") return files;
  for (const note of files.notes) context.tell("note", note);
  stack.defer(async () => await files.close());
  return files;
}

/** Keeps ZFS streams whose files are to be read. */
function keeper(name: string, { args, context, stack }: Omit<Request, "wantsContents">): (bytes: ByteStream) => Promise<SeekableSource> {
  const directory = args.spoolDir ?? tmpdir();
  const spool = stack.use(new Spool(() => directory, context.signal, context.progress));
  return async (bytes) => {
    context.tell("note", `"${name}" is kept in "${directory}" while it is read`);
    return await spool.keep(bytes);
  };
}

function refuseDataset({ dataset, datasetRoot }: TreeArguments, what: string): void {
  if (dataset === undefined && !datasetRoot) return;
  throw new ToolError("usage", `Cannot choose a dataset: the input holds ${what}`);
}

/** The error for paths that nothing was for. */
export function notFound(paths: readonly { text: string }[], archive: string): ToolError {
  const names = paths.map(({ text }) => `"${text}"`).join(", ");
  return new ToolError("not-found", `Cannot find ${names}: there is no such file in the archive`, {
    facts: { paths: paths.map(({ text }) => text) },
    hints: [`ctar ls -R ${archive} lists what there is`],
  });
}
