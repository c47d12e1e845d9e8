/**
 * The files in what ctar reads: a container archive of format zfs or tar, or a bare ZFS send stream, either of them gzipped or not, told apart by
 * content. Needs no ZFS.
 *
 * Of a container the tree is what it sees: the directory `private` of its root dataset, with the subdatasets where it mounts them. A bare stream
 * is shown from its dataset's own root.
 */
import { damaged, ToolError } from "../errors.ts";
import { isSeekable, readAll, type ByteSource, type ByteStream, type SeekableSource } from "../stream/bytes.ts";
import { gunzip } from "../stream/gunzip.ts";
import { PeekSource } from "../stream/peek-source.ts";
import { StreamSource } from "../stream/stream-source.ts";
import { beginsStream, STREAM_START_BYTES } from "../zfs/dmu/verify.ts";
import { chooseDatasets, treeOf, type DatasetTree, type TreeChoice } from "./dataset-tree.ts";
import { findStreams, type MemberSource } from "./member-source.ts";
import { decodeMetadata, type Metadata } from "./metadata.ts";
import { PipedArchive } from "./piped-archive.ts";
import { loadStored, type StoredStream } from "./stored-streams.ts";

/** What is asked for. */
export interface FilesOptions extends TreeChoice {
  /** Whether data is going to be read, which takes more than names and attributes do. */
  wantsContents: boolean;
}

/** Files as a tree, where there are ZFS streams; to be closed by whoever opened it. */
export interface TreeFiles extends DatasetTree {
  kind: "tree";
  /** Whether data is best read in the order of objects, as the streams are compressed as a whole. */
  inObjectOrder: boolean;
  close(): Promise<void>;
}

/** Files as a tar stream, where there is one. */
export interface TarFiles {
  kind: "tar";
  /** The stream, decompressed; once only, unless it is reopenable. */
  open(): ByteStream;
  isReopenable: boolean;
}

const GZIP_MAGIC = Buffer.of(0x1f, 0x8b);

/**
 * Opens what an input holds. The input must stay open as long as files are read.
 *
 * @param what what messages call it
 * @throws ToolError damaged; failed for what has no files, or has them in no order that a pipe can be read in; not-found for a missing dataset
 */
export async function openFiles(source: ByteSource, what: string, options: FilesOptions): Promise<TreeFiles | TarFiles> {
  const { head, all } = await startOf(source, GZIP_MAGIC.length);
  if (!head.equals(GZIP_MAGIC)) return await openPlain(all, what, options);
  if (isSeekable(all) && (await holdsStream(all, what))) return await openBare({ what, source: all, gzipped: true }, options);
  return await openPlain(new StreamSource(gunzip(readAll(all), what)), what, options);
}

async function openPlain(source: ByteSource, what: string, options: FilesOptions): Promise<TreeFiles | TarFiles> {
  const { head, all } = await startOf(source, STREAM_START_BYTES);
  if (head.length === 0) throw damaged(`Cannot read "${what}": it is empty`);
  if (beginsStream(head)) return await openBare({ what, source: all, gzipped: false }, options);
  return isSeekable(all) ? await openArchive(all, options) : await openPiped(all, what, options);
}

/** Datasets of one stream or package are known by their names relative to the first. */
async function openBare(stream: StoredStream, options: FilesOptions): Promise<TreeFiles> {
  if (!isSeekable(stream.source)) refusePipe(stream.what, options);
  const { datasets, ...rest } = await loadStored([stream], options.wantsContents);
  const base = datasets[0]?.names.name ?? "";
  const named = datasets.map((one) => ({ ...one, dataset: one.names.name === base ? "" : one.names.name.replace(`${base}/`, "") }));
  const tree = await treeOf(chooseDatasets(named, options), { ...options, fromDatasetRoot: true });
  return { kind: "tree", ...rest, ...tree };
}

async function openArchive(source: SeekableSource, options: FilesOptions): Promise<TreeFiles | TarFiles> {
  const { texts, streams } = await findStreams(source);
  const metadata = metadataOf(texts.get("metadata"));
  const tar = streams.find(({ kind }) => kind.is === "rootfs-tar");
  if (metadata.format === "tar" && tar !== undefined) return tarFiles(() => unpacked(tar), { isReopenable: true, options });
  const groups = groupByDataset(streams);
  if (groups.length === 0) throw noFiles(metadata);
  const chosen = chooseDatasets(groups, options);
  const loaded = await loadStored(chosen.flatMap(({ members }) => members.map(storedOf)), options.wantsContents); // prettier-ignore
  const tree = await treeOf(nameDatasets(loaded.datasets, chosen), options, texts.get("container"));
  return { kind: "tree", inObjectOrder: loaded.inObjectOrder, close: async () => await loaded.close(), ...tree };
}

