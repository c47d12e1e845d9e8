/** The osctld of the tests as a program on the real socket path, for platform tests. */
import { spawn, type ChildProcess } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { ServerCall, ServerContainer, ServerEvent, ServerOptions } from "./osctld-server.ts";

const SOCKET = "/run/osctl/osctld.sock";
const PATIENCE_MS = 30_000;

/** The running program. Disposing ends it. */
export class OsctldProgram implements AsyncDisposable {
  readonly #stateFile: string;
  readonly #child: ChildProcess;

  private constructor(stateFile: string, child: ChildProcess) {
    this.#stateFile = stateFile;
    this.#child = child;
  }

  /** Starts it. @param directory where it keeps its files @param options what can be said in JSON */
  static async start(directory: string, options: ServerOptions): Promise<OsctldProgram> {
    if (fs.existsSync(SOCKET)) throw new Error(`${SOCKET} exists: an osctld runs here`);
    const stateFile = path.join(directory, "osctld.json");
    for (const kind of ["log", "events"]) fs.rmSync(`${stateFile}.${kind}`, { force: true });
    fs.writeFileSync(stateFile, JSON.stringify(options));
    fs.mkdirSync(path.dirname(SOCKET), { recursive: true });
    const program = path.resolve(import.meta.dirname, "osctld-server.ts");
    const child = spawn(process.execPath, [program, SOCKET, stateFile], { stdio: ["ignore", "ignore", "inherit"] });
    while (!fs.existsSync(SOCKET)) {
      if (child.exitCode !== null) throw new Error(`the server ended with ${child.exitCode}`);
      await sleep(20);
    }
    return new OsctldProgram(stateFile, child);
  }

  /** Commands so far. */
  calls(): ServerCall[] {
    return readLines(`${this.#stateFile}.log`) as ServerCall[];
  }

  /** What clients did that osctld does not bear. */
  violations(): string[] {
    return this.#events().flatMap((event) => ("violation" in event ? [event.violation] : []));
  }

  /** Containers as of the last change. */
  containers(): readonly ServerContainer[] {
    return (JSON.parse(fs.readFileSync(this.#stateFile, "utf8")) as ServerOptions).containers ?? [];
  }

  /** Waits until a command has come to the point of a fault. @throws Error if that takes too long */
  async reached(point: string): Promise<void> {
    await this.#until(() => this.#events().some((event) => "reached" in event && event.reached === point), point);
  }

  /** Waits until a command of that name has ended, well or not. @throws Error if that takes too long */
  async ended(command: string): Promise<void> {
    await this.#until(() => this.#events().some((event) => "ended" in event && event.ended === command), command);
  }

  /** Waits until a container is complete. @throws Error if that takes too long */
  async completed(id: string): Promise<void> {
    await this.#until(() => this.containers().some((container) => container.id === id && container.state === "stopped"), id);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once("exit", resolve));
    this.#child.kill();
    await ended;
    fs.rmSync(SOCKET, { force: true });
  }

  #events(): ServerEvent[] {
    return readLines(`${this.#stateFile}.events`) as ServerEvent[];
  }

  async #until(condition: () => boolean, what: string): Promise<void> {
    for (const until = Date.now() + PATIENCE_MS; !condition(); await sleep(20)) {
      if (Date.now() > until) throw new Error(`not reached: ${what}`);
    }
  }
}

function readLines(file: string): unknown[] {
  if (!fs.existsSync(file)) return [];
  const lines = fs.readFileSync(file, "utf8").split("\n").slice(0, -1);
  return lines.map((line) => JSON.parse(line) as unknown);
}
