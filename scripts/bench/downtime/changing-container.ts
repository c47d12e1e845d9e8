/**
 * A container that changes between the two snapshots of a consistent export, and how long an export keeps it down: from the end of the command
 * that stops it to the beginning of the one that starts it. The stop command writes the changes itself, so they are in no base snapshot, and
 * waits until they are in the pool, where a container's would be but for its last few seconds.
 */
import * as fs from "node:fs";
import * as path from "node:path";
import { fileURLToPath } from "node:url";
import { createContainer, CTAR, POOL, run, type ScratchPool, shell } from "../../../test/support/platform.ts";
import { logLine, readLog, writeScript, type LogEvent } from "../../../test/support/zfs-log.ts";

/** ctar, or a script that does what osctld does. */
export type Exporter = "ctar" | "upstream";

/** What one export did to the container. */
export interface Downtime {
  seconds: number;
  /** The log between stop and start; a zfs that logs writes there too. */
  events: LogEvent[];
}

const MIB = 1024 * 1024;
const ID = "changing";
const DATASET = `${POOL}/ct/${ID}`;
const UPSTREAM = fileURLToPath(new URL("upstream.rb", import.meta.url));

/** The container, with all that its exports write in the pool's directory. */
export class ChangingContainer {
  readonly #directory: string;

  private constructor(directory: string) {
    this.#directory = directory;
  }

  /** A log of stops and starts, for others to write in too. */
  get log(): string {
    return path.join(this.#directory, "log");
  }

  /** Makes it. @param mostMebibytes up to which it can change */
  static async create(pool: ScratchPool, mostMebibytes: number): Promise<ChangingContainer> {
    await createContainer(ID);
    // made once, because the kernel's generator is slower than a copy
    await shell(`head -c ${mostMebibytes}M /dev/urandom > ${pool.directory}/random`);
    await shell(`head -c 8M ${pool.directory}/random > /${DATASET}/private/base`);
    return new ChangingContainer(pool.directory);
  }

  /** Exports it while it changes by so much. @param zfs in place of the real one @throws Error if the export fails or the changes are not in the archive */
  async export(exporter: Exporter, mebibytes: number, zfs = "zfs"): Promise<Downtime> {
    await shell(`rm -f /${DATASET}/private/changed; zpool sync $POOL; zpool wait -t free $POOL`);
    fs.rmSync(this.log, { force: true });
    this.#writeCommands(mebibytes);
    const archive = path.join(this.#directory, "archive.tar");
    const { code, stderr } = await run(this.#commandLine(exporter, archive), { env: { CTAR_ZFS: zfs } });
    if (code !== 0) throw new Error(`${exporter} ended with ${code}: ${stderr}`);
    if (fs.statSync(archive).size < mebibytes * MIB) throw new Error(`${exporter}'s archive lacks the changes`);
    fs.rmSync(archive);
    return downtimeOf(readLog(this.log));
  }

  #writeCommands(mebibytes: number): void {
    const write = `head -c ${mebibytes}M ${this.#directory}/random > /${DATASET}/private/changed`;
    writeScript(this.#command("stop"), `set -e; ${write}; zpool sync ${POOL}; ${logLine(this.log, "end", "stop")}`);
    writeScript(this.#command("start"), logLine(this.log, "begin", "start"));
  }

  #commandLine(exporter: Exporter, archive: string): string[] {
    const [stop, start] = [this.#command("stop"), this.#command("start")];
    if (exporter === "upstream") return ["ruby", UPSTREAM, archive, DATASET, stop, start];
    return [CTAR, "export", "--compression", "gzip", "--stop-command", stop, "--start-command", start, ID, archive];
  }

  #command(name: "stop" | "start"): string {
    return path.join(this.#directory, name);
  }
}

function downtimeOf(log: readonly LogEvent[]): Downtime {
  const stop = log.findIndex(({ edge, what }) => edge === "end" && what === "stop");
  const start = log.findIndex(({ edge, what }) => edge === "begin" && what === "start");
  const [stopped, started] = [log[stop], log[start]];
  if (stopped === undefined || started === undefined) throw new Error("the container was not stopped and started");
  return { seconds: started.time - stopped.time, events: log.slice(stop + 1, start) };
}
