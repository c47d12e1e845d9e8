/**
 * Compiles ctar into one executable with Bun inside: `bun run build` writes dist/ctar. The commit it was built from becomes the constant
 * `CTAR_COMMIT`, which code that runs from source does not have. Source maps inside give the stack of a bug its real lines.
 *
 * Most of what a short command took was parsing the program. So bytecode stands inside beside the source, and each verb is a chunk of its own
 * that is loaded when it is called. What lies in the working directory is none of the executable's business: a `bunfig.toml` there would have
 * its `preload` run, and that by root.
 */
import { execFileSync } from "node:child_process";
import { rmSync } from "node:fs";

const result = await Bun.build({
  entrypoints: ["src/main.ts", "src/stream/threads/worker.ts"],
  compile: {
    outfile: "dist/ctar",
    autoloadBunfig: false,
    autoloadDotenv: false,
    autoloadPackageJson: false,
    autoloadTsconfig: false,
  },
  format: "esm",
  bytecode: true,
  splitting: true,
  // without short names, which a stack would show
  minify: { whitespace: true, syntax: true, identifiers: false },
  sourcemap: "inline",
  define: { CTAR_COMMIT: JSON.stringify(currentCommit()) },
});
// Bun leaves copies of the maps beside the executable.
for (const { kind, path } of result.outputs) if (kind === "sourcemap") rmSync(path);
for (const log of result.logs) console.error(log);
console.error(`dist/ctar: ${(Bun.file("dist/ctar").size / 1e6).toFixed(0)} MB`);

/** The abbreviated commit, marked when the working tree differs; a source tree without git has none. */
function currentCommit(): string {
  try {
    return execFileSync("git", ["describe", "--always", "--dirty", "--exclude=*"], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }).trim();
  } catch {
    return "unknown";
  }
}
