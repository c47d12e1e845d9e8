/** A dataset or snapshot mounted for as long as something is done with it, in a directory that nobody else can enter. */
import * as path from "node:path";
import { makeDirectory } from "../sys/files.ts";
import { mountZfs } from "./mount.ts";
import type { ZfsPool } from "./pool.ts";
import { runDirectory, type Run } from "./undo/run.ts";
import type { Thing } from "./undo/thing.ts";

/** Who mounts. */
export interface MountOptions {
  run: Run;
  signal: AbortSignal;
  /** Notes what is about to be mounted; the run's list if left out. */
  intend?: (thing: Thing) => void;
}

/** Does something with the directory where a dataset or snapshot is mounted; unmounted again whatever happens. @throws ToolError zfs */
export async function withMounted<T>(
  pool: ZfsPool,
  options: MountOptions,
  source: string,
  action: (directory: string) => Promise<T>,
): Promise<T> {
  const thing = await mountHidden(pool, options, source);
  try {
    return await action(thing.path);
  } finally {
    await options.run.undo(thing);
  }
}

/** Mounts a dataset or snapshot until the thing is undone. */
export async function mountHidden(pool: ZfsPool, options: MountOptions, source: string): Promise<Thing & { is: "mount" }> {
  const { run, signal, intend = (made) => run.intend(made) } = options;
  const directory = path.join(runDirectory(pool), `${run.id}.${source.replaceAll(/[/@ ]/g, "+")}`);
  const thing: Thing & { is: "mount" } = { is: "mount", path: directory };
  intend(thing); // with it the run's directory is there
  makeDirectory(directory, 0o700);
  await mountZfs(source, directory, signal);
  return thing;
}
