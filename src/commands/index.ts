/**
 * The table of commands. A verb's code is loaded when it is called; its name and summary stand here too, for the overview.
 */
import type { Command } from "./define.ts";

/** All commands, in the order of the overview. */
export const commands: readonly Command[] = [
  { name: "export", summary: "Export a container into an archive", load: async () => (await import("./export.ts")).exportVerb },
  {
    name: "import",
    summary: "Import a container from an archive, an image or a root filesystem",
    load: async () => (await import("./import.ts")).importVerb,
  },
  { name: "inspect", summary: "Show what an archive is", load: async () => (await import("./inspect.ts")).inspectVerb },
  { name: "verify", summary: "Check that an archive is whole", load: async () => (await import("./verify.ts")).verifyVerb },
  { name: "ls", summary: "List the files in an archive", load: async () => (await import("./ls.ts")).lsVerb },
  { name: "cat", summary: "Print one file of an archive", load: async () => (await import("./cat.ts")).catVerb },
  { name: "extract", summary: "Extract files from an archive", load: async () => (await import("./extract.ts")).extractVerb },
  { name: "convert", summary: "Convert an archive into another format", load: async () => (await import("./convert.ts")).convertVerb },
  { name: "list", summary: "List the containers of a pool", load: async () => (await import("./list.ts")).listVerb },
  { name: "init", summary: "Make a pool or a directory ready to hold containers", load: async () => (await import("./init.ts")).initVerb },
  {
    name: "doctor",
    summary: "Show what this host can do, and what killed runs left",
    load: async () => (await import("./doctor.ts")).doctorVerb,
  },
  {
    name: "image",
    summary: "Keep and exchange images of Docker, podman and containerd",
    commands: [
      { name: "import", summary: "Keep the images of an archive", load: async () => (await import("./image/import.ts")).imageImportVerb },
      { name: "export", summary: "Write images into an archive", load: async () => (await import("./image/export.ts")).imageExportVerb },
      { name: "ls", summary: "List the images", load: async () => (await import("./image/names.ts")).imageLsVerb },
      { name: "inspect", summary: "Show what an image is", load: async () => (await import("./image/names.ts")).imageInspectVerb },
      { name: "tag", summary: "Give an image another name", load: async () => (await import("./image/names.ts")).imageTagVerb },
      { name: "rm", summary: "Remove images", load: async () => (await import("./image/names.ts")).imageRmVerb },
      { name: "prune", summary: "Remove data that no image needs", load: async () => (await import("./image/care.ts")).imagePruneVerb },
      { name: "check", summary: "Check that images are whole", load: async () => (await import("./image/care.ts")).imageCheckVerb },
      {
        name: "load",
        summary: "Keep the images of an archive, as docker load",
        load: async () => (await import("./image/import.ts")).imageLoadVerb,
      },
      {
        name: "save",
        summary: "Write images into an archive, as docker save",
        load: async () => (await import("./image/export.ts")).imageSaveVerb,
      },
    ],
  },
  {
    name: "ct",
    summary: "Export and import in osctl's spelling",
    commands: [
      { name: "export", summary: "Export a container, as osctl ct export", load: async () => (await import("./ct.ts")).ctExportVerb },
      { name: "import", summary: "Import a container, as osctl ct import", load: async () => (await import("./ct.ts")).ctImportVerb },
    ],
  },
  {
    name: "licenses",
    summary: "Show the licenses of ctar and of what is in its file",
    load: async () => (await import("./licenses.ts")).licensesVerb,
  },
  {
    name: "completion",
    summary: "Print a script that completes ctar's command lines in a shell",
    commands: [
      {
        name: "bash",
        summary: "Print the completion script for bash",
        load: async () => (await import("./completion/verbs.ts")).bashCompletionVerb,
      },
      {
        name: "zsh",
        summary: "Print the completion script for zsh",
        load: async () => (await import("./completion/verbs.ts")).zshCompletionVerb,
      },
      {
        name: "fish",
        summary: "Print the completion script for fish",
        load: async () => (await import("./completion/verbs.ts")).fishCompletionVerb,
      },
    ],
  },
];
