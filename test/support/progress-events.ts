/** Events of `--progress json`. */

/** One of them, as docs/json.md describes it. */
export interface ProgressEvent {
  event: "progress";
  verb: string;
  phase: string;
  dataset: string | null;
  bytes: number;
  total: number | null;
  datasetBytes: number;
  datasetTotal: number | null;
  rate: number;
  eta: number | null;
  elapsed: number;
  done?: true;
}

/** Those among all that a run has said on stderr. */
export function progressEvents(stderr: string): ProgressEvent[] {
  return stderr
    .split("\n")
    .filter((line) => line.startsWith('{"event":"progress"'))
    .map((line) => JSON.parse(line) as ProgressEvent);
}

/** What a run has said on stderr, without what Deno adds at SIGUSR1, at which it begins to listen for a debugger. */
export function withoutDebugger(said: string): string {
  return said.replace(/^(Debugger listening on|Visit chrome:).*\n?/gm, "");
}
