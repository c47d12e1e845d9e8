/**
 * The table of commands. A verb's code is loaded when it is called; its name and summary stand here too, for the overview.
 */
import type { Command } from "./define.ts";

/** All commands, in the order of the overview. */
export const commands: readonly Command[] = [
  { name: "export", summary: "Export a container into an archive", load: async () => (await import("./export.ts")).exportVerb },
  { name: "import", summary: "Import a container from an archive", load: async () => (await import("./import.ts")).importVerb },
  { name: "inspect", summary: "Show what an archive is", load: async () => (await import("./inspect.ts")).inspectVerb },
  { name: "verify", summary: "Check that an archive is whole", load: async () => (await import("./verify.ts")).verifyVerb },
  { name: "ls", summary: "List the files in an archive", load: async () => (await import("./ls.ts")).lsVerb },
  { name: "cat", summary: "Print one file of an archive", load: async () => (await import("./cat.ts")).catVerb },
  { name: "extract", summary: "Extract files from an archive", load: async () => (await import("./extract.ts")).extractVerb },
  { name: "list", summary: "List the containers of a pool", load: async () => (await import("./list.ts")).listVerb },
  { name: "init", summary: "Make a pool or a directory ready to hold containers", load: async () => (await import("./init.ts")).initVerb },
  {
    name: "doctor",
    summary: "Show what this host can do, and what killed runs left",
    load: async () => (await import("./doctor.ts")).doctorVerb,
  },
  {
    name: "ct",
    summary: "Export and import in osctl's spelling",
    commands: [
      { name: "export", summary: "Export a container, as osctl ct export", load: async () => (await import("./ct.ts")).ctExportVerb },
      { name: "import", summary: "Import a container, as osctl ct import", load: async () => (await import("./ct.ts")).ctImportVerb },
    ],
  },
];
