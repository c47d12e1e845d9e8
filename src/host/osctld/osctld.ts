/**
 * A client of osctld, the daemon that runs the containers on vpsAdminOS.
 *
 * Transport: a UNIX stream socket, JSON objects ended by newlines. The server greets with `{"version":…}`. A command is
 * `{"cmd":…,"opts":{…}}`; it is answered by any number of `{"status":true,"progress":…}`, then one of `{"status":true,"response":…}` and
 * `{"status":false,"message":…}`. The server loses a command that is sent before the last one was answered, so calls wait for each other.
 * Closing the connection does not end a command that runs: osctld finishes it.
 *
 * @see osctld/lib/osctld/generic/client_handler.rb of vpsAdminOS
 */
import { ToolError } from "../../errors.ts";
import { systemCode, systemReason } from "../../sys/failure.ts";
import { connectSocket, SocketProblem, type LineSocket } from "../../sys/socket.ts";

const SOCKET_PATH = "/run/osctl/osctld.sock";
const BUFFER_LIMIT = 16 * 1024 * 1024;
const GREETING_TIMEOUT_MS = 10_000;
/** How long osctld waits for a container to come up, as its own export does. */
const START_WAIT_SECONDS = 120;

/** Options of {@link connectOsctld}. */
export interface OsctldOptions {
  readonly socketPath?: string;
  /** Closes the connection when aborted. A clean-up after that needs a connection of its own. */
  readonly signal?: AbortSignal | undefined;
  /** What others are told holds the container: `ctar export web01`. */
  readonly cli?: string;
  readonly greetingTimeoutMs?: number;
}

/** Options of {@link Osctld.call}. */
export interface CallOptions {
  /** What the command is for, to complete "Cannot …": `stop container "tank:web01"`. */
  readonly action?: string;
  /** Told of every update; a text for most commands. */
  readonly onProgress?: (update: unknown) => void;
}

/** States of a container, those of LXC and `staged`, `error`, `unknown`. */
const CONTAINER_STATES = [
  "staged",
  "unknown",
  "stopped",
  "starting",
  "running",
  "stopping",
  "aborting",
  "freezing",
  "frozen",
  "thawed",
  "error",
] as const;

/** What a container is doing. */
export type ContainerState = (typeof CONTAINER_STATES)[number];

/** A container as osctld knows it. */
export interface OsctldContainer {
  readonly pool: string;
  readonly id: string;
  readonly state: ContainerState;
  /** osctld deletes it when it is stopped. */
  readonly ephemeral: boolean;
  readonly dataset: string | undefined;
  readonly user: string | undefined;
  readonly group: string | undefined;
}

/** Connects to osctld. @returns undefined where it does not run. @throws ToolError if it cannot be talked to */
export async function connectOsctld(options: OsctldOptions = {}): Promise<Osctld | undefined> {
  const path = options.socketPath ?? SOCKET_PATH;
  const socket = await openSocket(path, options.signal);
  if (socket === undefined) return undefined;
  const timeout = setTimeout(() => socket.close(), options.greetingTimeoutMs ?? GREETING_TIMEOUT_MS);
  try {
    return new Osctld(socket, parseGreeting(await socket.readLine()), options.cli);
  } catch (error) {
    socket.close();
    if (!(error instanceof SocketProblem)) throw error;
    throw new ToolError("failed", `Cannot talk to osctld at "${path}": no greeting`, { cause: error });
  } finally {
    clearTimeout(timeout);
  }
}

