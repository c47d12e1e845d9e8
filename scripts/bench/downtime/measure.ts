/**
 * How long a container is down for a consistent export, by the size of what changed since the base snapshot: rows of the table that `run` prints.
 *
 *     bun scripts/bench/downtime/measure.ts [ROUNDS]        as root where OpenZFS is; CTAR_BIN names the program to measure
 */
import { ScratchPool, shell } from "../../../test/support/platform.ts";
import { spreadOf } from "../statistics.ts";
import { ChangingContainer, type Exporter } from "./changing-container.ts";

const MEBIBYTES = [0, 100, 400];
const EXPORTERS: readonly Exporter[] = ["ctar", "upstream"];

async function main(rounds: number): Promise<void> {
  await using pool = await ScratchPool.create(2048);
  const container = await ChangingContainer.create(pool, Math.max(...MEBIBYTES));
  const seconds = new Map<Exporter, number[][]>(EXPORTERS.map((exporter) => [exporter, MEBIBYTES.map(() => [])]));
  // the first round only warms up: the machine gets its memory from the host when it first needs it
  for (let round = 0; round <= rounds; round += 1) {
    for (const [column, mebibytes] of MEBIBYTES.entries()) {
      for (const exporter of EXPORTERS) {
        const downtime = await container.export(exporter, mebibytes);
        if (round > 0) seconds.get(exporter)?.[column]?.push(downtime.seconds);
        console.error(`round ${round}, ${exporter}, ${mebibytes} MiB: ${downtime.seconds.toFixed(2)} s`);
      }
    }
  }
  const version = (await shell(`zfs version | sed -n 's/^zfs-\\([0-9.]*\\).*/\\1/p' | head -n 1`)).trim();
  for (const [exporter, columns] of seconds) console.log(`| ${[version, exporter, ...columns.map(cell)].join(" | ")} |`);
}

function cell(seconds: readonly number[]): string {
  const { median, least, most } = spreadOf(seconds);
  return `${median.toFixed(2)} (${least.toFixed(2)}–${most.toFixed(2)})`;
}

await main(Number(process.argv[2] ?? 5));
