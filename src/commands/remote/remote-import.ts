/**
 * `export --to`: the system's ssh runs `ctar import` on another host, and the archive goes into it.
 *
 * Nothing happens here before the far end has found its pool, and no container is stopped before it has said that it can take it. What the far end
 * prints is its result, what it writes to stderr is shown behind the host's name. Its exit code is ours if it failed.
 */
import { EXIT_CODES } from "../../errors.ts";
import type { ByteSink } from "../../stream/bytes.ts";
import type { Context } from "../context.ts";
import type { ProgressArguments } from "../telling/progress.ts";
import { encodeJson } from "../telling/results.ts";
import { formatSize } from "../world.ts";
import { prepareBootstrap, type Bootstrap } from "./bootstrap.ts";
import { parseDestination, type Destination } from "./destination.ts";
import type { FarEvent } from "./far-events.ts";
import { parseObject, remoteFailure } from "./remote-failure.ts";
import { Session, type FarSuccess } from "./session.ts";
import { quoteCommand } from "./shell-words.ts";

/** What of `export`'s request says where to, and how it is imported there. */
export interface RemoteRequest {
  readonly ctid: string;
  readonly to: string;
  readonly bootstrap: boolean;
  readonly asId?: string | undefined;
  readonly asUser?: string | undefined;
  readonly asGroup?: string | undefined;
  readonly map?: string | undefined;
  readonly missingDevices?: string | undefined;
  readonly progress?: ProgressArguments["progress"];
}

/** ssh keeps quiet unless asked, has no terminal there, forwards nothing, and notices in a minute that the network has gone. */
const SSH_OPTIONS = [
  "-T",
  "-a",
  "-x",
  ...["ClearAllForwardings=yes", "ControlMaster=no", "RemoteCommand=none", "ServerAliveInterval=15"].flatMap((option) => ["-o", option]),
];

/** An import on another host, which begins when it is connected. Disposing ends it. */
export class RemoteImport implements AsyncDisposable {
  readonly #destination: Destination;
  readonly #request: RemoteRequest;
  readonly #context: Context;
  #session: Session | undefined;
  #isSent = false;
  #success: FarSuccess | undefined;

  /** @throws ToolError usage */
  constructor(request: RemoteRequest, context: Context) {
    this.#destination = parseDestination(request.to);
    this.#request = request;
    this.#context = context;
  }

  /** Where the far end is and what it says of itself, for people. */
  get place(): string {
    const { tool, pool } = this.#connected.milestones.ready ?? {};
    return `${this.#destination.login}, pool "${String(pool)}", ${String(tool)}`;
  }

  /** What became of it, for people. */
  get outcome(): string {
    const { ready, accepted } = this.#connected.milestones;
    const { container, pool, checked } = { ...ready, ...accepted, ...this.imported };
    return `there it is "${String(container)}" on pool "${String(pool)}"${checked === true ? ", checked against its manifest" : ""}`;
  }

  /** The result of the far end, as it tells scripts; undefined until there is one. */
  get imported(): Readonly<Record<string, unknown>> | undefined {
    return this.#success && parseObject(this.#success.stdout);
  }

  /** Whether the far end had losses; it has named them. */
  get hasLosses(): boolean {
    return this.#success?.status === EXIT_CODES.losses;
  }

  /** Connects, brings the program there where it has to, and waits until an archive may come. @throws ToolError as the far end failed */
  async connect(): Promise<void> {
    const words = this.#importWords();
    const bootstrap = this.#request.bootstrap ? await prepareBootstrap(words) : undefined;
    const command = quoteCommand(bootstrap?.words ?? ["ctar", ...words]);
    const { signal, warn } = this.#context;
    const { login, host } = this.#destination;
    this.#session = await Session.start({
      argv: [this.#context.env("CTAR_SSH") ?? "ssh", ...SSH_OPTIONS, "--", login, command],
      signal,
      show: (line) => warn(`${host}: ${line}`),
      onEvent: (event) => this.#takeEvent(event),
      explain: (end) => remoteFailure(end, { action: this.#action, login, bootstrap: bootstrap !== undefined }),
    });
    const event = await this.#session.reach("bootstrap", "ready");
    if (bootstrap !== undefined && event["event"] === "bootstrap") await this.#sendProgram(bootstrap, this.#session);
    await this.#session.reach("ready");
  }

  /** Waits until the far end has looked at the archive's head. @throws ToolError as the far end failed */
  readonly accepted = async (): Promise<void> => {
    await this.#connected.reach("accepted");
  };

  /** Sends an archive, and waits for the container to be there. @throws ToolError as the far end failed, or what writing the archive ran into */
  async take<T>(write: (sink: ByteSink) => Promise<T>): Promise<T> {
    const written = await write(this.#connected);
    this.#isSent = true;
    this.#success = await this.#connected.finish();
    return written;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#session === undefined) return;
    await using session = this.#session;
    if (this.#success !== undefined) return;
    this.#success = await session.abandon();
    if (this.#success !== undefined)
      this.#context.tell("warning", `the import to "${this.#request.to}" was complete all the same: ${this.outcome}`);
  }

  get #connected(): Session {
    if (this.#session === undefined) throw new TypeError("connect() comes first");
    return this.#session;
  }

  get #action(): string {
    return `export "${this.#request.ctid}" to "${this.#request.to}"`;
  }

  #importWords(): string[] {
    const { asId, asUser, asGroup, map, missingDevices } = this.#request;
    const { pool } = this.#destination;
    const options = { pool, "as-id": asId, "as-user": asUser, "as-group": asGroup, map, "missing-devices": missingDevices };
    const given = Object.entries(options).filter((entry): entry is [string, string] => entry[1] !== undefined);
    return ["import", "--progress=json", "--quiet", "--json", ...given.map(([name, value]) => `--${name}=${value}`), "-"];
  }

  /** Programs get both progresses, people that of the far end when it is the only one left. */
  #takeEvent(event: FarEvent): void {
    const { host } = this.#destination;
    if (event["event"] !== "progress") return;
    if (this.#request.progress === "json") this.#context.warn(encodeJson({ ...event, host }));
    else if (this.#isSent) this.#context.progress.enter({ phase: `${host}: ${String(event["phase"])}` });
  }

  async #sendProgram(program: Bootstrap, session: Session): Promise<void> {
    this.#context.talk(`"${this.#destination.host}" gets a copy of this ctar for the time of the import, ${formatSize(program.bytes)}`);
    for await (const chunk of program.open()) await session.send(chunk);
  }
}
