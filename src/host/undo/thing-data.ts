/** Data that a run made: snapshots, datasets, files, mounts. Datasets and snapshots are touched only where they carry the run's mark. */
import * as fs from "node:fs";
import { ToolError } from "../../errors.ts";
import { removePath } from "../../sys/files.ts";
import { destroyTree, findMarked } from "../../zfs/dataset.ts";
import type { Zfs } from "../../zfs/cli.ts";
import { parseDatasetName, type DatasetName } from "../../zfs/name.ts";
import { MARK_PROPERTY } from "./mark.ts";
import { isMountPoint, unmount } from "../mount.ts";
import type { Pool } from "../pool.ts";
import type { DataThing, ThingKinds } from "./thing.ts";

/** How data is undone. */
export const DATA_KINDS: ThingKinds<DataThing> = {
  snapshots: {
    undo: async ({ dataset }, pool, run) => await destroyMarkedSnapshots(zfsOf(pool), parseDatasetName(dataset), run),
    exists: async ({ dataset }, pool, run) => (await findOurs(pool, dataset, run)).some((name) => name.includes("@")),
    describe: ({ dataset }) => `snapshots of "${dataset}"`,
  },
  dataset: {
    undo: async ({ dataset }, pool, run) => {
      if ((await findOurs(pool, dataset, run)).includes(dataset)) await destroyTree(zfsOf(pool), parseDatasetName(dataset));
    },
    exists: async ({ dataset }, pool, run) => (await findOurs(pool, dataset, run)).includes(dataset),
    describe: ({ dataset }) => `unfinished dataset "${dataset}"`,
  },
  path: {
    undo: (thing) => removePath(thing.path),
    exists: (thing) => fs.existsSync(thing.path),
    describe: (thing) => `unfinished "${thing.path}"`,
  },
  renamed: {
    undo: ({ from, to }) => removePath(fs.existsSync(from) ? from : to),
    exists: ({ from, to }) => fs.existsSync(from) || fs.existsSync(to),
    describe: ({ from, to }) => `unfinished "${fs.existsSync(from) ? from : to}"`,
  },
  mount: {
    undo: async (thing) => {
      if (isMountPoint(thing.path)) await unmount(thing.path);
      if (fs.existsSync(thing.path)) fs.rmdirSync(thing.path); // never recursively: it may be somebody's file system
    },
    exists: (thing) => fs.existsSync(thing.path),
    describe: (thing) => `mounted "${thing.path}"`,
  },
};

async function destroyMarkedSnapshots(zfs: Zfs, dataset: DatasetName, run: string): Promise<void> {
  const names = new Map<string, string[]>();
  for (const { name, value } of await findMarkedOrNone(zfs, dataset)) {
    const [owner = "", snapshot] = name.split("@");
    if (value === run && snapshot !== undefined) names.set(owner, [...(names.get(owner) ?? []), snapshot]);
  }
  for (const [owner, snapshots] of names) {
    const target = `${owner}@${snapshots.join(",")}`;
    await zfs.run(["destroy", target], `destroy snapshots "${target}"`);
  }
}

/** Names of datasets and snapshots with the run's mark, at and below a dataset. */
async function findOurs(pool: Pool, dataset: string, run: string): Promise<string[]> {
  const marked = await findMarkedOrNone(zfsOf(pool), parseDatasetName(dataset));
  return marked.filter(({ value }) => value === run).map(({ name }) => name);
}

async function findMarkedOrNone(zfs: Zfs, dataset: DatasetName): Promise<{ name: string; value: string }[]> {
  try {
    return await findMarked(zfs, dataset, MARK_PROPERTY);
  } catch (error) {
    if (error instanceof ToolError && error.code === "not-found") return [];
    throw error;
  }
}

function zfsOf(pool: Pool): Zfs {
  if (pool.kind === "zfs") return pool.zfs.uninterruptible();
  throw new TypeError("a directory pool has no datasets");
}
