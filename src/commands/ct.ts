/** `ctar ct export` and `ctar ct import`: osctl's spelling, for scripts that were written for it. */
import { defineVerb, type Verb } from "./define.ts";
import { EXPORT_DEFAULTS, runExport } from "./export.ts";
import { IMPORT_ARGS, runImport } from "./import.ts";
import { PROGRESS_DEFAULTS, withProgress } from "./telling/progress.ts";
import { POOL_ARG } from "./world.ts";

/** `osctl ct export`; like it, it replaces an existing file. */
export const ctExportVerb: Verb = defineVerb({
  name: "export",
  summary: "Export a container, as osctl ct export",
  args: {
    ctid: { type: "positional", completes: "container", description: "The container, as ID or POOL:ID" },
    file: { type: "positional", completes: "file", description: "The archive; an existing file is replaced" },
    consistent: { type: "boolean", default: true, negatable: true, description: "Stop a running container for a moment" },
    compression: { type: "enum", alias: "c", options: ["auto", "off", "gzip"], default: "auto", description: "How streams are compressed" },
    pool: POOL_ARG,
  },
  examples: ["ctar ct export --compression gzip web01 web01.tar"],
  run: async ({ file, ...args }, context) => {
    const request = { ...EXPORT_DEFAULTS, ...args, archive: file, force: true };
    return await withProgress("ct export", PROGRESS_DEFAULTS, context, async () => await runExport(request, context));
  },
});

/** `osctl ct import`. */
export const ctImportVerb: Verb = defineVerb({
  name: "import",
  summary: "Import a container, as osctl ct import",
  args: { ...IMPORT_ARGS, pool: POOL_ARG },
  examples: ["ctar ct import --as-id web02 web01.tar"],
  run: async (args, context) => {
    const request = { ...args, map: "archive", hooks: true, untrusted: false, verify: true, dryRun: false, json: false } as const;
    return await withProgress("ct import", PROGRESS_DEFAULTS, context, async () => await runImport(request, context));
  },
});
