/** `ctar list`: the containers of a pool. */
import { listContainers, type Container } from "../host/container.ts";
import type { Context } from "./context.ts";
import { defineVerb, type Verb } from "./define.ts";
import { JSON_ARG } from "./telling/results.ts";
import { POOL_ARG, poolOf } from "./world.ts";

/** The verb. */
export const listVerb: Verb = defineVerb({
  name: "list",
  summary: "List the containers of a pool",
  args: { pool: POOL_ARG, ...JSON_ARG },
  examples: ["ctar list", "ctar list --pool dir:/srv/containers --json"],
  run: async ({ pool: name, json }, context) => {
    const pool = await poolOf(name, context);
    const rows = listContainers(pool, (problem) => context.tell("warning", problem.message)).map(describe);
    if (json) context.results.set(rows);
    else await printTable(rows, context);
  },
});

interface Row {
  id: string;
  user: string | null;
  group: string | null;
  distribution: string | null;
  version: string | null;
  dataset: string | null;
}

function describe({ id, user, group, config }: Container): Row {
  const text = (key: string): string | null => {
    const value = config.get(key);
    return typeof value === "string" ? value : null;
  };
  return { id, user, group, distribution: text("distribution"), version: text("version"), dataset: text("dataset") };
}

async function printTable(rows: readonly Row[], context: Context): Promise<void> {
  const columns = ["id", "user", "group", "distribution", "version", "dataset"] as const;
  const lines = [columns.map((column) => column.toUpperCase()), ...rows.map((row) => columns.map((column) => row[column] ?? "-"))];
  const widths = columns.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  for (const line of lines)
    await context.print(
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    );
}
