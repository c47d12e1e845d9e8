/**
 * Whether a container runs, stopping it, and starting it again: through osctld where that answers, else by the operator's commands; where
 * there is neither, a container counts as stopped.
 */
import { ToolError } from "../../errors.ts";
import { connectOsctld, type OsctldContainer } from "../osctld/osctld.ts";
import type { Pool } from "../pool.ts";
import { runLifecycleCommand } from "./lifecycle-command.ts";

/** What runs a container. */
export interface Lifecycle {
  running: boolean;
  /** How it is started again: this command, or (null) osctld. */
  startCommand: string[] | null;
  /** Shuts the container down. @throws ToolError busy, failed */
  stop(): Promise<void>;
}

/** Options of {@link findLifecycle}. */
export interface LifecycleOptions {
  /** The operator's commands, split at white space into argv. */
  stopCommand?: string | undefined;
  startCommand?: string | undefined;
  /** The command as it was typed, shown to others as the lock's holder. */
  commandLine: string;
  signal: AbortSignal;
}

/** Finds out what runs a container. @throws ToolError usage if only one of the two commands is there, or if osctld would delete the container when it stops */
export async function findLifecycle(pool: Pool, id: string, options: LifecycleOptions): Promise<Lifecycle> {
  const { stopCommand, startCommand, signal } = options;
  if ((stopCommand === undefined) !== (startCommand === undefined)) {
    throw new ToolError("usage", "Cannot stop a container that cannot be started again: --stop-command and --start-command go together");
  }
  const container = pool.kind === "zfs" ? await askOsctld(pool, id, options) : undefined;
  if (container !== undefined) {
    if (container.state === "running" && container.ephemeral) throw ephemeralFailure(id);
    return { running: container.state === "running", startCommand: null, stop: async () => await stopByOsctld(pool, id, options) };
  }
  if (stopCommand === undefined || startCommand === undefined) {
    return { running: false, startCommand: null, stop: async () => await Promise.resolve() };
  }
  const stop = async (): Promise<void> => await runLifecycleCommand(splitCommand(stopCommand), `stop container "${id}"`, signal);
  return { running: true, startCommand: splitCommand(startCommand), stop };
}

async function askOsctld(pool: Pool, id: string, { commandLine, signal }: LifecycleOptions): Promise<OsctldContainer | undefined> {
  using osctld = await connectOsctld({ cli: commandLine, signal });
  return await osctld?.showContainer(pool.name, id);
}

async function stopByOsctld(pool: Pool, id: string, { commandLine, signal }: LifecycleOptions): Promise<void> {
  using osctld = await connectOsctld({ cli: commandLine, signal });
  if (osctld === undefined) throw new ToolError("failed", `Cannot stop container "${id}": osctld does not answer any more`);
  await osctld.stopContainer(pool.name, id);
}

function splitCommand(command: string): string[] {
  const argv = command.split(/\s+/).filter((word) => word !== "");
  if (argv.length === 0) throw new ToolError("usage", "Cannot run an empty command");
  return argv;
}

function ephemeralFailure(id: string): ToolError {
  return new ToolError("usage", `Cannot stop container "${id}": it is ephemeral, osctld would delete it`, {
    hints: [`ctar export --no-consistent ${id} ...`],
  });
}
