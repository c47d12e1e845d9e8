/**
 * Compiles ctar into one executable with Bun inside: `bun run build` writes dist/ctar. The commit it was built from becomes the constant
 * `CTAR_COMMIT`, which code that runs from source does not have. A source map inside gives the stack of a bug its real names and lines.
 */
import { execFileSync } from "node:child_process";
import { rmSync } from "node:fs";

const result = await Bun.build({
  entrypoints: ["src/main.ts", "src/stream/threads/worker.ts"],
  compile: { outfile: "dist/ctar" },
  minify: true,
  sourcemap: "inline",
  define: { CTAR_COMMIT: JSON.stringify(currentCommit()) },
});
// Bun leaves a copy of the map beside the executable.
rmSync("dist/ctar.map", { force: true });
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
