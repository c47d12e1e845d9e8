/** The operator's own commands that stop and start a container. */
import { ToolError } from "../../errors.ts";
import { describeExit, runProgram } from "../../sys/process.ts";

/** Runs one. @throws ToolError failed with the end of its stderr */
export async function runLifecycleCommand(argv: readonly string[], action: string, signal?: AbortSignal): Promise<void> {
  const exit = await runProgram(argv, { signal });
  if (exit.status === 0) return;
  throw new ToolError("failed", `Cannot ${action}: "${argv.join(" ")}" ended with ${describeExit(exit)}`, {
    cause: exit.stderr === "" ? undefined : new Error(exit.stderr),
    facts: { argv },
  });
}
