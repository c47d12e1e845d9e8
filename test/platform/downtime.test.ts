/** How long a container is down for an export does not depend on how much it changed: the changes are sent when it is up again. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import * as path from "node:path";
import { ChangingContainer, type Downtime, type Exporter } from "../../scripts/bench/downtime/changing-container.ts";
import { listTraces, ScratchPool } from "../support/platform.ts";
import { writeLoggingZfs } from "../support/zfs-log.ts";

const TIMEOUT_MS = 120_000;
const MEBIBYTES = 100;

let pool: ScratchPool;
let container: ChangingContainer;

beforeAll(async () => {
  pool = await ScratchPool.create();
  container = await ChangingContainer.create(pool, MEBIBYTES);
}, TIMEOUT_MS);

afterAll(async () => await pool?.[Symbol.asyncDispose](), TIMEOUT_MS);

async function exportWith(exporter: Exporter): Promise<Downtime> {
  const zfs = path.join(pool.directory, "zfs");
  writeLoggingZfs(zfs, container.log);
  return await container.export(exporter, MEBIBYTES, zfs);
}

/** What zfs was called for while the container was down. */
function calls({ events }: Downtime): string[] {
  return events.map(({ edge, what }) => `${edge} ${what.split(" ").slice(0, 2).join(" ")}`);
}

test(
  "ctar export takes one snapshot of a stopped container that changed by 100 MiB; upstream's sequence dumps the changes too, and takes longer",
  async () => {
    const ours = await exportWith("ctar");
    const upstreams = await exportWith("upstream");
    const snapshot = ["begin zfs snapshot", "end zfs snapshot"];
    expect(calls(ours)).toEqual(snapshot);
    expect(calls(upstreams)).toEqual([...snapshot, "begin zfs send", "end zfs send"]);
    expect(ours.seconds).toBeLessThan(upstreams.seconds);
    expect(await listTraces()).toEqual([]);
  },
  TIMEOUT_MS,
);
