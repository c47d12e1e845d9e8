/**
 * What `--chunk-size` costs and gains on a pipe: `ctar export | ctar import` of a made-up stream, without compression.
 *
 *     bun scripts/bench/chunk-size.ts [MiB]        CTAR_BIN names a compiled program to measure instead of the source
 */
import { availableParallelism } from "node:os";
import { runTransfer } from "../../test/support/transfer.ts";

const SIZES = ["256K", "1M", "4M", "16M", "64M"];
const ROUNDS = 3;
const MIB = 1024 * 1024;

async function main(megabytes: number): Promise<void> {
  console.log(`${megabytes} MiB, best of ${ROUNDS}, ${availableParallelism()} cores, Bun ${process.versions["bun"]}`);
  console.log("chunk size   seconds   MiB/s   export MiB   import MiB");
  for (const size of SIZES) console.log(await measure(size, megabytes));
}

async function measure(size: string, megabytes: number): Promise<string> {
  let best = Number.POSITIVE_INFINITY;
  const peaks = [0, 0];
  for (let round = 0; round < ROUNDS; round += 1) {
    const options = { records: megabytes * 8, exportOptions: ["--compression", "off", "--chunk-size", size] };
    const { exported, imported, seconds } = await runTransfer(options);
    if (exported.exitCode !== 0 || imported.exitCode !== 0) throw new Error(`${exported.stderr}${imported.stderr}`);
    best = Math.min(best, seconds);
    for (const [side, { peakBytes }] of [exported, imported].entries()) peaks[side] = Math.max(peaks[side] ?? 0, peakBytes);
  }
  const [sent = 0, received = 0] = peaks.map((bytes) => Math.round(bytes / MIB));
  const columns = [size.padEnd(10), best.toFixed(2).padStart(10), Math.round(megabytes / best), sent, received];
  return columns.map((value, index) => String(value).padStart([0, 0, 8, 13, 13][index] ?? 0)).join("");
}

await main(Number(process.argv[2] ?? 2048));
