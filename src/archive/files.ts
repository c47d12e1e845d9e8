/**
 * The files in a container archive of format zfs or tar, or in a bare ZFS send stream, either of them compressed or not, told apart by content. Needs
 * no ZFS.
 *
 * Of a container the tree is what it sees: the directory `private` of its root dataset, with the subdatasets where it mounts them. A bare stream
 * is shown from its dataset's own root.
 */
import { damaged, ToolError } from "../errors.ts";
import { isSeekable, readAll, type ByteSource, type ByteStream, type SeekableSource } from "../stream/bytes.ts";
import { gunzip } from "../stream/gunzip.ts";
import { startOf, unpack } from "../stream/input-start.ts";
import { filesOfTarStream, type EntryFiles } from "../tree/entry-files.ts";
import { beginsStream, STREAM_START_BYTES } from "../zfs/dmu/verify.ts";
import { groupByDataset, loadGroups, nameDatasets, type PlacedStream } from "./dataset-streams.ts";
import { chooseDatasets, treeOf, type DatasetTree, type TreeChoice } from "./dataset-tree.ts";
import { findStreams, type MemberSource } from "./member-source.ts";
import { decodeMetadata, type Metadata } from "./metadata.ts";
import { ReplaySource } from "../stream/replay-source.ts";
import { PipedArchive } from "./piped-archive.ts";
import { loadStored, type StoredStream } from "./stored-streams.ts";

/** What is asked for. */
export interface FilesOptions extends TreeChoice {
  /** Keeps what data is going to be read of, and comes through a pipe or compressed, as long as files are read; undefined if none is, but names and attributes. */
  keep: ((bytes: ByteStream) => Promise<SeekableSource>) | undefined;
}

/** Files as a tree, where there are ZFS streams; to be closed by whoever opened it. */
export interface TreeFiles extends DatasetTree {
  kind: "tree";
  /** Whether data is best read in the order of objects, as the streams are compressed as a whole. */
  inObjectOrder: boolean;
  close(): Promise<void>;
}

/**
 * Opens what an input holds. The input must stay open as long as files are read.
 *
 * @param what what messages call it
 * @throws ToolError damaged; not-found for what has no files, or a missing dataset
 */
export async function openFiles(source: ByteSource, what: string, options: FilesOptions): Promise<TreeFiles | EntryFiles> {
  const plain = await unpack(source, what);
  const { compression } = plain;
  if (compression === "none" || !isSeekable(source)) return await openPlain(plain.source, what, options);
  const { head, all } = await startOf(plain.source, STREAM_START_BYTES);
  if (!beginsStream(head)) return await openPlain(all, what, options);
  await plain[Symbol.asyncDispose]();
  return await openBare({ what, source, compression }, options);
}

async function openPlain(source: ByteSource, what: string, options: FilesOptions): Promise<TreeFiles | EntryFiles> {
  const { head, all } = await startOf(source, STREAM_START_BYTES);
  if (head.length === 0) throw damaged(`Cannot read "${what}": it is empty`);
  if (beginsStream(head)) return await openBare({ what, source: all, compression: "none" }, options);
  return isSeekable(all) ? await openArchive(all, options) : await openPiped(all, options);
}

/** Datasets of one stream or package are known by their names relative to the first. */
async function openBare(stream: StoredStream, options: FilesOptions): Promise<TreeFiles> {
  const source = isSeekable(stream.source) ? stream.source : ((await options.keep?.(readAll(stream.source))) ?? stream.source);
  const { datasets, ...rest } = await loadStored([{ ...stream, source }], options.keep !== undefined);
  const base = datasets[0]?.names.name ?? "";
  const named = datasets.map((one) => ({ ...one, dataset: one.names.name === base ? "" : one.names.name.replace(`${base}/`, "") }));
  const tree = await treeOf(chooseDatasets(named, options), { ...options, fromDatasetRoot: true });
  return { kind: "tree", ...rest, ...tree };
}

async function openArchive(source: SeekableSource, options: FilesOptions): Promise<TreeFiles | EntryFiles> {
  const { texts, streams } = await findStreams(source);
  const metadata = metadataOf(texts.get("metadata"));
  const tar = streams.find(({ kind }) => kind.is === "rootfs-tar");
  if (metadata.format === "tar" && tar !== undefined) return tarFiles(() => unpacked(tar), { isReopenable: true, options });
  const groups = groupByDataset(streams.flatMap(placedOf));
  if (groups.length === 0) throw noFiles(metadata);
  const { datasets, ...loaded } = await loadGroups(chooseDatasets(groups, options), options.keep !== undefined);
  const tree = await treeOf(datasets, options, texts.get("container"));
  return { kind: "tree", ...loaded, ...tree };
}

/** Data of ZFS streams comes before it is known which file it is of. */
async function openPiped(source: ByteSource, options: FilesOptions): Promise<TreeFiles | EntryFiles> {
  const start = new ReplaySource(source);
  const archive = new PipedArchive(start);
  const begun = await archive.begin();
  const metadata = metadataOf(begun.metadata);
  if (begun.is !== "streams" || options.keep === undefined) start.goOn();
  if (begun.is === "tar") return tarFiles(() => archive.tar(), { isReopenable: false, options });
  if (begun.is === "nothing") throw noFiles(metadata);
  if (options.keep !== undefined) {
    await archive.close();
    start.rewind();
    return await openArchive(await options.keep(readAll(start)), options);
  }
  const { datasets, names } = await archive.datasets();
  const named = nameDatasets(
    datasets.map((one) => ({ names: one, data: one })),
    names.map((dataset) => ({ dataset })),
  );
  const tree = await treeOf(chooseDatasets(named, options), options, begun.container);
  return { kind: "tree", inObjectOrder: false, close: async () => await archive.close(), ...tree };
}

function tarFiles(tar: () => ByteStream, { isReopenable, options }: { isReopenable: boolean; options: FilesOptions }): EntryFiles {
  if (options.dataset === undefined && !options.fromDatasetRoot) return filesOfTarStream(tar, isReopenable);
  throw new ToolError("usage", "Cannot choose a dataset: the archive is of format tar, which has none");
}

function placedOf(member: MemberSource): PlacedStream[] {
  const { name: what, kind } = member;
  if (kind.is !== "stream") return [];
  return [{ what, source: member, compression: kind.gzipped ? "gzip" : "none", dataset: kind.dataset, kind: kind.kind }];
}

function unpacked(tar: MemberSource): ByteStream {
  tar.seek(0);
  return gunzip(readAll(tar), tar.name);
}

function metadataOf(text: Uint8Array | undefined): Metadata {
  if (text !== undefined) return decodeMetadata(text);
  throw damaged('Cannot read archive: it has no "metadata.yml", so it is no container archive');
}

/** The error for an archive that has no files. */
export function noFiles({ type }: Metadata): ToolError {
  const reason = type === "skel" ? "it holds a container's configuration only" : "it has no data";
  return new ToolError("not-found", `Cannot find files in the archive: ${reason}`);
}
