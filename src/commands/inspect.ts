/** `ctar inspect`: what an archive is. */
import { inspectArchive, type Inspection } from "../archive/inspect.ts";
import { ArchiveReader } from "../archive/read.ts";
import { openInput } from "../sys/input.ts";
import type { Context } from "./context.ts";
import { defineVerb, type Verb } from "./define.ts";
import { formatSize } from "./world.ts";

/** The verb. */
export const inspectVerb: Verb = defineVerb({
  name: "inspect",
  summary: "Show what an archive is",
  description: "Reads the archive's headers and text members; the data of an archive file is not read.",
  args: {
    archive: { type: "positional", description: "A file, or - for stdin" },
    json: { type: "boolean", description: "Print JSON" },
  },
  examples: ["ctar inspect web01.tar", "ctar inspect --json web01.tar | jq .streams"],
  run: async ({ archive, json }, context) => {
    await using input = await openInput(archive, context.signal);
    const inspection = await inspectArchive(new ArchiveReader(input));
    if (json) await context.print(JSON.stringify(inspection, null, 2));
    else await printInspection(inspection, context);
  },
});

async function printInspection(inspection: Inspection, context: Context): Promise<void> {
  const { metadata, streams, snapshots, hooks, manifest, ended } = inspection;
  const rows: [string, string][] = [
    ["container", metadata.container ?? "-"],
    ["user", metadata.user ?? "-"],
    ["group", metadata.group ?? "-"],
    ["type", metadata.type],
    ["format", metadata.format],
    ["exported", metadata.exportedAt === 0 ? "-" : new Date(metadata.exportedAt * 1000).toISOString()],
    ["datasets", metadata.format === "zfs" ? ["/", ...metadata.datasets].join(" ") : "-"],
    ["snapshots", snapshots?.join(" ") ?? "-"],
    ["hooks", hooks.join(" ") || "-"],
    ["manifest", manifest === undefined ? "none" : `by ${manifest.tool}`],
    ["end blocks", ended ? "yes" : "missing"],
  ];
  for (const [label, value] of rows) await context.print(`${label.padEnd(12)}${value}`);
  if (streams.length === 0) return;
  await context.print("");
  const width = Math.max(...streams.map(({ member }) => member.length));
  for (const { member, storedBytes, rawBytes, pieces } of streams) {
    const raw = rawBytes === undefined ? "" : `, ${formatSize(rawBytes)} raw`;
    const cut = pieces > 1 ? `, ${pieces} pieces` : "";
    await context.print(`${member.padEnd(width)}  ${formatSize(storedBytes)}${raw}${cut}`);
  }
}
