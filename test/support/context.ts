/**
 * A context for verbs under test, which keeps what they say.
 */
import type { Context } from "../../src/commands/context.ts";
import { Results } from "../../src/commands/telling/results.ts";
import { Progress } from "../../src/stream/progress.ts";

/** A {@link Context} and what was written to it. */
export interface CapturedContext extends Context {
  readonly stdout: string[];
  readonly stderr: string[];
}

/** Makes a context; `overrides` replaces parts of it. */
export function captureContext(overrides: Partial<Context> = {}): CapturedContext {
  const stdout: string[] = [];
  const stderr: string[] = [];
  const results = new Results((line) => void stderr.push(line));
  return {
    stdout,
    stderr,
    results,
    tell: results.tell,
    signal: new AbortController().signal,
    commandLine: "ctar test",
    print: async (line) => void stdout.push(line),
    talk: (lines) => void stderr.push(lines),
    warn: (lines) => void stderr.push(lines),
    hush: () => undefined,
    progress: new Progress(),
    answerWith: () => undefined,
    keepLine: () => undefined,
    env: () => undefined,
    isTerminal: () => false,
    ...overrides,
  };
}
