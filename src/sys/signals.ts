/**
 * Signals that ask the program to stop, as one abort signal; and SIGUSR1, which asks how far it is, as of dd.
 *
 * The first of SIGINT, SIGTERM and SIGHUP aborts; the work under way then ends in its `finally` blocks. Further ones change nothing: a second
 * Ctrl-C must not tear down the clean-up that brings a container back up. A signal that the parent told us to ignore (`nohup`, `&` in a
 * script) stays ignored; Deno forgets that it was with the first listener to any signal, so it is asked before, and is kept by a listener that
 * does nothing.
 */
import { readFileSync } from "node:fs";
import { ToolError } from "../errors.ts";

const STOP_SIGNALS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;

const ignored = readIgnoredSignals();
let answer = (): void => undefined;
// as soon as this file is loaded, since until somebody listens the signal ends the program
process.on("SIGUSR1", () => answer());

/** Calls `give` at each SIGUSR1 from now on. */
export function answerInquiries(give: () => void): void {
  answer = give;
}

/** Aborts `controller` with a ToolError `interrupted` at the first stop signal; calls `again` at each further one. */
export function abortOnSignals(controller: AbortController, again: () => void): void {
  let stopped = false;
  for (const [name, number] of Object.entries(STOP_SIGNALS)) {
    const isIgnored = (ignored & (1n << BigInt(number - 1))) !== 0n;
    if (isIgnored && !("Deno" in globalThis)) continue;
    process.on(name as NodeJS.Signals, () => {
      if (isIgnored) return;
      if (stopped) return again();
      stopped = true;
      controller.abort(new ToolError("interrupted", `Interrupted by ${name}`));
    });
  }
}

/** Bit n-1 stands for signal n (`SigIgn` of proc_pid_status(5)); none where there is no such file. */
function readIgnoredSignals(): bigint {
  try {
    const mask = /^SigIgn:\s*([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1];
    return mask === undefined ? 0n : BigInt(`0x${mask}`);
  } catch {
    return 0n;
  }
}
