/**
 * `pack ROOT` and `extract ROOT` between a tree and stdout or stdin, for tests that are to run as somebody else or to be measured: how it went
 * goes to stderr as JSON. `swap ROOT` makes a nuisance of itself in a tree until it is killed.
 */
import * as fs from "node:fs";
import { pipeline } from "node:stream/promises";
import { extractTree } from "../../src/tree/extract.ts";
import type { Loss } from "../../src/tree/loss.ts";
import { packTree } from "../../src/tree/pack.ts";

/** The script to run. */
export const TREE_PROGRAM = "test/support/tree-program.ts";

/** How it went. */
export interface TreeReport {
  losses: Loss[];
  /** The most memory that was taken, in MiB. */
  peakMiB: number;
}

async function main([verb = "", root = ""]: readonly string[]): Promise<void> {
  if (verb === "swap") return swap(root);
  const losses: Loss[] = [];
  const onLoss = (loss: Loss): number => losses.push(loss);
  if (verb === "pack") await pipeline(packTree(root, { onLoss }), process.stdout);
  else await extractTree(process.stdin as AsyncIterable<Uint8Array>, root, { onLoss });
  console.error(JSON.stringify({ losses, peakMiB: peakMiB() } satisfies TreeReport));
}

function peakMiB(): number {
  const peak = /VmHWM:\s*(\d+) kB/.exec(fs.readFileSync("/proc/self/status", "utf8"))?.[1];
  return Math.ceil(Number(peak) / 1024);
}

/** Puts links out of the tree in place of the directory `d` and the file `d/secret` in it, and takes them away, for ever. */
function swap(root: string): void {
  const outside = `${root}/../outside`;
  const steps = [
    () => fs.renameSync(`${root}/d`, `${root}/away`),
    () => fs.symlinkSync(outside, `${root}/d`),
    () => fs.unlinkSync(`${root}/d`),
    () => fs.renameSync(`${root}/away`, `${root}/d`),
    () => fs.unlinkSync(`${root}/d/secret`),
    () => fs.symlinkSync(`${outside}/secret`, `${root}/d/secret`),
  ];
  console.log("swapping");
  for (;;) for (const step of steps) attempt(step);
}

function attempt(step: () => void): void {
  try {
    step();
  } catch {
    // the other side was faster
  }
}

if (import.meta.main) await main(process.argv.slice(2));
