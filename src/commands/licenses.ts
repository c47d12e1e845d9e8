/** `ctar licenses`: who may copy what of the running file. */
import { defineVerb, type Verb } from "./define.ts";

/** Put in place of the name by scripts/compile.ts; not there when the source is run. */
declare const CTAR_LICENSES: string | undefined;

const OF_SOURCE = `ctar runs from its source: its license is in the file LICENSE, those of its dependencies are in node_modules/*/LICENSE, and the runtime
has its own`;

/** The verb. */
export const licensesVerb: Verb = defineVerb({
  name: "licenses",
  summary: "Show the licenses of ctar and of what is in its file",
  description:
    "A compiled ctar holds Bun, two libraries, and where it runs without an installed C library, that of Debian; all have their terms.",
  args: {},
  examples: ["ctar licenses", "ctar licenses | less"],
  run: async (_, context) => await context.print(typeof CTAR_LICENSES === "string" ? CTAR_LICENSES : OF_SOURCE),
});
