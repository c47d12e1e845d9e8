/** Images as `ctar inspect` shows them to people. */
import type { HistoryEntry, RunConfig } from "../../oci/config.ts";
import type { InspectedImage } from "../../oci/inspect.ts";
import { formatSize } from "../world.ts";

const LABEL_WIDTH = 12;
/** Commands of a history are shown up to here; JSON has all of them. */
const HISTORY_LIMIT = 120;

/** Lines for images, with an empty one between any two. */
export function* imageLines(images: readonly InspectedImage[]): Generator<string> {
  for (const [index, image] of images.entries()) {
    if (index > 0) yield "";
    yield* linesOf(image);
  }
}

function* linesOf(image: InspectedImage): Generator<string> {
  const { names, digest, configDigest, platform, created, author, size, layers, run, history } = image;
  yield row("image", names[0] ?? "-");
  for (const name of names.slice(1)) yield row("", name);
  yield row("digest", digest);
  yield row("id", configDigest);
  yield row("platform", platform);
  yield row("created", created ?? "-");
  if (author !== undefined) yield row("author", author);
  yield row("size", formatSize(size));
  yield* runLines(run);
  for (const [index, layer] of layers.entries()) yield row(index === 0 ? "layers" : "", `${layer.digest}  ${formatSize(layer.size)}`);
  for (const [index, entry] of history.entries()) yield row(index === 0 ? "history" : "", historyLine(entry));
}

function* runLines({ entrypoint, cmd, env, workingDir, user, exposedPorts, volumes, labels, stopSignal }: RunConfig): Generator<string> {
  if (entrypoint !== undefined) yield row("entrypoint", JSON.stringify(entrypoint));
  if (cmd !== undefined) yield row("cmd", JSON.stringify(cmd));
  for (const [index, variable] of (env ?? []).entries()) yield row(index === 0 ? "env" : "", variable);
  if (workingDir !== undefined) yield row("workdir", workingDir);
  if (user !== undefined) yield row("user", user);
  if (exposedPorts !== undefined) yield row("ports", exposedPorts.join(" ") || "-");
  if (volumes !== undefined) yield row("volumes", volumes.join(" ") || "-");
  for (const [index, [name, value]] of Object.entries(labels ?? {}).entries()) yield row(index === 0 ? "labels" : "", `${name}=${value}`);
  if (stopSignal !== undefined) yield row("stop signal", stopSignal);
}

function historyLine({ created, createdBy = "", comment, emptyLayer }: HistoryEntry): string {
  const command = createdBy.length > HISTORY_LIMIT ? `${createdBy.slice(0, HISTORY_LIMIT)}…` : createdBy;
  return [created ?? "-", command || (comment ?? "-"), emptyLayer === true ? "(no layer)" : ""].filter(Boolean).join("  ");
}

function row(label: string, value: string): string {
  return `${label.padEnd(LABEL_WIDTH)}${value}`;
}
