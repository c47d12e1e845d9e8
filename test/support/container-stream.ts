/** Streams of small file systems, told by their files; and archives of containers that have them. */
import { exportArchive } from "../../src/archive/export.ts";
import { ArchiveWriter } from "../../src/archive/write.ts";
import { MemorySink, sketchHead, sketchSource, type SketchStream } from "./archive.ts";
import { resealed } from "./stream-edit.ts";
import { FIRST_FILE, OBJECT, fileSystemHead, zapObject, znode } from "./synthetic-stream.ts";
import { microZap } from "./zap.ts";
import { DIRECTORY, dirent, REGULAR } from "./zpl-files.ts";
import { OT, ZplStream } from "./zpl-stream.ts";

/** What is in a directory: texts of files, other directories, symbolic links as `{ link }`. */
export interface DirectorySketch {
  [name: string]: string | { link: string } | DirectorySketch;
}

const LINK = 0o120777;
const BLOCK_BYTES = 512;
const MOUNTS = (mounts: Readonly<Record<string, string>>): string =>
  Object.entries(mounts)
    .map(
      ([dataset, at]) =>
        `- fs:\n  dataset: ${dataset}\n  mountpoint: "${at}"\n  type: bind\n  opts: bind\n  automount: true\n  temporary: false\n`,
    )
    .join("");

/** A full stream; names have one character for each byte. */
export function treeStream(tree: DirectorySketch, guid = 1n): Buffer {
  const stream = new ZplStream(true);
  const begin = stream.begin({ toGuid: guid });
  let next = FIRST_FILE;
  const records: Uint8Array[] = [];
  const entriesOf = (directory: DirectorySketch, object: number): { name: Buffer; value: bigint }[] =>
    Object.entries(directory).map(([name, content]) => ({ name: Buffer.from(name, "latin1"), value: dirent(add(content, object)) }));
  const add = (content: DirectorySketch[string], parent: number): number => {
    const object = next++;
    if (typeof content === "string") records.push(...fileRecords(stream, object, { parent, text: content }));
    else if (typeof content["link"] === "string") records.push(linkRecord(stream, object, { parent, target: content["link"] }));
    else {
      const at = records.length;
      const entries = entriesOf(content, object);
      const bonus = znode(true, { MODE: DIRECTORY, PARENT: parent, LINKS: 2, SIZE: 2 + entries.length });
      const own = zapObject(stream, { object, type: OT.directory, bonus, blocks: [microZap(entries, true)] });
      records.splice(at, 0, ...own); // before what is in it, as objects come in order
    }
    return object;
  };
  const root = entriesOf(tree, OBJECT.root);
  return resealed(Buffer.concat([begin, ...fileSystemHead(stream, root), ...records, stream.end()]));
}

/** Options of {@link containerArchive}. */
export interface ContainerSketch {
  /** Streams by dataset; the root dataset is "". */
  datasets: Readonly<Record<string, Uint8Array>>;
  /** Where subdatasets are mounted. */
  mounts?: Readonly<Record<string, string>>;
  gzip?: boolean;
  /** Written to a file, or in pieces as to a pipe. */
  kind?: "file" | "pipe";
  incremental?: Uint8Array;
}

/** An archive of format zfs. */
export async function containerArchive({
  datasets,
  mounts = {},
  gzip = false,
  kind = "file",
  incremental,
}: ContainerSketch): Promise<Buffer> {
  const sink = new MemorySink(kind);
  const names = Object.keys(datasets);
  const head = sketchHead({ datasets: names.slice(1) });
  const text = Object.keys(mounts).length === 0 ? "" : `mounts:\n${MOUNTS(mounts)}`;
  const config = Buffer.concat([Buffer.from(head.containerConfig.toString().replace(/^mounts:.*\n/m, "")), Buffer.from(text)]);
  const streams: SketchStream[] = names.map((dataset) => ({ dataset, kind: "base", bytes: datasets[dataset] as Uint8Array, gzip }));
  if (incremental !== undefined) streams.push({ dataset: "", kind: "incremental", bytes: incremental, gzip });
  const source = sketchSource({ ...head, containerConfig: config }, streams);
  await exportArchive(source, new ArchiveWriter(sink, { mtime: 1_729_850_600, chunkBytes: 5000 }), { tool: "ctar test" });
  return sink.bytes();
}

function* fileRecords(stream: ZplStream, object: number, { parent, text }: { parent: number; text: string }): Generator<Uint8Array> {
  const blocks = Math.max(1, Math.ceil(text.length / BLOCK_BYTES));
  const data = Buffer.alloc(blocks * BLOCK_BYTES);
  data.write(text, "latin1");
  yield stream.object({
    object,
    type: OT.file,
    blockSize: data.length,
    bonus: znode(true, { MODE: REGULAR, PARENT: parent, SIZE: text.length }),
  });
  if (text.length > 0) yield stream.write(object, 0, data);
}

function linkRecord(stream: ZplStream, object: number, { parent, target }: { parent: number; target: string }): Uint8Array {
  const bonus = znode(true, { MODE: LINK, PARENT: parent, SIZE: target.length, SYMLINK: Buffer.from(target) }, 3);
  return stream.object({ object, type: OT.file, blockSize: BLOCK_BYTES, bonus });
}
