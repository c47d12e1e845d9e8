/** `ctar export --format rootfs|docker|oci`: a container's files, alone as one tar, or as an image. */
import { tmpdir } from "node:os";
import * as path from "node:path";
import { ToolError } from "../errors.ts";
import type { ContainerTrees, EarlierSnapshot } from "../host/export/container-trees.ts";
import type { ImageConfig, RunConfig } from "../oci/config.ts";
import { keptConfigOf } from "../oci/kept-config.ts";
import { formatPlatform, hostPlatform, normalizePlatform, parsePlatform, type Platform } from "../oci/platform.ts";
import { formatReference, parseReference } from "../oci/reference.ts";
import { changeConfig } from "../oci/writing/change.ts";
import { diffTar } from "../oci/writing/diff-tar.ts";
import { writeImage, type NewLayer } from "../oci/writing/write-image.ts";
import type { ByteSink } from "../stream/bytes.ts";
import { gzip, type GzipOptions } from "../stream/gzip.ts";
import { Spool } from "../sys/spool.ts";
import type { Loss } from "../tree/loss.ts";
import { packTree } from "../tree/pack.ts";
import { WalkedTree } from "../tree/walked-tree.ts";
import type { YamlMap } from "../yaml/value.ts";

/** What a container becomes that osctl does not read. */
export type FilesFormat = "rootfs" | "docker" | "oci";

/** Options of images. */
export const IMAGE_ARGS = {
  layers: { type: "boolean", description: "A layer for each snapshot there is, the oldest first, and one for what has changed since" },
  tag: { type: "string", valueHint: "NAME[:TAG]", repeatable: true, description: "A name of the image; it has none if left out" },
  change: { type: "string", valueHint: "INSTRUCTION", repeatable: true, description: "How it runs: CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, STOPSIGNAL, USER, VOLUME or WORKDIR, as docker import takes them" }, // prettier-ignore
  platform: { type: "string", valueHint: "OS/ARCH", description: "What it is for; the container's architecture if left out" },
} as const;

/** What was asked for. */
export interface FilesRequest {
  format: FilesFormat;
  archive?: string | undefined;
  compression: "auto" | "off" | "gzip";
  layers: boolean;
  tag: readonly string[];
  change: readonly string[];
  platform?: string | undefined;
}

/** What is written: rows to show, and how it is done. */
export interface FilesExport {
  readonly facts: readonly (readonly [label: string, value: string])[];
  /** @returns what it has become, for people */
  write(sink: ByteSink): Promise<string>;
}

/** More are refused by Docker. */
const LAYERS_LIMIT = 125;

/** Options that only images have. @throws ToolError usage if there are any */
export function refuseImageOptions({ layers, tag, change, platform }: Pick<FilesRequest, keyof typeof IMAGE_ARGS>): void {
  const given = [
    ["--layers", layers],
    ["--tag", tag.length > 0],
    ["--change", change.length > 0],
    ["--platform", platform !== undefined],
  ].find(([, isGiven]) => isGiven === true);
  if (given !== undefined) throw new ToolError("usage", `Cannot use ${given[0]}: it is for --format docker and --format oci`);
}

/** Prepares an export; nothing is changed yet. @throws ToolError usage, damaged (a configuration that was kept) */
export async function prepareFiles(
  trees: ContainerTrees,
  request: FilesRequest,
  options: { gzip: GzipOptions; onLoss: (loss: Loss) => void; signal: AbortSignal },
): Promise<FilesExport> {
  if (request.format !== "rootfs") return await prepareImage(trees, request, options);
  refuseImageOptions(request);
  return { facts: [], write: async (sink) => await writeRootfs(sink, trees, { ...options, isGzipped: request.compression === "gzip" }) };
}

async function writeRootfs(
  sink: ByteSink,
  trees: ContainerTrees,
  options: { gzip: GzipOptions; isGzipped: boolean; onLoss: (loss: Loss) => void },
): Promise<string> {
  const { onLoss, isGzipped } = options;
  for await (const { root, grafts } of trees.trees([])) {
    const tar = packTree(root, { grafts, onLoss, names: "rootfs" });
    for await (const chunk of isGzipped ? gzip(tar, options.gzip) : tar) await sink.write([chunk]);
  }
  await sink.flush();
  return "its root filesystem";
}

