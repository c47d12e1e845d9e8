/**
 * Shows on stderr how far a run is: on a terminal a line that is drawn again and again, in a log a line from time to time, for programs an event a
 * line. SIGUSR1 is answered at once, however little is shown otherwise.
 */
import { Rate } from "../../stream/rate.ts";
import { openWidth } from "../../sys/terminal.ts";
import type { Context } from "../context.ts";
import { renderEvent, renderLine, renderLogLine, type Moment } from "./progress-line.ts";

/** The options, of verbs that move data. */
export const PROGRESS_ARGS = {
  progress: {
    type: "enum",
    options: ["auto", "always", "never", "json"],
    default: "auto",
    description: "On stderr: on a terminal alone, in a log too, not at all, as JSON for programs",
  },
  quiet: { type: "boolean", alias: "q", description: "Say only what went wrong or was lost" },
} as const;

/** Values of those. */
export interface ProgressArguments {
  progress: "auto" | "always" | "never" | "json";
  quiet: boolean;
}

/** What osctl's spelling does not say. */
export const PROGRESS_DEFAULTS: ProgressArguments = { progress: "auto", quiet: false };

/** How it is shown: a line that is kept, lines, events, or nothing. */
type Form = "line" | "log" | "events" | "nothing";

/** Shorter runs have no line. */
const PATIENCE_MS = 500;
const DRAW_MS = 200;
const EVENT_MS = 500;
const LOG_MS = 1000;
/** Seconds from one line of a log to the next: a tenth of the time so far, within these. */
const LOG_SECONDS = { min: 10, max: 300 } as const;

/** What a verb does, with its progress shown. @param verb as it was typed: `image import` */
export function shown<A, Result>(
  verb: string,
  run: (args: A, context: Context) => Promise<Result>,
): (args: A & ProgressArguments, context: Context) => Promise<Result> {
  return async (args, context) => await withProgress(verb, args, context, async () => await run(args, context));
}

/** Shows progress for as long as something runs. @param verb as it was typed */
export async function withProgress<T>(
  verb: string,
  { progress: wish, quiet }: ProgressArguments,
  context: Context,
  action: () => Promise<T>,
): Promise<T> {
  if (quiet) context.hush();
  const show = new Show(verb, formOf(wish, quiet, context), context);
  try {
    show.begin();
    const result = await action();
    context.progress.finish();
    return result;
  } finally {
    show.end();
  }
}

function formOf(wish: ProgressArguments["progress"], quiet: boolean, context: Context): Form {
  if (wish === "json") return "events";
  if (wish === "never" || (wish === "auto" && (quiet || !context.isTerminal("stderr")))) return "nothing";
  const isDumb = [undefined, "dumb"].includes(context.env("TERM"));
  return context.isTerminal("stderr") && !isDumb ? "line" : "log";
}

/** Progress as it is shown of one run. */
class Show {
  readonly #verb: string;
  readonly #form: Form;
  readonly #context: Context;
  readonly #sinceMs: number = performance.now();
  readonly #rate: Rate = new Rate(this.#sinceMs);
  #timer: NodeJS.Timeout | undefined;
  #logAt: number = LOG_SECONDS.min;
  #hasEnded = false;

  constructor(verb: string, form: Form, context: Context) {
    this.#verb = verb;
    this.#form = form;
    this.#context = context;
  }

  begin(): void {
    this.#context.answerWith(() => this.#render());
    if (this.#form === "events") this.#repeat(EVENT_MS, () => this.#context.warn(this.#render()));
    if (this.#form === "log") this.#repeat(LOG_MS, () => this.#log());
    if (this.#form !== "line") return;
    this.#repeat(PATIENCE_MS, () => void this.#draw());
    this.#context.signal.addEventListener("abort", this.#wipe);
  }

  end(): void {
    this.#hasEnded = true;
    clearInterval(this.#timer);
    if (this.#form === "events") this.#context.warn(this.#render());
    if (this.#form !== "line") return;
    this.#wipe();
    this.#context.signal.removeEventListener("abort", this.#wipe);
  }

  /** Takes the line away: at the end, and while a run that was interrupted is undone. */
  readonly #wipe = (): void => {
    clearInterval(this.#timer);
    this.#context.keepLine(undefined);
  };

  #repeat(everyMs: number, action: () => void): void {
    clearInterval(this.#timer);
    this.#timer = setInterval(action, everyMs);
    this.#timer.unref();
  }

  #look(): Moment {
    const now = performance.now();
    const view = this.#context.progress.look();
    return { ...view, verb: this.#verb, rate: this.#rate.look(now, view.bytes), elapsed: (now - this.#sinceMs) / 1000 };
  }

  #render(): string {
    return this.#form === "events" ? renderEvent(this.#look()) : renderLogLine(this.#look());
  }

  #log(): void {
    const moment = this.#look();
    if (moment.elapsed < this.#logAt) return;
    this.#logAt = moment.elapsed + Math.min(LOG_SECONDS.max, Math.max(LOG_SECONDS.min, moment.elapsed / 10));
    this.#context.warn(renderLogLine(moment));
  }

  /** Draws the line, and goes on with that. */
  async #draw(): Promise<void> {
    clearInterval(this.#timer);
    const width = await openWidth();
    const draw = (): void => {
      const moment = this.#look();
      if (moment.bytes > 0 || moment.total !== undefined) this.#context.keepLine({ text: renderLine(moment, width() - 1), width });
    };
    if (this.#hasEnded || this.#context.signal.aborted) return;
    draw();
    this.#repeat(DRAW_MS, draw);
  }
}
