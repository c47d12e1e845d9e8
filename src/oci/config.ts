/**
 * Image configurations: what an image's files are of, how they came to be, and how a container of them runs. Docker's and the OCI's are the
 * same as far as what is read here.
 *
 * @see OCI image-spec v1.1 config.md; moby `image/spec/spec.md`
 */
import { damaged } from "../errors.ts";
import { digestBytes, parseDigest, type Digest } from "./digest.ts";
import { Fields } from "./fields.ts";
import { parseJson, type JsonObject } from "./json.ts";
import { readPlatform, type Platform } from "./platform.ts";

/** How a container of the image runs; what is not set is missing. */
export interface RunConfig {
  readonly user?: string;
  /** `80/tcp` */
  readonly exposedPorts?: readonly string[];
  /** `NAME=value` */
  readonly env?: readonly string[];
  readonly entrypoint?: readonly string[];
  readonly cmd?: readonly string[];
  readonly volumes?: readonly string[];
  readonly workingDir?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly stopSignal?: string;
}

/** How a layer came to be, or a change that has no layer. */
export interface HistoryEntry {
  readonly created?: string;
  readonly createdBy?: string;
  readonly author?: string;
  readonly comment?: string;
  readonly emptyLayer?: boolean;
}

/** A configuration, with the bytes it was read from. */
export interface ImageConfig {
  readonly raw: Uint8Array;
  /** All of it, also what is not understood here; parsed anew whenever it is asked for, as it is several times as large. */
  readonly json: JsonObject;
  /** The image's id. */
  readonly digest: Digest;
  readonly platform: Platform;
  /** RFC 3339, as it stands there. */
  readonly created?: string;
  readonly author?: string;
  readonly run: RunConfig;
  /** Digests of the uncompressed layers, the lowest first. */
  readonly diffIds: readonly Digest[];
  readonly history: readonly HistoryEntry[];
}

/** Reads a configuration. @param where what messages call it, quoted @throws ToolError damaged */
export function parseImageConfig(raw: Uint8Array, where: string): ImageConfig {
  const fields = new Fields(parseJson(raw, where), where);
  return {
    raw,
    get json() {
      return parseJson(raw, where) as JsonObject;
    },
    digest: digestBytes(raw),
    platform: readPlatform(fields),
    ...readTexts(fields, { created: "created", author: "author" }),
    run: readRunConfig(fields.object("config")),
    diffIds: readDiffIds(fields.requiredObject("rootfs")),
    history: fields.objects("history").map(readHistoryEntry),
  };
}

function readDiffIds(rootfs: Fields): Digest[] {
  const type = rootfs.string("type");
  if (type !== "layers") throw damaged(`Cannot read ${rootfs.where}: "type" is not "layers"`);
  return (rootfs.strings("diff_ids") ?? []).map((text) => parseDigest(text, rootfs.where));
}

function readRunConfig(fields: Fields | undefined): RunConfig {
  if (fields === undefined) return {};
  const lists = {
    exposedPorts: fields.names("ExposedPorts"),
    env: fields.strings("Env"),
    entrypoint: commandOf(fields, "Entrypoint"),
    cmd: commandOf(fields, "Cmd"),
    volumes: fields.names("Volumes"),
    labels: fields.stringMap("Labels"),
  };
  return { ...readTexts(fields, { user: "User", workingDir: "WorkingDir", stopSignal: "StopSignal" }), ...withoutMissing(lists) };
}

/** A command; Docker takes a text, too, as a list of one. */
function commandOf(fields: Fields, name: string): readonly string[] | undefined {
  return typeof fields.value(name) === "string" ? [fields.requiredString(name)] : fields.strings(name);
}

function readHistoryEntry(fields: Fields): HistoryEntry {
  const texts = readTexts(fields, { created: "created", createdBy: "created_by", author: "author", comment: "comment" });
  return { ...texts, ...(fields.boolean("empty_layer") === true ? { emptyLayer: true } : {}) };
}

/** Texts by names of ours; without those that are missing or empty. */
function readTexts<Name extends string>(fields: Fields, names: Readonly<Record<Name, string>>): Partial<Record<Name, string>> {
  const texts: Partial<Record<Name, string>> = {};
  for (const name of Object.keys(names) as Name[]) {
    const text = fields.string(names[name]);
    if (text !== undefined && text !== "") texts[name] = text;
  }
  return texts;
}

function withoutMissing<T extends object>(object: T): { [Key in keyof T]?: Exclude<T[Key], undefined> } {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as {
    [Key in keyof T]?: Exclude<T[Key], undefined>;
  };
}
