/** `ctar doctor`: what this host can do, and what killed runs left. */
import { ToolError, EXIT_CODES } from "../errors.ts";
import { findDeadRuns, type DeadRun } from "../host/undo/leftovers.ts";
import { connectOsctld } from "../host/osctld/osctld.ts";
import { directoryOf, listInstalledPools, openDirectoryPool, openZfsPool, type Pool } from "../host/pool.ts";
import type { Zfs } from "../zfs/cli.ts";
import { knowsIdMaps, listPools } from "../zfs/dataset.ts";
import { parseDatasetName } from "../zfs/name.ts";
import type { Context } from "./context.ts";
import { defineVerb, type Verb } from "./define.ts";
import { findDeadImageRuns } from "./image/store.ts";
import { JSON_ARG } from "./telling/results.ts";
import { zfsOf } from "./world.ts";

/** The verb. */
export const doctorVerb: Verb = defineVerb({
  name: "doctor",
  summary: "Show what this host can do, and what killed runs left",
  description:
    "Exits with 1 while something is left over. --clean removes what killed runs left: snapshots, unfinished data and images; it starts containers that were stopped.",
  args: {
    pool: { type: "string", valueHint: "POOL", completes: "pool", description: "Look at this pool only; all installed ones if left out" },
    clean: { type: "boolean", description: "Remove what killed runs left" },
    ...JSON_ARG,
  },
  examples: ["ctar doctor", "ctar doctor --clean", "ctar doctor --pool dir:/srv/containers --json"],
  run: async ({ pool, clean, json }, context) => {
    const report = await examine(pool, clean, context);
    if (json) context.results.set(report);
    else await printReport(report, context);
    return report.leftovers.length > 0 && !clean ? EXIT_CODES.failed : EXIT_CODES.done;
  },
});

interface Report {
  zfs: { version: string; idMaps: boolean } | null;
  osctld: string | null;
  pools: { name: string; problem: string | null }[];
  leftovers: { pool: string; command: string | null; left: string[]; cleaned: boolean }[];
}

async function examine(poolName: string | undefined, clean: boolean, context: Context): Promise<Report> {
  const zfs = zfsOf(context);
  const version = await zfs.version();
  using osctld = await connectOsctld({ cli: context.commandLine, signal: context.signal });
  const report: Report = {
    zfs: version === undefined ? null : { version, idMaps: await hasIdMaps(zfs) },
    osctld: osctld?.version ?? null,
    pools: [],
    leftovers: [],
  };
  for (const open of await poolOpeners(poolName, version === undefined ? undefined : zfs)) {
    try {
      const pool = await open.open();
      report.pools.push({ name: pool.name, problem: null });
      const dead = [...(await findDeadRuns(pool)), ...(await findDeadImageRuns(pool, context.signal))];
      for (const run of dead) await lookAt(run, { pool, clean, report });
    } catch (error) {
      if (!(error instanceof ToolError) || poolName !== undefined || error.code === "interrupted") throw error;
      report.pools.push({ name: open.name, problem: error.message });
    }
  }
  return report;
}

async function poolOpeners(poolName: string | undefined, zfs: Zfs | undefined): Promise<{ name: string; open: () => Promise<Pool> }[]> {
  const directory = poolName === undefined ? undefined : directoryOf(poolName);
  if (directory !== undefined) return [{ name: `dir:${directory}`, open: async () => await Promise.resolve(openDirectoryPool(directory)) }];
  if (zfs === undefined && poolName === undefined) return [];
  if (zfs === undefined)
    throw new ToolError("zfs", `Cannot look at pool "${poolName}": ZFS does not run here`, { hints: ["modprobe zfs"] });
  const installed = await listInstalledPools(zfs);
  const wanted = installed.filter(({ name }) => poolName === undefined || name === poolName);
  if (poolName !== undefined && wanted.length === 0) {
    throw new ToolError("not-found", `Cannot look at pool "${poolName}": no such pool is installed`, { hints: [`ctar init ${poolName}`] });
  }
  return wanted.map((pool) => ({ name: pool.name, open: async () => await openZfsPool(pool, zfs) }));
}

async function hasIdMaps(zfs: Zfs): Promise<boolean> {
  const [pool] = await listPools(zfs);
  return pool !== undefined && (await knowsIdMaps(zfs, parseDatasetName(pool)));
}

async function lookAt(run: DeadRun, { pool, clean, report }: { pool: Pool; clean: boolean; report: Report }): Promise<void> {
  if (clean) await run.clean();
  if (run.left.length > 0) report.leftovers.push({ pool: pool.name, command: run.command ?? null, left: run.left, cleaned: clean });
}

async function printReport({ zfs, osctld, pools, leftovers }: Report, context: Context): Promise<void> {
  await context.print(`zfs        ${zfs === null ? "does not run here; directory pools do (--pool dir:/path)" : zfs.version}`);
  if (zfs !== null) await context.print(`id maps    ${zfs.idMaps ? "yes, as vpsAdminOS" : "no, this is stock OpenZFS"}`);
  await context.print(`osctld     ${osctld ?? "does not run here"}`);
  for (const { name, problem } of pools) await context.print(`pool       ${name}${problem === null ? "" : `: ${problem}`}`);
  for (const { pool, command, left, cleaned } of leftovers) {
    await context.print(`${cleaned ? "cleaned up" : "left over"}  on ${pool}${command === null ? "" : `, by: ${command}`}`);
    for (const line of left) await context.print(`             ${line}`);
  }
  if (leftovers.some(({ cleaned }) => !cleaned)) context.talk("hint: ctar doctor --clean");
}
