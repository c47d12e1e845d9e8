/**
 * What the far end says to who feeds it, as lines of JSON on stderr, an import's among those of `--progress json`:
 *
 *     {"event":"bootstrap"}                                              send the program, whose size was named
 *     {"event":"ready","tool":"ctar 0.1.0 (...)","pool":"tank"}          the pool is there, an archive may come
 *     {"event":"accepted","container":"web02"}                           the container can be made: what the archive's head says fits the pool
 *
 * `export --to` waits for the second before it changes anything here, and for the third before it stops a container. Whatever else comes is untrusted.
 */
import type { Context } from "../context.ts";
import type { ProgressArguments } from "../telling/progress.ts";
import { encodeJson } from "../telling/results.ts";

/** What an import says. */
export type ImportEvent =
  | { readonly event: "ready"; readonly tool: string; readonly pool: string }
  | { readonly event: "accepted"; readonly container: string };

/** Says it, if somebody asked for events. */
export function announce(event: ImportEvent, { progress }: Partial<Pick<ProgressArguments, "progress">>, context: Context): void {
  if (progress === "json") context.warn(encodeJson(event));
}

/** An event of the far end, not looked into. */
export type FarEvent = Readonly<Record<string, unknown>>;

/** Those that are waited for. */
export type Milestone = "bootstrap" | "ready" | "accepted";

/** Reads a line of stderr as an event; undefined if it is none. */
export function parseEvent(line: string): FarEvent | undefined {
  if (!line.startsWith('{"event":"')) return undefined;
  try {
    return JSON.parse(line) as FarEvent;
  } catch {
    return undefined;
  }
}

/** What has been reached, and who waits for what has not. */
export class Milestones {
  readonly #waits: Readonly<Record<Milestone, PromiseWithResolvers<FarEvent>>> = { bootstrap: wait(), ready: wait(), accepted: wait() };
  readonly #reached = new Map<Milestone, FarEvent>();

  /** Takes an event. */
  take(event: FarEvent): void {
    const milestone = (Object.keys(this.#waits) as Milestone[]).find((name) => name === event["event"]);
    if (milestone === undefined) return;
    this.#reached.set(milestone, event);
    this.#waits[milestone].resolve(event);
  }

  /** The event, if it has come. */
  get ready(): FarEvent | undefined {
    return this.#reached.get("ready");
  }

  /** The event, if it has come. */
  get accepted(): FarEvent | undefined {
    return this.#reached.get("accepted");
  }

  /** Its event, once it comes. */
  async reach(milestone: Milestone): Promise<FarEvent> {
    return await this.#waits[milestone].promise;
  }

  /** Nothing more will come. */
  fail(reason: unknown): void {
    for (const { reject } of Object.values(this.#waits)) reject(reason);
  }
}

function wait(): PromiseWithResolvers<FarEvent> {
  const resolvers = Promise.withResolvers<FarEvent>();
  resolvers.promise.catch(() => undefined); // nobody may be waiting
  return resolvers;
}
