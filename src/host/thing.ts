/** What a run may leave on a pool, and how each kind is undone. */
import * as fs from "node:fs";
import * as path from "node:path";
import { ToolError } from "../errors.ts";
import { describeExit, runProgram } from "../sys/process.ts";
import { systemReason } from "../sys/failure.ts";
import { destroyTree, findMarked } from "../zfs/dataset.ts";
import type { Zfs } from "../zfs/cli.ts";
import { parseDatasetName, type DatasetName } from "../zfs/name.ts";
import { containerFile, groupFile, listContainers, userFile } from "./container.ts";
import { hookDirectory } from "./hooks.ts";
import { connectOsctld } from "./osctld.ts";
import type { Pool } from "./pool.ts";

/** User property that marks our snapshots and unfinished datasets with the run that made them. */
export const MARK_PROPERTY = "ctar:run";

/** Something that has to be undone unless the run goes well. */
export type Thing =
  /** A container that was stopped; started by this command, or (null) by osctld. */
  | { is: "stopped"; container: string; startCommand: string[] | null }
  /** Marked snapshots of a dataset and everything below it. */
  | { is: "snapshots"; dataset: string }
  /** A marked dataset with everything below it. */
  | { is: "dataset"; dataset: string }
  /** A directory or file of ours, under a name nobody else uses. */
  | { is: "path"; path: string }
  /** A directory of ours on its way from a name that nobody else uses to its final one. */
  | { is: "renamed"; from: string; to: string }
  /** Configuration made for a container; stays if another container uses it meanwhile. */
  | { is: "user" | "group"; name: string; container: string }
  | { is: "hooks"; container: string }
  | { is: "container"; container: string };

/** Undoes one thing; what is gone already is no failure. @throws ToolError if it cannot be undone */
export async function undoThing(thing: Thing, pool: Pool, run: string): Promise<void> {
  switch (thing.is) {
    case "stopped":
      return await startAgain(thing, pool);
    case "snapshots":
      return await destroyMarkedSnapshots(zfsOf(pool), parseDatasetName(thing.dataset), run);
    case "dataset":
      return await destroyMarkedDataset(zfsOf(pool), parseDatasetName(thing.dataset), run);
    case "path":
      return remove(thing.path);
    case "renamed":
      return remove(fs.existsSync(thing.from) ? thing.from : thing.to);
    case "user":
      if (!isUsed(pool, "user", thing)) remove(userFile(pool, thing.name));
      return;
    case "group":
      if (!isUsed(pool, "group", thing)) removeGroup(pool, thing.name);
      return;
    case "hooks":
      return remove(hookDirectory(pool, thing.container));
    case "container":
      return remove(containerFile(pool, thing.container));
  }
}

/** Whether there is something to undo. */
export async function thingExists(thing: Thing, pool: Pool, run: string): Promise<boolean> {
  switch (thing.is) {
    case "stopped":
      return true;
    case "snapshots":
    case "dataset": {
      const marked = await findMarkedOrNone(zfsOf(pool), parseDatasetName(thing.dataset));
      return marked.some(({ name, value }) => value === run && (thing.is === "snapshots" ? name.includes("@") : name === thing.dataset));
    }
    case "path":
      return fs.existsSync(thing.path);
    case "renamed":
      return fs.existsSync(thing.from) || fs.existsSync(thing.to);
    case "user":
      return fs.existsSync(userFile(pool, thing.name)) && !isUsed(pool, "user", thing);
    case "group":
      return fs.existsSync(groupFile(pool, thing.name)) && !isUsed(pool, "group", thing);
    case "hooks":
      return fs.existsSync(hookDirectory(pool, thing.container));
    case "container":
      return fs.existsSync(containerFile(pool, thing.container));
  }
}

/** Says what a thing is, for a person. */
export function describeThing(thing: Thing): string {
  switch (thing.is) {
    case "stopped":
      return `container "${thing.container}" was stopped and not started again`;
    case "snapshots":
      return `snapshots of "${thing.dataset}"`;
    case "dataset":
      return `unfinished dataset "${thing.dataset}"`;
    case "path":
      return `unfinished "${thing.path}"`;
    case "renamed":
      return `unfinished "${fs.existsSync(thing.from) ? thing.from : thing.to}"`;
    case "user":
    case "group":
      return `${thing.is} "${thing.name}", made for container "${thing.container}"`;
    case "hooks":
      return `hooks of container "${thing.container}"`;
    case "container":
      return `configuration of container "${thing.container}"`;
  }
}

async function startAgain(thing: Thing & { is: "stopped" }, pool: Pool): Promise<void> {
  if (thing.startCommand !== null) return await runLifecycleCommand(thing.startCommand, `start container "${thing.container}"`);
  using osctld = await connectOsctld({ cli: "ctar" });
  if (osctld === undefined) {
    throw new ToolError("failed", `Cannot start container "${thing.container}": osctld does not answer`, {
      hints: [`osctl ct start ${thing.container}`],
    });
  }
  await osctld.startContainer(pool.name, thing.container);
}

/** Runs the operator's stop or start command. @throws ToolError failed with the end of its stderr */
export async function runLifecycleCommand(argv: readonly string[], action: string, signal?: AbortSignal): Promise<void> {
  const exit = await runProgram(argv, { signal });
  if (exit.status === 0) return;
  throw new ToolError("failed", `Cannot ${action}: "${argv.join(" ")}" ended with ${describeExit(exit)}`, {
    cause: exit.stderr === "" ? undefined : new Error(exit.stderr),
    facts: { argv },
  });
}

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

async function destroyMarkedDataset(zfs: Zfs, dataset: DatasetName, run: string): Promise<void> {
  const marked = await findMarkedOrNone(zfs, dataset);
  if (marked.some(({ name, value }) => name === dataset && value === run)) await destroyTree(zfs, dataset);
}

async function findMarkedOrNone(zfs: Zfs, dataset: DatasetName): Promise<{ name: string; value: string }[]> {
  try {
    return await findMarked(zfs, dataset, MARK_PROPERTY);
  } catch (error) {
    if (error instanceof ToolError && error.code === "not-found") return [];
    throw error;
  }
}

function isUsed(pool: Pool, key: "user" | "group", thing: { name: string; container: string }): boolean {
  return listContainers(pool).some((container) => container.id !== thing.container && container[key] === thing.name);
}

function removeGroup(pool: Pool, name: string): void {
  const file = groupFile(pool, name);
  remove(file);
  try {
    fs.rmdirSync(path.dirname(file));
  } catch {
    // a nested group lives in it
  }
}

function remove(target: string): void {
  try {
    fs.rmSync(target, { recursive: true, force: true });
  } catch (error) {
    throw new ToolError("failed", `Cannot remove "${target}": ${systemReason(error)}`, { facts: { path: target } });
  }
}

function zfsOf(pool: Pool): Zfs {
  if (pool.kind === "zfs") return pool.zfs.uninterruptible();
  throw new TypeError("a directory pool has no datasets");
}
