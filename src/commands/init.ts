/** `ctar init`: a pool or a directory is made ready to hold containers. */
import { initDirectory, initZpool } from "../host/init.ts";
import { directoryOf } from "../host/pool.ts";
import { defineVerb, type Verb } from "./define.ts";
import { zfsOf } from "./world.ts";

/** The verb. */
export const initVerb: Verb = defineVerb({
  name: "init",
  summary: "Make a pool or a directory ready to hold containers",
  description: "Lays out what osctld expects of a pool. What is there already stays as it is.",
  args: { pool: { type: "positional", completes: "pool", description: "An imported zpool, or a directory as dir:/path" } },
  examples: ["ctar init tank", "ctar init dir:/srv/containers"],
  run: async ({ pool: name }, context) => {
    const directory = directoryOf(name);
    const pool = directory === undefined ? await initZpool(name, zfsOf(context)) : initDirectory(directory);
    context.talk(`pool "${pool.name}" is ready`);
  },
});
