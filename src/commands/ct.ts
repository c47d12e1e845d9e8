/** `ctar ct export` and `ctar ct import`: osctl's spelling, for scripts that were written for it. */
import { defineVerb, type Verb } from "./define.ts";
import { EXPORT_DEFAULTS, runExport } from "./export.ts";
import { IMPORT_ARGS, runImport } from "./import.ts";
import { POOL_ARG } from "./world.ts";

/** `osctl ct export`; like it, it replaces an existing file. */
export const ctExportVerb: Verb = defineVerb({
  name: "export",
  summary: "Export a container, as osctl ct export",
  args: {
    ctid: { type: "positional", description: "The container, as ID or POOL:ID" },
    file: { type: "positional", description: "The archive; an existing file is replaced" },
    consistent: { type: "boolean", default: true, negatable: true, description: "Stop a running container for a moment" },
    compression: { type: "enum", alias: "c", options: ["auto", "off", "gzip"], default: "auto", description: "How streams are compressed" },
    pool: POOL_ARG,
  },
  examples: ["ctar ct export --compression gzip web01 web01.tar"],
  run: async ({ file, ...args }, context) => await runExport({ ...EXPORT_DEFAULTS, ...args, archive: file, force: true }, context),
});

/** `osctl ct import`. */
export const ctImportVerb: Verb = defineVerb({
  name: "import",
  summary: "Import a container, as osctl ct import",
  args: { ...IMPORT_ARGS, pool: POOL_ARG },
  examples: ["ctar ct import --as-id web02 web01.tar"],
  run: async (args, context) =>
    await runImport({ ...args, map: "archive", hooks: true, untrusted: false, verify: true, dryRun: false }, context),
});
