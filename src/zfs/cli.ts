/** Running zfs(8): one place that knows the program's name, and turns its failures into typed errors. */
import { ToolError } from "../errors.ts";
import { runCommand, startChild, type Child, type DataPath } from "../sys/process.ts";
import { zfsFailure } from "./failure.ts";

/** The zfs program. */
export class Zfs {
  readonly #program: string;
  readonly #signal: AbortSignal | undefined;

  /** @param program name or path; @param signal ends running children when aborted */
  constructor(program: string, signal?: AbortSignal) {
    this.#program = program;
    this.#signal = signal;
  }

  /** The same program for a clean-up, which an interrupt must not end. */
  uninterruptible(): Zfs {
    return new Zfs(this.#program);
  }

  /**
   * Runs a subcommand to its end.
   *
   * @param action what is being done, for the message: `Cannot <action>: <reason>`
   * @returns its stdout
   * @throws ToolError zfs, not-found, exists, busy
   */
  async run(args: readonly string[], action: string): Promise<string> {
    const exit = await runCommand([this.#program, ...args], { signal: this.#signal }).catch(explainMissing);
    if (exit.status === 0) return exit.stdout;
    throw zfsFailure(exit, action, [this.#program, ...args]);
  }

  /** Like {@link run}, split into lines of tab-separated fields (`-H`). */
  async table(args: readonly string[], action: string): Promise<string[][]> {
    const stdout = await this.run(args, action);
    return stdout
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => line.split("\t"));
  }

  /** Starts a subcommand that moves data. */
  async start(args: readonly string[], data: DataPath): Promise<Child> {
    return await startChild([this.#program, ...args], data, { signal: this.#signal });
  }

  /** Throws the abort reason if the run was interrupted. */
  throwIfInterrupted(): void {
    this.#signal?.throwIfAborted();
  }

  /** Whether the program is there and its kernel module answers; its version, such as `2.3.2-2`. */
  async version(): Promise<string | undefined> {
    try {
      const stdout = await this.run(["version"], "read the version of ZFS");
      return /^zfs-kmod-(\S+)$/m.exec(stdout)?.[1];
    } catch (error) {
      if (error instanceof ToolError && error.code !== "interrupted") return undefined;
      throw error;
    }
  }
}

/** Says what to type where there is no zfs. */
function explainMissing(error: unknown): never {
  if (!(error instanceof ToolError) || error.code !== "not-found") throw error;
  const hints = [...error.hints, "CTAR_ZFS=/path/to/zfs names it; a pool in a directory needs none: --pool dir:/path"];
  throw new ToolError(error.code, error.message, { hints, facts: error.facts });
}