async function openPiped(source: ByteSource, what: string, options: FilesOptions): Promise<TreeFiles | TarFiles> {
  const archive = new PipedArchive(source);
  const begun = await archive.begin();
  const metadata = metadataOf(begun.metadata);
  if (begun.is === "tar") return tarFiles(() => archive.tar(), { isReopenable: false, options });
  if (begun.is === "nothing") throw noFiles(metadata);
  refusePipe(what, options);
  const { datasets, names } = await archive.datasets();
  const named = nameDatasets(
    datasets.map((one) => ({ names: one, data: one })),
    names.map((dataset) => ({ dataset })),
  );
  const tree = await treeOf(chooseDatasets(named, options), options, begun.container);
  return { kind: "tree", inObjectOrder: false, close: async () => await archive.close(), ...tree };
}

function tarFiles(open: () => ByteStream, { isReopenable, options }: { isReopenable: boolean; options: FilesOptions }): TarFiles {
  if (options.dataset === undefined && !options.fromDatasetRoot) return { kind: "tar", open, isReopenable };
  throw new ToolError("usage", "Cannot choose a dataset: the archive is of format tar, which has none");
}

/** What loading gave, by the datasets of the archive whose streams it was given. */
function nameDatasets<T extends object>(loaded: readonly T[], chosen: readonly { dataset: string }[]): (T & { dataset: string })[] {
  if (loaded.length !== chosen.length) {
    throw damaged(`Cannot read archive: its streams are of ${loaded.length} datasets, while its members are of ${chosen.length}`);
  }
  return loaded.map((one, index) => ({ ...one, dataset: chosen[index]?.dataset ?? "" }));
}

/** Streams by dataset, the root dataset first, full ones before what is incremental. */
function groupByDataset(streams: readonly MemberSource[]): { dataset: string; members: MemberSource[] }[] {
  const groups = new Map<string, MemberSource[]>();
  for (const stream of streams) {
    if (stream.kind.is !== "stream") continue;
    const members = groups.get(stream.kind.dataset) ?? [];
    groups.set(stream.kind.dataset, stream.kind.kind === "base" ? [stream, ...members] : [...members, stream]);
  }
  return Array.from(groups, ([dataset, members]) => ({ dataset, members })).toSorted((a, b) => (a.dataset < b.dataset ? -1 : 1));
}

function storedOf(member: MemberSource): StoredStream {
  return { what: member.name, source: member, gzipped: member.kind.is === "stream" && member.kind.gzipped };
}

function unpacked(tar: MemberSource): ByteStream {
  tar.seek(0);
  return gunzip(readAll(tar), tar.name);
}

function metadataOf(text: Uint8Array | undefined): Metadata {
  if (text !== undefined) return decodeMetadata(text);
  throw damaged('Cannot read archive: it has no "metadata.yml", so it is no container archive');
}

function noFiles({ type }: Metadata): ToolError {
  const reason = type === "skel" ? "it holds a container's configuration only" : "it has no data";
  return new ToolError("not-found", `Cannot find files in the archive: ${reason}`);
}

function refusePipe(what: string, { wantsContents }: FilesOptions): void {
  if (!wantsContents) return;
  throw new ToolError(
    "failed",
    `Cannot read the data of ${what}: in ZFS streams that pass once, data comes before it is known which file it is of`,
    {
      hints: ["Save it to a file first; if it is compressed as a whole, decompressed"],
    },
  );
}

/** Whether there is a ZFS stream in a gzip file, which is read from its beginning again. */
async function holdsStream(source: SeekableSource, what: string): Promise<boolean> {
  const unzipped = new StreamSource(gunzip(readAll(source), what));
  try {
    return beginsStream(await new PeekSource(unzipped).peek(STREAM_START_BYTES));
  } finally {
    await unzipped.close();
    source.seek(0);
  }
}

/** The first bytes, and a source that gives all of them. */
async function startOf(source: ByteSource, count: number): Promise<{ head: Buffer; all: ByteSource }> {
  const start = new PeekSource(source);
  const head = Buffer.from(await start.peek(count));
  if (!isSeekable(source)) return { head, all: start };
  source.seek(0);
  return { head, all: source };
}
