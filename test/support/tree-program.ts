/** `pack ROOT` and `extract ROOT` between a tree and stdout or stdin, for tests that are to run as somebody else. Losses go to stderr as JSON. */
import { pipeline } from "node:stream/promises";
import { extractTree } from "../../src/tree/extract.ts";
import type { Loss } from "../../src/tree/loss.ts";
import { packTree } from "../../src/tree/pack.ts";

/** The script to run. */
export const TREE_PROGRAM = "test/support/tree-program.ts";

async function main([verb = "", root = ""]: readonly string[]): Promise<void> {
  const losses: Loss[] = [];
  const onLoss = (loss: Loss): number => losses.push(loss);
  if (verb === "pack") await pipeline(packTree(root, { onLoss }), process.stdout);
  else await extractTree(process.stdin as AsyncIterable<Uint8Array>, root, { onLoss });
  console.error(JSON.stringify(losses));
}

if (import.meta.main) await main(process.argv.slice(2));
