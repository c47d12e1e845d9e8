/** File systems out of streams made by hand: a head that every file system has, a root directory, and objects of the test. */
import { loadDatasets } from "../../src/zfs/zpl/dataset.ts";
import type { FileSystem } from "../../src/zfs/zpl/file-system.ts";
import type { FileStatus } from "../../src/zfs/zpl/file-status.ts";
import { fileSystemHead, FIRST_FILE, OBJECT, znode } from "./synthetic-stream.ts";
import { pipeOf, VirtualFile } from "./virtual-file.ts";
import { OT, ZplStream, type BeginSketch } from "./zpl-stream.ts";
import type { AttributeValues } from "./zpl-attributes.ts";

/** First object that is a test's to use, and the root directory's. */
export const FILE: number = FIRST_FILE;
export const ROOT: number = OBJECT.root;
export const REGULAR = 0o100644;
export const DIRECTORY = 0o040755;
const DIRENT_TYPE_BITS = 60n;

/** What a stream is made of. */
export interface FilesSketch {
  littleEndian?: boolean;
  begin?: BeginSketch;
  /** Names in the root directory and their objects; left out, the root is not sent. */
  names?: Readonly<Record<string, number>>;
  /** Records of the other objects. */
  records: (stream: ZplStream) => Iterable<Uint8Array>;
}

/** The bytes of a stream. */
export function streamBytes({ littleEndian = true, begin, names, records }: FilesSketch): Buffer {
  const stream = new ZplStream(littleEndian);
  const parts: Uint8Array[] = [stream.begin(begin)];
  if (names !== undefined) {
    parts.push(
      ...fileSystemHead(
        stream,
        Object.entries(names).map(([name, object]) => ({ name: Buffer.from(name, "latin1"), value: dirent(object) })),
      ),
    );
  }
  parts.push(...records(stream), stream.end());
  return Buffer.concat(parts);
}

/** The value of a directory entry. */
export function dirent(object: number, type = 8): bigint {
  return BigInt(object) | (BigInt(type) << DIRENT_TYPE_BITS);
}

/** Loads the only dataset of some streams, from files, or as pipes bring them. */
export async function openFiles(streams: readonly Uint8Array[], { piped = false }: { piped?: boolean } = {}): Promise<FileSystem> {
  const sources = streams.map((bytes) => (piped ? pipeOf(VirtualFile.of(bytes)) : VirtualFile.of(bytes)));
  const datasets = await loadDatasets(sources.map((source, index) => ({ what: `stream ${index}`, source })));
  if (datasets[0] === undefined || datasets.length > 1) throw new Error(`${datasets.length} datasets`);
  return datasets[0].fileSystem();
}

/** A file system out of one stream. */
export async function filesOf(sketch: FilesSketch): Promise<FileSystem> {
  return openFiles([streamBytes(sketch)]);
}

/** An OBJECT record of a regular file, of the size and attributes given. */
export function fileObject(
  stream: ZplStream,
  values: AttributeValues,
  options: { object?: number; blockSize?: number; layout?: number; hasSpill?: boolean; type?: number; slots?: number } = {},
): Buffer {
  const { object = FILE, layout = 2, type = OT.file, ...rest } = options;
  return stream.object({ object, type, ...rest, bonus: znode(stream.littleEndian, { MODE: REGULAR, PARENT: ROOT, ...values }, layout) });
}

/** The status of a path. */
export async function at(files: FileSystem, path: string): Promise<FileStatus> {
  const status = await files.lookup(Buffer.from(path, "latin1"));
  if (status === undefined) throw new Error(`no ${path}`);
  return status;
}

/** The contents of a path. */
export async function contents(files: FileSystem, path: string): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(files.readFile(await at(files, path))));
}
