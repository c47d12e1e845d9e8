/**
 * An osctld that keeps to the letter of its control protocol, for tests: a greeting on connect, one command at a time, silence on bad JSON.
 *
 * As the real one, it reads until what it has ends with a newline and parses all of that as one document, so commands sent together are lost. What
 * arrives while a command runs is dropped too, and noted in `violations`. It knows containers whose state `ct_stop` and `ct_start` change, and
 * pools with users and groups, to which containers can be imported (support/osctld-pool.ts, support/osctld-import.ts); a test may script any
 * command by a handler of its own, and have commands go wrong at chosen points.
 *
 * As a program: `bun test/support/osctld-server.ts SOCKET STATEFILE`. STATEFILE is JSON,
 * `{"containers":[{"pool":…,"id":…,"state":…}],"pools":[{"name":…}],"faults":[{"at":…}],"delayMs":…}`, and is rewritten at every change of state;
 * calls are appended to STATEFILE.log, what else happens to STATEFILE.events, a JSON object a line. It ends on SIGTERM.
 */
import { appendFileSync, existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { Refusal, type Exchange, type Handler } from "./osctld-exchange.ts";
import { importContainer, provideZfsDataset, type ServerContainer } from "./osctld-import.ts";
import { OsctldPool, type PoolOptions } from "./osctld-pool.ts";

export { Refusal, type Exchange, type Handler, type ServerContainer };

/** A command as it was received. */
export interface ServerCall {
  /** Milliseconds since 1970. */
  time: number;
  cmd: string;
  opts: Record<string, unknown>;
}

/** Something that goes wrong when the server gets to a point: before a command of that name, behind "registered", behind a progress text. */
export interface ServerFault {
  at: string;
  /** Only the first call that gets there, if 1. */
  times?: number;
  /** The connection is closed; as osctld does, the command goes on. */
  hangUp?: boolean;
  /** It goes no further until this file exists. */
  waitFor?: string;
  delayMs?: number;
  /** The message of the refusal. */
  refuse?: string;
}

/** Something that happened besides calls: a fault's point was reached, a command has ended, a client did what osctld does not bear. */
export type ServerEvent = { violation: string } | { reached: string } | { ended: string };

/** Options of {@link startOsctldServer}. */
export interface ServerOptions {
  containers?: readonly ServerContainer[];
  /** Pools, read when the server starts. */
  pools?: readonly PoolOptions[];
  faults?: readonly ServerFault[];
  /** Where the data of a dataset is; zfs(8) is asked if left out. */
  provideDataset?: (dataset: string, isGiven: boolean) => Promise<string>;
  handlers?: Readonly<Record<string, Handler>>;
  /** Sent on connect; null for silence. */
  greeting?: string | null;
  /** How long a client has to wait for it. */
  greetingDelayMs?: number;
  /** How messages are put on the wire: one write each, byte by byte, or as many as there are in one. */
  writes?: "plain" | "split" | "joined";
  /** How long `ct_stop` and `ct_start` take. */
  delayMs?: number;
  onCall?: (call: ServerCall) => void;
  onChange?: (containers: readonly ServerContainer[]) => void;
  onEvent?: (event: ServerEvent) => void;
}

const POLL_MS = 20;
const PATIENCE_MS = 30_000;

/** Starts the server on a socket path. */
export async function startOsctldServer(socketPath: string, options: ServerOptions = {}): Promise<OsctldServer> {
  const server = new OsctldServer(options);
  await server.listen(socketPath);
  return server;
}

/** A running server. */
export class OsctldServer implements AsyncDisposable {
  readonly calls: ServerCall[] = [];
  /** What clients did that osctld does not bear. */
  readonly violations: string[] = [];
  readonly containers: ServerContainer[];
  readonly events: ServerEvent[] = [];
  readonly #pools: readonly OsctldPool[];
  readonly #faults: ServerFault[];
  readonly #options: ServerOptions;
  readonly #server: Server;
  #isOver = false;
  readonly #sockets = new Set<Socket>();
  readonly #locks = new Map<ServerContainer, { holder: string; released: Promise<void> }>();

  constructor(options: ServerOptions) {
    this.#options = options;
    this.#pools = (options.pools ?? []).map((pool) => new OsctldPool(pool));
    this.#faults = (options.faults ?? []).map((fault) => ({ ...fault }));
    this.containers = [...(options.containers ?? []).map((container) => ({ ...container })), ...this.#pools.flatMap(containersOf)];
    this.#server = createServer((socket) => this.#serve(socket));
  }

  async listen(path: string): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#server.once("error", reject);
    this.#server.listen(path, resolve);
    await promise;
  }

  /** Waits until something has happened. @throws Error if that takes too long */
  async until(event: ServerEvent): Promise<void> {
    const wanted = JSON.stringify(event);
    for (const end = Date.now() + PATIENCE_MS; !this.events.some((one) => JSON.stringify(one) === wanted); await sleep(POLL_MS)) {
      if (Date.now() > end) throw new Error(`it did not happen: ${wanted}`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("close", () => this.#sockets.delete(socket));
    const wire = new Wire(socket, this.#options.writes ?? "plain");
    const greeting = this.#options.greeting === undefined ? '{"version":"24.05.0"}\n' : this.#options.greeting;
    let greeted = false;
    const greet = async (): Promise<void> => {
      await sleep(this.#options.greetingDelayMs ?? 0);
      if (greeting !== null) wire.send(greeting);
      wire.flush();
      greeted = true;
    };
    void greet();
    let received = "";
    let busy = false;
    socket.on("data", (chunk: Buffer) => {
      if (!greeted) return this.#violate(`sent before the greeting: ${chunk.toString()}`);
      if (busy) return this.#violate(`sent while a command ran: ${chunk.toString()}`);
      received += chunk.toString();
      if (!received.endsWith("\n")) return;
      const document = received;
      received = "";
      busy = true;
      void this.#answer(document, wire).then(() => (busy = false));
    });
  }

  async #answer(document: string, wire: Wire): Promise<void> {
    const call = this.#parse(document);
    if (call === undefined) return;
    this.calls.push(call);
    this.#options.onCall?.(call);
    const exchange: Exchange = {
      opts: call.opts,
      progress: (update) => {
        if (call.opts["progress"] !== false) wire.send(`${JSON.stringify({ status: true, progress: update })}\n`);
      },
      raw: (text) => wire.send(text),
      hangUp: () => wire.hangUp(),
    };
    try {
      for (const pool of this.#pools) for (const file of pool.audit()) this.#violate(`"${file}" was touched before ${call.cmd}`);
      await this.#reach(call.cmd, exchange);
      const response = await this.#handlerOf(call)(exchange);
      wire.send(`${JSON.stringify({ status: true, response: response ?? null })}\n`);
    } catch (error) {
      const message = error instanceof Refusal ? error.message : "internal error";
      wire.send(`${JSON.stringify({ status: false, message })}\n`);
    }
    wire.flush();
    this.#tell({ ended: call.cmd });
  }

  /** @returns undefined for what osctld does not answer */
  #parse(document: string): ServerCall | undefined {
    try {
      const { cmd, opts } = JSON.parse(document) as { cmd: unknown; opts: unknown };
      if (typeof cmd === "string" && typeof opts === "object" && opts !== null && !Array.isArray(opts)) {
        return { time: Date.now(), cmd, opts: opts as Record<string, unknown> };
      }
    } catch {
      // answered with silence, like everything else that is no command
    }
    this.#violate(`no command: ${document}`);
    return undefined;
  }

  #handlerOf({ cmd, opts: given }: ServerCall): Handler {
    const own: Record<string, Handler> = {
      self_ping: () => "pong",
      pool_list: ({ opts: { names } }) => this.#pools.filter(({ name }) => !Array.isArray(names) || names.includes(name)).map(exportPool),
      ct_import: async (exchange) => await this.#import(exchange),
      ct_list: () => this.containers,
      ct_show: ({ opts }) => this.#find(opts),
      ct_stop: (exchange) => this.#change(exchange, "stopping", "stopped"),
      ct_start: (exchange) => this.#change(exchange, "starting", "running"),
    };
    const refuse: Handler = () => {
      throw new Refusal(`Unsupported command '${cmd}'`);
    };
    return this.#options.handlers?.[cmd] ?? own[cmd] ?? this.#poolHandlers(cmd, given)[cmd] ?? refuse;
  }

  #poolHandlers(cmd: string, opts: Record<string, unknown>): Record<string, Handler> {
    if (!/^(?:user|group|id_range)_/.test(cmd)) return {};
    const pool = this.#poolOf(opts);
    return pool.commands((kind, name) => this.containers.some((one) => one.pool === pool.name && one[kind] === name));
  }

  #poolOf(opts: Record<string, unknown>): OsctldPool {
    const pool = opts["pool"] === undefined ? this.#pools[0] : this.#pools.find(({ name }) => name === opts["pool"]);
    if (pool === undefined) throw new Refusal("pool not found");
    return pool;
  }

  async #import(exchange: Exchange): Promise<void> {
    await importContainer(this.#poolOf(exchange.opts), exchange, {
      containers: this.containers,
      isNew: !/"version":"24/.test(this.#options.greeting ?? '"version":"24'),
      provideDataset: this.#options.provideDataset ?? provideZfsDataset,
      reach: async (point) => await this.#reach(point, exchange),
      violate: (what) => this.#violate(what),
    });
    this.#options.onChange?.(this.containers);
  }

  /** Has things go wrong here, if a test wants it. */
  async #reach(point: string, exchange: Exchange): Promise<void> {
    const fault = this.#faults.find(({ at, times }) => at === point && times !== 0);
    if (fault === undefined) return;
    if (fault.times !== undefined) fault.times -= 1;
    if (fault.hangUp === true) exchange.hangUp();
    this.#tell({ reached: point });
    await sleep(fault.delayMs ?? 0);
    while (fault.waitFor !== undefined && !existsSync(fault.waitFor) && !this.#isOver) await sleep(POLL_MS);
    if (this.#isOver) throw new Error("osctld has ended");
    if (fault.refuse !== undefined) throw new Refusal(fault.refuse);
  }

  #violate(what: string): void {
    this.violations.push(what);
    this.#tell({ violation: what });
  }

  #tell(event: ServerEvent): void {
    this.events.push(event);
    this.#options.onEvent?.(event);
  }

  #find(opts: Record<string, unknown>): ServerContainer {
    const [, prefix, name] = /^(?:([^:]*):)?(.*)$/.exec(String(opts["id"])) ?? [];
    const pool = prefix ?? opts["pool"];
    const found = this.containers.find((one) => one.id === name && (pool === undefined || one.pool === pool));
    if (found === undefined) throw new Refusal("container not found");
    return found;
  }

  async #change({ opts, progress }: Exchange, during: string, after: string): Promise<void> {
    const container = this.#find(opts);
    using _lock = await this.#lock(container, opts);
    if (container.state === after) return;
    progress(after === "running" ? "Starting container" : "Stopping container");
    this.#setState(container, during);
    await sleep(this.#options.delayMs ?? 0);
    if (after === "stopped" && container.ephemeral === true) this.containers.splice(this.containers.indexOf(container), 1);
    this.#setState(container, after);
  }

  #setState(container: ServerContainer, state: string): void {
    if (container["runtime_state"] !== undefined) container["runtime_state"] = state;
    container.state = state;
    this.#options.onChange?.(this.containers);
  }

  async #lock(container: ServerContainer, opts: Record<string, unknown>): Promise<Disposable> {
    for (let held = this.#locks.get(container); held !== undefined; held = this.#locks.get(container)) {
      if (opts["manipulation_lock"] !== "wait") {
        throw new Refusal(`container ${container.pool}:${container.id} is held by '${held.holder}'`);
      }
      await held.released;
    }
    const { promise: released, resolve } = Promise.withResolvers<void>();
    this.#locks.set(container, { holder: typeof opts["cli"] === "string" ? opts["cli"] : "osctld", released });
    return {
      [Symbol.dispose]: () => {
        this.#locks.delete(container);
        resolve();
      },
    };
  }
}

