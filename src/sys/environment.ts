/**
 * What this program is and where it runs: version, commit, runtime, variables.
 */
import packageFile from "../../package.json" with { type: "json" };

/** Put in place of the name by scripts/compile.ts; not there when the source is run. */
declare const CTAR_COMMIT: string | undefined;

/** One line for `--version` and bug reports: `ctar 0.1.0 (3f4ff3c, bun 1.4.5)`. */
export function describeProgram(): string {
  const commit = typeof CTAR_COMMIT === "string" ? CTAR_COMMIT : "source";
  return `ctar ${packageFile.version} (${commit}, ${describeRuntime()})`;
}

/** The file that this program is; undefined where it is run from its source. */
export function programFile(): string | undefined {
  return typeof CTAR_COMMIT === "string" ? process.execPath : undefined;
}

/** Value of an environment variable; an empty one counts as unset. */
export function environmentVariable(name: string): string | undefined {
  const value = process.env[name];
  return value === "" ? undefined : value;
}

function describeRuntime(): string {
  const { bun, deno, node } = process.versions as Record<string, string | undefined>;
  if (bun !== undefined) return `bun ${bun}`;
  if (deno !== undefined) return `deno ${deno}`;
  return `node ${node}`;
}
