/** What killed runs left on a pool: found by their records, and by the marks on datasets and snapshots. */
import * as fs from "node:fs";
import { removePath } from "../../sys/files.ts";
import { isRunAlive } from "../../sys/identity.ts";
import { findMarked, inheritProperty } from "../../zfs/dataset.ts";
import { parseDatasetName } from "../../zfs/name.ts";
import { containerFile, listContainers, readContainer } from "../container.ts";
import type { Pool, ZfsPool } from "../pool.ts";
import { readDeadRuns, updateDeadRun, type RunRecord } from "./run.ts";
import { MARK_PROPERTY } from "./mark.ts";
import { findStrayFiles } from "./stray-files.ts";
import { describeThing, thingExists, undoThing, type Thing } from "./thing.ts";

/** A run that ended without cleaning up. */
export interface DeadRun {
  /** The command as it was typed, where it is known. */
  command: string | undefined;
  /** What is there of it, one line each; for a finished import only its mark. */
  left: string[];
  /** Removes all of it. @throws ToolError if something cannot be removed; the rest stays on the record */
  clean: () => Promise<void>;
}

/** Finds the runs that left something. */
export async function findDeadRuns(pool: Pool): Promise<DeadRun[]> {
  const records = readDeadRuns(pool);
  const known = new Set(records.map(({ run }) => run));
  const unrecorded = pool.kind === "zfs" ? await findUnrecorded(pool, known) : [];
  const runs: DeadRun[] = [];
  for (const record of [...records, ...unrecorded]) {
    const left = isComplete(pool, record) ? ["the mark of an import that was finished"] : await describeLeft(pool, record);
    runs.push({ command: known.has(record.run) ? record.command : undefined, left, clean: async () => await cleanUp(pool, record) });
  }
  return [...runs, ...strayRun(pool, records)];
}

/** Files without a name that no record tells of, as those of one more run. */
function strayRun(pool: Pool, records: readonly RunRecord[]): DeadRun[] {
  const recorded = new Set(records.flatMap(({ things }) => things.flatMap((thing) => (thing.is === "path" ? [thing.path] : []))));
  const files = findStrayFiles(pool).filter((file) => !recorded.has(file));
  if (files.length === 0) return [];
  const clean = async (): Promise<void> => await Promise.resolve(files.forEach(removePath));
  return [{ command: undefined, left: files.map((file) => `unfinished "${file}"`), clean }];
}

async function describeLeft(pool: Pool, record: RunRecord): Promise<string[]> {
  const lines = new Set<string>();
  for (const thing of record.things) if (await thingExists(thing, pool, record.run)) lines.add(describeThing(thing));
  return [...lines];
}

/** With its container file, an import has done everything that matters; osctld marks one that it is still at work on. */
function isComplete(pool: Pool, record: RunRecord): boolean {
  return record.things.some((thing) => {
    if (thing.is !== "container" && thing.is !== "adoption") return false;
    return fs.existsSync(containerFile(pool, thing.container)) && !readContainer(pool, thing.container).config.has("state");
  });
}

async function cleanUp(pool: Pool, record: RunRecord): Promise<void> {
  if (isComplete(pool, record)) {
    await removeMarks(pool, record);
    record.things = record.things.filter(({ is }) => is === "path"); // what osctld was given to read
  }
  for (const thing of record.things.toReversed()) {
    await undoThing(thing, pool, record.run);
    record.things = record.things.filter((candidate) => candidate !== thing);
    updateDeadRun(pool, record);
  }
  updateDeadRun(pool, record);
}

async function removeMarks(pool: Pool, record: RunRecord): Promise<void> {
  for (const thing of record.things) {
    if (pool.kind !== "zfs" || thing.is !== "dataset" || !(await thingExists(thing, pool, record.run))) continue;
    await inheritProperty(pool.zfs, parseDatasetName(thing.dataset), MARK_PROPERTY);
  }
}

/** Marked datasets and snapshots of dead runs whose record is gone. */
async function findUnrecorded(pool: ZfsPool, known: ReadonlySet<string>): Promise<RunRecord[]> {
  const byRun = new Map<string, Thing[]>();
  for (const { name, value } of await findMarked(pool.zfs, parseDatasetName(pool.name), MARK_PROPERTY)) {
    if (known.has(value) || isRunAlive(value)) continue;
    const [dataset = ""] = name.split("@");
    const things = byRun.get(value) ?? [];
    byRun.set(value, [...things, name === dataset ? { is: "dataset", dataset } : { is: "snapshots", dataset }]);
    const owner = name === dataset ? listContainers(pool).find(({ config }) => config.get("dataset") === dataset) : undefined;
    if (owner !== undefined) byRun.get(value)?.push({ is: "container", container: owner.id });
  }
  return [...byRun].map(([run, things]) => ({ run, command: "", things }));
}
