/**
 * A context for verbs under test, which keeps what they say.
 */
import type { Context } from "../../src/commands/context.ts";

/** A {@link Context} and what was written to it. */
export interface CapturedContext extends Context {
  readonly stdout: string[];
  readonly stderr: string[];
}

/** Makes a context; `overrides` replaces parts of it. */
export function captureContext(overrides: Partial<Context> = {}): CapturedContext {
  const stdout: string[] = [];
  const stderr: string[] = [];
  return {
    stdout,
    stderr,
    signal: new AbortController().signal,
    commandLine: "ctar test",
    print: async (line) => void stdout.push(line),
    talk: (lines) => void stderr.push(lines),
    env: () => undefined,
    isTerminal: () => false,
    ...overrides,
  };
}
