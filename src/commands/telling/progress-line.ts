/**
 * Progress in words, and as an event for programs.
 *
 *     base srv: 30.2 MiB of 40.0 MiB; all: 1.2 GiB of 3.4 GiB, 35 %, 120.3 MiB/s, ETA 0:18
 *     base srv: 1.2 GiB of 3.4 GiB, 35 %, 120.3 MiB/s, ETA 0:18
 *     base srv: 35 %, 120.3 MiB/s, ETA 0:18
 *     base srv: 35 %, ETA 0:18
 *
 * The first of these that fits is shown; names are shortened where they have to be. In a log, where nobody sees what was typed, the verb stands before it.
 */
import type { ProgressView } from "../../stream/progress.ts";
import { encodeJson } from "./results.ts";
import { formatSize } from "../world.ts";

/** How far a run is at some time. */
export interface Moment extends ProgressView {
  /** What is run: `export`, `image import`. */
  readonly verb: string;
  /** Bytes per second, of late; undefined as long as that cannot be said. */
  readonly rate: number | undefined;
  /** Seconds since it began. */
  readonly elapsed: number;
}

/** Of a name at least so much is shown. */
const NAME_COLUMNS = 12;
const SHORTENED = "…";
/** An arrival that is farther away is none. */
const ETA_LIMIT = 1000 * 3600;

/** Renders progress for a log. */
export function renderLogLine(moment: Moment): string {
  return `${moment.verb}: ${renderLine(moment, Infinity)}`;
}

/** Renders progress for a terminal. @param columns at most so many, one at least */
export function renderLine(moment: Moment, columns: number): string {
  const label = labelOf(moment);
  const forms = formsOf(moment);
  const form = forms.find((facts) => Math.min(label.length, NAME_COLUMNS) + 2 + facts.length <= columns) ?? forms.at(-1) ?? "";
  return shorten(`${shorten(label, Math.max(1, columns - form.length - 2))}: ${form}`, columns);
}

/** Renders progress as an event, one line of JSON; docs/json.md describes it. */
export function renderEvent(moment: Moment): string {
  const { verb, phase, dataset, bytes, total, datasetBytes, datasetTotal, rate, elapsed, done } = moment;
  return encodeJson({
    event: "progress",
    verb,
    phase,
    dataset,
    bytes,
    total: total ?? null,
    datasetBytes,
    datasetTotal: datasetTotal ?? null,
    rate: Math.round(rate ?? 0),
    eta: etaOf(moment) ?? null,
    elapsed: Math.round(elapsed * 1000) / 1000,
    ...(done ? { done } : {}),
  });
}

/** A time for people: `0:05`, `12:34`, `1:02:03`. */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const shown = parts[0] === 0 ? parts.slice(1) : parts;
  return shown.map((part, index) => (index === 0 ? String(part) : String(part).padStart(2, "0"))).join(":");
}

/** Seconds until the end; undefined if there is nothing to tell it by, or more came than was expected. */
function etaOf({ bytes, total, rate = 0, done }: Moment): number | undefined {
  if (done) return 0;
  const seconds = total === undefined || total <= bytes || rate <= 0 ? Infinity : (total - bytes) / rate;
  return seconds < ETA_LIMIT ? Math.ceil(seconds) : undefined;
}

/** What of a name no terminal shows in one column is left out. */
function labelOf({ phase, dataset }: Moment): string {
  return dataset === null ? phase : `${phase} ${dataset === "" ? "/" : dataset.replace(/[^ -~]/g, "?")}`;
}

/** From the longest to the shortest. */
function formsOf(moment: Moment): string[] {
  const { bytes, total, datasetBytes, datasetTotal, rate, done } = moment;
  const eta = done ? undefined : etaOf(moment);
  const all = amount(bytes, total);
  const percent = total === undefined ? undefined : `${percentOf(moment, total)} %`;
  const pace = rate === undefined ? undefined : `${formatSize(Math.round(rate))}/s`;
  const arrival = eta === undefined ? undefined : `ETA ${formatDuration(eta)}`;
  const part = amount(datasetBytes, datasetTotal);
  return [
    [part === all ? all : `${part}; all: ${all}`, percent, pace, arrival],
    [all, percent, pace, arrival],
    [percent ?? all, pace, arrival],
    [percent ?? all, arrival],
  ].map((facts) => facts.filter((fact) => fact !== undefined).join(", "));
}

/** All is not there before it is done. */
function percentOf({ bytes, done }: Moment, total: number): number {
  if (done) return 100;
  return total === 0 ? 0 : Math.min(99, Math.floor((bytes / total) * 100));
}

function amount(bytes: number, total: number | undefined): string {
  return total === undefined ? formatSize(bytes) : `${formatSize(bytes)} of ${formatSize(total)}`;
}

function shorten(text: string, columns: number): string {
  return text.length <= columns ? text : `${text.slice(0, Math.max(0, columns - 1))}${SHORTENED}`;
}