function containersOf(pool: OsctldPool): ServerContainer[] {
  return pool.containers().map(({ id, config }) => {
    const { dataset = `${pool.dataset}/ct/${id}`, user, group, state = "stopped", ephemeral } = config;
    return { pool: pool.name, id, state: String(state), ephemeral: ephemeral === true, dataset, user, group };
  });
}

function exportPool({ name, dataset, state }: OsctldPool): Record<string, unknown> {
  return { name, dataset, state, users: 0, groups: 0, containers: 0, parallel_start: 2, parallel_stop: 4 };
}

/** Puts messages on a connection in one of three ways. */
class Wire {
  readonly #socket: Socket;
  readonly #writes: "plain" | "split" | "joined";
  #held = "";

  constructor(socket: Socket, writes: "plain" | "split" | "joined") {
    this.#socket = socket;
    this.#writes = writes;
  }

  send(text: string): void {
    if (this.#socket.destroyed) return; // osctld goes on without its client
    if (this.#writes === "joined") this.#held += text;
    else if (this.#writes === "plain") this.#socket.write(text);
    else for (const byte of Buffer.from(text)) this.#socket.write(Buffer.of(byte));
  }

  /** Sends what was held back to be joined. */
  flush(): void {
    if (this.#held !== "" && !this.#socket.destroyed) this.#socket.write(this.#held);
    this.#held = "";
  }

  hangUp(): void {
    this.flush();
    this.#socket.destroy();
  }
}

/** Runs the server over a state file, until it is killed. */
async function serveFile(socketPath: string, statePath: string): Promise<void> {
  const state = JSON.parse(readFileSync(statePath, "utf8")) as ServerOptions;
  await startOsctldServer(socketPath, {
    ...state,
    onCall: (call) => appendFileSync(`${statePath}.log`, `${JSON.stringify(call)}\n`),
    onChange: (containers) => {
      writeFileSync(`${statePath}.new`, JSON.stringify({ ...state, containers }));
      renameSync(`${statePath}.new`, statePath);
    },
    onEvent: (event) => appendFileSync(`${statePath}.events`, `${JSON.stringify(event)}\n`),
  });
}

if (import.meta.main) {
  const [socketPath, statePath] = process.argv.slice(2);
  if (socketPath === undefined || statePath === undefined) throw new Error("usage: osctld-server.ts SOCKET STATEFILE");
  await serveFile(socketPath, statePath);
}
