/**
 * A root filesystem becomes a container, as entries of a tar that come from anywhere: an image, or a tar without anything else. What it is gets
 * known as its files pass, so the configuration is made twice: to look at the target, and when all files are there.
 */
import type { EntryFiles } from "../tree/entry-files.ts";
import type { EntrySource } from "../tree/selected-entries.ts";
import type { ContainerHead, RootTarget } from "./source.ts";

/** What is imported. */
export interface ImportedRoot {
  /** What the new container is called; undefined where nothing says it. */
  readonly id: string | undefined;
  readonly files: EntryFiles;
  /** Sees the files as they pass. */
  watch(entries: EntrySource): EntrySource;
  /** `container.yml`, as far as it is known. */
  config(): string;
}

/** Options of {@link importRoot}. */
export interface ImportRootOptions {
  /** Stop once the target has looked at the container: nothing is made. */
  dryRun: boolean;
}

/** Imports a root filesystem; if anything fails, the target is undone. @throws ToolError */
export async function importRoot(root: ImportedRoot, target: RootTarget, { dryRun }: ImportRootOptions): Promise<void> {
  try {
    await target.begin(headOf(root));
    if (dryRun) return;
    const entries = await root.files.open();
    try {
      await target.extract(root.watch(entries));
    } finally {
      await entries.close();
    }
    await target.finish([], encode(root.config()));
  } catch (error) {
    await target.undo();
    throw error;
  }
}

/** As of an archive that comes from a repository of images, which names nothing that is on a host. */
function headOf(root: ImportedRoot): ContainerHead {
  const about = { type: "full", format: "tar", user: null, group: null, datasets: [], exportedAt: 0 } as const;
  return { metadata: { ...about, container: root.id ?? null }, containerConfig: encode(root.config()), hooks: [] };
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
