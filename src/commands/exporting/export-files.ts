/** `ctar export --format rootfs|docker|oci`: a container's files, alone as one tar, or as an image. */
import { tmpdir } from "node:os";
import * as path from "node:path";
import { ToolError } from "../../errors.ts";
import type { ContainerTrees, EarlierSnapshot } from "../../host/export/container-trees.ts";
import { formatPlatform } from "../../oci/platform.ts";
import { diffTar } from "../../oci/writing/diff-tar.ts";
import { writeImage, type NewLayer } from "../../oci/writing/write-image.ts";
import type { ByteSink } from "../../stream/bytes.ts";
import { observed } from "../../stream/digest.ts";
import { gzip, type GzipOptions } from "../../stream/gzip.ts";
import type { Progress } from "../../stream/progress.ts";
import { Spool } from "../../sys/spool.ts";
import type { Loss } from "../../tree/loss.ts";
import { packTree } from "../../tree/pack.ts";
import { WalkedTree } from "../../tree/walked-tree.ts";
import type { Context } from "../context.ts";
import { newImageOf, refuseImageOptions, rfc3339, type ImageRequest } from "./new-image.ts";
import { imageResult, type Written } from "../telling/written.ts";

/** What a container becomes that osctl does not read. */
export type FilesFormat = "rootfs" | "docker" | "oci";

/** What was asked for. */
export interface FilesRequest extends ImageRequest {
  format: FilesFormat;
  archive?: string | undefined;
  compression: "auto" | "off" | "gzip";
  layers: boolean;
}

/** What is written: as it is known before, rows to show and for scripts, and how it is done. */
export interface FilesExport {
  readonly rows: readonly (readonly [label: string, value: string])[];
  readonly facts: object;
  readonly write: (sink: ByteSink) => Promise<Written>;
}

/** How it is written. */
interface FilesOptions {
  gzip: GzipOptions;
  onLoss: (loss: Loss) => void;
  context: Context;
}

/** More are refused by Docker. */
const LAYERS_LIMIT = 125;

/** Prepares an export; nothing is changed yet. @throws ToolError usage, damaged (a configuration that was kept) */
export async function prepareFiles(trees: ContainerTrees, request: FilesRequest, options: FilesOptions): Promise<FilesExport> {
  if (request.format !== "rootfs") return await prepareImage(trees, request, options);
  refuseImageOptions(request);
  return {
    rows: [],
    facts: {},
    write: async (sink) => await writeRootfs(sink, trees, { ...options, isGzipped: request.compression === "gzip" }),
  };
}

async function writeRootfs(sink: ByteSink, trees: ContainerTrees, options: FilesOptions & { isGzipped: boolean }): Promise<Written> {
  const { onLoss, isGzipped, context } = options;
  context.progress.begin({ phase: "files" });
  for await (const { root, grafts, owners } of trees.trees([])) {
    const tar = observed(packTree(root, { grafts, owners, onLoss, names: "rootfs" }), context.progress);
    for await (const chunk of isGzipped ? gzip(tar, options.gzip) : tar) await sink.write([chunk]);
  }
  await sink.flush();
  return {};
}

async function prepareImage(trees: ContainerTrees, request: FilesRequest, options: FilesOptions): Promise<FilesExport> {
  const image = newImageOf(trees.head.container.config, request);
  const earlier = request.layers ? await chooseSnapshots(trees) : [];
  const { signal, progress } = options.context;
  const write = async (sink: ByteSink): Promise<Written> => {
    const layers = counted(layersOf(trees, earlier, options.onLoss), progress);
    const written = await writeImage({ ...image, layers }, sink, {
      manifestJson: request.format === "docker",
      compression: request.compression === "off" ? "none" : "gzip",
      gzip: options.gzip,
      spool: () => new Spool(() => spoolDirectory(request.archive), signal),
    });
    return { images: [imageResult(image, written)] };
  };
  const { names } = image;
  const platform = formatPlatform(image.platform);
  const layerCount = earlier.length + 1;
  const rows = [["names", names.join(" ") || "-"], ["platform", platform], ["layers", `${layerCount}`]] as const; // prettier-ignore
  return { rows, facts: { images: [{ names, platform, layerCount }] }, write };
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

/** Counts what layers are made of. */
async function* counted(layers: AsyncIterable<NewLayer>, progress: Progress): AsyncGenerator<NewLayer> {
  for await (const layer of layers) {
    progress.begin({ phase: "layer" });
    yield { ...layer, tar: layer.tar && observed(layer.tar, progress) };
  }
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