async function prepareImage(
  trees: ContainerTrees,
  request: FilesRequest,
  options: { gzip: GzipOptions; onLoss: (loss: Loss) => void; signal: AbortSignal },
): Promise<FilesExport> {
  const { config } = trees.head.container;
  const base = keptConfigOf(config);
  const run = changeConfig(base?.run ?? ownCommand(config), request.change);
  const names = request.tag.map(imageName);
  const platform = request.platform === undefined ? platformOf(config, base) : parsePlatform(request.platform);
  const earlier = request.layers ? await chooseSnapshots(trees) : [];
  const write = async (sink: ByteSink): Promise<string> => {
    const { configDigest, layers } = await writeImage(
      { names, run, base, platform, layers: layersOf(trees, earlier, options.onLoss) },
      sink,
      {
        manifestJson: request.format === "docker",
        compression: request.compression === "off" ? "none" : "gzip",
        gzip: options.gzip,
        spool: () => new Spool(() => spoolDirectory(request.archive), options.signal),
      },
    );
    return `image ${configDigest}, ${layers.length === 1 ? "1 layer" : `${layers.length} layers`}`;
  };
  const facts = [
    ["names", names.join(" ") || "-"],
    ["platform", formatPlatform(platform)],
    ["layers", `${earlier.length + 1}`],
  ] as const;
  return { facts, write };
}

/** Where layers are kept that have to be: beside the output, or where temporary files go if that is a pipe. */
function spoolDirectory(archive: string | undefined): string {
  return archive === undefined || archive === "-" ? tmpdir() : path.dirname(archive);
}

/** What the container itself is started with, if its configuration says so. */
function ownCommand(config: YamlMap): RunConfig {
  const command = config.get("init_cmd");
  return Array.isArray(command) && command.length > 0 ? { cmd: command.map(String) } : {};
}

function imageName(tag: string): string {
  const reference = parseReference(tag);
  if (reference.digest === undefined) return formatReference(reference);
  throw new ToolError("usage", `Cannot use --tag "${tag}": an image gets its digest when it is made`);
}

/** What the image was for that the container was made of, unless the container has become another. */
function platformOf(config: YamlMap, base: ImageConfig | undefined): Platform {
  const architecture = config.get("arch");
  const own = typeof architecture === "string" ? normalizePlatform({ os: "linux", architecture }) : hostPlatform();
  return base?.platform.architecture === own.architecture ? base.platform : own;
}

async function chooseSnapshots(trees: ContainerTrees): Promise<readonly EarlierSnapshot[]> {
  const snapshots = await trees.earlier();
  if (snapshots.length < LAYERS_LIMIT) return snapshots;
  throw new ToolError(
    "usage",
    `Cannot use --layers: there are ${snapshots.length} snapshots, and an image has at most ${LAYERS_LIMIT} layers`,
  );
}

/** The whole tree, and then what has changed from each to the next. */
async function* layersOf(
  trees: ContainerTrees,
  earlier: readonly EarlierSnapshot[],
  onLoss: (loss: Loss) => void,
): AsyncGenerator<NewLayer> {
  let older: WalkedTree | undefined;
  const names = new Set(earlier.map(({ name }) => name));
  for await (const tree of trees.trees(earlier)) {
    const { root, grafts, snapshot, createdAt } = tree;
    const comment = snapshot !== undefined && names.has(snapshot) ? { comment: `snapshot ${snapshot}` } : {};
    const history = { created: rfc3339(createdAt), createdBy: "ctar export", ...comment };
    const isFirst = older === undefined;
    // what is lost of the first tree is told as it is packed
    const newer = await WalkedTree.open({ ...tree, onLoss: isFirst ? () => undefined : onLoss });
    yield { tar: isFirst ? packTree(root, { grafts, onLoss, names: "layer" }) : await diffTar({ older, newer, onLoss }), history };
    older = newer;
  }
}

function rfc3339(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace(".000Z", "Z");
}
