/**
 * The configuration of a new image, as canonical JSON: fields in the order in which Go's image-spec has them, names of sets sorted; so the same
 * image has the same id.
 *
 * @see OCI image-spec v1.1 config.md
 */
import type { HistoryEntry, ImageConfig, RunConfig } from "../config.ts";
import type { Digest } from "../digest.ts";
import { isJsonObject, type JsonObject } from "../json.ts";
import type { Platform } from "../platform.ts";

/** What is to be said of an image. */
export interface NewConfig {
  /** RFC 3339. */
  readonly created: string;
  readonly platform: Platform;
  readonly run: RunConfig;
  /** Of the image that it goes back to: its author, its history, and what of its configuration is not in {@link RunConfig}, such as a health check. */
  readonly base: ImageConfig | undefined;
  /** Of the uncompressed layers, the lowest first. */
  readonly diffIds: readonly Digest[];
  /** How these came to be. */
  readonly history: readonly HistoryEntry[];
}

/** Fields of {@link RunConfig}, in lower case. */
const RUN_FIELDS = new Set(["user", "exposedports", "env", "entrypoint", "cmd", "volumes", "workingdir", "labels", "stopsignal"]);

/** Writes the configuration. */
export function encodeConfig({ created, platform, run, base, diffIds, history }: NewConfig): Uint8Array {
  const { architecture, variant, os, osVersion, osFeatures } = platform;
  // its layers are none of this image's
  const before = (base?.history ?? []).map((entry) => ({ ...entry, emptyLayer: true }));
  const text = JSON.stringify({
    created,
    author: base?.author,
    architecture,
    variant,
    os,
    "os.version": osVersion,
    "os.features": osFeatures,
    config: encodeRun(run, base),
    rootfs: { type: "layers", diff_ids: diffIds },
    history: [...before, ...history].map(encodeHistory),
  });
  return Buffer.from(text);
}

function encodeRun(run: RunConfig, base: ImageConfig | undefined): object {
  const { user, exposedPorts, env, entrypoint, cmd, volumes, workingDir, labels, stopSignal } = run;
  const others = base?.json["config"];
  return {
    User: user,
    ExposedPorts: asSet(exposedPorts),
    Env: env,
    Entrypoint: entrypoint,
    Cmd: cmd,
    Volumes: asSet(volumes),
    WorkingDir: workingDir,
    Labels: labels === undefined ? undefined : sorted(Object.entries(labels)),
    StopSignal: stopSignal,
    ...(isJsonObject(others) ? otherFields(others) : {}),
  };
}

function otherFields(config: JsonObject): object {
  return sorted(Object.entries(config).filter(([name, value]) => !RUN_FIELDS.has(name.toLowerCase()) && value !== null));
}

function asSet(names: readonly string[] | undefined): object | undefined {
  return names === undefined ? undefined : sorted(names.map((name) => [name, {}]));
}

/** An object with its names in the order of their bytes, but for those that look like numbers, which come first. */
function sorted(entries: readonly (readonly [name: string, value: unknown])[]): object {
  return Object.fromEntries(entries.toSorted(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b))));
}

function encodeHistory({ created, createdBy, author, comment, emptyLayer }: HistoryEntry): object {
  return { created, created_by: createdBy, author, comment, empty_layer: emptyLayer };
}
