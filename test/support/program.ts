/**
 * Runs the program, or another script, in the runtime that runs the tests; `CTAR_BIN` names a compiled program to run instead.
 */
import { spawn, type ChildProcess, type StdioOptions } from "node:child_process";
import { fileURLToPath } from "node:url";

/** How a run ended and what it said. */
export interface Finished {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Options of {@link startScript}. */
export interface StartOptions {
  readonly stdio?: StdioOptions;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** What runs as ctar. */
export type Target = "compiled" | "bun" | "deno";

/** What tests run as ctar: a compiled program, or the source in the runtime that runs the tests. */
export const TARGET: Target = process.env["CTAR_BIN"] !== undefined ? "compiled" : "Deno" in globalThis ? "deno" : "bun";

/** argv that runs a TypeScript file, named from the root of the repository, in this runtime. */
export function scriptArgv(script: string): string[] {
  const path = fileURLToPath(new URL(`../../${script}`, import.meta.url));
  return "Deno" in globalThis ? [process.execPath, "run", "-A", path] : [process.execPath, path];
}

/** argv that runs the program. */
export function programArgv(): string[] {
  const compiled = process.env["CTAR_BIN"];
  return compiled === undefined ? scriptArgv("src/main.ts") : [compiled];
}

/** Starts a command without colours and without variables that change them. */
export function start(argv: readonly string[], options: StartOptions = {}): ChildProcess {
  const [file = "", ...args] = argv;
  const { stdio = ["ignore", "pipe", "pipe"], env, ...others } = options;
  return spawn(file, args, { stdio, env: { ...process.env, NO_COLOR: "1", ...env }, ...others });
}

/** Waits for the end of a started command. */
export async function finish(child: ChildProcess): Promise<Finished> {
  const texts = { stdout: "", stderr: "" };
  child.stdout?.on("data", (chunk: Buffer) => (texts.stdout += chunk.toString()));
  child.stderr?.on("data", (chunk: Buffer) => (texts.stderr += chunk.toString()));
  const exitCode = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  return { exitCode, ...texts };
}

/** Runs the program to its end. */
export function runProgram(...args: string[]): Promise<Finished> {
  return finish(start([...programArgv(), ...args]));
}

/** Runs the program to its end, with bytes on a pipe as its stdin. */
export function runProgramOn(input: Uint8Array, ...args: string[]): Promise<Finished> {
  const child = start([...programArgv(), ...args], { stdio: ["pipe", "pipe", "pipe"] });
  child.stdin?.on("error", () => undefined); // it may end before it has read all
  child.stdin?.end(input);
  return finish(child);
}
