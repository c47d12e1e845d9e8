/** Asks Ruby's Psych, through test/fixtures/yaml/psych.rb. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import type { EncodedValue } from "./nasty-values.ts";

const SCRIPT = join(import.meta.dirname, "../fixtures/yaml/psych.rb");

/** What Psych is asked to do. */
export type PsychRequest = { dump: EncodedValue } | { load: string };

/** What Psych says. */
export interface PsychAnswer {
  text?: string;
  safe?: boolean;
  value?: EncodedValue;
  error?: string;
}

/** The versions of Psych and libyaml, or undefined where there is no Ruby. */
export function psychVersion(): string | undefined {
  const run = spawnSync("ruby", ["-ryaml", "-e", 'print "Psych #{Psych::VERSION}, libyaml #{Psych::LIBYAML_VERSION}"'], {
    encoding: "utf8",
  });
  return run.status === 0 ? run.stdout : undefined;
}

/** Answers all requests in order. */
export function askPsych(requests: readonly PsychRequest[]): PsychAnswer[] {
  const input = requests.map((request) => `${JSON.stringify(request)}\n`).join("");
  const run = spawnSync("ruby", [SCRIPT], { input, encoding: "utf8", maxBuffer: 256 * 1024 * 1024 });
  if (run.status !== 0) throw new Error(`psych.rb failed: ${run.stderr}`);
  return run.stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as PsychAnswer);
}
