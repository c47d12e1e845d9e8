/** Asks Ruby's Psych, through test/fixtures/yaml/psych.rb. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
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

/** Answers all requests in order; through files, since much input to a synchronous child blocks Deno 2.9 for ever. */
export function askPsych(requests: readonly PsychRequest[]): PsychAnswer[] {
  const directory = mkdtempSync(join(tmpdir(), "ctar-psych-"));
  try {
    const questions = join(directory, "questions");
    const answers = join(directory, "answers");
    writeFileSync(questions, requests.map((request) => `${JSON.stringify(request)}\n`).join(""));
    const run = spawnSync("sh", ["-c", 'exec ruby "$1" < "$2" > "$3"', "sh", SCRIPT, questions, answers], { encoding: "utf8" });
    if (run.status !== 0) throw new Error(`psych.rb failed: ${run.stderr}`);
    const lines = readFileSync(answers, "utf8").trimEnd().split("\n");
    return lines.map((line) => JSON.parse(line) as PsychAnswer);
  } finally {
    rmSync(directory, { recursive: true });
  }
}
