/** What `ls`, `cat` and `extract` share: which files they are about, and opening them. */
import { openFiles, type TarFiles, type TreeFiles } from "../archive/files.ts";
import { ToolError } from "../errors.ts";
import { openInput, type Input } from "../sys/input.ts";
import type { Context } from "./context.ts";

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
export interface TreeArguments {
  archive: string;
  dataset: string | undefined;
  datasetRoot: boolean;
}

/** Files of an open archive, to be disposed of. */
export interface OpenedFiles extends AsyncDisposable {
  input: Input;
  files: TreeFiles | TarFiles;
}

/** Opens the files of an archive, and tells what is worth knowing of them. @throws ToolError */
export async function openArchiveFiles(args: TreeArguments, wantsContents: boolean, context: Context): Promise<OpenedFiles> {
  const { archive, dataset, datasetRoot } = args;
  const input = await openInput(archive, context.signal);
  try {
    const files = await openFiles(input, input.name, { dataset, fromDatasetRoot: datasetRoot, wantsContents });
    if (files.kind === "tree") for (const note of files.notes) context.talk(`note: ${note}`);
    return { input, files, [Symbol.asyncDispose]: async () => await close(input, files) };
  } catch (error) {
    await input[Symbol.asyncDispose]();
    throw error;
  }
}

/** The error for paths that nothing was for. */
export function notFound(paths: readonly { text: string }[], archive: string): ToolError {
  const names = paths.map(({ text }) => `"${text}"`).join(", ");
  return new ToolError("not-found", `Cannot find ${names}: there is no such file in the archive`, {
    facts: { paths: paths.map(({ text }) => text) },
    hints: [`ctar ls -R ${archive} lists what there is`],
  });
}

async function close(input: Input, files: TreeFiles | TarFiles): Promise<void> {
  try {
    if (files.kind === "tree") await files.close();
  } finally {
    await input[Symbol.asyncDispose]();
  }
}
