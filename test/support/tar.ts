/** Small archives made and read in memory, through the codec under test. */
import type { ByteStream } from "../../src/stream/bytes.ts";
import { StreamSource } from "../../src/stream/stream-source.ts";
import { paddingOf } from "../../src/stream/tar/header.ts";
import { TarReader, type TarEntry } from "../../src/stream/tar/read.ts";
import { encodeEntry, END_BLOCKS_BYTES, type EntryFields } from "../../src/stream/tar/write.ts";
import { VirtualFile } from "./virtual-file.ts";

/** An entry to make: its name, and what differs from an empty file of root's with mode 0644. */
export type EntrySketch = Partial<Omit<EntryFields, "name" | "linkname">> & { name: string; linkname?: string; data?: string | Uint8Array };

/** An entry as it was read. */
export interface ReadEntry {
  entry: TarEntry;
  data: Buffer;
}

/** Encodes one entry with its data. */
export function sketchEntry(sketch: EntrySketch): Buffer {
  const { data = "", linkname, ...fields } = sketch;
  const bytes = Buffer.from(data as string);
  const defaults = { mode: 0o644, uid: 0, gid: 0, mtimeNs: 0n, typeflag: "0" };
  const link = linkname === undefined ? {} : { linkname: Buffer.from(linkname) };
  const header = encodeEntry({ ...defaults, size: bytes.length, ...fields, ...link, name: Buffer.from(sketch.name) });
  return Buffer.concat([header, bytes, new Uint8Array(paddingOf(bytes.length))]);
}

/** Encodes an archive. */
export function sketchTar(...sketches: EntrySketch[]): Buffer {
  return Buffer.concat([...sketches.map(sketchEntry), new Uint8Array(END_BLOCKS_BYTES)]);
}

/** Bytes as a stream of chunks, the last of `chunkBytes` being repeated. */
export async function* streamOf(bytes: Uint8Array, chunkBytes: readonly number[] = [bytes.length]): ByteStream {
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const length = chunkBytes[Math.min(turn, chunkBytes.length - 1)] ?? bytes.length;
    yield bytes.slice(at, at + length);
    at += length;
  }
}

/** Options of {@link readTar}. */
export interface ReadTarOptions {
  /** Whether to read a file; else it is a pipe, in chunks of these sizes. */
  isFile?: boolean;
  chunkBytes?: readonly number[];
  /** Called with each entry as it is read, to see what came before an error. */
  keep?: (read: ReadEntry) => void;
}

/** Reads all entries. */
export async function readTar(
  bytes: Uint8Array,
  options: ReadTarOptions = {},
): Promise<{ entries: ReadEntry[]; end: "blocks" | "eof" | undefined }> {
  const tar = new TarReader(options.isFile === true ? VirtualFile.of(bytes) : new StreamSource(streamOf(bytes, options.chunkBytes)));
  const entries: ReadEntry[] = [];
  for (let entry = await tar.next(); entry !== undefined; entry = await tar.next()) {
    const chunks: Uint8Array[] = [];
    for await (const chunk of entry.body()) chunks.push(chunk);
    entries.push({ entry, data: Buffer.concat(chunks) });
    options.keep?.({ entry, data: Buffer.concat(chunks) });
  }
  return { entries, end: tar.end };
}

/** The text of a name. */
export function nameOf({ entry }: ReadEntry): string {
  return Buffer.from(entry.name).toString();
}
