/** `ctar export --format rootfs|docker|oci`: a container's files, alone as one tar, or as an image. */
import { tmpdir } from "node:os";
import * as path from "node:path";
import { ToolError } from "../errors.ts";
import type { ContainerTrees, EarlierSnapshot } from "../host/export/container-trees.ts";
import { formatPlatform } from "../oci/platform.ts";
import { diffTar } from "../oci/writing/diff-tar.ts";
import { writeImage, type NewLayer } from "../oci/writing/write-image.ts";
import type { ByteSink } from "../stream/bytes.ts";
import { gzip, type GzipOptions } from "../stream/gzip.ts";
import { Spool } from "../sys/spool.ts";
import type { Loss } from "../tree/loss.ts";
import { packTree } from "../tree/pack.ts";
import { WalkedTree } from "../tree/walked-tree.ts";
import { newImageOf, refuseImageOptions, rfc3339, type ImageRequest } from "./new-image.ts";

/** What a container becomes that osctl does not read. */
export type FilesFormat = "rootfs" | "docker" | "oci";

/** What was asked for. */
export interface FilesRequest extends ImageRequest {
  format: FilesFormat;
  archive?: string | undefined;
  compression: "auto" | "off" | "gzip";
  layers: boolean;
}

/** What is written: rows to show, and how it is done. */
export interface FilesExport {
  readonly facts: readonly (readonly [label: string, value: string])[];
  /** @returns what it has become, for people */
  readonly write: (sink: ByteSink) => Promise<string>;
}

/** More are refused by Docker. */
const LAYERS_LIMIT = 125;

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
  for await (const { root, grafts, owners } of trees.trees([])) {
    const tar = packTree(root, { grafts, owners, onLoss, names: "rootfs" });
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
  const image = newImageOf(trees.head.container.config, request);
  const earlier = request.layers ? await chooseSnapshots(trees) : [];
  const write = async (sink: ByteSink): Promise<string> => {
    const { configDigest, layers } = await writeImage({ ...image, layers: layersOf(trees, earlier, options.onLoss) }, sink, {
      manifestJson: request.format === "docker",
      compression: request.compression === "off" ? "none" : "gzip",
      gzip: options.gzip,
      spool: () => new Spool(() => spoolDirectory(request.archive), options.signal),
    });
    return `image ${configDigest}, ${layers.length === 1 ? "1 layer" : `${layers.length} layers`}`;
  };
  const facts = [
    ["names", image.names.join(" ") || "-"],
    ["platform", formatPlatform(image.platform)],
    ["layers", `${earlier.length + 1}`],
  ] as const;
  return { facts, write };
}

/** Where layers are kept that have to be: beside the output, or where temporary files go if that is a pipe. */
function spoolDirectory(archive: string | undefined): string {
  return archive === undefined || archive === "-" ? tmpdir() : path.dirname(archive);
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
    const { root, grafts, owners, snapshot, createdAt } = tree;
    const comment = snapshot !== undefined && names.has(snapshot) ? { comment: `snapshot ${snapshot}` } : {};
    const history = { created: rfc3339(createdAt), createdBy: "ctar export", ...comment };
    const isFirst = older === undefined;
    // what is lost of the first tree is told as it is packed
    const newer = await WalkedTree.open({ ...tree, onLoss: isFirst ? () => undefined : onLoss });
    yield { tar: isFirst ? packTree(root, { grafts, owners, onLoss, names: "layer" }) : await diffTar({ older, newer, onLoss }), history };
    older = newer;
  }
}
