/**
 * Compiles ctar into one executable with Bun inside: `bun run build` writes dist/ctar. The commit it was built from becomes the constant
 * `CTAR_COMMIT`, which code that runs from source does not have.
 */
import { execFileSync } from "node:child_process";

const result = await Bun.build({
  entrypoints: ["src/main.ts"],
  compile: { outfile: "dist/ctar" },
  minify: true,
  define: { CTAR_COMMIT: JSON.stringify(currentCommit()) },
});
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
