/**
 * A run that changes something, and the list of what it would take to undo it.
 *
 * Before a step the run writes down what is about to be there (`conf/.ctar/<run>.json`, which osctld does not look at), and ZFS datasets
 * and snapshots carry the run's identity as a user property besides. So the same list serves a failure and an interrupt (undone at
 * once), and a kill or power cut (`ctar doctor --clean`). Nothing is removed that does not carry the run's mark or stands on its list.
 */
import * as fs from "node:fs";
import * as path from "node:path";
import { ToolError } from "../../errors.ts";
import { listNames, makeDirectory, readSmallFile, replaceFile } from "../../sys/files.ts";
import { isRunAlive, runIdentity } from "../../sys/identity.ts";
import type { Pool } from "../pool.ts";
import type { Tell } from "../tell.ts";
import { undoThing, type Thing } from "./thing.ts";

/** What is written down of a run. */
export interface RunRecord {
  /** Identity of the process. */
  run: string;
  /** The command as it was typed. */
  command: string;
  things: Thing[];
}

/** A run of ours on a pool. */
export class Run {
  /** Its identity, the value of the mark. */
  readonly id: string = runIdentity();
  readonly #pool: Pool;
  readonly #command: string;
  #things: Thing[] = [];

  constructor(pool: Pool, command: string) {
    this.#pool = pool;
    this.#command = command;
  }

  /** Writes down what is about to be made, before it is. */
  intend(thing: Thing): void {
    this.#things.push(thing);
    this.#save();
  }

  /** Undoes one thing now. @throws ToolError if that fails; it then stays on the list */
  async undo(thing: Thing): Promise<void> {
    await undoThing(thing, this.#pool, this.id);
    this.forget(thing);
  }

  /** Takes a thing off the list: it is to stay. */
  forget(thing: Thing): void {
    this.#things = this.#things.filter((candidate) => candidate !== thing);
    this.#save();
  }

  /**
   * Undoes these things, or everything, last ones first. What lies before an adoption that cannot be undone is in osctld's use and stays.
   *
   * @returns what could not be undone, and why
   */
  async undoAll(things: readonly Thing[] = this.#things): Promise<ToolError[]> {
    const problems: ToolError[] = [];
    for (const thing of this.#things.filter((candidate) => things.includes(candidate)).toReversed()) {
      try {
        await this.undo(thing);
      } catch (error) {
        if (!(error instanceof ToolError)) throw error;
        problems.push(error);
        if (thing.is === "adoption") break;
      }
    }
    return problems;
  }

  /** Everything is to stay. */
  keepAll(): void {
    this.#things = [];
    this.#save();
  }

  #save(): void {
    const file = recordFile(this.#pool, this.id);
    if (this.#things.length === 0) {
      fs.rmSync(file, { force: true });
      return;
    }
    makeDirectory(path.dirname(file), 0o700);
    const record: RunRecord = { run: this.id, command: this.#command, things: this.#things };
    replaceFile(file, `${JSON.stringify(record)}\n`, 0o600);
  }
}

/** What could not be undone fails work that was completed; of work that has failed for another reason it is told. */
export function settleProblems(problems: readonly ToolError[], completed: boolean, tell: Tell): void {
  if (completed && problems[0] !== undefined) throw problems[0];
  for (const problem of problems) tell("warning", `${problem.message}; "ctar doctor --clean" tries again`);
}

/** Records of runs that ended without removing theirs. */
export function readDeadRuns(pool: Pool): RunRecord[] {
  const directory = path.dirname(recordFile(pool, ""));
  return listNames(directory)
    .filter((name) => name.endsWith(".json") && !name.startsWith("."))
    .map((name) => readRecord(path.join(directory, name)))
    .filter((record) => !isRunAlive(record.run));
}

/** Removes the record of a dead run, or writes down what is still left of it. */
export function updateDeadRun(pool: Pool, record: RunRecord): void {
  const file = recordFile(pool, record.run);
  if (record.things.length === 0) fs.rmSync(file, { force: true });
  else replaceFile(file, `${JSON.stringify(record)}\n`, 0o600);
}

/** Where runs keep their records and what else nobody else is to look at. */
export function runDirectory(pool: Pool): string {
  return path.join(pool.paths.conf, ".ctar");
}

function recordFile(pool: Pool, run: string): string {
  return path.join(runDirectory(pool), `${run}.json`);
}

function readRecord(file: string): RunRecord {
  const bytes = readSmallFile(file);
  try {
    const record = JSON.parse(Buffer.from(bytes ?? []).toString("utf8")) as RunRecord;
    if (typeof record.run === "string" && Array.isArray(record.things)) return record;
  } catch {
    // told below
  }
  throw new ToolError("failed", `Cannot read the record of a run "${file}": it is not what ctar writes`, { hints: [`rm ${file}`] });
}
