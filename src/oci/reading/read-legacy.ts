/**
 * Images as Docker saved them before 1.10: a directory for each layer, named by an id that is no digest, and one file of names.
 *
 *     repositories      {"busybox": {"latest": "<id>"}}
 *     <id>/VERSION      1.0
 *     <id>/json         what was configured when the layer was made, and the layer below: {"id": …, "parent": …, "created": …, "config": …}
 *     <id>/layer.tar
 *
 * An image is a layer that has a name, or that no other is built upon. There is no configuration and no digest of anything: the configuration is made
 * as Docker makes it when it loads such an archive, and all layers are read for their digests.
 *
 * @see moby `image/spec/v1.md`, `image/tarexport/load.go` (`legacyLoad`), `image/v1/imagev1.go` (`MakeConfigFromV1Config`)
 */
import { damaged } from "../../errors.ts";
import { parseImageConfig, type ImageConfig } from "../config.ts";
import { Fields } from "../fields.ts";
import { isJsonObject, parseJson, type JsonObject } from "../json.ts";
import { LAYERS_LIMIT } from "../manifest.ts";
import { quoted } from "../quoted.ts";
import { normalizeReference } from "../reference.ts";
import type { Assembly, FileLayer } from "./assembly.ts";
import { requireFile, type StoredFiles } from "./files.ts";
import type { JsonReader } from "./json-reader.ts";

/** A layer with what is configured at it. */
interface V1Layer {
  id: string;
  parent: string | undefined;
  json: JsonObject;
  fields: Fields;
}

/** The file of names. */
const REPOSITORIES = "repositories";

const LAYER_JSON = /^([0-9a-f]{64})\/json$/;
/** What says nothing of an image. */
const NOT_CONFIGURATION = new Set(["id", "parent", "Size", "parent_id", "layer_id", "throwaway"]);

/** Whether files look like such an archive. */
export function isLegacy(files: StoredFiles): boolean {
  return files.find(REPOSITORIES) !== undefined || layerIds(files).length > 0;
}

/** Reads the images. @throws ToolError damaged, naming what is missing or wrong */
export async function readLegacy(files: StoredFiles, assembly: Assembly, texts: JsonReader): Promise<void> {
  const layers = new Map<string, V1Layer>();
  for (const id of layerIds(files)) layers.set(id, await readV1Layer(files, id, texts));
  const names = await readNames(files, texts);
  const parents = new Set(Array.from(layers.values(), ({ parent }) => parent));
  for (const id of names.keys()) if (!layers.has(id)) throw damaged(`Cannot read images: ${quoted(`${id}/json`)} is missing`);
  for (const id of layers.keys()) {
    if (!names.has(id) && parents.has(id)) continue;
    const chain = chainOf(id, layers);
    const described: FileLayer[] = [];
    for (const layer of chain)
      described.push(await assembly.describe(requireFile(files, `${layer.id}/layer.tar`, `"${layer.id}/json"`), {}));
    assembly.add(makeConfig(chain, described), described, names.get(id) ?? []);
  }
}

function layerIds(files: StoredFiles): string[] {
  return Array.from(files.paths, (path) => LAYER_JSON.exec(path)?.[1]).filter((id) => id !== undefined);
}

async function readV1Layer(files: StoredFiles, id: string, texts: JsonReader): Promise<V1Layer> {
  const path = `${id}/json`;
  const json = parseJson(await texts.file(requireFile(files, path, `"${id}"`)), `"${path}"`);
  const fields = new Fields(json, `"${path}"`);
  const own = fields.requiredString("id");
  if (own !== id) throw damaged(`Cannot read "${path}": its id is ${quoted(own)}`);
  return { id, parent: fields.string("parent") || undefined, json: json as JsonObject, fields };
}

/** Names by the id of the layer that they name. */
async function readNames(files: StoredFiles, texts: JsonReader): Promise<Map<string, string[]>> {
  const names = new Map<string, string[]>();
  const file = files.follow(REPOSITORIES);
  if (file === undefined) return names;
  const where = `"${REPOSITORIES}"`;
  const value = parseJson(await texts.file(file), where);
  if (!isJsonObject(value)) throw damaged(`Cannot read ${where}: it is no JSON object`);
  for (const repository of Object.keys(value)) {
    const tags = new Fields(value, where).stringMap(repository) ?? {};
    for (const [tag, id] of Object.entries(tags)) {
      const name = normalizeReference(`${repository}:${tag}`);
      if (name === undefined) throw damaged(`Cannot read ${where}: ${quoted(`${repository}:${tag}`)} is no image name`);
      names.set(id, [...(names.get(id) ?? []), name]);
    }
  }
  return names;
}

/** The layers of an image, the lowest first. */
function chainOf(id: string, layers: ReadonlyMap<string, V1Layer>): V1Layer[] {
  const chain: V1Layer[] = [];
  for (let at: string | undefined = id; at !== undefined;) {
    const layer = layers.get(at);
    if (layer === undefined) throw damaged(`Cannot read images: ${quoted(`${at}/json`)} is missing, the parent of "${chain.at(-1)?.id}"`);
    if (chain.includes(layer)) throw damaged(`Cannot read "${at}/json": it is its own parent, "${layer.parent}"`);
    if (chain.length === LAYERS_LIMIT) throw damaged(`Cannot read "${id}/json": there are more than ${LAYERS_LIMIT} layers below`);
    chain.push(layer);
    at = layer.parent;
  }
  return chain.toReversed();
}

/** The configuration of an image: what the uppermost layer has, and where all are from. */
function makeConfig(chain: readonly V1Layer[], layers: readonly FileLayer[]): ImageConfig {
  const { id, json } = chain.at(-1) as V1Layer;
  const kept = Object.entries(json).filter(([key]) => !NOT_CONFIGURATION.has(key));
  const made = {
    architecture: "amd64",
    os: "linux",
    ...Object.fromEntries(kept),
    rootfs: { type: "layers", diff_ids: layers.map(({ diffId }) => diffId) },
    history: chain.map(historyOf),
  };
  const sorted = Object.entries(made).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return parseImageConfig(Buffer.from(JSON.stringify(Object.fromEntries(sorted))), `configuration of "${id}"`);
}

function historyOf({ fields }: V1Layer): object {
  const command = fields.object("container_config")?.strings("Cmd");
  return {
    created: fields.string("created"),
    author: fields.string("author") || undefined,
    created_by: command?.join(" "),
    comment: fields.string("comment") || undefined,
  };
}
