/**
 * Compiles ctar into one executable with Bun inside. Two things become constants that code which runs from source does not have: the commit it
 * was built from (`CTAR_COMMIT`), and what `ctar licenses` prints (`CTAR_LICENSES`). Source maps inside give the stack of a bug its real lines.
 *
 * Most of what a short command took was parsing the program. So bytecode stands inside beside the source, and each verb is a chunk of its own
 * that is loaded when it is called. What lies in the working directory is none of the executable's business: a `bunfig.toml` there would have
 * its `preload` run, and that by root.
 *
 * The same source, the same Bun and the same notices give the same bytes, wherever the source lies.
 */
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { ignoreVariables } from "./ignore-variables.ts";
import { renderNotices, type Notice } from "./notices.ts";

/** What to compile for, and what is in it. */
export interface CompileOptions {
  /** This machine if left out; Bun fetches the others from the npm registry. */
  readonly target?: Bun.Build.CompileTarget;
  readonly notices: readonly Notice[];
}

/** Compiles. @returns the executable's bytes */
export async function compile({ target, notices }: CompileOptions): Promise<Buffer> {
  mkdirSync("dist", { recursive: true });
  // Bun leaves copies of the maps beside the executable, whose name it puts inside.
  const directory = mkdtempSync("dist/.compile-");
  const outfile = path.join(directory, "ctar");
  try {
    const result = await Bun.build({
      entrypoints: ["src/main.ts", "src/stream/threads/worker.ts"],
      compile: {
        outfile,
        autoloadBunfig: false,
        autoloadDotenv: false,
        autoloadPackageJson: false,
        autoloadTsconfig: false,
        ...(target === undefined ? {} : { target }),
      },
      format: "esm",
      bytecode: true,
      splitting: true,
      // without short names, which a stack would show
      minify: { whitespace: true, syntax: true, identifiers: false },
      sourcemap: "inline",
      define: { CTAR_COMMIT: JSON.stringify(currentCommit()), CTAR_LICENSES: JSON.stringify(renderNotices(notices)) },
    });
    for (const log of result.logs) console.error(log);
    const executable = readFileSync(outfile);
    ignoreVariables(executable);
    return executable;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Writes an executable in place of another that may be running. */
export function writeExecutable(file: string, bytes: Uint8Array): void {
  const unfinished = `${file}.new`;
  writeFileSync(unfinished, bytes);
  chmodSync(unfinished, 0o755);
  renameSync(unfinished, file);
  console.error(`${file}: ${(bytes.length / 1e6).toFixed(0)} MB`);
}

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