/** A connection to osctld. Disposing closes it. */
export class Osctld implements Disposable {
  /** Its version, `24.05.0`. */
  readonly version: string;
  readonly #socket: LineSocket;
  readonly #cli: string | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(socket: LineSocket, version: string, cli: string | undefined) {
    this.#socket = socket;
    this.version = version;
    this.#cli = cli;
  }

  /** Runs a command, after those called before it. @returns its response. @throws ToolError busy if another command holds the container, not-found, exists, failed */
  async call(command: string, opts: Readonly<Record<string, unknown>>, options: CallOptions = {}): Promise<unknown> {
    const answer = this.#last.then(() => this.#exchange(command, opts, options));
    this.#last = answer.catch(() => undefined);
    return answer;
  }

  /** Asks for a container. @returns undefined if there is none of that name */
  async showContainer(pool: string, id: string): Promise<OsctldContainer | undefined> {
    const action = `show container "${pool}:${id}"`;
    try {
      return normaliseContainer(await this.call("ct_show", { id, pool }, { action }), action);
    } catch (error) {
      if (error instanceof ToolError && error.code === "not-found") return undefined;
      throw error;
    }
  }

  /** Asks for a pool. @returns its state (`active`, `importing`, `disabled`); undefined if osctld does not use it */
  async showPool(name: string): Promise<string | undefined> {
    const pools = await this.call("pool_list", { names: [name] }, { action: `show pool "${name}"` });
    const pool: unknown = Array.isArray(pools) ? pools.find((candidate) => isObject(candidate) && candidate["name"] === name) : undefined;
    return isObject(pool) ? (textOf(pool["state"]) ?? "unknown") : undefined;
  }

  /** Shuts a container down, or kills it after 5 minutes. @throws ToolError if it is ephemeral, as osctld would delete it */
  async stopContainer(pool: string, id: string, options: Pick<CallOptions, "onProgress"> = {}): Promise<void> {
    const action = `stop container "${pool}:${id}"`;
    const container = await this.showContainer(pool, id);
    if (container === undefined) throw new ToolError("not-found", `Cannot ${action}: osctld knows no such container`);
    if (container.ephemeral) throw new ToolError("failed", `Cannot ${action}: it is ephemeral, and osctld would delete it`);
    await this.call("ct_stop", { id, pool }, { ...options, action });
  }

  /** Starts a container and waits until it is up, after whatever still holds it; one that runs is left alone. */
  async startContainer(pool: string, id: string, options: Pick<CallOptions, "onProgress"> = {}): Promise<void> {
    const opts = { id, pool, wait: START_WAIT_SECONDS, force: true, manipulation_lock: "wait" };
    await this.call("ct_start", opts, { ...options, action: `start container "${pool}:${id}"` });
  }

  close(): void {
    this.#socket.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async #exchange(command: string, opts: Readonly<Record<string, unknown>>, options: CallOptions): Promise<unknown> {
    const action = options.action ?? `run osctld command "${command}"`;
    const cli = this.#cli === undefined ? {} : { cli: this.#cli };
    this.#socket.writeLine(JSON.stringify({ cmd: command, opts: { ...cli, ...opts } }));
    let answered = false;
    try {
      for (;;) {
        const message = parseMessage(await this.#readLine(action), action);
        answered = !("progress" in message);
        if (message["status"] === false) throw refusal(action, message["message"]);
        if (answered) return message["response"];
        options.onProgress?.(message["progress"]);
      }
    } finally {
      if (!answered) this.close();
    }
  }

  async #readLine(action: string): Promise<string> {
    try {
      return await this.#socket.readLine();
    } catch (error) {
      if (!(error instanceof SocketProblem)) throw error;
      const hints = ["osctld may still be at it: osctl ct ls shows the states"];
      throw new ToolError("failed", `Cannot ${action}: osctld did not answer`, { cause: error, hints });
    }
  }
}

async function openSocket(path: string, signal: AbortSignal | undefined): Promise<LineSocket | undefined> {
  try {
    return await connectSocket(path, { signal, bufferLimit: BUFFER_LIMIT });
  } catch (error) {
    if (signal?.aborted === true) throw error;
    const hints = systemCode(error) === "EACCES" ? ["osctld listens to root only: run ctar as root"] : [];
    throw new ToolError("failed", `Cannot connect to osctld at "${path}": ${systemReason(error)}`, { hints, facts: { path } });
  }
}

function parseGreeting(line: string): string {
  const version = parseMessage(line, "talk to osctld")["version"];
  if (typeof version !== "string") throw garbage("talk to osctld", line);
  return version;
}

/** @throws ToolError if the line is no JSON object, or neither a greeting nor an answer */
function parseMessage(line: string, action: string): Readonly<Record<string, unknown>> {
  let message: unknown;
  try {
    message = JSON.parse(line);
  } catch {
    throw garbage(action, line);
  }
  if (!isObject(message)) throw garbage(action, line);
  if (typeof message["status"] !== "boolean" && typeof message["version"] !== "string") throw garbage(action, line);
  return message;
}

function garbage(action: string, line: string): ToolError {
  return new ToolError("failed", `Cannot ${action}: osctld sent "${line.slice(0, 80)}", which is no answer`);
}

function refusal(action: string, said: unknown): ToolError {
  const message = typeof said === "string" ? said : "nothing";
  const facts = { message };
  const text = `Cannot ${action}: osctld says "${message}"`;
  if (/ is held by /.test(message)) return new ToolError("busy", text, { facts, hints: ["Try again when that command has ended"] });
  if (message.endsWith(" already exists")) return new ToolError("exists", text, { facts });
  return new ToolError(/^container not found$/.test(message) ? "not-found" : "failed", text, { facts });
}

/** Before 2025 there is `state`; since then `config_state` says whether the container is usable, and `runtime_state` what it does. */
function normaliseContainer(response: unknown, action: string): OsctldContainer {
  if (!isObject(response)) throw garbage(action, JSON.stringify(response) ?? "");
  const { pool, id, ephemeral, config_state: configState, runtime_state: runtimeState, state } = response;
  if (typeof pool !== "string" || typeof id !== "string") throw garbage(action, JSON.stringify(response));
  const said = configState === "staged" || configState === "error" ? configState : (runtimeState ?? state);
  return {
    pool,
    id,
    state: CONTAINER_STATES.find((known) => known === said) ?? "unknown",
    ephemeral: ephemeral === true,
    dataset: textOf(response["dataset"]),
    user: textOf(response["user"]),
    group: textOf(response["group"]),
  };
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
